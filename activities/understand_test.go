package activities

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"parley/activities/hearing"
	"parley/connectors/sdk"
	"parley/internal/conversations"
	"parley/internal/misses"
	"parley/internal/observe"
	"parley/internal/outages"
	"parley/internal/vault"
	"parley/workflows/flow"
)

// helpful understands orders and complaints by itself.
const helpful = `
name: test
agent_queue: desk
keywords: {start: [hello]}
vars: {number: null}
understand: {margin: 0.1}
intents:
  order_status:
    examples: [where is my order, has my parcel left, track order, when does my parcel come, track my parcel please,
      what is the status of my order, is my package on its way, i have not got my order yet]
    entities: {number: integer}
    go: orders
  complaint:
    examples: [i want to complain, this is an awful service, what a mess, i am angry about this, terrible experience,
      i want to file a complaint, your service is bad, nobody helps me]
    go: complaints
  cancel:
    examples: [cancel my order, i do not want it any more, please cancel the purchase, stop my order, i changed my mind,
      undo the order, annul it, can i still cancel]
    go: start
answers:
  hours:
    questions: [when are you open, what are your opening hours, are you open on sunday]
    say: From 9 to 6.
blocks:
  start:
    - ask: How many would you like?
      kind: integer
      save: number
      help: Write a number.
    - say: "{{ number }} it is."
  orders:
    - say: "Order {{ number ?? \"?\" }} is on its way."
  complaints:
    - if: mood == "negative"
      then: [{handoff: complaints}]
    - say: Tell us more.
`

// mind is a service that understands. Each question takes the next of its answers.
type mind struct {
	mu      sync.Mutex
	answers []func(ctx context.Context) (sdk.Understanding, error)
	asked   []sdk.Utterance
}

func (m *mind) Understand(ctx context.Context, u sdk.Utterance) (sdk.Understanding, error) {
	m.mu.Lock()
	m.asked = append(m.asked, u)
	next := func(context.Context) (sdk.Understanding, error) { return sdk.Understanding{}, nil }
	if len(m.answers) > 0 {
		next, m.answers = m.answers[0], m.answers[1:]
	}
	m.mu.Unlock()
	return next(ctx)
}

func (m *mind) says(intents ...string) {
	for _, intent := range intents {
		m.answers = append(m.answers, func(context.Context) (sdk.Understanding, error) {
			return sdk.Understanding{Intent: intent, Confidence: 0.95, Margin: 0.9}, nil
		})
	}
}

// learns trains the model of the harness's flow, as publishing does.
func (e *engine) learns() *engine {
	e.t.Helper()
	p, err := e.program(e.t.Context(), e.ws, e.conn, "", false)
	require.NoError(e.t, err)
	_, err = e.Models.Train(e.t.Context(), e.ws, hearing.Examples(p))
	require.NoError(e.t, err)
	return e
}

