package activities

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"parley/connectors/livechat"
	"parley/connectors/sdk"
	"parley/internal/bookings"
	"parley/internal/bus"
	"parley/internal/cases"
	"parley/internal/connections"
	"parley/internal/contacts"
	"parley/internal/conversations"
	"parley/internal/flows"
	"parley/internal/intake"
	"parley/internal/ledger"
	"parley/internal/misses"
	"parley/internal/models"
	"parley/internal/outages"
	"parley/internal/store"
	"parley/internal/store/storetest"
	"parley/internal/templates"
	"parley/internal/vault"
	"parley/workflows/conversation"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// engine is the engine on a real database, with a channel and a shop in memory.
type engine struct {
	t        testing.TB
	db       *store.DB
	vault    *vault.Vault
	ws       uuid.UUID
	people   *contacts.Contacts
	intake   *intake.Intake
	channel  *sdk.Channel
	conn     *connections.Connection
	phone    *phone
	shop     *shop
	mind     *mind
	registry *prometheus.Registry
	desk     *business
	// otherDesk is another provider's.
	otherDesk *business
	crm       *business
	*Activities
	helpline *helpline
	woken    []bus.Target
	ahead    time.Duration // how far the clock of outages is
	mu       sync.Mutex
}

// Wake makes the engine a waker that remembers.
func (e *engine) Wake(_ context.Context, t bus.Target) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.woken = append(e.woken, t)
	return nil
}

func (e *engine) now() time.Time { return time.Now().Add(e.ahead) }

// settle is how long the test channel's echoes may take.
const settle = 40 * time.Second

// setUp starts an engine whose channel answers with the flow; it may have more
// connectors.
func setUp(t testing.TB, flowDocument string, more ...sdk.Connector) *engine {
	t.Helper()
	e := &engine{t: t, phone: &phone{}, shop: &shop{}, mind: &mind{}, helpline: &helpline{}, desk: &business{}, otherDesk: &business{}, crm: &business{}, registry: prometheus.NewRegistry(), channel: &sdk.Channel{Effect: sdk.Effect{Kind: sdk.Once}, Echoes: true, SettleAfter: settle,
		TextMax: 4000, ButtonsMax: 3, ButtonLabelMax: 20, ChoiceIDMax: 200, InteractiveTextMax: 1000, WindowClosedCode: "131047"}}
	e.db, e.vault, e.ws = storetest.Open(t)
	quiet := slog.New(slog.DiscardHandler)
	conns := connections.New(connections.Options{DB: e.db, Vault: e.vault, Connectors: append(more, []sdk.Connector{
		{Name: "chat", Channel: e.channel, Open: func(json.RawMessage, sdk.Host) (any, error) { return e.phone, nil }},
		{Name: "shop", Operations: shopOperations, Open: func(json.RawMessage, sdk.Host) (any, error) { return e.shop, nil }},
		{Name: "llm", Understands: true, Open: func(json.RawMessage, sdk.Host) (any, error) { return e.mind, nil }},
		{Name: "helpline", Operations: helplineOperations, Open: func(json.RawMessage, sdk.Host) (any, error) { return e.helpline, nil }},
		{Name: "tickets", Operations: ticketOperations, Open: func(json.RawMessage, sdk.Host) (any, error) { return e.helpline, nil }},
		livechat.Connector,
		{Name: "stripe", Operations: tillOperations, Open: func(json.RawMessage, sdk.Host) (any, error) { return e.shop, nil }},
		{Name: "desk", Operations: deskOperations, Open: func(json.RawMessage, sdk.Host) (any, error) { return e.desk, nil }},
		{Name: "otherdesk", Operations: deskOperations, Open: func(json.RawMessage, sdk.Host) (any, error) { return e.otherDesk, nil }},
		{Name: "crm", Operations: crmOperations, Open: func(json.RawMessage, sdk.Host) (any, error) { return e.crm, nil }},
		{Name: "razorpay", Operations: payOperations, Open: func(json.RawMessage, sdk.Host) (any, error) { return e.shop, nil }},
	}...)})
	published := flows.New(e.db)
	program, err := compile("test", flowDocument)
	require.NoError(t, err)
	require.NoError(t, published.Publish(t.Context(), e.ws, "test", program.Hash(), flowDocument, "test"))
	for _, name := range []string{"shop", "stripe", "llm"} {
		_, err = conns.Put(t.Context(), e.ws, name, name, name, "", json.RawMessage(`{}`), "test")
		require.NoError(t, err)
	}
	e.conn, err = conns.Put(t.Context(), e.ws, "chat", "chat", "chat", "test", json.RawMessage(`{}`), "test")
	require.NoError(t, err)
	e.people = contacts.New(e.db, e.vault)
	inbox, theCases := bus.NewInbox(e.db, e.vault), cases.New(e.db, e.vault)
	e.intake = &intake.Intake{DB: e.db, Vault: e.vault, Contacts: e.people, Inbox: inbox, Cases: theCases,
		Dispatch: bus.NewDispatcher(e, 1, 10, quiet, nil), Log: quiet}
	e.Activities = New(Deps{Vault: e.vault, Conversations: conversations.New(e.db, e.vault), Inbox: inbox, Ledger: ledger.New(e.db, e.vault),
		Outages: outages.New(e.db, outages.Options{Fresh: -1, Now: e.now}), Cases: theCases, Bookings: bookings.New(e.db), Contacts: e.people, Connections: conns, Flows: published, Models: models.New(e.db, models.Options{}), Misses: misses.New(e.db, e.vault), Templates: templates.New(e.db), Waker: e, Log: quiet, Metrics: NewMetrics(e.registry)})
	e.intake.Reconcile, e.intake.Templates = e.reconciler(), e.Templates
	return e
}

