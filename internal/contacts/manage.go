package contacts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/connectors/sdk"
	"parley/internal/vault"
)

// Contact is a person as the API shows them.
type Contact struct {
	ID         uuid.UUID
	MergedInto uuid.UUID // zero unless merged
	Profile    Profile
	Addresses  []sdk.Address
	Language   string
	Blocked    bool
	Erased     bool // the key of the profile has been destroyed
	CreatedAt  time.Time
}

// ErrNotFound tells that the workspace has no such contact.
var ErrNotFound = errors.New("contacts: no such contact")

// ErrMerge tells why two contacts cannot be merged.
var ErrMerge = errors.New("contacts: a contact that was merged, or the same one, cannot be merged")

// Get returns one contact with its addresses.
func (c *Contacts) Get(ctx context.Context, ws, id uuid.UUID) (Contact, error) {
	out := Contact{ID: id}
	var sealed []byte
	type row struct {
		Kind  string
		Value []byte
	}
	var rows []row
	err := c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `SELECT coalesce(merged_into, '00000000-0000-0000-0000-000000000000'), profile, language, blocked, created_at
			FROM contacts WHERE workspace_id = $1 AND id = $2`, ws, id).
			Scan(&out.MergedInto, &sealed, &out.Language, &out.Blocked, &out.CreatedAt)
		if err != nil {
			return err
		}
		r, err := tx.Query(ctx, `SELECT a.kind, a.value FROM contact_addresses a
			JOIN contacts c ON c.workspace_id = a.workspace_id AND c.id = a.contact_id
			WHERE a.workspace_id = $1 AND c.id IN (SELECT $2::uuid UNION ALL SELECT id FROM contacts WHERE workspace_id = $1 AND merged_into = $2)
			ORDER BY a.created_at`, ws, id)
		if err != nil {
			return err
		}
		rows, err = pgx.CollectRows(r, pgx.RowToStructByPos[row])
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return out, ErrNotFound
	}
	if err != nil {
		return out, fmt.Errorf("contacts: get: %w", err)
	}
	if err := c.openProfile(ctx, sealed, &out); err != nil {
		return out, err
	}
	for _, r := range rows {
		v, err := c.vault.Open(ctx, placeAlias, r.Value)
		if errors.Is(err, vault.ErrErased) {
			continue
		}
		if err != nil {
			return out, err
		}
		out.Addresses = append(out.Addresses, sdk.Address{Kind: r.Kind, Value: string(v)})
	}
	return out, nil
}

func (c *Contacts) openProfile(ctx context.Context, sealed []byte, out *Contact) error {
	plain, err := c.vault.Open(ctx, PlaceProfile, sealed)
	if errors.Is(err, vault.ErrErased) {
		out.Erased = true
		return nil
	}
	if err != nil || plain == nil {
		return err
	}
	return json.Unmarshal(plain, &out.Profile)
}

// List returns contacts that are not merged away, newest first, after the
// cursor (the ID of the last one seen; zero for the first page).
func (c *Contacts) List(ctx context.Context, ws, after uuid.UUID, limit int) ([]Contact, error) {
	var ids []uuid.UUID
	err := c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT id FROM contacts WHERE workspace_id = $1 AND merged_into IS NULL
			AND ($2 = '00000000-0000-0000-0000-000000000000'::uuid OR id < $2) ORDER BY id DESC LIMIT $3`, ws, after, limit)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(r, pgx.RowTo[uuid.UUID])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("contacts: list: %w", err)
	}
	out := make([]Contact, 0, len(ids))
	for _, id := range ids {
		contact, err := c.Get(ctx, ws, id)
		if err != nil {
			return nil, err
		}
		out = append(out, contact)
	}
	return out, nil
}

// Merge makes from an alias of into: its addresses lead there from now on, and
// its conversations and cases keep their own keys and histories. If either was
// blocked, the person is.
func (c *Contacts) Merge(ctx context.Context, ws, from, into uuid.UUID, actor string) error {
	if from == into {
		return ErrMerge
	}
	err := c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		var n int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM (SELECT 1 FROM contacts WHERE workspace_id = $1
			AND id IN ($2, $3) ORDER BY id FOR UPDATE) both_of_them`, ws, from, into).Scan(&n); err != nil {
			return err
		}
		if n != 2 {
			return ErrNotFound
		}
		tag, err := tx.Exec(ctx, `UPDATE contacts SET merged_into = $3 WHERE workspace_id = $1 AND id = $2 AND merged_into IS NULL
			AND EXISTS (SELECT FROM contacts WHERE workspace_id = $1 AND id = $3 AND merged_into IS NULL)`, ws, from, into)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return ErrMerge
		}
		// Those merged into it before follow, so that one step always leads to the person.
		if _, err := tx.Exec(ctx, `UPDATE contacts SET merged_into = $3 WHERE workspace_id = $1 AND merged_into = $2`, ws, from, into); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE contacts SET blocked = true WHERE workspace_id = $1 AND (id = $2 OR merged_into = $2)
			AND EXISTS (SELECT FROM contacts WHERE workspace_id = $1 AND (id = $2 OR merged_into = $2) AND blocked)`, ws, into); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO audit (workspace_id, actor, action, object) VALUES ($1, $2, 'contact.merge', $3)`,
			ws, actor, from.String()+" into "+into.String())
		return err
	})
	c.known.Purge()
	return err
}

// SetBlocked blocks or unblocks a person, with all contacts merged: what a
// blocked one writes is kept and never answered.
func (c *Contacts) SetBlocked(ctx context.Context, ws, id uuid.UUID, blocked bool, actor string) error {
	err := c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE contacts c SET blocked = $3
			FROM (SELECT coalesce(merged_into, id) AS one FROM contacts WHERE workspace_id = $1 AND id = $2) who
			WHERE c.workspace_id = $1 AND (c.id = who.one OR c.merged_into = who.one)`, ws, id, blocked)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return ErrNotFound
		}
		_, err = tx.Exec(ctx, `INSERT INTO audit (workspace_id, actor, action, object) VALUES ($1, $2, $3, $4)`,
			ws, actor, map[bool]string{true: "contact.block", false: "contact.unblock"}[blocked], id.String())
		return err
	})
	c.known.Purge()
	return err
}
