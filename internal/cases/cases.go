// Package cases keeps long-lived cases: who they are for, how far they have
// come, what they wait for, and the news that is on its way to their workflows.
package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/internal/bus"
	"parley/internal/store"
	"parley/internal/vault"
	"parley/internal/vault/codec"
)

const (
	placeInput   = "cases.input"
	placeSummary = "cases.summary"
)

// Case is one case as its row tells it.
type Case struct {
	Workspace    uuid.UUID
	ID           uuid.UUID
	Kind         string
	Number       int64
	Contact      uuid.UUID
	Conversation uuid.UUID
	Connection   uuid.UUID
	WorkflowID   string
	Stage        string
	WaitingFor   string
	Outcome      string
	Open         bool
	Summary      Summary
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Summary is what the customer may be told of a case, and done with it.
type Summary struct {
	Text      string `json:"text"`
	CanCancel bool   `json:"can_cancel,omitempty"`
}

// Key names a case.
type Key struct {
	Workspace uuid.UUID
	ID        uuid.UUID
}

// News is something that a case's workflow must hear of.
type News struct {
	// Number is its place in the case.
	Number int64 `json:"number"`
	// Name is normalised: "payment.paid", "order.fulfilled", "cancel".
	Name string `json:"name"`
	// EffectKey of the effect that it belongs to, where one is known.
	EffectKey string          `json:"effect_key,omitempty"`
	Data      json.RawMessage `json:"data,omitempty"`
	At        time.Time       `json:"at"`
}

// ErrNotFound tells that the workspace has no such case.
var ErrNotFound = errors.New("cases: no such case")

// Cases is safe for concurrent use.
type Cases struct {
	db    *store.DB
	vault *vault.Vault
}

// New returns the cases of a database.
func New(db *store.DB, v *vault.Vault) *Cases { return &Cases{db, v} }

// SealRef names the key of a case.
func SealRef(ws, contact, id uuid.UUID) vault.Ref {
	return vault.Ref{Workspace: ws, Contact: contact, Purpose: vault.CasePurpose(id)}
}

// Create makes the row of a new case, once for its ID: a repeat returns the row
// that is there.
func (c *Cases) Create(ctx context.Context, n Case, input json.RawMessage) (Case, error) {
	sealed, err := c.vault.Seal(ctx, SealRef(n.Workspace, n.Contact, n.ID), placeInput, input)
	if err != nil {
		return n, err
	}
	n.WorkflowID = codec.WorkflowID(n.Kind, n.Workspace, n.Contact, n.ID)
	err = c.db.InWorkspace(ctx, n.Workspace, func(tx pgx.Tx) error { return create(ctx, tx, &n, sealed) })
	if errors.Is(err, errMadeMeanwhile) {
		err = c.db.InWorkspace(ctx, n.Workspace, func(tx pgx.Tx) error { return numberOf(ctx, tx, &n) })
	}
	if err != nil {
		return n, fmt.Errorf("cases: create: %w", err)
	}
	return n, nil
}

// errMadeMeanwhile rolls back a creation that another was faster than, with the
// number it drew, so that numbers have no holes.
var errMadeMeanwhile = errors.New("the case was made meanwhile")

func numberOf(ctx context.Context, tx pgx.Tx, n *Case) error {
	return tx.QueryRow(ctx, `SELECT number FROM cases WHERE workspace_id = $1 AND id = $2`, n.Workspace, n.ID).Scan(&n.Number)
}

func create(ctx context.Context, tx pgx.Tx, n *Case, sealed []byte) error {
	if err := numberOf(ctx, tx, n); !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	err := tx.QueryRow(ctx, `INSERT INTO case_numbers (workspace_id, kind, last) VALUES ($1, $2, 1001)
		ON CONFLICT (workspace_id, kind) DO UPDATE SET last = case_numbers.last + 1 RETURNING last`, n.Workspace, n.Kind).Scan(&n.Number)
	if err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `INSERT INTO cases (workspace_id, id, kind, number, contact_id, conversation_id, connection_id, workflow_id, input, stage)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'new') ON CONFLICT (workspace_id, id) DO NOTHING`,
		n.Workspace, n.ID, n.Kind, n.Number, n.Contact, n.Conversation, n.Connection, n.WorkflowID, sealed)
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		return errMadeMeanwhile
	}
	_, err = tx.Exec(ctx, `INSERT INTO events (workspace_id, type, subject, data) VALUES ($1, 'case.created', $2, jsonb_build_object('kind', $3::text))`,
		n.Workspace, "case/"+n.ID.String(), n.Kind)
	return err
}

// Progress is a case's step forward.
type Progress struct {
	Key
	Contact    uuid.UUID
	Stage      string
	WaitingFor string
	Outcome    string
	Open       bool
	Summary    Summary
}

