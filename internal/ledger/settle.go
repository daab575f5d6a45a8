package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/internal/vault"
)

// Who settles an effect whose outcome was unknown.
const (
	Operator = "operator"
	Provider = "provider" // it was asked
)

const placeNote = "effects.note"

// abandoned is how long after its begin an attempt cannot be under way any more: an
// activity has a minute.
const abandoned = 2 * time.Minute

// ErrSettled tells that there is nothing to settle: the outcome is known, or an
// attempt is under way that will tell.
var ErrSettled = errors.New("ledger: the outcome of the effect is known, or is about to be")

// Open is an effect whose outcome is unknown, with what is needed to ask for it.
type Open struct {
	Entry
	Workspace uuid.UUID
	// Request is what was asked for, nil if it was erased. A call of a flow has it in
	// the form in which its turn planned it.
	Request json.RawMessage
	sealed  []byte
}

// Unsettled returns an effect whose outcome is unknown. It is ErrSettled if there is
// nothing to settle.
func (l *Ledger) Unsettled(ctx context.Context, ws uuid.UUID, key string) (Open, error) {
	entry, err := l.Get(ctx, ws, key)
	if err != nil {
		return Open{}, err
	}
	out := Open{Entry: entry, Workspace: ws}
	if entry.State != Uncertain && !(entry.State == Attempting && entry.AttemptedAt != nil && time.Since(*entry.AttemptedAt) > abandoned) {
		return out, ErrSettled
	}
	err = l.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT request FROM effects WHERE workspace_id = $1 AND key = $2`, ws, key).Scan(&out.sealed)
	})
	if err != nil {
		return out, fmt.Errorf("ledger: unsettled: %w", err)
	}
	if out.Request, err = l.vault.Open(ctx, placeRequest, out.sealed); errors.Is(err, vault.ErrErased) {
		out.sealed, err = nil, nil
	}
	return out, err
}

// Verdict is what became of an effect whose outcome was unknown.
type Verdict struct {
	Done bool
	// By is Operator or Provider, Actor who it was, for the audit trail.
	By, Actor string
	Note      string
	// Output of the operation, if it was done and is known.
	Output json.RawMessage
	// Ref is the provider's ID of what was made, if known.
	Ref string
}

// Settle records the verdict. What was done is settled with its output; what was not
// may be attempted again. It is ErrSettled, and changes nothing, if another attempt
// has begun since o was read or has told the outcome.
func (l *Ledger) Settle(ctx context.Context, o Open, v Verdict) error {
	receipt, ref, note, err := l.sealVerdict(ctx, o, v)
	if err != nil {
		return err
	}
	state := NotSent
	if v.Done {
		state = Done
	}
	err = l.db.InWorkspace(ctx, o.Workspace, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE effects SET state = $4, receipt = $5, ref_index = coalesce($6, ref_index), note = coalesce($7, note),
				reconciled_by = $8, was_uncertain = true, in_doubt = false, error_class = '', error_code = '',
				first_attempt_at = CASE WHEN $4 = 'done' THEN first_attempt_at END,
				settled_at = CASE WHEN $4 = 'done' THEN now() END
			WHERE workspace_id = $1 AND key = $2 AND attempt = $3
				AND (state = 'uncertain' OR state = 'attempting' AND attempted_at < now() - $9::interval)`,
			o.Workspace, o.Key, o.Attempt, state, receipt, ref, note, v.By, abandoned)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return ErrSettled
		}
		if _, err := tx.Exec(ctx, `INSERT INTO events (workspace_id, type, subject, data) VALUES ($1, 'effect.reconciled', 'effect/' || $2::text,
			jsonb_build_object('connector', $3::text, 'operation', $4::text, 'state', $5::text, 'by', $6::text))`,
			o.Workspace, o.Key, o.Connector, o.Operation, state, v.By); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO audit (workspace_id, actor, action, object) VALUES ($1, $2, $3, $4)`,
			o.Workspace, v.Actor, "effect.reconcile."+state, "effect/"+o.Key)
		return err
	})
	if err != nil && !errors.Is(err, ErrSettled) {
		return fmt.Errorf("ledger: settle: %w", err)
	}
	return err
}

func (l *Ledger) sealVerdict(ctx context.Context, o Open, v Verdict) (receipt, ref, note []byte, err error) {
	if v.Done && o.sealed != nil { // else whoever it was about has been erased
		of, err := l.vault.RefOf(ctx, o.sealed)
		if err != nil {
			return nil, nil, nil, err
		}
		output := v.Output
		if output == nil {
			output = json.RawMessage(`{}`)
		}
		if receipt, err = l.vault.Seal(ctx, of, placeReceipt, output); err != nil {
			return nil, nil, nil, err
		}
	}
	if v.Ref != "" {
		if ref, err = RefIndex(ctx, l.vault, o.Workspace, o.Connector, v.Ref); err != nil {
			return nil, nil, nil, err
		}
	}
	if v.Note != "" {
		note, err = l.vault.Seal(ctx, vault.ForWorkspace(o.Workspace), placeNote, []byte(v.Note))
	}
	return receipt, ref, note, err
}

// Note returns what the operator remarked who settled an effect; empty if nothing.
func (l *Ledger) Note(ctx context.Context, ws uuid.UUID, key string) (string, error) {
	var sealed []byte
	err := l.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT note FROM effects WHERE workspace_id = $1 AND key = $2`, ws, key).Scan(&sealed)
	})
	if err != nil {
		return "", fmt.Errorf("ledger: note: %w", err)
	}
	plain, err := l.vault.Open(ctx, placeNote, sealed)
	return string(plain), err
}

// Doubtful is an effect that [Ledger.Doubtful] found.
type Doubtful struct {
	Workspace uuid.UUID
	Key       string
}

// Doubtful lists effects of all workspaces whose outcome is unknown and whose last
// attempt began between the two ages, oldest first.
func (l *Ledger) Doubtful(ctx context.Context, youngest, oldest time.Duration, most int) ([]Doubtful, error) {
	rows, err := l.db.Pool.Query(ctx, `SELECT workspace_id, key FROM doubtful_effects($1, $2, $3)`, youngest, oldest, most)
	if err != nil {
		return nil, fmt.Errorf("ledger: doubtful: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Doubtful])
}
