package outages

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Report is an outage with what became of the effects that waited for its end.
// The counts are of the ledger's rows as they are now.
type Report struct {
	Outage
	// Parked is how many waited; the others add up to it.
	Parked int
	// Done, Failed and Uncertain have ended so; NotSent have not been done yet.
	Done, Failed, Uncertain, NotSent int
	// Waiting of those not sent have not been let go on.
	Waiting int
}

// Reports returns a connection's outages, newest first. before is when the last
// one of the previous page opened.
func (o *Outages) Reports(ctx context.Context, ws, connection uuid.UUID, before time.Time, limit int) ([]Report, error) {
	var out []Report
	err := o.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT `+columns+`, n.* FROM outages o, LATERAL (
				SELECT count(*), count(*) FILTER (WHERE e.state = 'done'), count(*) FILTER (WHERE e.state = 'failed'),
					count(*) FILTER (WHERE e.state = 'uncertain'), count(*) FILTER (WHERE e.state IN ('planned', 'not_sent', 'attempting')),
					count(*) FILTER (WHERE p.released_at IS NULL)
				FROM outage_effects p JOIN effects e ON e.workspace_id = p.workspace_id AND e.key = p.key
				WHERE p.workspace_id = o.workspace_id AND p.outage_id = o.id) n
			WHERE o.workspace_id = $1 AND o.connection_id = $2 AND ($3::timestamptz IS NULL OR o.opened_at < $3)
			ORDER BY o.opened_at DESC LIMIT $4`, ws, connection, orNull(before), limit)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(r, func(row pgx.CollectableRow) (Report, error) {
			var p Report
			err := row.Scan(&p.Workspace, &p.ID, &p.Connection, &p.Cause, &p.OpenedAt, &p.ResumedAt, &p.DrainedAt, &p.DrainRate,
				&p.Parked, &p.Done, &p.Failed, &p.Uncertain, &p.NotSent, &p.Waiting)
			return p, err
		})
		return err
	})
	return out, wrap(err)
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