// Advance records how far a case has come. It is idempotent.
func (c *Cases) Advance(ctx context.Context, p Progress) error {
	plain, err := json.Marshal(p.Summary)
	if err != nil {
		return fmt.Errorf("cases: %w", err)
	}
	sealed, err := c.vault.Seal(ctx, SealRef(p.Workspace, p.Contact, p.ID), placeSummary, plain)
	if err != nil {
		return err
	}
	err = c.db.InWorkspace(ctx, p.Workspace, func(tx pgx.Tx) error {
		var before string
		err := tx.QueryRow(ctx, `SELECT stage FROM cases WHERE workspace_id = $1 AND id = $2 FOR UPDATE`, p.Workspace, p.ID).Scan(&before)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE cases SET stage = $3, waiting_for = $4, outcome = $5, open = $6, summary = $7, updated_at = now()
			WHERE workspace_id = $1 AND id = $2`, p.Workspace, p.ID, p.Stage, p.WaitingFor, p.Outcome, p.Open, sealed)
		if err != nil || before == p.Stage {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO events (workspace_id, type, subject, data)
			VALUES ($1, 'case.stage', $2, jsonb_build_object('from', $3::text, 'to', $4::text))`, p.Workspace, "case/"+p.ID.String(), before, p.Stage)
		return err
	})
	if err != nil {
		return fmt.Errorf("cases: advance: %w", err)
	}
	return nil
}

// Tell keeps news for a case, numbered, once for each value of once. It returns
// the target to wake; its Number is zero if the news was known.
func (c *Cases) Tell(ctx context.Context, k Key, once []byte, n News) (bus.Target, error) {
	t := bus.Target{Workspace: k.Workspace, ID: k.ID, Case: true}
	err := c.db.InWorkspace(ctx, k.Workspace, func(tx pgx.Tx) error { return c.tellTx(ctx, tx, k, once, n, &t) })
	if err != nil {
		return t, fmt.Errorf("cases: tell: %w", err)
	}
	return t, nil
}

func (c *Cases) tellTx(ctx context.Context, tx pgx.Tx, k Key, once []byte, n News, t *bus.Target) error {
	var contact uuid.UUID
	err := tx.QueryRow(ctx, `SELECT contact_id, workflow_id FROM cases WHERE workspace_id = $1 AND id = $2 FOR UPDATE`, k.Workspace, k.ID).
		Scan(&contact, &t.WorkflowID)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `INSERT INTO inbox_seen (workspace_id, event) VALUES ($1, $2) ON CONFLICT DO NOTHING`, k.Workspace, once)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	err = tx.QueryRow(ctx, `UPDATE cases SET last_number = last_number + 1, updated_at = now()
		WHERE workspace_id = $1 AND id = $2 RETURNING last_number`, k.Workspace, k.ID).Scan(&t.Number)
	if err != nil {
		return err
	}
	n.Number = t.Number
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	sealed, err := c.vault.Seal(ctx, SealRef(k.Workspace, contact, k.ID), bus.PlaceBody, body)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO inbox (workspace_id, subject_id, number, kind, body) VALUES ($1, $2, $3, $4, $5)`,
		k.Workspace, k.ID, t.Number, n.Name, sealed)
	return err
}

// Undelivered returns the news that the case's workflow has not been told, in
// order, at most 100. What was erased has nothing but its number and name.
func (c *Cases) Undelivered(ctx context.Context, k Key) ([]News, error) {
	type row struct {
		Number int64
		Kind   string
		Body   []byte
	}
	var rows []row
	err := c.db.InWorkspace(ctx, k.Workspace, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT i.number, i.kind, i.body FROM cases c JOIN inbox i ON i.workspace_id = c.workspace_id AND i.subject_id = c.id AND i.number > c.dispatched
			WHERE c.workspace_id = $1 AND c.id = $2 ORDER BY i.number LIMIT 100`, k.Workspace, k.ID)
		if err != nil {
			return err
		}
		rows, err = pgx.CollectRows(r, pgx.RowToStructByPos[row])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cases: undelivered: %w", err)
	}
	news := make([]News, len(rows))
	for i, r := range rows {
		plain, err := c.vault.Open(ctx, bus.PlaceBody, r.Body)
		if errors.Is(err, vault.ErrErased) {
			news[i] = News{Number: r.Number, Name: r.Kind}
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(plain, &news[i]); err != nil {
			return nil, fmt.Errorf("cases: %w", err)
		}
	}
	return news, nil
}

