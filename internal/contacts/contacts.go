// Package contacts knows people by their addresses. A person may have several,
// on several channels; two contacts that prove to be one person are merged.
package contacts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/jackc/pgx/v5"
	"parley/connectors/sdk"
	"parley/internal/store"
	"parley/internal/vault"
	"parley/internal/vault/codec"
)

// Contacts finds and makes contacts and their conversations. It is safe for
// concurrent use.
type Contacts struct {
	db    *store.DB
	vault *vault.Vault
	known *expirable.LRU[string, Conversation]
}

// New returns the contacts of a database.
func New(db *store.DB, v *vault.Vault) *Contacts {
	return &Contacts{db: db, vault: v, known: expirable.NewLRU[string, Conversation](100_000, nil, time.Minute)}
}

// Channel is the connection over which somebody writes.
type Channel struct {
	Workspace  uuid.UUID
	Connection uuid.UUID
	Connector  string
}

// Conversation names the conversation with one address.
type Conversation struct {
	Workspace  uuid.UUID
	ID         uuid.UUID
	Contact    uuid.UUID
	WorkflowID string
	// Channel is the connector's name.
	Channel string
	// Blocked tells that what the contact writes is kept and never answered. It
	// may be a minute old.
	Blocked bool
}

// Profile is what is known of a contact, sealed as one value.
type Profile struct {
	Name       string         `json:"name,omitempty"`
	Attributes map[string]any `json:"attributes,omitempty"`
	// Tags in alphabetical order; Consents by their purpose.
	Tags     []string           `json:"tags,omitempty"`
	Consents map[string]Consent `json:"consents,omitempty"`
	// Memory is what conversations taught, by name; see [Profile.Remembered].
	Memory map[string]Memory `json:"memory,omitempty"`
}

// alias is one address, ready to be looked up.
type alias struct {
	sdk.Address
	scope uuid.UUID
	index []byte
}

// Places of sealed columns.
const (
	// PlaceProfile is where a contact's profile is sealed.
	PlaceProfile = "contacts.profile"
	placeAlias   = "contact_addresses.value"
	// PlaceAddress is where a conversation's address is sealed.
	PlaceAddress = "conversations.address"
)

// Conversation finds the conversation of the person whose addresses are given,
// making contact and conversation if they are new, and remembers addresses that
// are new of a known person. The first address is the one to answer to.
func (c *Contacts) Conversation(ctx context.Context, ch Channel, from []sdk.Address, name string) (Conversation, error) {
	if len(from) == 0 || from[0].Value == "" {
		return Conversation{}, sdk.Invalidf("the message names no sender")
	}
	cacheKey := ch.Connection.String() + from[0].Kind + ":" + from[0].Value
	if len(from) == 1 {
		if conv, ok := c.known.Get(cacheKey); ok {
			return conv, nil
		}
	}
	aliases, err := c.aliases(ctx, ch, from)
	if err != nil {
		return Conversation{}, err
	}
	var conv Conversation
	err = c.db.InWorkspace(ctx, ch.Workspace, func(tx pgx.Tx) error {
		if err := lockAliases(ctx, tx, aliases); err != nil {
			return err
		}
		contact, err := c.findOrMake(ctx, tx, ch, aliases, name)
		if err != nil {
			return err
		}
		conv, err = c.conversationOf(ctx, tx, ch, contact, aliases)
		return err
	})
	if err != nil {
		return Conversation{}, fmt.Errorf("contacts: %w", err)
	}
	c.known.Add(cacheKey, conv)
	return conv, nil
}

// aliases indexes addresses. A phone number names a person everywhere, anything
// else only within its connection.
func (c *Contacts) aliases(ctx context.Context, ch Channel, from []sdk.Address) ([]alias, error) {
	out := make([]alias, 0, len(from))
	for _, a := range from {
		scope := ch.Connection
		if a.Kind == "phone" {
			scope = uuid.Nil
		}
		idx, err := c.vault.Index(ctx, ch.Workspace, "address:"+a.Kind, a.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, alias{a, scope, idx})
	}
	return out, nil
}

