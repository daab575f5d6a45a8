package conversations

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/store"
)

// Planned is an effect that a turn commits to the ledger.
type Planned struct {
	Key       string
	Index     int
	Operation string // "send", or a connector's
	Connector string
	Kind      sdk.EffectKind
	// State is "planned", "attempting" for the send that follows at once, or
	// "done" on channels of our own.
	State   string
	Request any // sealed as JSON
	// Author of a send: who says it, AuthorBot, AuthorAgent or AuthorCase.
	Author string
	// Connection of the effect; the conversation's own for sends.
	Connection uuid.UUID
}

// Who says something, on our side.
const (
	AuthorBot   = "bot"
	AuthorAgent = "agent"
	AuthorCase  = "case"
)

// Note is an event for the outbox: names and numbers only.
type Note struct {
	Type string
	Data json.RawMessage
}

// Turn is what one turn decided, to be committed whole or not at all.
type Turn struct {
	Snapshot *Snapshot
	// Last is the newest event taken.
	Last     int64
	Flow     string
	FlowHash string
	State    json.RawMessage
	Calls    []Call
	// Due is when the conversation must be looked at although nothing new has come;
	// zero if never.
	Due time.Time
	// Owner, if set, replaces the owner (compare-and-set on its version).
	Owner *Owner
	Queue string // with Owner: the agents' queue, or ""
	// Chat is the live chat that has the conversation after the turn; nil if none has.
	Chat *Chat
	// Effects in the order in which they happen.
	Effects []Planned
	// Pending tells that sends remain to be settled.
	Pending bool
	Entered []string
	Missed  bool
	// Stood is the block where the flow stands after the turn; empty for none.
	Stood string
	Notes []Note
	// Consent, if set, is what the customer decided about further messages.
	Consent Consent
	// Announce tells listeners that there are new messages: on channels of our own.
	Announce bool
}

// Consent is a customer's decision about messages at the conversation's address.
type Consent string

const (
	// OptedOut wants none.
	OptedOut Consent = "out"
	// OptedIn wants them again.
	OptedIn Consent = "in"
)

// Announced is the PostgreSQL channel on which the IDs of conversations with new
// messages are announced.
const Announced = "parley_messages"

// First is the number of the turn's first event: what its keys are made of.
func (t *Turn) First() int64 { return t.Snapshot.Cursor + 1 }

type commitItem struct {
	*Turn
	Workspace    uuid.UUID
	state, calls []byte
	requests     [][]byte
}

// Commit stores a turn: cursor, state, ledger rows and notes, in one
// transaction with other turns. ErrMoved tells that another run was first.
func (c *Conversations) Commit(ctx context.Context, t *Turn) error {
	ref := bus.ConversationKey(t.Snapshot.Workspace, t.Snapshot.Contact)
	item := commitItem{Turn: t, Workspace: t.Snapshot.Workspace}
	var err error
	if item.state, err = c.vault.Seal(ctx, ref, placeState, t.State); err != nil {
		return err
	}
	if len(t.Calls) > 0 {
		if item.calls, err = c.sealJSON(ctx, ref, placeCalls, t.Calls); err != nil {
			return err
		}
	}
	for _, e := range t.Effects {
		req, err := c.sealJSON(ctx, ref, PlaceRequest, e.Request)
		if err != nil {
			return err
		}
		item.requests = append(item.requests, req)
	}
	ok, err := c.commits.Do(ctx, item)
	if err != nil {
		return fmt.Errorf("conversations: commit: %w", err)
	}
	if !ok {
		return ErrMoved
	}
	return nil
}