// Last returns the newest news of a name that a case was ever told, and whether
// there is any. What was erased is none.
func (c *Cases) Last(ctx context.Context, k Key, name string) (News, bool, error) {
	var sealed []byte
	var news News
	err := c.db.InWorkspace(ctx, k.Workspace, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT body FROM inbox WHERE workspace_id = $1 AND subject_id = $2 AND kind = $3 ORDER BY number DESC LIMIT 1`,
			k.Workspace, k.ID, name).Scan(&sealed)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return news, false, nil
	}
	if err != nil {
		return news, false, fmt.Errorf("cases: news: %w", err)
	}
	plain, err := c.vault.Open(ctx, bus.PlaceBody, sealed)
	if errors.Is(err, vault.ErrErased) {
		return news, false, nil
	}
	if err != nil {
		return news, false, err
	}
	if err := json.Unmarshal(plain, &news); err != nil {
		return news, false, fmt.Errorf("cases: %w", err)
	}
	return news, true, nil
}

// Delivered notes that the workflow was told everything up to the number.
func (c *Cases) Delivered(ctx context.Context, k Key, number int64) error {
	err := c.db.InWorkspace(ctx, k.Workspace, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE cases SET dispatched = greatest(dispatched, $3) WHERE workspace_id = $1 AND id = $2`, k.Workspace, k.ID, number)
		return err
	})
	if err != nil {
		return fmt.Errorf("cases: delivered: %w", err)
	}
	return nil
}

const caseColumns = `workspace_id, id, kind, number, contact_id, conversation_id, connection_id, workflow_id, stage, waiting_for, outcome, open, summary, created_at, updated_at`

func (c *Cases) scan(ctx context.Context, r pgx.CollectableRow) (Case, error) {
	var k Case
	var sealed []byte
	if err := r.Scan(&k.Workspace, &k.ID, &k.Kind, &k.Number, &k.Contact, &k.Conversation, &k.Connection, &k.WorkflowID,
		&k.Stage, &k.WaitingFor, &k.Outcome, &k.Open, &sealed, &k.CreatedAt, &k.UpdatedAt); err != nil {
		return k, err
	}
	plain, err := c.vault.Open(ctx, placeSummary, sealed)
	if errors.Is(err, vault.ErrErased) || plain == nil && err == nil {
		return k, nil
	}
	if err != nil {
		return k, err
	}
	return k, json.Unmarshal(plain, &k.Summary)
}

// Get returns one case.
func (c *Cases) Get(ctx context.Context, k Key) (Case, error) {
	got, err := c.query(ctx, k.Workspace, `SELECT `+caseColumns+` FROM cases WHERE workspace_id = $1 AND id = $2`, k.Workspace, k.ID)
	if err == nil && len(got) == 0 {
		return Case{}, ErrNotFound
	}
	if err != nil {
		return Case{}, err
	}
	return got[0], nil
}

// OfContact returns the newest cases of a kind of a person, merged contacts
// included, open ones first.
func (c *Cases) OfContact(ctx context.Context, ws, contact uuid.UUID, kind string) ([]Case, error) {
	return c.query(ctx, ws, `SELECT `+caseColumns+` FROM cases WHERE workspace_id = $1 AND ($3 = '' OR kind = $3)
		AND contact_id IN (SELECT p.id FROM contacts p, (SELECT coalesce(merged_into, id) AS one FROM contacts WHERE workspace_id = $1 AND id = $2) w
			WHERE p.workspace_id = $1 AND (p.id = w.one OR p.merged_into = w.one))
		ORDER BY open DESC, created_at DESC LIMIT 20`, ws, contact, kind)
}

// Filter selects cases; empty fields match all.
type Filter struct {
	Kind, Stage, WaitingFor string
	Open                    *bool
	Contact                 uuid.UUID
	After                   uuid.UUID // the last case of the previous page
}

// List returns cases, newest first.
func (c *Cases) List(ctx context.Context, ws uuid.UUID, f Filter, limit int) ([]Case, error) {
	return c.query(ctx, ws, `SELECT `+caseColumns+` FROM cases WHERE workspace_id = $1
		AND ($2 = '' OR kind = $2) AND ($3 = '' OR stage = $3) AND ($4 = '' OR waiting_for = $4)
		AND ($5::boolean IS NULL OR open = $5) AND ($6 = '00000000-0000-0000-0000-000000000000'::uuid OR contact_id = $6)
		AND ($7 = '00000000-0000-0000-0000-000000000000'::uuid OR (created_at, id) < (SELECT created_at, id FROM cases WHERE workspace_id = $1 AND id = $7))
		ORDER BY created_at DESC, id DESC LIMIT $8`, ws, f.Kind, f.Stage, f.WaitingFor, f.Open, f.Contact, f.After, limit)
}

func (c *Cases) query(ctx context.Context, ws uuid.UUID, sql string, args ...any) ([]Case, error) {
	var out []Case
	err := c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(r, func(row pgx.CollectableRow) (Case, error) { return c.scan(ctx, row) })
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cases: %w", err)
	}
	return out, nil
}
