package live_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/internal/transcript"
	"parley/internal/transcript/live"
	"parley/workflows/flow"
)

const shop = `
name: shop
agent_queue: desk
blocks:
  start:
    - say: Hello {{ contact.name }}.
    - choices: Tea or a person?
      options: {Tea: tea, A person: person}
  tea:
    - call: shopify.search_products
      with: {query: tea, limit: 1}
      save: found
      errors: person
    - say: "{{ found.title }}"
  person:
    - handoff
`

// engine is an engine and its sandbox, as far as a phone looks at them: what is said
// goes through a rehearsal.
type engine struct {
	t      *testing.T
	stage  *transcript.Rehearsal
	faults []string
	taken  []string
	said   bool
}

func start(t *testing.T) (*engine, *live.Phone) {
	doc, _ := flow.Parse("shop.yaml", []byte(shop))
	program, err := flow.Compile(doc)
	require.NoError(t, err)
	file, problems := transcript.Parse("t.yaml", []byte("contact: {name: Ana}\nreplies: {shopify.*: {give: {title: Assam}}}\ntranscripts: {a: [silence]}"))
	require.Empty(t, problems)
	e := &engine{t: t, stage: transcript.NewRehearsal(doc, program, sdk.Channel{Hosted: true, ButtonsMax: 10}, file.Transcripts[0].Setting)}
	mux := http.NewServeMux()
	answer := func(pattern string, give func(*http.Request) any) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { require.NoError(t, json.NewEncoder(w).Encode(give(r))) })
	}
	mux.HandleFunc("POST /_control/say", e.say)
	answer("POST /_control/faults", func(r *http.Request) any {
		var f struct{ Connector, Operation, Fault string }
		require.NoError(t, json.NewDecoder(r.Body).Decode(&f))
		e.faults = append(e.faults, f.Connector+"."+f.Operation+" "+f.Fault)
		return nil
	})
	answer("GET /_control/phone", func(*http.Request) any { return e.phone() })
	answer("GET /v1/conversations", func(*http.Request) any { return map[string]any{"items": []any{e.conversation()}} })
	answer("GET /v1/conversations/c1", func(*http.Request) any { return e.conversation() })
	answer("GET /v1/contacts/k1", func(*http.Request) any {
		return map[string]any{"addresses": []sdk.Address{{Kind: "phone", Value: "155"}}}
	})
	answer("GET /v1/conversations/c1/messages", func(*http.Request) any {
		return map[string]any{"items": []any{map[string]any{"id": "of a case", "from": "case"}}}
	})
	answer("GET /v1/effects", func(*http.Request) any { return map[string]any{"items": e.effects()} })
	answer("POST /v1/conversations/c1/{does}", func(r *http.Request) any {
		e.taken = append(e.taken, r.PathValue("does"))
		return nil
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return e, &live.Phone{Context: t.Context(), API: client{server.URL}, Sandbox: server.URL, Account: "demo", Channel: "whatsapp", From: "155", Name: "Ana", Patience: 2 * time.Second}
}

func (e *engine) say(w http.ResponseWriter, r *http.Request) {
	var said struct{ Text, Tap, From, Name string }
	require.NoError(e.t, json.NewDecoder(r.Body).Decode(&said))
	require.Equal(e.t, []string{"155", "Ana"}, []string{said.From, said.Name})
	line := transcript.Says(said.Text)
	if said.Tap != "" {
		line = transcript.Taps(said.Tap)
	}
	e.said = true
	require.NoError(e.t, e.stage.Act(&line, nil))
	w.WriteHeader(http.StatusNoContent)
}

func (e *engine) phone() []any {
	out := []any{map[string]any{"seq": 1, "from": "business", "text": "from another day"}}
	if e.said {
		out = append(out, map[string]any{"seq": 2, "from": "business", "key": "of a case", "text": "Your order has left."})
	}
	for i, s := range e.stage.Seen() {
		if s.Kind == flow.EffectSend {
			out = append(out, map[string]any{"seq": i + 3, "from": "business", "key": "k", "text": s.Content.Text, "choices": s.Content.Choices})
		}
	}
	return out
}

func (e *engine) effects() []any {
	var out []any
	for _, s := range e.stage.Seen() {
		if connector, operation, ok := strings.Cut(s.Operation, "."); ok {
			out = append(out, map[string]any{"key": s.Ref, "connector": connector, "operation": operation, "state": "done"})
		}
	}
	return out
}

func (e *engine) conversation() any {
	state, err := e.stage.State()
	require.NoError(e.t, err)
	owner := map[string]any{"kind": "bot"}
	if state.Handed {
		owner = map[string]any{"kind": "human", "queue": "desk"}
	}
	return map[string]any{"id": "c1", "contact": "k1", "channel": "whatsapp", "state": "idle", "owner": owner}
}

// client is the API's client.
type client struct{ url string }

func (c client) Do(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil || out == nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(out)
}

func read(t *testing.T, lines string) *transcript.Transcript {
	t.Helper()
	file, problems := transcript.Parse("t.yaml", []byte("transcripts:\n  a:\n"+lines))
	require.Empty(t, problems)
	return file.Transcripts[0]
}

func TestATranscriptPassesOnAnEngine(t *testing.T) {
	e, phone := start(t)
	script, lost, err := live.Prepare(read(t, `
    - customer: hi
    - bot: Hello Ana.
    - bot: Tea or a person?
      choices: [Tea, A person]
    - fault: shopify.*
      error: throttled
    - tap: Tea
    - call: shopify.search_products
      with: {query: tea}
    - bot: Assam
    - silence
    - ends
    - customer: hi
    - anything
    - tap: A person
    - handoff: desk
    - agent: takes
`))
	require.NoError(t, err)
	require.Equal(t, 2, lost)
	f := transcript.Run(script, phone)
	require.Nil(t, f, "%v", f)
	require.Equal(t, []string{"shopify.* 429"}, e.faults)
	require.Equal(t, []string{"take"}, e.taken)
}

func TestWhatGoesOtherwiseOnAnEngine(t *testing.T) {
	_, phone := start(t)
	f := transcript.Run(read(t, "    - customer: hi\n    - bot: Good day.\n"), phone)
	require.NotNil(t, f)
	require.Equal(t, []string{"Hello Ana."}, f.Got)

	_, phone = start(t)
	f = transcript.Run(read(t, "    - customer: hi\n    - bot: Hello Ana.\n"), phone)
	require.NotNil(t, f)
	require.Equal(t, "when the transcript ends, the bot also said", f.Message)
}

func TestWhatARunningEngineCannotDo(t *testing.T) {
	for lines, why := range map[string]string{
		"- skip: 2h":                             "t.yaml:3:7: time cannot be skipped on a running engine",
		"- reply: a.b\n      give: 1":            "t.yaml:3:7: on a running engine the sandbox's fakes answer",
		"- call: a.b\n      error: auth":         "t.yaml:3:7: on a running engine the sandbox's fakes answer",
		"- fault: a.b\n      error: not_found":   "t.yaml:3:7: the sandbox makes connectors fail with",
		"- news: order.fulfilled":                "t.yaml:3:7: a payment page can be paid or declined",
		"- customer: hi\n      intent: greeting": "t.yaml:3:7: this cannot be done on the sandbox's phones",
	} {
		_, _, err := live.Prepare(read(t, "    "+lines+"\n"))
		require.ErrorContains(t, err, why)
	}
}
