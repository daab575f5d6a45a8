package activities

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/ledger"
	"parley/internal/reconcile"
	"parley/workflows/process"
)

// reconciler is what operators settle effects with.
func (e *engine) reconciler() *reconcile.Reconciler {
	quiet := slog.New(slog.DiscardHandler)
	return &reconcile.Reconciler{Ledger: e.Ledger, Connections: e.Connections, Dispatch: bus.NewDispatcher(e, 1, 10, quiet, nil), Log: quiet}
}

func (e *engine) decide(key string, v ledger.Verdict) {
	e.t.Helper()
	v.Actor = "key/operator"
	require.NoError(e.t, e.reconciler().Decide(e.t.Context(), e.ws, key, v))
}

// waiter is a case that has one mail sent and tells what came of it.
func waiter(ctx workflow.Context, ref process.Ref, patience time.Duration) (string, error) {
	ctx, p := process.Start(ctx, ref)
	var out shopOutput
	err := p.Do(ctx, process.Operation{Name: "mail", Connector: "shop", Operation: "mail", Input: map[string]any{"query": "q"}, Patience: patience}, &out)
	return out.ID, err
}

// A case whose effect is uncertain waits. When an operator settles it, it goes on:
// with what was done, or by doing it now.
func TestACaseGoesOnWhenItsEffectIsSettled(t *testing.T) {
	cases := []struct {
		name    string
		verdict ledger.Verdict
		id      string
		runs    int
	}{
		{"done", ledger.Verdict{Done: true, Output: json.RawMessage(`{"id":"m-7"}`)}, "m-7", 1},
		{"done, nobody knows more", ledger.Verdict{Done: true}, "", 1},
		{"not done", ledger.Verdict{}, "f-1", 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := setUp(t, parrot)
			e.shop.fail = []error{down} // no answer came
			ref := process.Ref{Workspace: e.ws, ID: uuid.New(), Contact: uuid.New()}
			env := new(testsuite.WorkflowTestSuite).NewTestWorkflowEnvironment()
			env.RegisterWorkflow(waiter)
			env.RegisterActivityWithOptions(e.RunOperation, activity.RegisterOptions{Name: process.OperationActivity})
			settled := false
			env.RegisterDelayedCallback(func() {
				settled = true
				require.Equal(t, "uncertain", one[string](e, `SELECT state FROM effects`))
				require.Equal(t, 1, e.shop.runs["mail"], "nothing was repeated meanwhile")
				e.decide(ref.ID.String()+"-mail", c.verdict)
			}, 25*time.Second) // the test environment gives up after ten attempts
			env.ExecuteWorkflow(waiter, ref, 24*time.Hour)
			require.True(t, settled)
			require.NoError(t, env.GetWorkflowError())
			var id string
			require.NoError(t, env.GetWorkflowResult(&id))
			require.Equal(t, []any{c.id, c.runs}, []any{id, e.shop.runs["mail"]})
			require.Equal(t, "done", one[string](e, `SELECT state FROM effects WHERE was_uncertain AND NOT in_doubt`))
			require.Equal(t, 1, one[int](e, `SELECT count(*) FROM audit WHERE actor = 'key/operator' AND action LIKE 'effect.reconcile.%' AND object = 'effect/' || $1::text`, ref.ID.String()+"-mail"))
		})
	}
}

// News that brings back the key of an effect proves that it was done, whatever is
// known of its outcome: the flow goes on, without an operator and without a repeat.
func TestAProvidersNewsSettlesWhatItProves(t *testing.T) {
	k := setUp(t, fmt.Sprintf(shopping, "mail")).talk()
	shop, err := k.Connections.ForConnector(t.Context(), k.ws, "shop")
	require.NoError(t, err)
	news := func(p sdk.ProviderEvent) {
		_, err := k.intake.Accept(t.Context(), shop, []sdk.Event{{ID: uuid.NewString(), Kind: sdk.EventProvider, Provider: &p}})
		require.NoError(t, err)
	}
	state := func() string { return one[string](k.engine, `SELECT state FROM effects WHERE operation = 'mail'`) }
	k.says("hi")
	in := callInput(k, k.turn().Calls[0].Key)
	k.shop.fail = []error{down} // no answer came
	require.Error(t, k.CallConnector(t.Context(), in))
	news(sdk.ProviderEvent{Name: "mail.read", Refs: []string{"another"}})
	require.Equal(t, "uncertain", state())
	news(sdk.ProviderEvent{Name: "mail.read", EffectKey: in.Key, Refs: []string{"m-7"}})
	require.Equal(t, "done", state())
	require.NoError(t, k.CallConnector(t.Context(), in))
	k.turn()
	require.Equal(t, []any{[]string{"done"}, 1}, []any{k.phone.texts(), k.shop.runs["mail"]})
	require.Equal(t, 1, one[int](k.engine, `SELECT count(*) FROM audit WHERE actor = 'provider' AND action = 'effect.reconcile.done'`))
}

func TestACasesPatienceEnds(t *testing.T) {
	e := setUp(t, parrot)
	e.shop.fail = []error{down}
	env := new(testsuite.WorkflowTestSuite).NewTestWorkflowEnvironment()
	env.RegisterWorkflow(waiter)
	env.RegisterActivityWithOptions(e.RunOperation, activity.RegisterOptions{Name: process.OperationActivity})
	env.ExecuteWorkflow(waiter, process.Ref{Workspace: e.ws, ID: uuid.New(), Contact: uuid.New()}, time.Minute)
	require.Error(t, env.GetWorkflowError())
	require.Equal(t, "uncertain", one[string](e, `SELECT state FROM effects`))
	require.Equal(t, 1, e.shop.runs["mail"])
}

