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

// Entry is a row of the ledger as lists show it: what was sent and answered stays
// sealed.
type Entry struct {
	Key        string
	Subject    uuid.UUID // conversation or case
	WorkflowID string
	Connection uuid.UUID
	Connector  string
	Operation  string
	Kind       string
	State      string
	Attempt    int
	// Delivery of a message, as its channel reported it: sent, delivered, read or failed.
	Delivery              string
	ErrorClass, ErrorCode string
	WasUncertain          bool
	// ReconciledBy is [Operator] or [Provider]; empty if it settled by itself.
	ReconciledBy string
	CreatedAt    time.Time
	AttemptedAt  *time.Time
	SettledAt    *time.Time
}

// Filter selects entries; zero fields match all.
type Filter struct {
	State, Connector, Operation string
	Subject                     uuid.UUID
	Connection                  uuid.UUID
	Since, Until                time.Time
	// Uncertain selects those that were so at any time.
	Uncertain bool
	// After is the key of the last entry of the previous page.
	After string
}

// ErrNotFound tells that the workspace has no such effect.
var ErrNotFound = errors.New("ledger: no such effect")

const entryColumns = `SELECT key, subject_id, workflow_id, connection_id, connector, operation, kind, state, attempt, delivery,
	error_class, error_code, was_uncertain, reconciled_by, created_at, attempted_at, settled_at FROM effects WHERE workspace_id = $1 AND `

// List returns entries, newest first.
func (l *Ledger) List(ctx context.Context, ws uuid.UUID, f Filter, limit int) ([]Entry, error) {
	return l.entries(ctx, ws, `($2 = '' OR state = $2) AND ($3 = '' OR connector = $3) AND ($4 = '' OR operation = $4)
		AND ($5 = '00000000-0000-0000-0000-000000000000'::uuid OR subject_id = $5) AND created_at >= $6
		AND ($7 = '' OR (created_at, key) < (SELECT created_at, key FROM effects WHERE workspace_id = $1 AND key = $7))
		AND ($9 = '00000000-0000-0000-0000-000000000000'::uuid OR connection_id = $9) AND ($10::timestamptz = '0001-01-01 00:00:00+00' OR created_at < $10::timestamptz) AND (NOT $11 OR was_uncertain)
		ORDER BY created_at DESC, key DESC LIMIT $8`, f.State, f.Connector, f.Operation, f.Subject, f.Since, f.After, limit, f.Connection, f.Until, f.Uncertain)
}

// Get returns the entry of a key.
func (l *Ledger) Get(ctx context.Context, ws uuid.UUID, key string) (Entry, error) {
	got, err := l.entries(ctx, ws, `key = $2`, key)
	if err == nil && len(got) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Entry{}, err
	}
	return got[0], nil
}

func (l *Ledger) entries(ctx context.Context, ws uuid.UUID, where string, args ...any) ([]Entry, error) {
	var out []Entry
	err := l.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, entryColumns+where, append([]any{ws}, args...)...)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(r, pgx.RowToStructByPos[Entry])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	return out, nil
}

// Output is what the provider answered to an effect; nil if it is not done, is not
// known, or its key was destroyed.
func (l *Ledger) Output(ctx context.Context, ws uuid.UUID, key string) (json.RawMessage, error) {
	var sealed []byte
	err := l.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT receipt FROM effects WHERE workspace_id = $1 AND key = $2 AND state = 'done'`, ws, key).Scan(&sealed)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ledger: output: %w", err)
	}
	out, err := l.vault.Open(ctx, placeReceipt, sealed)
	if errors.Is(err, vault.ErrErased) {
		return nil, nil
	}
	return out, err
}
