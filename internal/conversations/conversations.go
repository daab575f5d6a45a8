// Package conversations keeps where each conversation stands: its cursor, its
// flow's state, its owner, and its turns with what they sent.
//
// Loading, committing and finishing a turn are group commits: under load many
// conversations share one transaction.
package conversations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/contacts"
	"parley/internal/store"
	"parley/internal/vault"
)

// Places of sealed columns.
const (
	placeState   = "conversations.state"
	placeCalls   = "conversations.calls"
	PlaceRequest = "effects.request"
	PlaceReceipt = "effects.receipt"
)

// Key names a conversation.
type Key struct {
	Workspace uuid.UUID
	ID        uuid.UUID
}

// Owner is who answers a conversation.
type Owner struct {
	Kind    string // "bot", "human" or "case"
	ID      string // of the person or case
	Version int64
}

// Call is an effect whose result the conversation awaits.
type Call struct {
	Ref       string `json:"ref"`
	Key       string `json:"key"`
	Kind      string `json:"kind"` // of the flow's effect
	Connector string `json:"connector"`
	Operation string `json:"operation"`
	Block     string `json:"block,omitempty"`
	// TimeoutS bounds the call, in seconds.
	TimeoutS int `json:"timeout_s,omitempty"`
}

// Event is one event of the inbox, opened.
type Event struct {
	Number int64
	Kind   string
	Body   []byte
	Trace  string
	At     time.Time

	sealed []byte // the body as it is stored
}

// Send is an effect that sends a message, on its way.
type Send struct {
	Key         string
	State       string
	Attempt     int
	AttemptedAt time.Time
	Content     sdk.Content
	Author      string
	// Erased tells that the key of the content was destroyed: it cannot be sent.
	Erased bool
}

// Snapshot is everything that a turn needs, read in one moment.
type Snapshot struct {
	Key
	Contact    uuid.UUID
	Connection uuid.UUID
	Connector  string
	WorkflowID string
	Address    sdk.Address

	LastNumber, Cursor int64
	// PendingTurn is the first number of a turn whose sends are not settled; 0 if none.
	PendingTurn int64
	Pending     []Send // of that turn, unsettled, in order

	Flow, FlowHash string
	State          json.RawMessage
	Calls          []Call
	Owner          Owner
	Chat           *Chat     // the live chat that has it; nil if none has
	InboundAt      time.Time // zero if the customer never wrote
	Language       string
	Name           string // of the contact, where known
	// Tags of the contact, and what they agreed to, by purpose.
	Tags     []string
	Consents map[string]bool
	// Memory is what earlier conversations taught of the contact; nothing without
	// their consent.
	Memory  map[string]any
	Blocked bool
	// OptedOut tells that the customer wants no messages at this address.
	OptedOut bool
	Events   []Event // after the cursor, in order
}

// ErrMoved tells that the conversation is not where it was when it was read:
// another run of the turn has committed.
var ErrMoved = errors.New("conversations: another turn was committed meanwhile")

// ErrNotFound tells that the workspace has no such conversation.
var ErrNotFound = errors.New("conversations: no such conversation")

// Conversations is safe for concurrent use.
type Conversations struct {
	db      *store.DB
	vault   *vault.Vault
	loads   *store.Group[Key, loaded]
	commits *store.Group[commitItem, bool]
	marks   *store.Group[Mark, bool]
}

// New returns the conversations of a database.
func New(db *store.DB, v *vault.Vault) *Conversations {
	c := &Conversations{db: db, vault: v}
	c.loads = store.NewGroup(1, 200, func(k Key) uuid.UUID { return k.Workspace }, c.load)
	c.commits = store.NewGroup(1, 200, func(i commitItem) uuid.UUID { return i.Workspace }, c.commit)
	c.marks = store.NewGroup(1, 200, func(m Mark) uuid.UUID { return m.Workspace }, c.mark)
	return c
}

// MostEvents is how many events one turn takes at most; what is beyond forms
// the next turn.
const MostEvents = 100

