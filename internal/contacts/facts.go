package contacts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/internal/vault"
)

// Bounds of what is known of a contact: tags and purposes of consent.
const (
	MaxTags     = 100
	MaxConsents = 100
)

// ErrFull tells that a contact has as many tags or consents as there may be.
var ErrFull = errors.New("contacts: the contact has too many tags or consents")

// Consent is what a person agreed to, or no longer does, and since when.
type Consent struct {
	Granted bool      `json:"granted"`
	At      time.Time `json:"at"`
}

// Tag gives a contact a tag, or takes it off. To do so again changes nothing.
func (c *Contacts) Tag(ctx context.Context, ws, id uuid.UUID, tag string, remove bool) error {
	return c.change(ctx, ws, id, func(p *Profile) error {
		at, has := slices.BinarySearch(p.Tags, tag)
		switch {
		case has && remove:
			p.Tags = slices.Delete(p.Tags, at, at+1)
		case !has && !remove && len(p.Tags) >= MaxTags:
			return ErrFull
		case !has && !remove:
			p.Tags = slices.Insert(p.Tags, at, tag)
		}
		return nil
	})
}

// Consent records what a contact agreed to at a time, or no longer does. What was
// recorded later stays.
func (c *Contacts) Consent(ctx context.Context, ws, id uuid.UUID, purpose string, granted bool, at time.Time) error {
	return c.change(ctx, ws, id, func(p *Profile) error {
		before, known := p.Consents[purpose]
		switch {
		case known && before.At.After(at):
			return nil
		case !known && len(p.Consents) >= MaxConsents:
			return ErrFull
		case p.Consents == nil:
			p.Consents = map[string]Consent{}
		}
		p.Consents[purpose] = Consent{granted, at.UTC()}
		if purpose == PurposeMemory && !granted {
			p.Memory = nil
		}
		return nil
	})
}

// SetLanguage records the language that a contact wants to be spoken to in, a BCP
// 47 tag.
func (c *Contacts) SetLanguage(ctx context.Context, ws, id uuid.UUID, language string) error {
	err := c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE contacts SET language = $3 WHERE workspace_id = $1 AND id = $2`, ws, id, language)
		if err == nil && tag.RowsAffected() == 0 {
			return ErrNotFound
		}
		return err
	})
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("contacts: language: %w", err)
	}
	return err
}

// change rewrites a profile under the contact's lock. That of a contact who was
// erased stays so, and nothing is an error then.
func (c *Contacts) change(ctx context.Context, ws, id uuid.UUID, edit func(*Profile) error) error {
	return c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		var sealed []byte
		err := tx.QueryRow(ctx, `SELECT profile FROM contacts WHERE workspace_id = $1 AND id = $2 FOR UPDATE`, ws, id).Scan(&sealed)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		var p Profile
		plain, err := c.vault.Open(ctx, PlaceProfile, sealed)
		if errors.Is(err, vault.ErrErased) {
			return nil
		}
		if err == nil && plain != nil {
			err = json.Unmarshal(plain, &p)
		}
		if err == nil {
			err = edit(&p)
		}
		if err != nil {
			return err
		}
		if plain, err = json.Marshal(p); err != nil {
			return err
		}
		if sealed, err = c.vault.Seal(ctx, profileRef(ws, id), PlaceProfile, plain); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE contacts SET profile = $3 WHERE workspace_id = $1 AND id = $2`, ws, id, sealed)
		return err
	})
}