// metrics are those of the engine, in Prometheus' text format.
func (e *engine) metrics() string {
	w := httptest.NewRecorder()
	observe.MetricsHandler(e.registry).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

// hearsBack takes a text and gives what the phone shows of the answer.
func (k *talk) hearsBack(text string) []string {
	k.t.Helper()
	before := len(k.phone.shown)
	k.says(text)
	k.turn()
	return k.phone.texts()[before:]
}

func TestWhatCustomersWantLeadsThere(t *testing.T) {
	k := setUp(t, helpful).learns().talk()
	require.Equal(t, []string{"Order 48213 is on its way."}, k.hearsBack("where is my order #48213?"), "with nothing under way")
	require.Equal(t, []string{"How many would you like?"}, k.hearsBack("hello"))
	require.Equal(t, []string{"Order ? is on its way."}, k.hearsBack("when does my parcel come"), "from a question")
	k.hearsBack("start over")
	require.Equal(t, []string{"From 9 to 6.", "How many would you like?"}, k.hearsBack("are you open on sunday?"), "an answer, and the question again")
	require.Equal(t, []string{"7 it is."}, k.hearsBack("7"))
	require.Zero(t, one[int](k.engine, `SELECT count(*) FROM nlu_misses`))
	require.Contains(t, k.metrics(), `parley_understood_total{engine="builtin",outcome="intent"} 2`)
	require.Contains(t, k.metrics(), `parley_understood_total{engine="answers",outcome="answer"} 1`)
}

func TestAMoodHandsOver(t *testing.T) {
	k := setUp(t, helpful).learns().talk()
	require.Equal(t, []string{"Tell us more."}, k.hearsBack("i want to complain"))
	k.says("i want to complain, this is a terrible, awful service")
	require.Equal(t, "human", k.turn().Owner)
	require.Equal(t, "complaints", one[string](k.engine, `SELECT queue FROM conversations`))
}

func TestMissesAreKeptAndTheSecondOneHandsOver(t *testing.T) {
	k := setUp(t, helpful).learns().talk()
	k.hearsBack("start over")
	require.Equal(t, []string{"Sorry, I did not understand that.\n\nWrite a number.\n\nHow many would you like?"}, k.hearsBack("planted cats please"))
	k.says("purple elephants")
	require.Equal(t, "human", k.turn().Owner)
	require.Equal(t, "desk", one[string](k.engine, `SELECT queue FROM conversations`))

	got, _, _, err := k.Misses.List(t.Context(), k.ws, misses.Filter{Flow: "test"}, 10)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, "purple elephants", got[0].Text)
	first := got[1]
	require.Equal(t, []any{"planted cats please", "start", k.ID, int64(2)}, []any{first.Text, first.Block, first.Conversation, first.Number})
	require.NotEmpty(t, first.Guess)
	require.Less(t, first.Confidence, 0.7)
	require.Len(t, first.FlowHash, 64)
	require.NotContains(t, one[string](k.engine, `SELECT string_agg(m::text, ' ') FROM nlu_misses m`), "planted")
	require.Contains(t, k.metrics(), "parley_misses_total 2")

	k.turn()
	require.Equal(t, 2, one[int](k.engine, `SELECT count(*) FROM nlu_misses`))
	_, err = k.vault.Destroy(t.Context(), k.ws, k.Contact, vault.Conversation)
	require.NoError(t, err)
	got, _, _, err = k.Misses.List(t.Context(), k.ws, misses.Filter{}, 10)
	require.NoError(t, err)
	require.Empty(t, got, "erasure destroys them")
}

// engines is the helpful flow with engines of its own.
func engines(list string) string {
	return strings.Replace(helpful, "understand: {", "understand: {engines: "+list+", budget: 200ms, facts: {known: \"=contact.language\", plan: gold}, ", 1)
}

func TestAServiceIsAskedWhereTheFlowItselfIsNotSure(t *testing.T) {
	k := setUp(t, engines("[builtin, llm]")).learns().talk()
	k.mind.says("order_status", "complaint")
	require.Equal(t, []string{"Order ? is on its way."}, k.hearsBack("where is my order"))
	require.Empty(t, k.mind.asked, "the built-in engine knew")
	require.Equal(t, []string{"Order ? is on its way."}, k.hearsBack("quo vadis"))
	require.Equal(t, []string{"How many would you like?"}, k.hearsBack("start over"))
	require.Equal(t, []string{"7 it is."}, k.hearsBack("7"))
	require.Len(t, k.mind.asked, 1, "words of the flow and answers to its questions do not leave")
	u := k.mind.asked[0]
	require.Equal(t, []any{"quo vadis", k.ID.String(), map[string]string{"plan": "gold"}}, []any{u.Text, u.Session, u.Facts}, "and nothing of the contact")
	require.Len(t, u.Intents, 3)
	require.Contains(t, k.metrics(), `parley_understood_total{engine="llm",outcome="intent"} 1`)
}

func TestTheBuiltInEngineAnswersForASlowService(t *testing.T) {
	k := setUp(t, engines("[llm, builtin]")).learns().talk()
	k.mind.answers = append(k.mind.answers, func(ctx context.Context) (sdk.Understanding, error) {
		<-ctx.Done()
		return sdk.Understanding{}, &sdk.Error{Class: sdk.Unavailable, Err: ctx.Err()}
	})
	began := time.Now()
	require.Equal(t, []string{"Order ? is on its way."}, k.hearsBack("where is my order"))
	require.GreaterOrEqual(t, time.Since(began), 200*time.Millisecond)
	require.Contains(t, k.metrics(), `parley_understanding_failures_total{engine="llm",reason="too_slow"} 1`)
	require.Contains(t, k.metrics(), `parley_understood_total{engine="builtin",outcome="intent"} 1`)

	// A connection that is out, or that there is not, is not asked.
	conn, err := k.Connections.ByName(t.Context(), k.ws, "llm")
	require.NoError(t, err)
	require.NoError(t, k.Outages.Begin(t.Context(), k.ws, conn.ID, outages.Operator, 1, ""))
	require.Equal(t, []string{"Order ? is on its way."}, k.hearsBack("track my parcel please"))
	require.NoError(t, k.Connections.Delete(t.Context(), k.ws, "llm", "test"))
	require.Equal(t, []string{"Order ? is on its way."}, k.hearsBack("track order"))
	require.Len(t, k.mind.asked, 1)
	require.Contains(t, k.metrics(), `parley_understanding_failures_total{engine="llm",reason="outage"} 1`)
	require.Contains(t, k.metrics(), `parley_understanding_failures_total{engine="llm",reason="no_connection"} 1`)
}

