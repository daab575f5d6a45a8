// Package chores does what connections need from time to time: it sees to it that
// their providers push to us, and asks those for news that do not push, or not all.
// The schedule is in the database; of all workers one does a chore at a time.
package chores

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/connectors/sdk"
	"parley/internal/connections"
	"parley/internal/store"
	"parley/internal/vault"
)

// Kinds of chores.
const (
	Subscribe = "subscribe"
	Poll      = "poll"
)

const placeCursor = "connection_chores.cursor"

// How long things take and rest.
const (
	// leaseTime is how long a worker has for a chore; one that dies is replaced then.
	leaseTime = 2 * time.Minute
	// timeout bounds a chore, so that its lease is still its own when it ends.
	timeout = 90 * time.Second
	// subscribeEvery is how often subscriptions are looked after: providers delete
	// those whose webhooks fail for some hours or days.
	subscribeEvery = 6 * time.Hour
	// pollEvery is the pause between polls for connectors that declare none.
	pollEvery = time.Minute
	// idleEvery is how often a chore that does not apply is looked at again: a newer
	// program may be able to do it.
	idleEvery = 24 * time.Hour
	// firstPause and longestPause bound the pauses after failures, which double.
	firstPause, longestPause = 15 * time.Second, time.Hour
)

// Sweeper does what is due. Fill in all fields that are not marked as optional.
type Sweeper struct {
	DB          *store.DB
	Vault       *vault.Vault
	Connections *connections.Connections
	// Hook is the public address of a connection's webhooks.
	Hook func(*connections.Connection) (string, error)
	// Accept takes polled events in: the same way as webhooks'.
	Accept func(context.Context, *connections.Connection, []sdk.Event) error
	Log    *slog.Logger
	// OnDone, optional, counts runs: outcome is done, failed or idle.
	OnDone func(connector, kind, outcome string)
	// Every is the pause between sweeps, 1 s by default; Most how many chores are
	// done at once, 16 by default.
	Every time.Duration
	Most  int
}

// Run does what is due until ctx ends. A provider that hangs holds up no other: what
// is under way takes one of the places, and the others are filled again.
func (s *Sweeper) Run(ctx context.Context) {
	every := s.Every
	if every == 0 {
		every = time.Second
	}
	tick, forget := time.NewTicker(every), time.NewTicker(time.Minute)
	defer tick.Stop()
	defer forget.Stop()
	places := make(chan struct{}, s.most())
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		due, err := s.lease(ctx, cap(places)-len(places))
		if err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "chores of connections could not be looked for", "error", err)
		}
		for _, c := range due {
			places <- struct{}{}
			wg.Go(func() {
				defer func() { <-places }()
				if err := s.do(ctx, c); err != nil && ctx.Err() == nil {
					s.Log.WarnContext(ctx, "a chore of a connection could not be done", "kind", c.kind, "connection", c.connection, "error", err)
				}
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-forget.C:
			if _, err := s.DB.Pool.Exec(ctx, `SELECT forget_credentials()`); err != nil && ctx.Err() == nil {
				s.Log.WarnContext(ctx, "replaced credentials could not be forgotten", "error", err)
			}
		case <-tick.C:
		}
	}
}

func (s *Sweeper) most() int {
	if s.Most == 0 {
		return 16
	}
	return s.Most
}

// chore is one that is leased. until tells the lease from later ones.
type chore struct {
	workspace, connection uuid.UUID
	kind                  string
	until                 time.Time
}

// Sweep does what is due now, once, and returns how much that was.
func (s *Sweeper) Sweep(ctx context.Context) (int, error) {
	due, err := s.lease(ctx, s.most())
	if err != nil {
		return 0, err
	}
	errs := make([]error, len(due))
	var wg sync.WaitGroup
	for i, c := range due {
		wg.Go(func() { errs[i] = s.do(ctx, c) })
	}
	wg.Wait()
	return len(due), errors.Join(errs...)
}

// lease takes what is due.
func (s *Sweeper) lease(ctx context.Context, most int) ([]chore, error) {
	if most == 0 {
		return nil, nil
	}
	rows, err := s.DB.Pool.Query(ctx, `SELECT workspace_id, connection_id, kind, leased_until FROM due_chores($1, $2)`, leaseTime, most)
	if err != nil {
		return nil, fmt.Errorf("chores: %w", err)
	}
	due, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (chore, error) {
		var c chore
		err := r.Scan(&c.workspace, &c.connection, &c.kind, &c.until)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("chores: %w", err)
	}
	return due, nil
}

// result is how a chore went.
type result struct {
	idle bool // the connection has no such chore
	next time.Duration
	// cursor goes on from here, if set.
	cursor *string
	err    error
}

