package connectortest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

// hook is where the fake's webhooks would go.
const hook = "https://parley.test/hooks/"

// Rig is one connection to a fake of its own. It may be used by one goroutine.
type Rig struct {
	// Env is what the fake lives in; Handler is the fake.
	Env     *fake.Memory
	Handler http.Handler
	// URL is the fake's address, as base_url has it; HTTP calls it as a person's
	// browser does, past every fault.
	URL  string
	HTTP *http.Client
	// Account is the connection as the fake knows it.
	Account fake.Account
	// Conn is what the connector has opened.
	Conn any

	t       *Probe
	subject Subject
	gate    *gate
	server  *httptest.Server
	ahead   *atomic.Int64 // of the fake's clock, in nanoseconds
	outputs map[string]any
}

// options change how a rig's connection reaches the fake.
type options struct {
	timeout time.Duration
	wrap    func(http.RoundTripper) http.RoundTripper
}

// Rig starts a fake and opens a connection to it; all ends with the test.
func (s Subject) Rig(t *Probe) *Rig { return s.rigWith(t, options{}) }

func (s Subject) rigWith(t *Probe, o options) *Rig {
	r := &Rig{t: t, subject: s, Env: fake.NewMemory(""), HTTP: &http.Client{Timeout: 10 * time.Second},
		ahead: &atomic.Int64{}, outputs: map[string]any{}}
	r.Env.Clock = r.Now
	r.Handler = s.Fake.New(r.Env)
	r.gate = &gate{provider: s.Fake, fake: r.Handler}
	prefix := "/" + s.Connector.Name
	r.server = httptest.NewServer(http.StripPrefix(prefix, r.gate))
	t.Cleanup(func() { r.gate.release(); r.server.CloseClientConnections(); r.server.Close() })
	r.URL = r.server.URL + prefix
	r.Env.SetBase(r.URL)
	r.Account = fake.Account{Account: "demo", Hook: hook + s.Connector.Name + "/demo", Config: s.Fake.Account(r.URL, secret)}
	r.Env.SetAccounts(r.Account)
	r.Conn = s.open(t, r.Account.Config, o)
	return r
}

func (s Subject) open(t *Probe, config json.RawMessage, o options) any {
	conn, err := s.Connector.Open(config, s.host(o))
	require.NoError(t, err, "the configuration that the fake suggests is refused")
	return conn
}

func (s Subject) host(o options) sdk.Host {
	host := sdk.Host{PublicURL: "https://parley.test", Tokens: s.Tokens,
		HTTP: sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: "127.0.0.1", Timeout: o.timeout, Wrap: o.wrap})}
	if host.Tokens == nil && s.Connector.OAuth != nil {
		host.Tokens = fixedToken(secret("access_token"))
	}
	return host
}

type fixedToken string

func (f fixedToken) Token(context.Context) (string, error) { return string(f), nil }
func (fixedToken) Refused(string)                          {}

// secret makes a fake account's secrets: long, printable, and found nowhere else.
func secret(name string) string {
	sum := sha256.Sum256([]byte("conformance " + name))
	return hex.EncodeToString(sum[:])
}

// Now is the fake's time.
func (r *Rig) Now() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }

// Advance moves the fake's clock.
func (r *Rig) Advance(d time.Duration) { r.ahead.Add(int64(d)) }

// Output is the output of an operation as JSON values, run once with its first
// sample; "incoming" is a message with a file that a customer has sent. It ends
// the check if there is none.
func (r *Rig) Output(name string) map[string]any {
	if out, ok := r.outputs[name].(map[string]any); ok {
		return out
	}
	var raw json.RawMessage
	if name == "incoming" {
		raw = sdk.JSONBody(r.Incoming(fake.Utterance{File: &sdk.Media{Kind: "image"}}))
	} else {
		op, ok := operation(r.subject.Connector, name)
		require.True(r.t, ok, "a sample refers to the operation %s, which does not exist", name)
		require.NotEmpty(r.t, op.Samples, "a sample refers to the operation %s, which has no sample itself", name)
		var err error
		raw, err = op.Run(r.t.Context(), r.Conn, r.Call(name), r.Input(op, 0))
		require.NoError(r.t, err, "%s, which another operation's sample needs", name)
	}
	out := map[string]any{}
	require.NoError(r.t, decodeExact(raw, &out))
	r.outputs[name] = out
	return out
}

