// Package ledger is the record of every effect on the outside world: what was
// planned, when it was attempted, what the provider answered. A row says
// attempting, and is committed, before a request leaves, so that a crash can
// never hide one.
//
// Sends of messages are written to the same table by package conversations, with
// the turn that they belong to; this package serves operations of connectors.
package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/connectors/sdk"
	"parley/internal/store"
	"parley/internal/vault"
)

// States of an effect.
const (
	Planned    = "planned"
	Attempting = "attempting"
	Done       = "done"
	NotSent    = "not_sent"  // failed before it left: may be attempted again
	Uncertain  = "uncertain" // may have happened
	Failed     = "failed"    // refused for good
)

const (
	placeRequest = "effects.request"
	placeReceipt = "effects.receipt"
)

// Effect is one operation to be done once.
type Effect struct {
	Workspace  uuid.UUID
	Key        string
	Subject    uuid.UUID // conversation or case
	SealWith   vault.Ref
	WorkflowID string
	Connection uuid.UUID
	Connector  string
	Operation  string
	Effect     sdk.Effect
	Input      json.RawMessage
}

// Decision says what an attempt may do.
type Decision struct {
	// Attempt is its number, from 1.
	Attempt int
	// Settled tells that there is nothing to do: Output or Error hold how it ended.
	Settled bool
	Output  json.RawMessage
	Error   *sdk.Error
	// Find tells to search for the effect of an earlier attempt, not before
	// FindAfter. If there is none, [Ledger.Repeat] comes before doing it again.
	Find      bool
	FindAfter time.Time
	// Uncertain tells that an earlier attempt may have happened and nothing
	// can prove it: it must not be repeated.
	Uncertain bool
}

// Ledger is safe for concurrent use.
type Ledger struct {
	db    *store.DB
	vault *vault.Vault
}

// New returns the ledger of a database.
func New(db *store.DB, v *vault.Vault) *Ledger { return &Ledger{db, v} }

// Begin records that an attempt is about to be made and decides whether it may.
// The decision follows from the effect's kind and from what earlier attempts left:
//
//   - settled: its outcome is given again;
//   - read, or keyed within the key's lifetime: attempt again;
//   - lookup: search first, when the provider's search has settled;
//   - once, or keyed after the lifetime: an earlier attempt that is not known to
//     have failed before it left makes it uncertain.
//
// That an attempt failed before it left says nothing of those before it: once one
// was uncertain, only a settled outcome ends that, or [Ledger.Settle].
func (l *Ledger) Begin(ctx context.Context, e Effect) (Decision, error) {
	request, err := l.vault.Seal(ctx, e.SealWith, placeRequest, e.Input)
	if err != nil {
		return Decision{}, err
	}
	var d Decision
	var receipt []byte
	err = l.db.InWorkspace(ctx, e.Workspace, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO effects (workspace_id, key, subject_id, workflow_id, connection_id, connector,
				operation, kind, state, attempt, request, first_attempt_at, attempted_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'attempting', 1, $9, now(), now()) ON CONFLICT DO NOTHING`,
			e.Workspace, e.Key, e.Subject, e.WorkflowID, e.Connection, e.Connector, e.Operation, e.Effect.Kind, request)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 1 {
			d = Decision{Attempt: 1}
			return nil
		}
		d, receipt, err = again(ctx, tx, e)
		return err
	})
	if err != nil {
		return Decision{}, fmt.Errorf("ledger: begin: %w", err)
	}
	if receipt != nil {
		if d.Output, err = l.vault.Open(ctx, placeReceipt, receipt); err != nil && !errors.Is(err, vault.ErrErased) {
			return Decision{}, err
		}
		if d.Error != nil { // what Finish kept of a failure
			stored := *d.Error
			if json.Unmarshal(d.Output, d.Error) != nil {
				*d.Error = stored
			}
			d.Output = nil
		}
	}
	return d, nil
}

// Plan records an effect that cannot be attempted now, unless it is known already.
// It reports whether it may wait: one that is settled need not, and one whose
// earlier attempt may have happened and must not be repeated is for [Ledger.Begin]
// to judge.
func (l *Ledger) Plan(ctx context.Context, e Effect) (bool, error) {
	request, err := l.vault.Seal(ctx, e.SealWith, placeRequest, e.Input)
	if err != nil {
		return false, err
	}
	var state string
	err = l.db.InWorkspace(ctx, e.Workspace, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO effects (workspace_id, key, subject_id, workflow_id, connection_id, connector, operation, kind, state, request)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'planned', $9) ON CONFLICT DO NOTHING`,
			e.Workspace, e.Key, e.Subject, e.WorkflowID, e.Connection, e.Connector, e.Operation, e.Effect.Kind, request)
		if err != nil {
			return err
		}
		// A turn plans an effect before it is known by which connection it goes.
		return tx.QueryRow(ctx, `UPDATE effects SET connection_id = $3, connector = $4, kind = $5 WHERE workspace_id = $1 AND key = $2 RETURNING state`,
			e.Workspace, e.Key, e.Connection, e.Connector, e.Effect.Kind).Scan(&state)
	})
	if err != nil {
		return false, fmt.Errorf("ledger: plan: %w", err)
	}
	switch state {
	case Done, Failed:
		return false, nil
	case Attempting, Uncertain:
		return e.Effect.Kind != sdk.Once, nil
	}
	return true, nil
}