// TestARunAfterACrashDecidesOnTheSame: what a service said before a worker died is
// what the next one goes on with.
func TestARunAfterACrashDecidesOnTheSame(t *testing.T) {
	k := setUp(t, engines("[llm]")).talk()
	k.mind.says("order_status", "complaint")
	k.says("quo vadis")
	snap, err := k.Conversations.Load(t.Context(), conversations.Key{Workspace: k.ws, ID: k.ID})
	require.NoError(t, err)
	_, err = k.Activities.decide(t.Context(), snap, k.conn, flow.State{}, time.Now())
	require.NoError(t, err) // and here it died, before it committed
	k.turn()
	require.Equal(t, []string{"Order ? is on its way."}, k.phone.texts())
	require.Len(t, k.mind.asked, 1)
}

func TestRunsAtOnceDecideOnTheSame(t *testing.T) {
	k := setUp(t, engines("[llm]")).talk()
	for range 4 {
		k.mind.says("order_status", "complaint")
	}
	k.says("quo vadis")
	heard := make([]*sdk.Understanding, 4)
	var wait sync.WaitGroup
	for i := range heard {
		wait.Go(func() {
			snap, err := k.Conversations.Load(t.Context(), conversations.Key{Workspace: k.ws, ID: k.ID})
			if err != nil {
				t.Error(err)
				return
			}
			d, err := k.Activities.decide(t.Context(), snap, k.conn, flow.State{}, time.Now())
			if err != nil {
				t.Error(err)
				return
			}
			heard[i] = d.heard[1]
		})
	}
	wait.Wait()
	for _, u := range heard {
		require.Equal(t, heard[0], u)
	}
	require.NotContains(t, one[string](k.engine, `SELECT string_agg(i::text, ' ') FROM inbox i`), "order_status", "it is sealed")
}

func TestAFlowIsNotHeldUpByAModelThatIsMissing(t *testing.T) {
	k := setUp(t, helpful).talk()
	require.Equal(t, []string{"How many would you like?"}, k.hearsBack("where is my order"), "not understood yet")
	require.Eventually(t, func() bool {
		p, err := k.program(t.Context(), k.ws, k.conn, "", false)
		require.NoError(t, err)
		_, err = k.Models.Get(t.Context(), k.ws, hearing.Examples(p))
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	k.bots.Purge() // as after a while
	require.Equal(t, []string{"Order ? is on its way."}, k.hearsBack("where is my order"))
}

func TestAFlowThatUnderstandsNothingPaysNothing(t *testing.T) {
	k := setUp(t, greeting).talk()
	k.hearsBack("hi")
	require.Zero(t, k.bots.Len())
	require.NotContains(t, k.metrics(), "parley_understood_total{")
}

// BenchmarkDecide is what understanding adds to a turn: the decision without the
// database.
func BenchmarkDecide(b *testing.B) {
	for name, document := range map[string]string{"without": parrot, "with": helpful} {
		b.Run(name, func(b *testing.B) {
			e := setUp(b, document)
			if name == "with" {
				e.learns()
			}
			k := e.talk()
			k.says("hello, where is my order #48213, I have been waiting for it since last week")
			snap, err := k.Conversations.Load(b.Context(), conversations.Key{Workspace: k.ws, ID: k.ID})
			require.NoError(b, err)
			snap.FlowHash = one[string](k.engine, `SELECT hash FROM flows`)
			state := flow.State{Payments: []flow.Payment{{Ref: "none"}}} // under way: the version is not looked up
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.Activities.decide(b.Context(), snap, k.conn, state, time.Now()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "us/turn")
		})
	}
}