// do does one chore and writes down how it went. Its error is the engine's own: that
// a provider fails is a result.
func (s *Sweeper) do(ctx context.Context, c chore) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	k, err := s.Connections.Get(ctx, c.workspace, c.connection)
	if errors.Is(err, connections.ErrNotFound) {
		return nil // and its chores are gone with it
	}
	connector := "unknown"
	r := result{err: err}
	if err == nil {
		connector = k.Connector.Name
		r = s.attempt(ctx, c, k)
	}
	if ctx.Err() != nil && r.err != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil // we are being stopped: the lease runs out
	}
	outcome := "done"
	switch {
	case r.err != nil:
		outcome = "failed"
	case r.idle:
		outcome = "idle"
	}
	if s.OnDone != nil {
		s.OnDone(connector, c.kind, outcome)
	}
	record, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return s.record(record, c, r)
}

func (s *Sweeper) attempt(ctx context.Context, c chore, k *connections.Connection) result {
	ctx = sdk.WithOperation(ctx, c.kind)
	switch c.kind {
	case Subscribe:
		sub, ok := k.Conn.(sdk.Subscriber)
		if !ok {
			return result{idle: true}
		}
		hook, err := s.Hook(k)
		if err == nil {
			err = sub.Subscribe(ctx, hook)
		}
		return result{err: err, next: subscribeEvery}
	case Poll:
		if p, ok := k.Conn.(sdk.Poller); ok {
			return s.poll(ctx, c, k, p)
		}
	}
	return result{idle: true}
}

// poll asks once. The cursor moves only when everything before it is safe, so a
// crash asks again, and what was taken in already is known.
func (s *Sweeper) poll(ctx context.Context, c chore, k *connections.Connection, p sdk.Poller) result {
	cursor, err := s.cursor(ctx, c)
	if err != nil {
		return result{err: err}
	}
	events, next, err := p.Poll(ctx, cursor)
	if err != nil {
		r := result{err: err}
		if class := sdk.AsError(err).Class; cursor != "" && (class == sdk.NotFound || class == sdk.Invalid) {
			r.cursor = new(string) // it knows the cursor no more: begin anew
		}
		return r
	}
	if len(events) > 0 {
		if err := s.Accept(ctx, k, events); err != nil {
			return result{err: err}
		}
	}
	r := result{cursor: &next, next: k.Connector.PollEvery}
	if r.next == 0 {
		r.next = pollEvery
	}
	if next != cursor && len(events) >= full {
		r.next = 0 // there is more
	}
	return r
}

// full is the size of a poll's answer after which the next one comes at once.
const full = 100

func (s *Sweeper) cursor(ctx context.Context, c chore) (string, error) {
	var sealed []byte
	err := s.DB.InWorkspace(ctx, c.workspace, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT cursor FROM connection_chores WHERE workspace_id = $1 AND connection_id = $2 AND kind = $3`, c.workspace, c.connection, c.kind).Scan(&sealed)
	})
	if err != nil {
		return "", err
	}
	plain, err := s.Vault.Open(ctx, placeCursor, sealed)
	return string(plain), err
}

// record writes the result down, if the lease is still the worker's own.
func (s *Sweeper) record(ctx context.Context, c chore, r result) error {
	var sealed []byte
	var err error
	if r.cursor != nil {
		if sealed, err = s.Vault.Seal(ctx, vault.ForWorkspace(c.workspace), placeCursor, []byte(*r.cursor)); err != nil {
			return err
		}
	}
	next, class, code, text := r.next, "", "", ""
	if r.idle {
		next = idleEvery
	}
	if r.err != nil {
		e := &sdk.Error{Class: sdk.Unavailable, Message: "a part of the engine failed; its log says why"}
		if !errors.As(r.err, &e) {
			s.Log.WarnContext(ctx, "a chore of a connection failed", "kind", c.kind, "connection", c.connection, "error", r.err)
		}
		class, code, text, next = string(e.Class), e.Code, e.Message, e.RetryAfter
	}
	return s.DB.InWorkspace(ctx, c.workspace, func(tx pgx.Tx) error {
		var failures int
		err := tx.QueryRow(ctx, `SELECT failures FROM connection_chores WHERE workspace_id = $1 AND connection_id = $2 AND kind = $3 AND leased_until = $4 FOR UPDATE`,
			c.workspace, c.connection, c.kind, c.until).Scan(&failures)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // configured anew meanwhile, or another's by now
		}
		if err != nil {
			return err
		}
		if r.err == nil {
			failures = 0
		} else {
			next = max(next, pause(failures))
			failures++
		}
		_, err = tx.Exec(ctx, `UPDATE connection_chores SET leased_until = NULL, due_at = now() + $5::interval, applies = $6, cursor = coalesce($7, cursor),
				failures = $8, tried_at = now(), done_at = CASE WHEN $8 = 0 AND $6 THEN now() ELSE done_at END,
				error_class = $9, error_code = $10, error = $11
			WHERE workspace_id = $1 AND connection_id = $2 AND kind = $3 AND leased_until = $4`,
			c.workspace, c.connection, c.kind, c.until, spread(next), !r.idle, sealed, failures, class, code, text)
		return err
	})
}

// pause is how long to rest after so many failures before this one.
func pause(failures int) time.Duration {
	return min(firstPause<<min(failures, 20), longestPause)
}

// spread shifts a time by up to a tenth, so that what began together does not stay
// together.
func spread(d time.Duration) time.Duration {
	if d < 10 {
		return d
	}
	return d + rand.N(d/10)
}