// again decides on a row that is there.
func again(ctx context.Context, tx pgx.Tx, e Effect) (Decision, []byte, error) {
	var state, class, code string
	var attempt int
	var inDoubt bool
	var receipt []byte
	var first, last *time.Time
	var now time.Time
	err := tx.QueryRow(ctx, `SELECT state, attempt, receipt, error_class, error_code, in_doubt, first_attempt_at, attempted_at, now()
		FROM effects WHERE workspace_id = $1 AND key = $2 FOR UPDATE`, e.Workspace, e.Key).
		Scan(&state, &attempt, &receipt, &class, &code, &inDoubt, &first, &last, &now)
	if err != nil {
		return Decision{}, nil, err
	}
	d := Decision{Attempt: attempt + 1}
	switch {
	case state == Done:
		return Decision{Attempt: attempt, Settled: true}, receipt, nil
	case state == Failed:
		return Decision{Attempt: attempt, Settled: true, Error: &sdk.Error{Class: sdk.Class(class), Code: code, Message: "it failed before"}}, receipt, nil
	case state == Planned || e.Effect.Kind == sdk.Read:
	case state == NotSent && !inDoubt:
	case e.Effect.Kind == sdk.Keyed && first != nil && now.Sub(*first) < e.Effect.KeyLifetime:
	case e.Effect.Kind == sdk.Lookup:
		d.Find = true
		if last != nil {
			d.FindAfter = last.Add(e.Effect.Settle)
		}
	default:
		_, err := tx.Exec(ctx, `UPDATE effects SET state = 'uncertain', was_uncertain = true, in_doubt = true WHERE workspace_id = $1 AND key = $2`, e.Workspace, e.Key)
		return Decision{Attempt: attempt, Uncertain: true}, nil, err
	}
	if d.Find && now.Before(d.FindAfter) {
		return d, nil, nil // not an attempt yet
	}
	// A turn plans an effect before it is known by which connection it goes.
	_, err = tx.Exec(ctx, `UPDATE effects SET state = 'attempting', attempt = attempt + 1, kind = $4, connection_id = $5, connector = $6,
		was_uncertain = was_uncertain OR $4 <> 'read' AND state IN ('attempting', 'uncertain'),
		in_doubt = in_doubt OR $4 <> 'read' AND state IN ('attempting', 'uncertain'),
		first_attempt_at = coalesce(first_attempt_at, now()),
		attempted_at = CASE WHEN $3 THEN attempted_at ELSE now() END
		WHERE workspace_id = $1 AND key = $2`, e.Workspace, e.Key, d.Find, string(e.Effect.Kind), e.Connection, e.Connector)
	return d, nil, err
}

