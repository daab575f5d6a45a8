// Package outages makes a provider's outage one thing, which all workers and the
// API see: since when a connection is left alone, which effects wait for the end
// of it, and how they go on when it is over, slowly and the oldest first.
//
// An outage is open until it is resumed, then it drains until nothing waits. One
// that a circuit opened is probed by letting one effect through now and then; one
// that an operator opened waits for the operator.
package outages

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/jackc/pgx/v5"
	"parley/connectors/sdk"
	"parley/internal/store"
)

// Causes of an outage.
const (
	Circuit  = "circuit"  // the provider failed several times in a row
	Operator = "operator" // somebody paused the connection
)

// ErrNone tells that a connection has no outage.
var ErrNone = errors.New("outages: the connection has none")

// Outage of one connection.
type Outage struct {
	Workspace  uuid.UUID
	ID         uuid.UUID
	Connection uuid.UUID
	Cause      string
	OpenedAt   time.Time
	ResumedAt  *time.Time // nil while it is open
	DrainedAt  *time.Time // nil while something may wait
	// DrainRate is how many effects a second go on after it.
	DrainRate float64
}

// Open tells whether the connection is left alone.
func (o Outage) Open() bool { return o.ResumedAt == nil }

// Options of [New]; zero values mean the defaults.
type Options struct {
	// Fresh is how long a process goes on with what it knows, 1 s: how soon it
	// notices an outage that another one opened. Negative means to look each time.
	Fresh time.Duration
	// ProbeAfter is the time until an outage of a circuit is probed, 11 s: a bit
	// more than a circuit takes to let a request through. It doubles with each
	// probe that fails, up to 10 times as much.
	ProbeAfter time.Duration
	// Now is the clock.
	Now func() time.Time
}

// Outages is safe for concurrent use.
type Outages struct {
	db      *store.DB
	o       Options
	current *expirable.LRU[uuid.UUID, *Outage] // by connection; nil for none
}

// New returns the outages of a database.
func New(db *store.DB, o Options) *Outages {
	if o.Fresh == 0 {
		o.Fresh = time.Second
	}
	if o.ProbeAfter == 0 {
		o.ProbeAfter = 11 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	kept := o.Fresh
	if kept < 0 {
		kept = time.Second // and never asked
	}
	return &Outages{db: db, o: o, current: expirable.NewLRU[uuid.UUID, *Outage](10_000, nil, kept)}
}

// DefaultRate is how fast a connection drains unless it is told otherwise: half of
// what its provider allows, so that what is new meanwhile has room, or 10 a second.
func DefaultRate(l sdk.Limits) float64 {
	if l.PerSecond > 0 {
		return l.PerSecond / 2
	}
	return 10
}

const columns = `o.workspace_id, o.id, o.connection_id, o.cause, o.opened_at, o.resumed_at, o.drained_at,
	coalesce((SELECT c.drain_rate FROM connections c WHERE c.workspace_id = o.workspace_id AND c.id = o.connection_id), o.drain_rate)`

func collect(r pgx.Rows, err error) ([]Outage, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(r, pgx.RowToStructByPos[Outage])
}

// Current returns a connection's outage, open or draining, as it was at most
// [Options.Fresh] ago; nil if there is none.
func (o *Outages) Current(ctx context.Context, ws, connection uuid.UUID) (*Outage, error) {
	if known, ok := o.current.Get(connection); ok && o.o.Fresh > 0 {
		return known, nil
	}
	var found *Outage
	err := o.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT `+columns+` FROM outages o WHERE o.workspace_id = $1 AND o.connection_id = $2 AND o.drained_at IS NULL`, ws, connection)
		all, err := collect(r, err)
		if len(all) > 0 {
			found = &all[0]
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("outages: %w", err)
	}
	o.current.Add(connection, found)
	return found, nil
}

// Begin opens an outage of a connection, unless there is one: then one that drains
// is open again, and one of a circuit becomes the operator's. Effects that were
// let go and are not settled wait again. by is who did it, for the audit trail.
func (o *Outages) Begin(ctx context.Context, ws, connection uuid.UUID, cause string, rate float64, by string) error {
	now := o.o.Now()
	var probe *time.Time
	if cause == Circuit {
		at := now.Add(o.o.ProbeAfter)
		probe = &at
	}
	defer o.current.Remove(connection)
	return wrap(o.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		var id uuid.UUID
		var fresh bool
		err := tx.QueryRow(ctx, `INSERT INTO outages AS o (workspace_id, id, connection_id, cause, opened_at, drain_rate, probe_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (workspace_id, connection_id) WHERE drained_at IS NULL DO UPDATE SET
				cause = CASE WHEN 'operator' IN (o.cause, $4) AND o.resumed_at IS NULL THEN 'operator' ELSE $4 END,
				resumed_at = NULL, drained_to = NULL, probe_at = $7, probes = 0
			WHERE o.resumed_at IS NOT NULL OR o.cause <> $4 AND $4 = 'operator'
			RETURNING id, id = $2`, ws, uuid.Must(uuid.NewV7()), connection, cause, now, rate, probe).Scan(&id, &fresh)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // it is open
		}
		if err != nil {
			return err
		}
		if !fresh {
			if _, err := tx.Exec(ctx, `UPDATE outage_effects p SET released_at = NULL, told_at = NULL FROM effects e
				WHERE p.workspace_id = $1 AND p.outage_id = $2 AND e.workspace_id = $1 AND e.key = p.key AND e.state NOT IN ('done', 'failed')`, ws, id); err != nil {
				return err
			}
		}
		return said(ctx, tx, ws, connection, by, "opened")
	}))
}

// Resume ends a connection's outage: what waits goes on from now on, at the
// connection's drain rate. It returns ErrNone if none is open.
func (o *Outages) Resume(ctx context.Context, ws, connection uuid.UUID, by string) error {
	defer o.current.Remove(connection)
	return wrap(o.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE outages SET resumed_at = $3, probe_at = NULL
			WHERE workspace_id = $1 AND connection_id = $2 AND resumed_at IS NULL`, ws, connection, o.o.Now())
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return ErrNone
		}
		return said(ctx, tx, ws, connection, by, "resumed")
	}))
}