// lockAliases makes two first messages of one person wait for each other.
func lockAliases(ctx context.Context, tx pgx.Tx, aliases []alias) error {
	idx := make([][]byte, len(aliases))
	for i, a := range aliases {
		idx[i] = a.index
	}
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(h) FROM
		(SELECT DISTINCT ('x' || substr(encode(i, 'hex'), 1, 16))::bit(64)::bigint AS h FROM unnest($1::bytea[]) i ORDER BY 1) locks`, idx)
	return err
}

func (c *Contacts) findOrMake(ctx context.Context, tx pgx.Tx, ch Channel, aliases []alias, name string) (uuid.UUID, error) {
	var contact uuid.UUID
	var missing []alias
	for _, a := range aliases {
		var id uuid.UUID
		err := tx.QueryRow(ctx, `SELECT coalesce(c.merged_into, c.id) FROM contact_addresses a
			JOIN contacts c ON c.workspace_id = a.workspace_id AND c.id = a.contact_id
			WHERE a.workspace_id = $1 AND a.kind = $2 AND a.scope = $3 AND a.index = $4`,
			ch.Workspace, a.Kind, a.scope, a.index).Scan(&id)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			missing = append(missing, a)
		case err != nil:
			return uuid.Nil, err
		case contact == uuid.Nil:
			contact = id
		}
	}
	if contact == uuid.Nil {
		contact = uuid.Must(uuid.NewV7())
		profile, err := json.Marshal(Profile{Name: name})
		if err != nil {
			return uuid.Nil, err
		}
		sealed, err := c.vault.Seal(ctx, profileRef(ch.Workspace, contact), PlaceProfile, profile)
		if err != nil {
			return uuid.Nil, err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO contacts (workspace_id, id, profile) VALUES ($1, $2, $3)`,
			ch.Workspace, contact, sealed); err != nil {
			return uuid.Nil, err
		}
	}
	for _, a := range missing {
		sealed, err := c.vault.Seal(ctx, profileRef(ch.Workspace, contact), placeAlias, []byte(a.Value))
		if err != nil {
			return uuid.Nil, err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO contact_addresses (workspace_id, kind, scope, index, contact_id, value)
			VALUES ($1, $2, $3, $4, $5, $6)`, ch.Workspace, a.Kind, a.scope, a.index, contact, sealed); err != nil {
			return uuid.Nil, err
		}
	}
	return contact, nil
}

func profileRef(ws, contact uuid.UUID) vault.Ref {
	return vault.Ref{Workspace: ws, Contact: contact, Purpose: vault.Profile}
}

// conversationOf finds the contact's conversation on the channel: the one with
// this very address, else the oldest. After a merge there may be several. It
// keeps the contact that it began with, whose keys seal it.
func (c *Contacts) conversationOf(ctx context.Context, tx pgx.Tx, ch Channel, contact uuid.UUID, aliases []alias) (Conversation, error) {
	conv, err := existing(ctx, tx, ch, contact, aliases)
	if !errors.Is(err, pgx.ErrNoRows) {
		return conv, err
	}
	// Two of a person's addresses may write for the first time at once.
	if _, err := tx.Exec(ctx, `SELECT FROM contacts WHERE workspace_id = $1 AND id = $2 FOR NO KEY UPDATE`, ch.Workspace, contact); err != nil {
		return conv, err
	}
	if conv, err = existing(ctx, tx, ch, contact, aliases); !errors.Is(err, pgx.ErrNoRows) {
		return conv, err
	}
	return c.make(ctx, tx, ch, contact, aliases[0])
}

func existing(ctx context.Context, tx pgx.Tx, ch Channel, contact uuid.UUID, aliases []alias) (Conversation, error) {
	idx := make([][]byte, len(aliases))
	for i, a := range aliases {
		idx[i] = a.index
	}
	conv := Conversation{Workspace: ch.Workspace, Channel: ch.Connector}
	err := tx.QueryRow(ctx, `SELECT v.id, v.contact_id, v.workflow_id, c.blocked FROM conversations v
		JOIN contacts c ON c.workspace_id = v.workspace_id AND c.id = v.contact_id
		WHERE v.workspace_id = $1 AND v.connection_id = $2
			AND v.contact_id IN (SELECT $3::uuid UNION ALL SELECT id FROM contacts WHERE workspace_id = $1 AND merged_into = $3)
		ORDER BY v.address_index = ANY($4) DESC, v.created_at LIMIT 1`,
		ch.Workspace, ch.Connection, contact, idx).Scan(&conv.ID, &conv.Contact, &conv.WorkflowID, &conv.Blocked)
	return conv, err
}

// make makes a conversation. Its address is sealed under the profile's key: a
// chat can be erased, and what the person writes afterwards is answered.
func (c *Contacts) make(ctx context.Context, tx pgx.Tx, ch Channel, contact uuid.UUID, to alias) (Conversation, error) {
	conv := Conversation{Workspace: ch.Workspace, Contact: contact, Channel: ch.Connector, ID: uuid.Must(uuid.NewV7())}
	conv.WorkflowID = codec.WorkflowID("conversation", ch.Workspace, contact, conv.ID)
	addr, err := json.Marshal(to.Address)
	if err != nil {
		return conv, err
	}
	sealed, err := c.vault.Seal(ctx, profileRef(ch.Workspace, contact), PlaceAddress, addr)
	if err != nil {
		return conv, err
	}
	err = tx.QueryRow(ctx, `INSERT INTO conversations (workspace_id, id, contact_id, connection_id, connector, workflow_id, address, address_index)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING (SELECT blocked FROM contacts WHERE workspace_id = $1 AND id = $3)`,
		ch.Workspace, conv.ID, contact, ch.Connection, ch.Connector, conv.WorkflowID, sealed, to.index).Scan(&conv.Blocked)
	return conv, err
}

// Find looks up the conversation of an address without making one.
func (c *Contacts) Find(ctx context.Context, ch Channel, a sdk.Address) (Conversation, bool, error) {
	aliases, err := c.aliases(ctx, ch, []sdk.Address{a})
	if err != nil {
		return Conversation{}, false, err
	}
	conv := Conversation{Workspace: ch.Workspace, Channel: ch.Connector}
	err = c.db.InWorkspace(ctx, ch.Workspace, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT v.id, v.contact_id, v.workflow_id, c.blocked FROM conversations v
			JOIN contacts c ON c.workspace_id = v.workspace_id AND c.id = v.contact_id
			WHERE v.workspace_id = $1 AND v.connection_id = $2 AND v.address_index = $3`,
			ch.Workspace, ch.Connection, aliases[0].index).Scan(&conv.ID, &conv.Contact, &conv.WorkflowID, &conv.Blocked)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Conversation{}, false, nil
	}
	if err != nil {
		return Conversation{}, false, fmt.Errorf("contacts: find: %w", err)
	}
	return conv, true, nil
}