// Repeat records that the search for earlier attempts found nothing and that the
// effect is done again now. It reports false, and it must not be done, if another
// attempt has begun since or the effect is settled.
func (l *Ledger) Repeat(ctx context.Context, e Effect, attempt int) (bool, error) {
	var moved bool
	err := l.db.InWorkspace(ctx, e.Workspace, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE effects SET attempted_at = now() WHERE workspace_id = $1 AND key = $2 AND attempt = $3 AND state = 'attempting'`,
			e.Workspace, e.Key, attempt)
		moved = tag.RowsAffected() == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("ledger: repeat: %w", err)
	}
	return moved, nil
}

// Outcome is how an attempt ended.
type Outcome struct {
	Output json.RawMessage
	// Error of an attempt that failed; nil means done.
	Error *sdk.Error
	// Ref is the provider's ID of what was made, by which its events find us.
	Ref string
}

// State is what an attempt's outcome means for an effect of a kind.
func (o Outcome) State(kind sdk.EffectKind) string {
	switch {
	case o.Error == nil:
		return Done
	case o.Error.Class == sdk.Throttled, !o.Error.Wrote && o.Error.Class == sdk.Unavailable:
		return NotSent
	case o.Error.Class == sdk.Uncertain, o.Error.Class == sdk.Unavailable:
		if kind == sdk.Read {
			return NotSent
		}
		return Uncertain
	default:
		return Failed
	}
}

// Finish records how an attempt ended. It reports false if the effect was
// settled meanwhile by another attempt or by the provider's echo.
func (l *Ledger) Finish(ctx context.Context, e Effect, attempt int, o Outcome) (bool, error) {
	var err error
	var plain, sealed, ref []byte
	if plain = o.Output; o.Error != nil {
		if plain, err = json.Marshal(o.Error); err != nil {
			return false, err
		}
	}
	if plain != nil {
		if sealed, err = l.vault.Seal(ctx, e.SealWith, placeReceipt, plain); err != nil {
			return false, err
		}
	}
	if o.Ref != "" {
		if ref, err = RefIndex(ctx, l.vault, e.Workspace, e.Connector, o.Ref); err != nil {
			return false, err
		}
	}
	class, code := "", ""
	if o.Error != nil {
		class, code = string(o.Error.Class), o.Error.Code
	}
	state := o.State(e.Effect.Kind)
	moved := false
	err = l.db.InWorkspace(ctx, e.Workspace, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE effects SET state = $4, receipt = $5, ref_index = coalesce($6, ref_index),
				error_class = $7, error_code = $8, was_uncertain = was_uncertain OR $4 = 'uncertain',
				in_doubt = in_doubt OR $4 = 'uncertain', settled_at = CASE WHEN $4 IN ('done', 'failed') THEN now() END
			WHERE workspace_id = $1 AND key = $2 AND (attempt = $3 OR $4 = 'done') AND state NOT IN ('done', 'failed')`,
			e.Workspace, e.Key, attempt, state, sealed, ref, class, code)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		moved = true
		_, err = tx.Exec(ctx, `INSERT INTO events (workspace_id, type, subject, data)
			VALUES ($1, 'effect.' || $2::text, 'effect/' || $3::text, jsonb_build_object('connector', $4::text, 'operation', $5::text, 'attempt', $6::int))`,
			e.Workspace, state, e.Key, e.Connector, e.Operation, attempt)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("ledger: finish: %w", err)
	}
	return moved, nil
}

// RefOf is the provider's ID of what an operation made: the field order_id of its
// output, else id; empty if there is none.
func RefOf(output json.RawMessage) string {
	var o struct {
		ID      string `json:"id"`
		OrderID string `json:"order_id"`
	}
	if json.Unmarshal(output, &o) != nil {
		return ""
	}
	if o.OrderID != "" {
		return o.OrderID
	}
	return o.ID
}

// RefIndex is the blind index of a provider's identifier: some hold phone numbers.
func RefIndex(ctx context.Context, v *vault.Vault, ws uuid.UUID, connector, ref string) ([]byte, error) {
	return v.Index(ctx, ws, "ref:"+connector, ref)
}
