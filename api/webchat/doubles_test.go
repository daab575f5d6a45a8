package webchat_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"parley/api/webchat"
	"parley/connectors/sdk"
	channel "parley/connectors/webchat"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	goleak.VerifyTestMain(m)
}

// desk is an engine in memory: it keeps what is accepted, numbers it and lets
// a test answer. It implements all four ports.
type desk struct {
	hub  webchat.Hub
	mute bool // wake-ups are lost

	mu       sync.Mutex
	accounts map[string]webchat.Connection
	seen     map[string]bool
	events   []sdk.Event
	threads  map[string][]webchat.Entry
	calls    int
	fail     func(call int) error
	now      func() time.Time
	// picture is the address of a picture to show.
	picture string
	// onMessage answers each new message, if set.
	onMessage func(visitor string, m sdk.Incoming)
}

func newDesk() *desk {
	return &desk{
		accounts: map[string]webchat.Connection{}, seen: map[string]bool{},
		threads: map[string][]webchat.Entry{}, now: time.Now,
	}
}

func secretOf(account string) string { return account + strings.Repeat("-secret", 6) }

func (d *desk) open(t *testing.T, account, config string) {
	t.Helper()
	if config == "" {
		config = `{"webhook_secret":"` + secretOf(account) + `"}`
	}
	conn, err := channel.Connector.Open(json.RawMessage(config), sdk.Host{})
	require.NoError(t, err)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.accounts[account] = webchat.Connection{
		Workspace: uuid.New(), ID: uuid.New(), Account: account, Conn: conn.(*channel.Connection)}
}

func (d *desk) Resolve(_ context.Context, account string) (webchat.Connection, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if account == "broken" {
		return webchat.Connection{}, errors.New("the store is gone")
	}
	c, ok := d.accounts[account]
	if !ok {
		return webchat.Connection{}, webchat.ErrUnknownAccount
	}
	return c, nil
}

func (d *desk) Accept(_ context.Context, c webchat.Connection, events []sdk.Event) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	if d.fail != nil {
		if err := d.fail(d.calls); err != nil {
			return err
		}
	}
	for _, e := range events {
		key := c.Account + "/" + e.ID
		if d.seen[key] {
			continue
		}
		d.seen[key] = true
		d.events = append(d.events, e)
		if e.Kind == sdk.EventMessage {
			v := e.Message.From[0].Value
			d.add(v, webchat.FromCustomer, e.Message.ID, sdk.Content{Text: e.Message.Text})
			if d.onMessage != nil {
				go d.onMessage(v, *e.Message)
			}
		}
	}
	return nil
}

// add puts an entry into a thread; d.mu is held.
func (d *desk) add(visitor, from, id string, content sdk.Content) {
	n := int64(len(d.threads[visitor]) + 1)
	d.threads[visitor] = append(d.threads[visitor], webchat.Entry{Cursor: n, From: from, ID: id, Content: content, At: d.now()})
}

// agent answers a visitor as a person.
func (d *desk) agent(visitor, text string) {
	d.mu.Lock()
	d.add(visitor, webchat.FromAgent, "out-"+uuid.NewString(), sdk.Content{Text: text})
	d.mu.Unlock()
	d.hub.Wake(visitor)
}

// refuse makes all messages be refused with a text for the customer, or none.
func (d *desk) refuse(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = nil
	if text != "" {
		d.fail = func(int) error { return &sdk.Error{Class: sdk.Rejected, Customer: text} }
	}
}

// say answers a visitor.
func (d *desk) say(visitor string, contents ...sdk.Content) {
	d.mu.Lock()
	for _, c := range contents {
		d.add(visitor, webchat.FromBusiness, "out-"+uuid.NewString(), c)
	}
	d.mu.Unlock()
	if !d.mute {
		d.hub.Wake(visitor)
	}
}

func (d *desk) Messages(_ context.Context, _ webchat.Connection, visitor sdk.Address, after int64, limit int) ([]webchat.Entry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := d.threads[visitor.Value]
	if after == 0 {
		return slices.Clone(all[max(0, len(all)-limit):]), nil
	}
	from := min(int(after), len(all))
	return slices.Clone(all[from:min(from+limit, len(all))]), nil
}

func (d *desk) Subscribe(_ webchat.Connection, visitor sdk.Address) (<-chan struct{}, func()) {
	return d.hub.Subscribe(visitor.Value)
}

func (d *desk) thread(visitor string) []webchat.Entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.threads[visitor])
}

func (d *desk) accepted() []sdk.Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.events)
}

// chat is a running edge with a desk behind it.
type chat struct {
	*desk
	*httptest.Server
	server *webchat.Server
	log    *strings.Builder
}

// serve runs the edge. wrap, if given, stands before it.
func serve(t *testing.T, d *desk, change func(*webchat.Options), wrap func(http.Handler) http.Handler) *chat {
	t.Helper()
	var log strings.Builder
	o := webchat.Options{
		Resolver: d, Inbox: d, History: d, Watch: d, Now: d.now,
		SlowPoll: time.Minute, Log: slog.New(slog.NewTextHandler(&log, nil)),
	}
	if change != nil {
		change(&o)
	}
	engine := gin.New()
	require.NoError(t, engine.SetTrustedProxies(nil))
	server := webchat.Register(engine, o)
	var h http.Handler = engine
	if wrap != nil {
		h = wrap(h)
	}
	hs := httptest.NewServer(h)
	t.Cleanup(func() { server.Close(); hs.Close(); http.DefaultClient.CloseIdleConnections() })
	return &chat{desk: d, Server: hs, server: server, log: &log}
}

// call makes a request and returns status and body.
func (c *chat) call(t *testing.T, method, path, token, body string, header ...string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequest(method, c.URL+"/chat/api/"+path, strings.NewReader(body))
	require.NoError(t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(got), resp.Header
}

// session asks for a new token.
func (c *chat) session(t *testing.T, account string) string {
	t.Helper()
	status, body, _ := c.call(t, "POST", account+"/session", "", "")
	require.Equal(t, http.StatusOK, status, body)
	var out struct{ Token string }
	require.NoError(t, json.Unmarshal([]byte(body), &out))
	return out.Token
}

// batch is what a poll or a socket tells.
type batch struct {
	Type     string
	Entries  []webchat.Entry
	Cursor   int64
	TypingMS int64 `json:"typing_ms"`
	Token    string
	ID, Text string
	RetryMS  int64 `json:"retry_ms"`
}

func (c *chat) poll(t *testing.T, account, token, query string) batch {
	t.Helper()
	status, body, _ := c.call(t, "GET", account+"/messages?"+query, token, "")
	require.Equal(t, http.StatusOK, status, body)
	var b batch
	require.NoError(t, json.Unmarshal([]byte(body), &b))
	return b
}

func texts(entries []webchat.Entry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, e.Content.Text)
	}
	return out
}
