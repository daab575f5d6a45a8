package transcript_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors"
	"parley/connectors/fakes"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/internal/planner"
	"parley/workflows/flow"
)

var update = flag.Bool("update", false, "record what is sent as it should be")

// said is one message of a step.
type said struct {
	block   string
	line    int
	content sdk.Content
}

// everything is what the steps of every.yaml say, each message once, in the order
// of the document.
func everything(t *testing.T) []said {
	h := load(t, "every")
	var out []said
	known := map[string]bool{}
	for _, one := range h.file.Transcripts {
		stage, _ := h.play(t, one)
		for _, s := range stage.Seen() {
			if s.Kind != flow.EffectSend || s.Portable == nil {
				continue
			}
			if content := string(sdk.JSONBody(s.Portable)); !known[content] {
				known[content] = true
				out = append(out, said{s.Block, s.Line, *s.Portable})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b said) int { return a.line - b.line })
	return out
}

// TestRequestsOfEveryMessage holds what each message becomes on each channel: the
// exact requests that the connector makes for it, or why the channel refuses it.
// What changes in testdata/requests is what customers will see otherwise.
func TestRequestsOfEveryMessage(t *testing.T) {
	messages := everything(t)
	require.Greater(t, len(messages), 30)
	for _, name := range []string{"whatsapp", "messenger", "instagram", "telegram", "twilio", "webchat"} {
		t.Run(name, func(t *testing.T) {
			c, ok := connectors.Get(name)
			require.True(t, ok)
			var got strings.Builder
			line := open(t, c)
			inBlock := map[string]int{}
			for _, m := range messages {
				inBlock[m.block]++
				key := fmt.Sprintf("%s-%d", cmp.Or(m.block, "outside"), inBlock[m.block])
				fmt.Fprintf(&got, "=== %s\n", key)
				line.say(&got, key, m.content, planner.Window{Open: true})
				if m.content.Template != nil && c.Channel.Window > 0 {
					fmt.Fprintf(&got, "=== %s, when the window is closed\n", key)
					line.say(&got, key+"-late", m.content, planner.Window{})
				}
			}
			golden := filepath.Join("testdata", "requests", name+".golden")
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o755))
				require.NoError(t, os.WriteFile(golden, []byte(got.String()), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err, "run go test ./internal/transcript -run Requests -update")
			require.Equal(t, string(want), got.String())
		})
	}
}

// channelLine is one customer's line on a channel, whose requests are recorded.
type channelLine struct {
	t       *testing.T
	channel sdk.Channel
	conn    any
	base    string
	to      sdk.Address
	sent    []string
}

// open connects a channel to its fake, with a customer who has just written.
func open(t *testing.T, c sdk.Connector) *channelLine {
	l := &channelLine{t: t, channel: *c.Channel}
	if c.Channel.Hosted {
		return l
	}
	var provider fake.Provider
	for _, f := range fakes.All() {
		if f.Connector == c.Name {
			provider = f
		}
	}
	env := fake.NewMemory("")
	handler := provider.New(env)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	l.base = server.URL
	env.SetBase(server.URL)
	account := fake.Account{Account: "demo", Hook: "https://parley.test/hooks/" + c.Name + "/demo",
		Config: provider.Account(server.URL, func(name string) string { return "secret-" + name + "-0123456789abcdef" })}
	env.SetAccounts(account)
	conn, err := c.Open(account.Config, sdk.Host{PublicURL: "https://parley.test", Hook: account.Hook,
		HTTP: sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: "127.0.0.1", Wrap: func(next http.RoundTripper) http.RoundTripper { return recorder{l, next} }})})
	require.NoError(t, err)
	l.conn = conn
	require.NoError(t, handler.(fake.Messaging).Say(t.Context(), account, "15550001111", fake.Utterance{Text: "hello"}))
	l.to = l.sender(env.Deliveries(), handler)
	l.sent = nil
	return l
}

// sender is the address that the customer's message came from.
func (l *channelLine) sender(deliveries []fake.Delivery, handler http.Handler) sdk.Address {
	for _, d := range deliveries {
		if s, ok := handler.(fake.Signer); ok {
			d = s.Sign(d, time.Now())
		}
		header := http.Header{}
		for k, v := range d.Header {
			header[http.CanonicalHeaderKey(k)] = v
		}
		events, err := l.conn.(sdk.Receiver).Parse(sdk.WebhookRequest{Method: http.MethodPost, URL: d.URL, Header: header, Body: d.Body})
		require.NoError(l.t, err)
		for _, e := range events {
			if e.Message != nil {
				return e.Message.From[0]
			}
		}
	}
	require.Fail(l.t, "what the customer says does not arrive")
	return sdk.Address{}
}

// say plans a message, sends what became of it, and writes what was requested.
func (l *channelLine) say(w io.Writer, key string, c sdk.Content, window planner.Window) {
	plan, err := planner.Plan(c, l.channel, window)
	for _, n := range plan.Notes {
		fmt.Fprintf(w, "(%s %s: %s)\n", n.Level, n.Field, n.Why)
	}
	if err != nil {
		fmt.Fprintf(w, "refused: %v\n", err)
	}
	for i, m := range plan.Messages {
		if l.channel.Hosted {
			fmt.Fprintf(w, "stored %s\n", indented(sdk.JSONBody(m)))
			continue
		}
		_, err := l.conn.(sdk.Sender).Send(l.t.Context(), sdk.Outgoing{Key: fmt.Sprintf("%s-%d", key, i), To: l.to, Content: m})
		require.NoError(l.t, err)
		for _, s := range l.sent {
			io.WriteString(w, s)
		}
		l.sent = nil
	}
}

// recorder writes down each request before it goes out.
type recorder struct {
	line *channelLine
	next http.RoundTripper
}

func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s\n", req.Method, req.URL.RequestURI())
	for _, name := range []string{"Authorization", "Content-Type"} {
		if v := req.Header.Get(name); v != "" {
			fmt.Fprintf(&out, "%s: %s\n", name, v)
		}
	}
	fmt.Fprintf(&out, "%s\n", indented(body))
	r.line.sent = append(r.line.sent, strings.ReplaceAll(out.String(), r.line.base, "https://provider.test"))
	return r.next.RoundTrip(req)
}

// indented writes JSON over several lines, and anything else as it is but for forms,
// of which each field has a line.
func indented(body []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, body, "", "  ") == nil {
		return out.String()
	}
	return strings.ReplaceAll(string(body), "&", "\n&")
}
