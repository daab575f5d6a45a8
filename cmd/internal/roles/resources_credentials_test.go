package roles

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"parley/api"
	"parley/api/problem"
	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/ledger"
	"parley/internal/store/storetest"
)

// bank is a connection that needs a person's consent, has webhooks set up by a call
// and is asked for news.
type bank struct {
	sdk.TokenSource
	events []sdk.Event
	hooks  []string
}

func (b *bank) Check(ctx context.Context) error {
	_, err := b.Token(ctx)
	return err
}

func (b *bank) Verify(sdk.WebhookRequest, time.Time) error    { return nil }
func (b *bank) Parse(sdk.WebhookRequest) ([]sdk.Event, error) { return b.events, nil }
func (b *bank) Subscribe(_ context.Context, hook string) error {
	b.hooks = append(b.hooks, hook)
	return nil
}
func (b *bank) Poll(context.Context, string) ([]sdk.Event, string, error) {
	return b.events, "end", nil
}

func withBank(t *testing.T) (*desk, *bank) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"a","token_type":"Bearer","expires_in":3600,"refresh_token":"r"}`))
	}))
	t.Cleanup(server.Close)
	b := &bank{}
	d := openWith(t, sdk.Connector{Name: "bank", OAuth: &sdk.OAuth{AuthorizeURL: "{base_url}/authorize", TokenURL: "{base_url}/token"},
		Open: func(_ json.RawMessage, h sdk.Host) (any, error) { b.TokenSource = h.Tokens; return b, nil }})
	config, err := json.Marshal(map[string]string{"base_url": server.URL, "client_id": "app"})
	require.NoError(t, err)
	_, err = d.Connections.Put(t.Context(), d.ws, api.NewConnection{Name: "bank", Connector: "bank", Account: "main", Config: config, Actor: actor})
	require.NoError(t, err)
	return d, b
}

func findings(t *testing.T, d *desk) string {
	t.Helper()
	c, err := d.Connections.Check(t.Context(), d.ws, "bank")
	require.NoError(t, err)
	var out []string
	for _, f := range c.Findings {
		out = append(out, strings.TrimSpace(f.What+" "+f.State+" "+f.Code))
	}
	require.Equal(t, c.OK, !strings.Contains(strings.Join(out, ","), "missing") && !strings.Contains(strings.Join(out, ","), "failed"))
	return strings.Join(out, ", ")
}

func TestAConnectionFromItsFirstDay(t *testing.T) {
	d, b := withBank(t)
	require.Equal(t, "configuration ok, credentials failed never_authorized, webhook_secret missing, authorization missing never_authorized", findings(t, d))
	consent, err := d.Connections.Authorize(t.Context(), d.ws, "bank", actor)
	require.NoError(t, err)
	at, err := url.Parse(consent.URL)
	require.NoError(t, err)
	require.Equal(t, "https://parley.test/oauth/callback", at.Query().Get("redirect_uri"))
	state := at.Query().Get("state")
	refused(t, problem.Forbidden, d.Consents.Finish(t.Context(), "made-up", "code"))
	require.NoError(t, d.Consents.Finish(t.Context(), state, "code"))
	refused(t, problem.Forbidden, d.Consents.Finish(t.Context(), state, "code"))
	require.Contains(t, strings.Join(d.trail(), "\n"), "connection.authorize")

	looker, err := d.e.chores(bus.NewDispatcher(nobody{}, 1, 10, slog.New(slog.DiscardHandler), nil))
	require.NoError(t, err)
	_, err = looker.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"https://parley.test/hooks/bank/main"}, b.hooks)
	require.Equal(t, "configuration ok, credentials ok, webhook_secret missing, authorization ok, subscription ok, poll ok", findings(t, d))
	k, err := d.Connections.Get(t.Context(), d.ws, "bank")
	require.NoError(t, err)
	require.Equal(t, []string{"authorized", "working", "working"}, []string{k.Authorization.State, k.Subscription.State, k.Poll.State})
	_, err = d.Connections.Authorize(t.Context(), d.ws, "chat", actor)
	require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, "nothing to authorise")
	_, err = d.Connections.Check(t.Context(), d.ws, "none")
	refused(t, problem.NotFound, err)
}

// tokened is a connection that has a token of its own where others are authorised.
type tokened struct{}

func (tokened) Authorized() bool { return true }

func TestAConnectionWithATokenOfItsOwnNeedsNobodysConsent(t *testing.T) {
	d := openWith(t, sdk.Connector{Name: "bank", OAuth: &sdk.OAuth{AuthorizeURL: "{base_url}/authorize", TokenURL: "{base_url}/token"},
		Open: func(json.RawMessage, sdk.Host) (any, error) { return tokened{}, nil }})
	_, err := d.Connections.Put(t.Context(), d.ws, api.NewConnection{Name: "bank", Connector: "bank", Account: "main", Config: json.RawMessage(`{}`), Actor: actor})
	require.NoError(t, err)
	require.NotContains(t, findings(t, d), "authorization")
}

// The same news by webhook and by poll is one.
func TestAWebhookAndAPollAreOne(t *testing.T) {
	d, b := withBank(t)
	b.events = []sdk.Event{{ID: "evt_1", Kind: sdk.EventProvider, Provider: &sdk.ProviderEvent{Name: "payment.paid", Refs: []string{"pay/1"}, Data: json.RawMessage(`{}`)}}}
	quiet := bus.NewDispatcher(nobody{}, 1, 10, slog.New(slog.DiscardHandler), nil)
	h := hooks{e: d.e, in: d.e.Intake(quiet)}
	k, err := h.Resolve(t.Context(), "bank", "main")
	require.NoError(t, err)
	out, err := h.Accept(t.Context(), k, b.events)
	require.NoError(t, err)
	require.Equal(t, 1, out.Unknown)
	looker, err := d.e.chores(quiet)
	require.NoError(t, err)
	_, err = looker.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, d.count(`SELECT count(*) FROM parked_events`))
}

func TestAnEffectIsReconciledOverTheAPI(t *testing.T) {
	d, _ := withBank(t)
	e := ledger.Effect{Workspace: d.ws, Key: "k-1", Subject: uuid.New(), WorkflowID: "order/x", Connection: uuid.New(), Connector: "bank", Operation: "transfer",
		Effect: sdk.Effect{Kind: sdk.Once}, Input: json.RawMessage(`{}`)}
	e.SealWith.Workspace, e.SealWith.Contact, e.SealWith.Purpose = d.ws, uuid.New(), "case/x"
	begun, err := d.e.Ledger.Begin(t.Context(), e)
	require.NoError(t, err)
	settle := func(outcome string) (api.Effect, error) {
		return d.Effects.Reconcile(t.Context(), d.ws, "k-1", api.Reconciliation{Outcome: outcome, Note: "seen at the bank", Actor: actor})
	}
	_, err = settle("done")
	refused(t, problem.Conflict, err) // under way
	_, err = d.e.Ledger.Finish(t.Context(), e, begun.Attempt, ledger.Outcome{Error: &sdk.Error{Class: sdk.Uncertain}})
	require.NoError(t, err)
	_, err = settle("")
	refused(t, problem.Conflict, err) // the provider cannot be asked
	list := func(f api.EffectFilter) (keys []string) {
		got, _, err := d.Effects.List(t.Context(), d.ws, f, api.PageQuery{Limit: 10})
		require.NoError(t, err)
		for _, e := range got {
			keys = append(keys, e.Key)
		}
		return keys
	}
	require.Equal(t, []string{"k-1"}, list(api.EffectFilter{State: "uncertain"}))
	got, err := settle("done")
	require.NoError(t, err)
	require.Equal(t, []string{"done", "operator", "seen at the bank"}, []string{got.State, got.ReconciledBy, got.Note})
	require.Equal(t, []string{"k-1"}, list(api.EffectFilter{Uncertain: true, Connection: e.Connection, Until: time.Now().Add(time.Hour)}))
	for _, none := range []api.EffectFilter{{State: "uncertain"}, {Connection: uuid.New()}, {Until: time.Now().Add(-time.Hour)}} {
		require.Empty(t, list(none))
	}
	require.Contains(t, d.trail(), actor+" effect.reconcile.done effect/k-1")
	_, err = d.Effects.Reconcile(t.Context(), storetest.Workspace(t, d.e.DB, "other"), "k-1", api.Reconciliation{Outcome: "done"})
	refused(t, problem.NotFound, err)
}

func (d *desk) count(sql string) (n int) {
	d.t.Helper()
	require.NoError(d.t, d.e.DB.InWorkspace(d.t.Context(), d.ws, func(tx pgx.Tx) error { return tx.QueryRow(d.t.Context(), sql).Scan(&n) }))
	return n
}