// Call is a first attempt with a key made of the name.
func (r *Rig) Call(name string) sdk.Call {
	if op, ok := operation(r.subject.Connector, name); ok && op.Effect.Kind == sdk.Read {
		return sdk.Call{Attempt: 1, Workspace: "w1"}
	}
	return sdk.Call{Key: "kit-" + secret(name)[:24], Attempt: 1, Workspace: "w1"}
}

// Incoming lets a customer do something and returns the message that arrives. It
// ends the check if the fake is no channel's.
func (r *Rig) Incoming(u fake.Utterance) sdk.Incoming {
	channel, ok := r.Handler.(fake.Messaging)
	require.True(r.t, ok, "a sample refers to an incoming message, but the fake carries none")
	require.NoError(r.t, channel.Say(r.t.Context(), r.Account, Customer, u))
	sent := r.Env.Deliveries()
	require.NotEmpty(r.t, sent, "what a customer says is not delivered")
	for _, e := range r.Events(sent[len(sent)-1]) {
		if e.Message != nil {
			return *e.Message
		}
	}
	require.Fail(r.t, "what a customer says does not arrive as a message")
	return sdk.Incoming{}
}

// Customer is the number or ID of the person who writes through [Rig.Incoming].
const Customer = "15550001111"

// Events verifies and parses a delivery as the engine does.
func (r *Rig) Events(d fake.Delivery) []sdk.Event {
	receiver, ok := r.Conn.(sdk.Receiver)
	require.True(r.t, ok, "the fake delivers webhooks, and the connection is no sdk.Receiver")
	req := r.request(d)
	require.NoError(r.t, receiver.Verify(req, r.Now()), "a webhook of the fake does not verify")
	events, err := receiver.Parse(req)
	require.NoError(r.t, err, "a webhook of the fake does not parse")
	return events
}

// request is a delivery as it arrives, signed for now.
func (r *Rig) request(d fake.Delivery) sdk.WebhookRequest {
	if signer, ok := r.Handler.(fake.Signer); ok {
		d = signer.Sign(d, r.Now())
	}
	header := http.Header{}
	for k, v := range d.Header {
		header[http.CanonicalHeaderKey(k)] = v
	}
	return sdk.WebhookRequest{Method: http.MethodPost, URL: d.URL, Header: header, Body: d.Body}
}

// Post sends a form as a person's browser does. The address is the fake's, or a
// path below URL. It ends the check if the fake fails.
func (r *Rig) Post(address string, form url.Values) {
	if strings.HasPrefix(address, "/") {
		address = r.URL + address
	}
	resp, err := r.HTTP.PostForm(address, form)
	require.NoError(r.t, err)
	require.NoError(r.t, resp.Body.Close())
	require.Less(r.t, resp.StatusCode, 500, "POST %s", address)
}

// Require is for hooks that assert: it ends the check on failure.
func (r *Rig) Require() *require.Assertions { return require.New(r.t) }

// effects counts what the fake holds and has sent.
func (r *Rig) effects() map[string]int {
	out := r.Env.Sizes()
	out["webhooks delivered"] = len(r.Env.Deliveries())
	return out
}

// growth is what came since before, without what did not change.
func growth(before, after map[string]int) map[string]int {
	out := maps.Clone(after)
	for k, n := range before {
		out[k] -= n
	}
	maps.DeleteFunc(out, func(_ string, n int) bool { return n == 0 })
	return out
}

func operation(c sdk.Connector, name string) (sdk.Operation, bool) {
	for _, op := range c.Operations {
		if op.Name == name {
			return op, true
		}
	}
	return sdk.Operation{}, false
}

// CutAfterWrite lets the next request that the operation makes for its effect be
// done by the fake, and cuts the connection without an answer.
func (r *Rig) CutAfterWrite(operation string) {
	named := func(s seen) bool { return s.operation == operation }
	if r.subject.Fake.Operation == nil {
		named = func(s seen) bool { return s.method != http.MethodGet }
	}
	r.gate.set(&fault{name: fake.FaultCutAfterWrite, only: named, times: 1})
}