// phone is the customers' side of the test channel. Each attempt takes the next
// step of the script; without one it arrives.
type phone struct {
	mu     sync.Mutex
	script []func(ctx context.Context, out sdk.Outgoing) (sdk.Receipt, error)
	shown  []sdk.Outgoing
}

func (p *phone) Send(ctx context.Context, out sdk.Outgoing) (sdk.Receipt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.script) > 0 {
		step := p.script[0]
		p.script = p.script[1:]
		return step(ctx, out)
	}
	return p.show(out)
}

func (p *phone) show(out sdk.Outgoing) (sdk.Receipt, error) {
	p.shown = append(p.shown, out)
	return sdk.Receipt{MessageID: "wamid-" + out.Key}, nil
}

// next sets what becomes of the next attempts.
func (p *phone) next(steps ...func(context.Context, sdk.Outgoing) (sdk.Receipt, error)) {
	p.script = append(p.script, steps...)
}

// texts are what the phone shows.
func (p *phone) texts() []string {
	out := []string{}
	for _, s := range p.shown {
		text := s.Content.Text
		if s.Content.Template != nil {
			text += "[template]"
		}
		out = append(out, text)
	}
	return out
}

// What can become of an attempt.
func fails(err *sdk.Error) func(context.Context, sdk.Outgoing) (sdk.Receipt, error) {
	return func(context.Context, sdk.Outgoing) (sdk.Receipt, error) { return sdk.Receipt{}, err }
}

// dies stops the worker dead before the message has left.
func dies(context.Context, sdk.Outgoing) (sdk.Receipt, error) { panic("the worker dies") }

// diesAfter stops the worker dead when the message has arrived.
func (p *phone) diesAfter(_ context.Context, out sdk.Outgoing) (sdk.Receipt, error) {
	p.show(out)
	panic("the worker dies")
}

// talk is a conversation with one customer.
type talk struct {
	*engine
	contacts.Conversation
	from sdk.Address
}

func (e *engine) talk() *talk {
	e.t.Helper()
	from := sdk.Address{Kind: "phone", Value: "15550004111"}
	conv, err := e.people.Conversation(e.t.Context(), contacts.Channel{Workspace: e.ws, Connection: e.conn.ID, Connector: "chat"}, []sdk.Address{from}, "Planted-Name")
	require.NoError(e.t, err)
	return &talk{e, conv, from}
}

func (k *talk) says(texts ...string) {
	k.t.Helper()
	for _, text := range texts {
		k.hears(sdk.Incoming{Text: text})
	}
}

// hears takes in a message of the customer.
func (k *talk) hears(m sdk.Incoming) {
	k.t.Helper()
	m.From = []sdk.Address{k.from}
	out, err := k.intake.Accept(k.t.Context(), k.conn, []sdk.Event{{ID: uuid.NewString(), Kind: sdk.EventMessage, Message: &m}})
	require.NoError(k.t, err)
	require.Equal(k.t, 1, out.Accepted+out.Blocked)
}

// echo delivers the provider's status of the message that was sent with a key.
func (k *talk) echo(key string, s sdk.MessageStatus) {
	_, err := k.intake.Accept(context.Background(), k.conn, []sdk.Event{{ID: uuid.NewString(), Kind: sdk.EventStatus, Status: &sdk.Status{MessageID: "wamid-" + key, Status: s, EffectKey: key}}})
	require.NoError(k.t, err)
}

func (k *talk) runAt(ctx context.Context, now time.Time) (conversation.TurnResult, error) {
	return k.Turn(ctx, conversation.TurnInput{Workspace: k.ws, Conversation: k.ID, Now: now})
}

// turn runs the Turn activity once.
func (k *talk) turn() conversation.TurnResult {
	k.t.Helper()
	res, err := k.runAt(k.t.Context(), time.Now())
	require.NoError(k.t, err)
	return res
}

// crash runs it with a worker that dies in it.
func (k *talk) crash() {
	k.t.Helper()
	require.Panics(k.t, func() { k.runAt(context.Background(), time.Now()) })
}

// key is that of an effect of a turn.
func (k *talk) effectKey(first, index string) string {
	return k.ID.String() + "-" + first + "-" + index
}

// age makes all attempts older.
func (e *engine) age(d time.Duration) {
	e.exec(`UPDATE effects SET attempted_at = attempted_at - $1::interval, first_attempt_at = first_attempt_at - $1::interval`, d)
}

// states are those of the conversation's sends, in order.
func (k *talk) states() []string {
	return one[[]string](k.engine, `SELECT coalesce(array_agg(state ORDER BY turn, idx), '{}') FROM effects WHERE subject_id = $1 AND operation = 'send'`, k.ID)
}

func (e *engine) exec(sql string, args ...any) {
	e.t.Helper()
	require.NoError(e.t, e.db.InWorkspace(e.t.Context(), e.ws, func(tx pgx.Tx) error {
		_, err := tx.Exec(e.t.Context(), sql, args...)
		return err
	}))
}

func one[T any](e *engine, sql string, args ...any) (v T) {
	e.t.Helper()
	require.NoError(e.t, e.db.InWorkspace(e.t.Context(), e.ws, func(tx pgx.Tx) error {
		return tx.QueryRow(e.t.Context(), sql, args...).Scan(&v)
	}))
	return v
}

func (k *talk) pending() bool {
	return one[bool](k.engine, `SELECT pending_turn IS NOT NULL FROM conversations WHERE id = $1`, k.ID)
}
