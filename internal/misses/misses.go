// Package misses keeps what customers wrote and flows did not understand, so that
// people can teach them. The words are sealed with the key of the conversation:
// they are gone when it is destroyed, and after [Kept] in any case.
package misses

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/internal/bus"
	"parley/internal/store"
	"parley/internal/vault"
)

// Kept is how long a miss is kept.
const Kept = 90 * 24 * time.Hour

const place = "nlu_misses.utterance"

// Miss is a message that a flow did not understand.
type Miss struct {
	ID           uuid.UUID
	Conversation uuid.UUID
	// Number of the message within the conversation.
	Number         int64
	Flow, FlowHash string
	// Block in which it came; empty where no flow was under way.
	Block    string
	Language string
	// Guess is the intent that came nearest, with how sure the engine was of it; ""
	// if none did.
	Guess      string
	Confidence float64
	Text       string
	At         time.Time
}

// ErrNotFound tells that the workspace has no such miss.
var ErrNotFound = errors.New("misses: no such miss")

// Misses is safe for concurrent use.
type Misses struct {
	db    *store.DB
	vault *vault.Vault
}

// New returns the misses of a database.
func New(db *store.DB, v *vault.Vault) *Misses { return &Misses{db, v} }

// Keep stores misses of one contact, each message once.
func (m *Misses) Keep(ctx context.Context, ws, contact uuid.UUID, all []Miss) error {
	sealed := make([][]byte, len(all))
	for i, one := range all {
		var err error
		if sealed[i], err = m.vault.Seal(ctx, bus.ConversationKey(ws, contact), place, []byte(one.Text)); err != nil {
			return fmt.Errorf("misses: keep: %w", err)
		}
	}
	err := m.db.Pipeline(ctx, ws, func(b *pgx.Batch) {
		for i, one := range all {
			b.Queue(`INSERT INTO nlu_misses (workspace_id, id, conversation_id, number, flow, flow_hash, block, language, guess, confidence, utterance)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
				ws, uuid.Must(uuid.NewV7()), one.Conversation, one.Number, one.Flow, one.FlowHash, one.Block, one.Language, one.Guess, one.Confidence, sealed[i])
		}
	})
	if err != nil {
		return fmt.Errorf("misses: keep: %w", err)
	}
	return nil
}

// Filter selects misses; empty fields match all.
type Filter struct {
	Flow, Guess, Language string
	// Before is the ID of the last one seen.
	Before uuid.UUID
}

// List returns misses, newest first. What was erased is left out, so there may be
// fewer than limit although more follow: more tells so, and last is where to go on.
func (m *Misses) List(ctx context.Context, ws uuid.UUID, f Filter, limit int) (all []Miss, last uuid.UUID, more bool, err error) {
	type row struct {
		Miss
		sealed []byte
	}
	var rows []row
	err = m.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT id, conversation_id, number, flow, flow_hash, block, language, guess, confidence, utterance, missed_at FROM nlu_misses
			WHERE workspace_id = $1 AND ($2 = '' OR flow = $2) AND ($3 = '' OR guess = $3) AND ($4 = '' OR language = $4)
				AND ($5 = '00000000-0000-0000-0000-000000000000'::uuid OR id < $5) ORDER BY id DESC LIMIT $6`,
			ws, f.Flow, f.Guess, f.Language, f.Before, limit+1)
		if err != nil {
			return err
		}
		rows, err = pgx.CollectRows(r, func(r pgx.CollectableRow) (out row, err error) {
			err = r.Scan(&out.ID, &out.Conversation, &out.Number, &out.Flow, &out.FlowHash, &out.Block, &out.Language, &out.Guess, &out.Confidence, &out.sealed, &out.At)
			return out, err
		})
		return err
	})
	if err != nil {
		return nil, last, false, fmt.Errorf("misses: list: %w", err)
	}
	if more = len(rows) > limit; more {
		rows = rows[:limit]
	}
	for _, r := range rows {
		last = r.ID
		plain, err := m.vault.Open(ctx, place, r.sealed)
		if errors.Is(err, vault.ErrErased) {
			continue
		}
		if err != nil {
			return nil, last, false, fmt.Errorf("misses: list: %w", err)
		}
		r.Text = string(plain)
		all = append(all, r.Miss)
	}
	return all, last, more, nil
}

// Remove forgets a miss that somebody has dealt with.
func (m *Misses) Remove(ctx context.Context, ws, id uuid.UUID) error {
	err := m.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `DELETE FROM nlu_misses WHERE workspace_id = $1 AND id = $2`, ws, id)
		if err == nil && tag.RowsAffected() == 0 {
			return ErrNotFound
		}
		return err
	})
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("misses: remove: %w", err)
	}
	return err
}

// Forget removes the misses of all workspaces that are older than kept, and tells
// how many there were.
func (m *Misses) Forget(ctx context.Context, kept time.Duration) (n int64, err error) {
	if err := m.db.Pool.QueryRow(ctx, `SELECT forget_misses($1)`, kept).Scan(&n); err != nil {
		return 0, fmt.Errorf("misses: forget: %w", err)
	}
	return n, nil
}