// What a verdict frees is attempted as at first: an attempt that then never leaves is
// no doubt.
func TestWhatWasNotDoneIsAttemptedAnew(t *testing.T) {
	for _, name := range []string{"mail", "charge"} {
		d := setUp(t, parrot).deed(name)
		d.dies()
		d.age(48 * time.Hour)
		require.Equal(t, "uncertain", d.do())
		d.decide(d.effect.Key, ledger.Verdict{Note: "planted words"})
		d.shop.fail = []error{throttled, nil}
		require.Equal(t, []string{"throttled", "f-1"}, []string{d.do(), d.do()}, name)
		require.ErrorIs(t, d.reconciler().Decide(t.Context(), d.ws, d.effect.Key, ledger.Verdict{Done: true}), ledger.ErrSettled)
		require.Equal(t, d.shop.calls[0].Key, d.shop.calls[1].Key)
	}
}

func TestWhatIsUnderWayIsNotSettled(t *testing.T) {
	d := setUp(t, parrot).deed("mail")
	d.dies()
	require.ErrorIs(t, d.reconciler().Decide(t.Context(), d.ws, d.effect.Key, ledger.Verdict{}), ledger.ErrSettled, "an attempt that began just now may yet end")
	require.ErrorIs(t, d.reconciler().Decide(t.Context(), d.ws, "none", ledger.Verdict{}), ledger.ErrNotFound)
	d.age(3 * time.Minute)
	err := d.reconciler().Decide(t.Context(), d.ws, d.effect.Key, ledger.Verdict{Done: true, Output: json.RawMessage(`{"colour":1}`)})
	require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, "no output of this operation")
	d.decide(d.effect.Key, ledger.Verdict{Done: true, Output: json.RawMessage(`{"id":"m-7"}`)})
	require.Equal(t, "m-7", d.do())
}

func TestAFlowGoesOnWhenItsCallIsSettled(t *testing.T) {
	for _, c := range []struct {
		verdict ledger.Verdict
		runs    int
	}{{ledger.Verdict{Done: true}, 1}, {ledger.Verdict{}, 2}} {
		k := setUp(t, fmt.Sprintf(shopping, "mail")).talk()
		k.says("hi")
		in := callInput(k, k.turn().Calls[0].Key)
		k.shop.fail = []error{down}
		for range 3 {
			err := k.CallConnector(t.Context(), in)
			require.Error(t, err, "it waits")
			again, ok := errors.AsType[*temporal.ApplicationError](err)
			require.True(t, ok)
			require.False(t, again.NonRetryable())
		}
		k.decide(in.Key, c.verdict)
		require.NoError(t, k.CallConnector(t.Context(), in))
		k.turn()
		require.Equal(t, []any{[]string{"done"}, c.runs}, []any{k.phone.texts(), k.shop.runs["mail"]})
	}
}

func TestAConversationGoesOnWhenItsMessageIsSettled(t *testing.T) {
	for _, c := range []struct {
		done bool
		want []string
	}{{true, []string{"two"}}, {false, []string{"one", "two"}}} {
		k := setUp(t, "name: test\nblocks:\n  start:\n    - say: one\n    - say: two\n").talk()
		k.channel.Echoes = false
		k.phone.next(dies)
		k.says("hi")
		k.crash()
		k.turn()
		require.Equal(t, []string{"uncertain", "planned"}, k.states())
		k.decide(k.effectKey("1", "0"), ledger.Verdict{Done: c.done})
		k.exec(`UPDATE effects SET attempted_at = attempted_at - interval '1 hour'`) // the pause is over
		k.turn()
		require.Equal(t, c.want, k.phone.texts())
		require.False(t, k.pending())
	}
}

// Where the provider can be asked, nobody needs to be.
func TestProvidersAreAsked(t *testing.T) {
	e := setUp(t, parrot)
	sweep := func() int {
		n, err := e.reconciler().Sweep(t.Context(), time.Second)
		require.NoError(t, err)
		return n
	}
	lost := func(name string) *deed {
		d := e.deed(name)
		e.shop.fail = []error{down}
		d.do()
		e.age(2 * time.Second)
		return d
	}
	d := lost("letter")
	require.Zero(t, sweep(), "its search may lag")
	require.Equal(t, "uncertain", d.state())
	e.shop.found = true
	require.Equal(t, 1, sweep())
	require.Equal(t, []string{"found-1", "found-1"}, []string{d.do(), d.do()})
	require.Equal(t, 1, e.shop.runs["letter"])
	require.Equal(t, "provider", one[string](e, `SELECT reconciled_by FROM effects WHERE key = $1`, d.effect.Key))

	d = lost("letter")
	e.age(4 * time.Minute)
	require.Equal(t, 1, sweep(), "a search that has settled and finds nothing")
	require.Equal(t, "f-1", d.do())
	require.Equal(t, 2, e.shop.runs["letter"])

	d = lost("mail")
	e.age(4 * time.Minute)
	require.Zero(t, sweep())
	require.ErrorIs(t, e.reconciler().Ask(t.Context(), e.ws, d.effect.Key, "key/operator"), reconcile.ErrCannotAsk)
	d = lost("letter")
	e.shop.findErr = down
	require.Zero(t, sweep(), "it could not be asked")
	require.Equal(t, "uncertain", d.state())
}
