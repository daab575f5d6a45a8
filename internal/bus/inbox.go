// Package bus is the inbox and the outbox: what comes in is numbered and kept
// before it is acknowledged, what the engine says happened is kept for others to
// read. It also wakes conversations and cases for what has come in.
package bus

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"parley/internal/store"
	"parley/internal/vault"
)

// Kinds of events in the inbox of a conversation. The first five are a flow's.
const (
	KindMessage  = "message"
	KindResult   = "call_result"
	KindTimer    = "timer"
	KindProvider = "provider"
	KindReturned = "returned" // a human gave the conversation back
	KindTaken    = "taken"    // a human took it
	KindAgent    = "agent"    // a human says something
	KindTell     = "tell"     // a case says something
	KindParked   = "parked"   // a call waits for the end of its provider's outage
	KindHandoff  = "handoff"  // it was given to whoever answers next of several people
)

// PlaceBody is where an event's body is sealed.
const PlaceBody = "inbox.body"

// Session is how long a conversation may be silent before what follows counts
// as a new session.
const Session = 30 * time.Minute

// Arrival is one event on its way into a conversation's inbox.
type Arrival struct {
	Workspace    uuid.UUID
	Conversation uuid.UUID
	Contact      uuid.UUID // whose key seals the body
	WorkflowID   string
	// Once identifies the event over repeated deliveries: see [Once]. Nil
	// means that it cannot be repeated.
	Once []byte
	Kind string
	Body []byte // plain; it is sealed here
	// Trace is the W3C traceparent of what brought it.
	Trace string
}

// Arrived says what became of an arrival.
type Arrived struct {
	// Number is its place in the conversation; zero for a duplicate.
	Number    int64
	Duplicate bool
	// At is the time at which it was kept.
	At time.Time
}

// Once makes the identifier of an event from its parts, a hash: providers' event
// IDs can hold phone numbers. key is secret where the parts are personal.
func Once(key []byte, parts ...string) []byte {
	h := sha256.New()
	h.Write(key)
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return h.Sum(nil)[:20]
}

// Inbox keeps what comes in. It is safe for concurrent use.
type Inbox struct {
	db    *store.DB
	vault *vault.Vault
	group *store.Group[sealed, Arrived]
}

type sealed struct {
	Arrival
	body []byte
}

// NewInbox returns the inbox of a database.
func NewInbox(db *store.DB, v *vault.Vault) *Inbox {
	in := &Inbox{db: db, vault: v}
	in.group = store.NewGroup(1, 500, func(s sealed) uuid.UUID { return s.Workspace }, in.flush)
	return in
}

// Keep numbers the event within its conversation and stores it. When it returns
// without an error the event is durable. Many callers share one transaction.
func (in *Inbox) Keep(ctx context.Context, a Arrival) (Arrived, error) {
	body, err := in.vault.Seal(ctx, ConversationKey(a.Workspace, a.Contact), PlaceBody, a.Body)
	if err != nil {
		return Arrived{}, err
	}
	out, err := in.group.Do(ctx, sealed{a, body})
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok && pe.Code == divisionByZero {
		return Arrived{}, ErrUnknown
	}
	if err != nil {
		return out, fmt.Errorf("bus: keep: %w", err)
	}
	return out, nil
}

// ErrUnknown tells that the workspace has no such conversation; nothing was kept.
var ErrUnknown = errors.New("bus: there is no such conversation in the workspace")

const divisionByZero = "22012" // see keepSQL

// ConversationKey names the key of what is said with a contact.
func ConversationKey(ws, contact uuid.UUID) vault.Ref {
	return vault.Ref{Workspace: ws, Contact: contact, Purpose: vault.Conversation}
}