const commitSQL = `
WITH input AS (
    SELECT * FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bytea[], $8::bytea[],
        $9::boolean[], $10::text[], $11::text[], $12::bigint[], $13::text[], $14::boolean[], $15::text[], $28::boolean[], $29::int[],
        $32::timestamptz[], $33::text[], $34::text[], $35::text[])
        AS t(id, cursor, last, flow, hash, state, calls, pending, owner_kind, owner_id, owner_version, queue, missed, entered, announce, sends, due, consent, chat, stood)
), locked AS ( -- in one order, the inbox's too, so that batches never wait for each other in a circle
    SELECT v.id FROM conversations v WHERE v.workspace_id = $1 AND v.id = ANY($2) ORDER BY v.id FOR UPDATE
), ok AS (
    UPDATE conversations v SET cursor = i.last, shown = v.shown + i.sends, flow = i.flow, flow_hash = i.hash, state = i.state, calls = i.calls, due_at = i.due, live_chat = i.chat::jsonb,
        pending_turn = CASE WHEN i.pending THEN i.cursor + 1 END,
        owner_kind = coalesce(i.owner_kind, v.owner_kind), owner_id = coalesce(i.owner_id, v.owner_id),
        owner_version = v.owner_version + (i.owner_kind IS NOT NULL)::int,
        queue = CASE WHEN i.owner_kind IS NULL THEN v.queue ELSE i.queue END,
        queued_at = CASE WHEN i.owner_kind IS NULL THEN v.queued_at WHEN i.queue <> '' THEN now() END,
        opted_out_at = CASE i.consent WHEN 'out' THEN now() WHEN 'in' THEN NULL ELSE v.opted_out_at END
    FROM input i JOIN locked l ON l.id = i.id
    WHERE v.workspace_id = $1 AND v.id = i.id AND v.cursor = i.cursor AND v.pending_turn IS NULL
        AND v.owner_version = i.owner_version
    RETURNING v.id, v.connection_id, v.connector, v.workflow_id, v.shown - i.sends AS shown
), turned AS (
    INSERT INTO turns (workspace_id, conversation_id, first_number, last_number, flow_hash, entered, missed, stood)
    SELECT $1, i.id, i.cursor + 1, i.last, i.hash, string_to_array(nullif(i.entered, ''), ','), i.missed, i.stood
    FROM input i JOIN ok ON ok.id = i.id WHERE i.last > i.cursor
), planned AS (
    INSERT INTO effects (workspace_id, key, subject_id, workflow_id, connection_id, connector, operation, kind, state,
        attempt, turn, idx, seq, author, request, first_attempt_at, attempted_at, settled_at)
    SELECT $1, e.key, ok.id, ok.workflow_id, coalesce(nullif(e.connection, '00000000-0000-0000-0000-000000000000'), ok.connection_id),
        coalesce(nullif(e.connector, ''), ok.connector), e.operation, e.kind, e.state,
        (e.state <> 'planned')::int, i.cursor + 1, e.idx, CASE WHEN e.seq > 0 THEN ok.shown + e.seq END, e.author, e.request,
        CASE WHEN e.state <> 'planned' THEN now() END, CASE WHEN e.state <> 'planned' THEN now() END,
        CASE WHEN e.state = 'done' THEN now() END
    FROM unnest($16::uuid[], $17::text[], $18::int[], $19::text[], $20::text[], $21::text[], $22::text[], $23::bytea[], $24::uuid[], $30::int[], $31::text[])
        AS e(conversation, key, idx, connector, operation, kind, state, request, connection, seq, author)
    JOIN ok ON ok.id = e.conversation JOIN input i ON i.id = ok.id
), noted AS (
    INSERT INTO events (workspace_id, type, subject, data)
    SELECT $1, n.type, 'conversation/' || n.conversation, n.data::jsonb
    FROM unnest($25::uuid[], $26::text[], $27::text[]) AS n(conversation, type, data) JOIN ok ON ok.id = n.conversation
)
SELECT ok.id FROM ok JOIN input i ON i.id = ok.id WHERE NOT i.announce
UNION ALL
SELECT ok.id FROM ok JOIN input i ON i.id = ok.id CROSS JOIN LATERAL pg_notify('` + Announced + `', ok.id::text) WHERE i.announce`

// commitArrays are the columns of several turns, as the statement takes them.
type commitArrays struct {
	ids                                             []uuid.UUID
	cursors, lasts, versions                        []int64
	flows, hashes, queues, entered, stood           []string
	states, calls                                   [][]byte
	pending, missed, announce                       []bool
	due                                             []*time.Time
	ownerKinds, ownerIDs                            []*string
	eConv, eConn                                    []uuid.UUID
	eKeys, eConnectors, eOperations, eKinds, eState []string
	eIdx, eSeq, sends                               []int
	eAuthor, consents                               []string
	chats                                           []*string
	eRequests                                       [][]byte
	nConv                                           []uuid.UUID
	nTypes                                          []string
	nData                                           []*string
}