// Load reads a conversation with its events after the cursor.
func (c *Conversations) Load(ctx context.Context, k Key) (*Snapshot, error) {
	got, err := c.loads.Do(ctx, k)
	if err != nil {
		return nil, fmt.Errorf("conversations: load: %w", err)
	}
	if got.row == nil {
		return nil, ErrNotFound
	}
	return c.open(ctx, k, got)
}

type loaded struct {
	row    *convRow
	events []eventRow
	sends  []sendRow
}

type convRow struct {
	ID, Contact, Connection uuid.UUID
	Connector, WorkflowID   string
	Address                 []byte
	LastNumber, Cursor      int64
	PendingTurn             *int64
	Flow, FlowHash          string
	State, Calls            []byte
	OwnerKind, OwnerID      string
	OwnerVersion            int64
	InboundAt               *time.Time
	Language                string
	Profile                 []byte
	Blocked, OptedOut       bool
	Chat                    *Chat
}

type eventRow struct {
	Subject uuid.UUID
	Number  int64
	Kind    string
	Body    []byte
	Trace   string
	At      time.Time
}

type sendRow struct {
	Subject     uuid.UUID
	Key, State  string
	Attempt     int
	AttemptedAt *time.Time
	Author      string
	Request     []byte
}

const (
	loadConversations = `SELECT v.id, v.contact_id, v.connection_id, v.connector, v.workflow_id, v.address,
		v.last_number, v.cursor, v.pending_turn, v.flow, v.flow_hash, v.state, v.calls,
		v.owner_kind, v.owner_id, v.owner_version, v.inbound_at, c.language, c.profile, c.blocked, v.opted_out_at IS NOT NULL, v.live_chat
		FROM conversations v JOIN contacts c ON c.workspace_id = v.workspace_id AND c.id = v.contact_id
		WHERE v.workspace_id = $1 AND v.id = ANY($2)`
	loadEvents = `SELECT e.subject_id, e.number, e.kind, e.body, e.trace, e.received_at
		FROM conversations v CROSS JOIN LATERAL (SELECT * FROM inbox i WHERE i.workspace_id = v.workspace_id
			AND i.subject_id = v.id AND i.number > v.cursor ORDER BY i.number LIMIT $3) e
		WHERE v.workspace_id = $1 AND v.id = ANY($2) AND v.last_number > v.cursor ORDER BY e.subject_id, e.number`
	loadSends = `SELECT e.subject_id, e.key, e.state, e.attempt, e.attempted_at, e.author, e.request
		FROM conversations v JOIN effects e ON e.workspace_id = v.workspace_id AND e.subject_id = v.id AND e.turn = v.pending_turn
		WHERE v.workspace_id = $1 AND v.id = ANY($2) AND v.pending_turn IS NOT NULL
			AND e.operation = 'send' AND e.state NOT IN ('done', 'failed') ORDER BY e.subject_id, e.idx`
)

// load reads several conversations. The three queries may see different
// moments; the commit's compare-and-set catches what that could spoil.
func (c *Conversations) load(ctx context.Context, ws uuid.UUID, keys []Key) ([]loaded, error) {
	at := make(map[uuid.UUID][]int, len(keys))
	ids := make([]uuid.UUID, 0, len(keys))
	for i, k := range keys {
		if at[k.ID] == nil {
			ids = append(ids, k.ID)
		}
		at[k.ID] = append(at[k.ID], i)
	}
	out := make([]loaded, len(keys))
	err := c.db.Pipeline(ctx, ws, func(b *pgx.Batch) {
		b.Queue(loadConversations, ws, ids).Query(func(r pgx.Rows) error {
			rows, err := pgx.CollectRows(r, pgx.RowToAddrOfStructByPos[convRow])
			for _, row := range rows {
				for _, i := range at[row.ID] {
					out[i].row = row
				}
			}
			return err
		})
		b.Queue(loadEvents, ws, ids, MostEvents).Query(func(r pgx.Rows) error {
			rows, err := pgx.CollectRows(r, pgx.RowToStructByPos[eventRow])
			for _, row := range rows {
				for _, i := range at[row.Subject] {
					out[i].events = append(out[i].events, row)
				}
			}
			return err
		})
		b.Queue(loadSends, ws, ids).Query(func(r pgx.Rows) error {
			rows, err := pgx.CollectRows(r, pgx.RowToStructByPos[sendRow])
			for _, row := range rows {
				for _, i := range at[row.Subject] {
					out[i].sends = append(out[i].sends, row)
				}
			}
			return err
		})
	})
	return out, err
}