// keepSQL does in one statement: forget what was seen before, lock the
// conversations in one order, number, store, and note sessions that begin.
const keepSQL = `
WITH input AS (
    SELECT * FROM unnest($2::uuid[], $3::bytea[], $4::text[], $5::bytea[], $6::text[])
        WITH ORDINALITY AS t(conversation, once, kind, body, trace, ord)
), fresh AS (
    INSERT INTO inbox_seen (workspace_id, event)
    SELECT $1, once FROM input WHERE once IS NOT NULL ORDER BY once
    ON CONFLICT DO NOTHING RETURNING event
), mine AS (
    SELECT i.*, row_number() OVER (PARTITION BY conversation ORDER BY ord) AS rn,
        row_number() OVER (PARTITION BY conversation, kind = 'message' ORDER BY ord) AS spoken
    FROM input i WHERE once IS NULL OR once IN (SELECT event FROM fresh)
), counts AS (
    SELECT conversation, count(*) AS n, count(*) FILTER (WHERE kind = 'message') AS messages, bool_or(kind = 'message') AS spoke FROM mine GROUP BY conversation
), locked AS (
    SELECT c.id, c.inbound_at FROM conversations c
    WHERE c.workspace_id = $1 AND c.id IN (SELECT conversation FROM counts) ORDER BY c.id FOR UPDATE
), bumped AS (
    UPDATE conversations c SET
        last_number = c.last_number + n.n,
        shown = c.shown + n.messages,
        event_at = now(),
        inbound_at = CASE WHEN n.spoke THEN now() ELSE c.inbound_at END,
        session_at = CASE WHEN n.spoke AND (l.inbound_at IS NULL OR l.inbound_at < now() - $7::interval) THEN now() ELSE c.session_at END
    FROM locked l JOIN counts n ON n.conversation = l.id
    WHERE c.workspace_id = $1 AND c.id = l.id
    RETURNING c.id, c.last_number - n.n AS base, c.shown - n.messages AS shown, n.spoke AND (l.inbound_at IS NULL OR l.inbound_at < now() - $7::interval) AS begins
), stored AS (
    INSERT INTO inbox (workspace_id, subject_id, number, kind, seq, body, trace)
    SELECT $1, m.conversation, b.base + m.rn, m.kind, CASE WHEN m.kind = 'message' THEN b.shown + m.spoken END, m.body, m.trace FROM mine m JOIN bumped b ON b.id = m.conversation
), said AS (
    INSERT INTO events (workspace_id, type, subject, data)
    SELECT $1, 'session.started', 'conversation/' || id, NULL FROM bumped WHERE begins
    UNION ALL
    SELECT $1, 'message.received', 'conversation/' || m.conversation, jsonb_build_object('number', b.base + m.rn)
    FROM mine m JOIN bumped b ON b.id = m.conversation WHERE m.kind = 'message'
)
-- A conversation that does not exist divides by zero: its event fails, and
-- nothing is remembered of it.
SELECT m.ord, b.base + m.rn + 0 / (b.id IS NOT NULL)::int, now() FROM mine m LEFT JOIN bumped b ON b.id = m.conversation`

func (in *Inbox) flush(ctx context.Context, ws uuid.UUID, items []sealed) ([]Arrived, error) {
	n := len(items)
	convs, onces, bodies := make([]uuid.UUID, n), make([][]byte, n), make([][]byte, n)
	kinds, traces := make([]string, n), make([]string, n)
	out := make([]Arrived, n)
	inBatch := make(map[string]bool, n)
	rows := 0
	position := make([]int, 0, n) // row in the statement → item
	for i, it := range items {
		if it.Once != nil {
			if inBatch[string(it.Once)] {
				out[i].Duplicate = true
				continue
			}
			inBatch[string(it.Once)] = true
		}
		convs[rows], onces[rows], bodies[rows], kinds[rows], traces[rows] = it.Conversation, it.Once, it.body, it.Kind, it.Trace
		position = append(position, i)
		out[i].Duplicate = true // unless the statement returns it
		rows++
	}
	write := func() error {
		return in.db.Pipeline(ctx, ws, func(b *pgx.Batch) {
			b.Queue(keepSQL, ws, convs[:rows], onces[:rows], kinds[:rows], bodies[:rows], traces[:rows], Session).
				Query(func(r pgx.Rows) error {
					for r.Next() {
						var ord, number int64
						var at time.Time
						if err := r.Scan(&ord, &number, &at); err != nil {
							return err
						}
						out[position[ord-1]] = Arrived{Number: number, At: at}
					}
					return r.Err()
				})
		})
	}
	err := write()
	for i := 0; i < 3 && store.Retryable(err); i++ {
		err = write()
	}
	return out, err
}