func (a *commitArrays) add(it commitItem) {
	t, id := it.Turn, it.Snapshot.ID
	a.ids = append(a.ids, id)
	a.cursors = append(a.cursors, t.Snapshot.Cursor)
	a.lasts = append(a.lasts, t.Last)
	a.flows = append(a.flows, t.Flow)
	a.hashes = append(a.hashes, t.FlowHash)
	a.states = append(a.states, it.state)
	a.calls = append(a.calls, it.calls)
	a.pending = append(a.pending, t.Pending)
	a.missed = append(a.missed, t.Missed)
	a.announce = append(a.announce, t.Announce)
	a.entered = append(a.entered, strings.Join(t.Entered, ","))
	a.stood = append(a.stood, t.Stood)
	a.versions = append(a.versions, t.Snapshot.Owner.Version)
	a.queues = append(a.queues, t.Queue)
	var due *time.Time
	if !t.Due.IsZero() {
		due = &t.Due
	}
	a.due = append(a.due, due)
	a.chats = append(a.chats, t.Chat.json())
	var kind, owner *string
	if t.Owner != nil {
		kind, owner = &t.Owner.Kind, &t.Owner.ID
	}
	a.ownerKinds, a.ownerIDs = append(a.ownerKinds, kind), append(a.ownerIDs, owner)
	sends := 0
	for i, e := range t.Effects {
		seq := 0
		if e.Operation == "send" {
			sends++
			seq = sends
		}
		a.eSeq, a.eAuthor = append(a.eSeq, seq), append(a.eAuthor, e.Author)
		a.eConv, a.eConn = append(a.eConv, id), append(a.eConn, e.Connection)
		a.eKeys, a.eIdx = append(a.eKeys, e.Key), append(a.eIdx, e.Index)
		a.eConnectors, a.eOperations = append(a.eConnectors, e.Connector), append(a.eOperations, e.Operation)
		a.eKinds, a.eState = append(a.eKinds, string(e.Kind)), append(a.eState, e.State)
		a.eRequests = append(a.eRequests, it.requests[i])
	}
	a.sends = append(a.sends, sends)
	a.consents = append(a.consents, string(t.Consent))
	for _, n := range t.Notes {
		a.nConv, a.nTypes = append(a.nConv, id), append(a.nTypes, n.Type)
		var data *string
		if n.Data != nil {
			s := string(n.Data)
			data = &s
		}
		a.nData = append(a.nData, data)
	}
}

func (c *Conversations) commit(ctx context.Context, ws uuid.UUID, items []commitItem) ([]bool, error) {
	var a commitArrays
	at := make(map[uuid.UUID]int, len(items))
	for i, it := range items {
		if _, twice := at[it.Snapshot.ID]; twice {
			continue // a second run of the same turn: the first one in the batch wins
		}
		at[it.Snapshot.ID] = i
		a.add(it)
	}
	out := make([]bool, len(items))
	write := func() error {
		clear(out)
		return c.db.Pipeline(ctx, ws, func(b *pgx.Batch) {
			b.Queue(commitSQL, ws, a.ids, a.cursors, a.lasts, a.flows, a.hashes, a.states, a.calls, a.pending,
				a.ownerKinds, a.ownerIDs, a.versions, a.queues, a.missed, a.entered,
				a.eConv, a.eKeys, a.eIdx, a.eConnectors, a.eOperations, a.eKinds, a.eState, a.eRequests, a.eConn,
				a.nConv, a.nTypes, a.nData, a.announce, a.sends, a.eSeq, a.eAuthor, a.due, a.consents, a.chats, a.stood).Query(func(r pgx.Rows) error {
				ids, err := pgx.CollectRows(r, pgx.RowTo[uuid.UUID])
				for _, id := range ids {
					out[at[id]] = true
				}
				return err
			})
		})
	}
	err := write()
	for i := 0; i < 3 && store.Retryable(err); i++ {
		err = write()
	}
	return out, err
}

// Window tells whether free-form messages are still allowed at the time: a
// person's longer than a bot's on some channels.
func (s *Snapshot) Window(ch *sdk.Channel, author string, now time.Time) bool {
	window := ch.Window
	if author == AuthorAgent {
		window = max(window, ch.AgentWindow)
	}
	return ch.Window == 0 || !s.InboundAt.IsZero() && now.Sub(s.InboundAt) < window
}
