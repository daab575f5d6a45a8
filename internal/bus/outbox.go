package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/internal/store"
)

// Said is an event of the outbox: something that the engine says happened.
type Said struct {
	// Place is where the event stands in the order of the outbox.
	Place Place
	// Type and Subject as they were written: "message.sent", "conversation/ID".
	Type, Subject string
	// Data holds identifiers, numbers and names only; it may be nil.
	Data json.RawMessage
	At   time.Time
}

// Place is a place in the order of the outbox: by the transaction that wrote the
// event, then by its number. Seq alone names the event.
type Place struct{ Xid, Seq int64 }

// SaidFilter selects events; empty fields match all.
type SaidFilter struct{ Type, Subject string }

// Outbox reads what the engine says happened. It is safe for concurrent use.
type Outbox struct{ db *store.DB }

// NewOutbox returns the outbox of a database.
func NewOutbox(db *store.DB) *Outbox { return &Outbox{db} }

// Numbers are drawn before their transactions commit, so they can become visible
// out of order. Transactions older than the oldest one that is still under way
// have all ended: what they wrote is a beginning that nothing is added to
// (https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT).
const outboxSQL = `SELECT xid::text::bigint, seq, type, subject, data, at FROM events WHERE workspace_id = $1
	AND (xid, seq) > ($2::text::xid8, $3) AND xid < pg_snapshot_xmin(pg_current_snapshot())
	AND ($4 = '' OR type = $4) AND ($5 = '' OR subject = $5) ORDER BY xid, seq LIMIT $6`

// List returns the events after a place, in order. An event is shown only when
// none can come before it any more, so a reader who goes on from the last place
// seen misses nothing.
func (o *Outbox) List(ctx context.Context, ws uuid.UUID, after Place, f SaidFilter, limit int) ([]Said, error) {
	var out []Said
	err := o.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, outboxSQL, ws, fmt.Sprint(after.Xid), after.Seq, f.Type, f.Subject, limit)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(r, func(row pgx.CollectableRow) (Said, error) {
			var s Said
			err := row.Scan(&s.Place.Xid, &s.Place.Seq, &s.Type, &s.Subject, &s.Data, &s.At)
			return s, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("bus: outbox: %w", err)
	}
	return out, nil
}
