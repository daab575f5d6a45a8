package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"parley/connectors/sdk"
	"parley/internal/ledger"
	"parley/internal/vault"
	"parley/workflows/conversation"
	"parley/workflows/process"
)

// shop is a provider whose answers a test sets.
type shop struct {
	runs    map[string]int
	calls   []sdk.Call
	inputs  []string
	fail    []error // of the next runs; nil succeeds
	crash   bool
	found   bool // what a search finds
	findErr error
	finds   int
	onFind  func() // runs while a search is under way
}

type shopInput struct {
	Query   string    `json:"query,omitempty"`
	Amount  int64     `json:"amount,omitempty"`
	Curr    string    `json:"currency,omitempty"`
	Desc    string    `json:"description,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
}

type shopOutput struct {
	ID string `json:"id"`
}

func (s *shop) run(name string, call sdk.Call, in shopInput) (shopOutput, error) {
	if s.runs == nil {
		s.runs = map[string]int{}
	}
	s.runs[name]++
	s.calls = append(s.calls, call)
	raw, _ := json.Marshal(in)
	s.inputs = append(s.inputs, string(raw))
	if s.crash {
		s.crash = false
		panic("the worker dies")
	}
	if len(s.fail) > 0 {
		err := s.fail[0]
		s.fail = s.fail[1:]
		if err != nil {
			return shopOutput{}, err
		}
	}
	return shopOutput{ID: "f-1"}, nil
}

func operation(name string) func(*shop, context.Context, sdk.Call, shopInput) (shopOutput, error) {
	return func(s *shop, _ context.Context, call sdk.Call, in shopInput) (shopOutput, error) {
		return s.run(name, call, in)
	}
}

var (
	shopOperations = []sdk.Operation{
		sdk.Op("find", "reads", sdk.Effect{Kind: sdk.Read}, operation("find")),
		sdk.Op("charge", "keyed", sdk.Effect{Kind: sdk.Keyed, KeyLifetime: 24 * time.Hour}, operation("charge")),
		sdk.Op("mail", "once", sdk.Effect{Kind: sdk.Once}, operation("mail")),
		sdk.FoundBy(sdk.Op("letter", "once, and can be searched", sdk.Effect{Kind: sdk.Once, Settle: 3 * time.Minute}, operation("letter")),
			func(s *shop, _ context.Context, _ sdk.Call, _ shopInput) (shopOutput, bool, error) {
				s.finds++
				return shopOutput{ID: "found-1"}, s.found, s.findErr
			}),
		sdk.LookupOp("ticket", "lookup", 3*time.Minute, operation("ticket"),
			func(s *shop, _ context.Context, _ sdk.Call, _ shopInput) (shopOutput, bool, error) {
				s.finds++
				if s.onFind != nil {
					s.onFind()
				}
				return shopOutput{ID: "found-1"}, s.found, s.findErr
			}),
	}
	payOperations = []sdk.Operation{sdk.Op("payment_link_create", "keyed", sdk.Effect{Kind: sdk.Keyed, KeyLifetime: 24 * time.Hour}, operation("pay"))}
)

// deed is one effect of a case.
type deed struct {
	*engine
	effect ledger.Effect
	op     sdk.Operation
}

func (e *engine) deed(name string) *deed {
	e.t.Helper()
	*e.shop = shop{}
	ref := process.Ref{Workspace: e.ws, ID: uuid.New(), Contact: uuid.New()}
	conn, op, err := e.operation(e.t.Context(), ref, "shop", name)
	require.NoError(e.t, err)
	return &deed{e, ledger.Effect{Workspace: e.ws, Key: uuid.NewString(), Subject: ref.ID, SealWith: caseKey(ref), WorkflowID: "order/x",
		Connection: conn.ID, Connector: "shop", Operation: name, Effect: op.Effect, Input: json.RawMessage(`{"query":"q"}`)}, op}
}

// do makes one attempt and gives the output's ID or the error's class.
func (d *deed) do() string {
	d.t.Helper()
	conn, _, err := d.operation(d.t.Context(), process.Ref{Workspace: d.ws}, "shop", d.op.Name)
	require.NoError(d.t, err)
	out, err := d.perform(d.t.Context(), conn, d.op, d.effect)
	if err != nil {
		failed, ok := errors.AsType[*sdk.Error](err)
		require.True(d.t, ok, "%v", err)
		return string(failed.Class)
	}
	return ledger.RefOf(out)
}

func (d *deed) dies() {
	d.t.Helper()
	d.shop.crash = true
	require.Panics(d.t, func() { d.do() })
}

func (d *deed) state() string {
	return one[string](d.engine, `SELECT state FROM effects WHERE key = $1`, d.effect.Key)
}

var down = &sdk.Error{Class: sdk.Unavailable, Message: "down", Wrote: true}

// Whatever the kind, what ended well is done once and its outcome given again.
func TestAnEffectIsDoneOnce(t *testing.T) {
	e := setUp(t, parrot)
	for _, name := range []string{"find", "charge", "ticket", "mail"} {
		d := e.deed(name)
		for range 3 {
			require.Equal(t, "f-1", d.do(), name)
		}
		require.Equal(t, 1, e.shop.runs[name], name)
		require.Equal(t, "done", d.state(), name)
		key := d.effect.Key
		if name == "find" {
			key = "" // a read has none
		}
		require.Equal(t, sdk.Call{Key: key, Attempt: 1, Workspace: e.ws.String()}, e.shop.calls[0], name)

		d = e.deed(name)
		e.shop.fail = []error{refused}
		for range 3 {
			require.Equal(t, "rejected", d.do(), name)
		}
		require.Equal(t, 1, e.shop.runs[name], name)

		d = e.deed(name)
		e.shop.fail = []error{throttled, &sdk.Error{Class: sdk.Unavailable}}
		require.Equal(t, []string{"throttled", "unavailable", "f-1"}, []string{d.do(), d.do(), d.do()}, name+": what never left may be tried again")
	}
}

// An attempt may have been carried out: its answer did not come, or the worker died.
func TestAnAttemptThatMayHaveHappened(t *testing.T) {
	e := setUp(t, parrot)
	lost := map[string]func(d *deed){
		"no answer": func(d *deed) {
			e.shop.fail = []error{down}
			require.Equal(t, "unavailable", d.do())
		},
		"dead worker": func(d *deed) { d.dies() },
	}
	for how, lose := range lost {
		t.Run("read, "+how, func(t *testing.T) {
			d := e.deed("find")
			lose(d)
			require.Equal(t, "f-1", d.do())
		})
		t.Run("keyed, "+how, func(t *testing.T) {
			d := e.deed("charge")
			lose(d)
			require.Equal(t, "f-1", d.do())
			require.Equal(t, e.shop.calls[0].Key, e.shop.calls[1].Key)
		})
		t.Run("keyed after the key's lifetime, "+how, func(t *testing.T) {
			d := e.deed("charge")
			lose(d)
			e.age(25 * time.Hour)
			require.Equal(t, "uncertain", d.do())
			require.Equal(t, 1, e.shop.runs["charge"])
		})
		t.Run("once, "+how, func(t *testing.T) {
			d := e.deed("mail")
			lose(d)
			e.age(time.Hour)
			require.Equal(t, []string{"uncertain", "uncertain"}, []string{d.do(), d.do()})
			require.Equal(t, 1, e.shop.runs["mail"])
			require.Equal(t, "uncertain", d.state())
		})
		t.Run("lookup, found, "+how, func(t *testing.T) {
			d := e.deed("ticket")
			lose(d)
			e.shop.found = true
			require.Equal(t, "unavailable", d.do(), "the search lags")
			require.Zero(t, e.shop.finds)
			e.age(4 * time.Minute)
			require.Equal(t, []string{"found-1", "found-1"}, []string{d.do(), d.do()})
			require.Equal(t, []int{1, 1}, []int{e.shop.runs["ticket"], e.shop.finds})
		})
		t.Run("lookup, not found, "+how, func(t *testing.T) {
			d := e.deed("ticket")
			lose(d)
			e.age(4 * time.Minute)
			lose(d) // the second attempt is lost too: the search must wait again
			e.shop.found = true
			require.Equal(t, "unavailable", d.do())
			require.Equal(t, []int{2, 1}, []int{e.shop.runs["ticket"], e.shop.finds})
			e.age(4 * time.Minute)
			require.Equal(t, "found-1", d.do())
			require.Equal(t, 2, e.shop.runs["ticket"])
		})
		t.Run("lookup, the search fails, "+how, func(t *testing.T) {
			d := e.deed("ticket")
			lose(d)
			e.age(4 * time.Minute)
			for _, err := range []*sdk.Error{down, {Class: sdk.NotFound}, {Class: sdk.Uncertain}} {
				e.shop.findErr = err
				require.Equal(t, "unavailable", d.do(), "tried again")
			}
			e.shop.findErr = throttled
			require.Equal(t, "throttled", d.do())
			e.shop.findErr = &sdk.Error{Class: sdk.Auth}
			require.Equal(t, "auth", d.do())
			require.Equal(t, 1, e.shop.runs["ticket"], "nothing is done while it is unknown")
			e.shop.findErr, e.shop.found = nil, true
			require.Equal(t, "found-1", d.do())
		})
	}
}

// While one attempt searches, another begins: only the later one may act.
func TestOfTwoSearchesOneActs(t *testing.T) {
	e := setUp(t, parrot)
	d := e.deed("ticket")
	d.dies()
	e.age(4 * time.Minute)
	e.shop.onFind = func() {
		e.shop.onFind = nil
		require.Equal(t, "f-1", d.do())
	}
	require.Equal(t, "unavailable", d.do())
	require.Equal(t, 2, e.shop.runs["ticket"], "the one that died, and one more")
	require.Equal(t, "f-1", d.do())
}

func TestAnErrorWithoutAClassIsTakenCarefully(t *testing.T) {
	e := setUp(t, parrot)
	d := e.deed("mail")
	e.shop.fail = []error{errors.New("a bug in the connector")}
	require.Equal(t, "unavailable", d.do())
	require.Equal(t, "uncertain", d.state())
	require.Equal(t, "uncertain", d.do())
}

func TestRunOperationIsAnActivity(t *testing.T) {
	e := setUp(t, parrot)
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(e.RunOperation)
	ref := process.Ref{Workspace: e.ws, ID: uuid.New(), Contact: uuid.New()}
	run := func(connector, name, input string) (string, error) {
		got, err := env.ExecuteActivity(e.RunOperation, process.OperationInput{Case: ref, Key: uuid.NewString(), Connector: connector, Operation: name, Input: json.RawMessage(input)})
		if err != nil {
			return "", err
		}
		var out json.RawMessage
		require.NoError(t, got.Get(&out))
		return string(out), nil
	}
	out, err := run("shop", "charge", `{"query":"q"}`)
	require.NoError(t, err)
	require.JSONEq(t, `{"id":"f-1"}`, out)
	for _, bad := range [][3]string{{"none", "charge", `{}`}, {"shop", "none", `{}`}, {"shop", "charge", `{"colour":1}`}} {
		_, err := run(bad[0], bad[1], bad[2])
		failed, ok := errors.AsType[*temporal.ApplicationError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, "invalid", failed.Type())
		require.True(t, failed.NonRetryable())
	}
}

func callInput(k *talk, key string) conversation.CallInput {
	return conversation.CallInput{Workspace: k.ws, Conversation: k.ID, Key: key, Deadline: time.Now().Add(time.Minute)}
}

const shopping = "name: test\nblocks:\n  start:\n    - call: shop.%s\n      with: {query: it}\n      save: found\n      errors: {default: sorry}\n    - say: done\n  sorry:\n    - say: \"sorry {{ error.class }}\"\n"

// A call is tried again while that can help and time remains; then its error is
// the flow's.
func TestACallIsTriedAgainUntilItsDeadline(t *testing.T) {
	cases := []struct {
		op       string
		fail     error
		deadline time.Duration
		retried  bool
		said     string
	}{
		{"charge", down, time.Minute, true, ""},
		{"charge", throttled, time.Minute, true, ""},
		{"charge", down, -time.Second, false, "sorry unavailable"},
		{"charge", refused, time.Minute, false, "sorry rejected"},
		{"mail", &sdk.Error{Class: sdk.Uncertain}, -time.Second, false, "sorry uncertain"},
	}
	for _, c := range cases {
		k := setUp(t, fmt.Sprintf(shopping, c.op)).talk()
		k.says("hi")
		in := callInput(k, k.turn().Calls[0].Key)
		in.Deadline = time.Now().Add(c.deadline)
		k.shop.fail = []error{c.fail}
		err := k.CallConnector(t.Context(), in)
		if c.retried {
			require.Error(t, err)
			require.NoError(t, k.CallConnector(t.Context(), in))
			c.said = "done"
		} else {
			require.NoError(t, err)
		}
		k.turn()
		require.Equal(t, []string{c.said}, k.phone.texts())
	}
}

// Each attempt at a payment link asks for the same: providers refuse a key that
// comes again with another request.
func TestAttemptsAtAPaymentAskForTheSame(t *testing.T) {
	k := setUp(t, "name: test\nblocks:\n  start:\n    - pay: Things\n      amount: 100\n      currency: USD\n      expires: 30m\n      expired: over\n      failed: over\n  over:\n    - say: over\n").talk()
	k.says("hi")
	in := callInput(k, k.turn().Calls[0].Key)
	k.shop.fail = []error{down}
	require.Error(t, k.CallConnector(t.Context(), in))
	require.NoError(t, k.CallConnector(t.Context(), in))
	require.Len(t, k.shop.inputs, 2)
	require.Equal(t, k.shop.inputs[0], k.shop.inputs[1])
	require.Contains(t, k.shop.inputs[0], `"expires"`)
	require.Equal(t, in.Key, k.shop.calls[1].Key)
}

func TestACallOfSomebodyErasedIsNotMade(t *testing.T) {
	k := setUp(t, fmt.Sprintf(shopping, "charge")).talk()
	k.says("hi")
	in := callInput(k, k.turn().Calls[0].Key)
	_, err := k.vault.Destroy(t.Context(), k.ws, k.Contact, vault.Conversation)
	require.NoError(t, err)
	require.NoError(t, k.CallConnector(t.Context(), in))
	require.Empty(t, k.shop.calls)
}

const remembering = `
name: test
agent_queue: desk
languages: [hi]
blocks:
  start:
    - tag: vip
    - consent: news
    - language: hi
    - emit: quote.given
      with: {amount: 12}
    - schedule: {en: Later., hi: बाद में।}
      after: 1h
    - ask: {en: "{{ len(contact.tags) }}?", hi: "{{ len(contact.tags) }}? {{ contact.consents.news ?? 'no' }}"}
      save: it
    - go: start
`

func TestFlowsRememberThingsOfContacts(t *testing.T) {
	k := setUp(t, remembering).talk()
	k.says("hi")
	res := k.turn()
	require.Equal(t, []string{"0? true"}, k.phone.texts(), "what was agreed to counts at once")
	require.Len(t, res.Calls, 3)
	require.False(t, res.WakeAt.IsZero(), "a message is scheduled")
	for _, c := range res.Calls {
		require.NoError(t, k.CallConnector(t.Context(), conversation.CallInput{Workspace: k.ws, Conversation: k.ID, Key: c.Key, Deadline: time.Now().Add(time.Minute)}))
	}
	k.turn() // the results, which nothing waits for
	got, err := k.people.Get(t.Context(), k.ws, k.Contact)
	require.NoError(t, err)
	require.Equal(t, "hi", got.Language)
	require.Equal(t, []string{"vip"}, got.Profile.Tags)
	require.True(t, got.Profile.Consents["news"].Granted)
	require.Equal(t, "Planted-Name", got.Profile.Name)
	require.Equal(t, 1, one[int](k.engine, `SELECT count(*) FROM events WHERE type = 'flow.quote.given'`))

	later, err := k.runAt(t.Context(), res.WakeAt.Add(time.Second))
	require.NoError(t, err)
	require.True(t, later.WakeAt.IsZero())
	require.Equal(t, "बाद में।", k.phone.texts()[1])
	k.says("x")
	k.turn()
	require.Equal(t, "1? true", k.phone.texts()[2], "the next turn knows")
}