// open decrypts what was read. What was sealed under a key that was destroyed
// reads as nothing: an event keeps its number and loses its body.
func (c *Conversations) open(ctx context.Context, k Key, l loaded) (*Snapshot, error) {
	r := l.row
	s := &Snapshot{
		Key: k, Contact: r.Contact, Connection: r.Connection, Connector: r.Connector, WorkflowID: r.WorkflowID,
		LastNumber: r.LastNumber, Cursor: r.Cursor, Flow: r.Flow, FlowHash: r.FlowHash,
		Owner: Owner{r.OwnerKind, r.OwnerID, r.OwnerVersion}, Language: r.Language, Blocked: r.Blocked, OptedOut: r.OptedOut, Chat: r.Chat,
	}
	if r.PendingTurn != nil {
		s.PendingTurn = *r.PendingTurn
	}
	if r.InboundAt != nil {
		s.InboundAt = *r.InboundAt
	}
	if err := c.openJSON(ctx, contacts.PlaceAddress, r.Address, &s.Address); err != nil {
		return nil, err
	}
	var profile contacts.Profile
	if err := c.openJSON(ctx, contacts.PlaceProfile, r.Profile, &profile); err != nil {
		return nil, err
	}
	s.Name, s.Tags, s.Memory = profile.Name, profile.Tags, profile.Remembered()
	if len(profile.Consents) > 0 {
		s.Consents = make(map[string]bool, len(profile.Consents))
		for purpose, consent := range profile.Consents {
			s.Consents[purpose] = consent.Granted
		}
	}
	state, err := c.vault.Open(ctx, placeState, r.State)
	if err != nil && !errors.Is(err, vault.ErrErased) {
		return nil, err
	}
	s.State = state
	if err := c.openJSON(ctx, placeCalls, r.Calls, &s.Calls); err != nil {
		return nil, err
	}
	for _, e := range l.events {
		body, err := c.vault.Open(ctx, bus.PlaceBody, e.Body)
		if err != nil && !errors.Is(err, vault.ErrErased) {
			return nil, err
		}
		s.Events = append(s.Events, Event{e.Number, e.Kind, body, e.Trace, e.At, e.Body})
	}
	for _, e := range l.sends {
		send := Send{Key: e.Key, State: e.State, Attempt: e.Attempt, Author: e.Author}
		if e.AttemptedAt != nil {
			send.AttemptedAt = *e.AttemptedAt
		}
		plain, err := c.vault.Open(ctx, PlaceRequest, e.Request)
		if send.Erased = errors.Is(err, vault.ErrErased); !send.Erased {
			if err != nil {
				return nil, err
			}
			if err := json.Unmarshal(plain, &send.Content); err != nil {
				return nil, fmt.Errorf("conversations: the request of effect %s is not readable: %w", e.Key, err)
			}
		}
		s.Pending = append(s.Pending, send)
	}
	return s, nil
}

func (c *Conversations) openJSON(ctx context.Context, place string, sealed []byte, into any) error {
	plain, err := c.vault.Open(ctx, place, sealed)
	if errors.Is(err, vault.ErrErased) || plain == nil && err == nil {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, into)
}

func (c *Conversations) sealJSON(ctx context.Context, ref vault.Ref, place string, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("conversations: %w", err)
	}
	return c.vault.Seal(ctx, ref, place, plain)
}
