package outages

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Pass says what an effect may do.
type Pass struct {
	// Outage that the connection has; nil if it has none.
	Outage *Outage
	// Wait tells that the effect must wait for the end of it.
	Wait bool
	// Released tells that the effect waited and was let go on. While the outage
	// is open it is a probe, whose outcome says whether the provider works again.
	Released bool
}

// Probe tells whether the attempt is to find out if the provider works again.
func (p Pass) Probe() bool { return p.Released && p.Outage.Open() }

// Ask tells whether an effect may be attempted. What did not wait before is not
// held up by an outage that drains.
func (o *Outages) Ask(ctx context.Context, ws, connection uuid.UUID, key string) (Pass, error) {
	out, err := o.Current(ctx, ws, connection)
	if err != nil || out == nil {
		return Pass{}, err
	}
	var released bool
	err = o.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT released_at IS NOT NULL FROM outage_effects WHERE workspace_id = $1 AND outage_id = $2 AND key = $3`,
			ws, out.ID, key).Scan(&released)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Pass{Outage: out, Wait: out.Open()}, nil
	}
	return Pass{Outage: out, Wait: !released, Released: released}, wrap(err)
}

// Park makes an effect, which the ledger must know, wait for the end of a
// connection's outage. It returns nil, and the effect may be attempted, if there
// is no outage any more.
func (o *Outages) Park(ctx context.Context, ws, connection uuid.UUID, key string) (*Outage, error) {
	var found *Outage
	err := o.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT `+columns+` FROM outages o WHERE o.workspace_id = $1 AND o.connection_id = $2 AND o.drained_at IS NULL FOR SHARE OF o`, ws, connection)
		all, err := collect(r, err)
		if err != nil || len(all) == 0 {
			return err
		}
		found = &all[0]
		_, err = tx.Exec(ctx, `INSERT INTO outage_effects (workspace_id, outage_id, key, parked_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (workspace_id, outage_id, key) DO UPDATE SET released_at = NULL, told_at = NULL`, ws, found.ID, key, o.o.Now())
		return err
	})
	if err == nil && found == nil {
		o.current.Remove(connection)
	}
	return found, wrap(err)
}