// SetDrainRate sets how many effects a second a connection lets go on after an
// outage, from now on; zero means the default again.
func (o *Outages) SetDrainRate(ctx context.Context, ws, connection uuid.UUID, rate float64, by string) error {
	return wrap(o.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE connections SET drain_rate = nullif($3::double precision, 0) WHERE workspace_id = $1 AND id = $2`, ws, connection, rate); err != nil {
			return err
		}
		return audit(ctx, tx, ws, connection, by, "connection.drain_rate")
	}))
}

// Downtime is how long a connection was out between two times, and its open
// outage, if there is one.
func (o *Outages) Downtime(ctx context.Context, ws, connection uuid.UUID, from, to time.Time) (time.Duration, *Outage, error) {
	var all []Outage
	err := o.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT `+columns+` FROM outages o WHERE o.workspace_id = $1 AND o.connection_id = $2
			AND o.opened_at < $4 AND coalesce(o.resumed_at, 'infinity') > $3`, ws, connection, from, to)
		all, err = collect(r, err)
		return err
	})
	var sum time.Duration
	var open *Outage
	for i, out := range all {
		begin, end := out.OpenedAt, to
		if out.Open() {
			open = &all[i]
		} else if out.ResumedAt.Before(to) {
			end = *out.ResumedAt
		}
		if begin.Before(from) {
			begin = from
		}
		sum += end.Sub(begin)
	}
	return sum, open, wrap(err)
}

// said puts into the outbox and the audit trail what became of an outage.
func said(ctx context.Context, tx pgx.Tx, ws, connection uuid.UUID, by, what string) error {
	if _, err := tx.Exec(ctx, `INSERT INTO events (workspace_id, type, subject) VALUES ($1, 'outage.' || $2::text, 'connection/' || $3::text)`,
		ws, what, connection.String()); err != nil || by == "" {
		return err
	}
	return audit(ctx, tx, ws, connection, by, map[string]string{"opened": "connection.pause", "resumed": "connection.resume"}[what])
}

func audit(ctx context.Context, tx pgx.Tx, ws, connection uuid.UUID, by, action string) error {
	_, err := tx.Exec(ctx, `INSERT INTO audit (workspace_id, actor, action, object) VALUES ($1, $2, $3, $4)`, ws, by, action, connection.String())
	return err
}

func wrap(err error) error {
	if err != nil && !errors.Is(err, ErrNone) {
		return fmt.Errorf("outages: %w", err)
	}
	return err
}
