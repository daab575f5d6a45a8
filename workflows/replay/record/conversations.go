package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"parley/connectors/sdk"
	"parley/workflows/conversation"
	"parley/workflows/process"
)

// turnFunc answers turns.
type turnFunc = func(ctx context.Context, n int, in conversation.TurnInput) (conversation.TurnResult, error)

func aConversation(name string, d *doubles, steps ...step) *scenario {
	in := conversation.Input{Workspace: invented("workspace"), Conversation: invented("conversation " + name)}
	return &scenario{
		name: "conversation-" + name, workflow: conversation.WorkflowType, input: in, doubles: d, steps: steps,
		id: fmt.Sprintf("conversation/%s/%s/%s", in.Workspace, invented("contact"), in.Conversation),
		attributes: temporal.NewSearchAttributes(conversation.Workspace.ValueSet(in.Workspace.String()),
			conversation.Channel.ValueSet("webchat"), conversation.Stage.ValueSet("bot")),
	}
}

func arrive(after string, numbers ...int64) step {
	var all []conversation.Arrived
	for _, n := range numbers {
		all = append(all, conversation.Arrived{Number: n})
	}
	return step{after, send(conversation.SignalArrived, all...)}
}

func bot(handled int64) conversation.TurnResult {
	return conversation.TurnResult{Handled: handled, Owner: "bot"}
}

// script answers the n-th turn with the n-th result, and later ones with the last.
func script(results ...conversation.TurnResult) turnFunc {
	return func(_ context.Context, n int, _ conversation.TurnInput) (conversation.TurnResult, error) {
		return results[min(n, len(results))-1], nil
	}
}

// in returns a result whose flow waits, or whose sends are looked at again, after
// so long; zero is for never.
func in(wake, retry time.Duration, r conversation.TurnResult) func(now time.Time) conversation.TurnResult {
	return func(now time.Time) conversation.TurnResult {
		if wake > 0 {
			r.WakeAt = now.Add(wake)
		}
		if retry > 0 {
			r.RetryAt = now.Add(retry)
		}
		return r
	}
}

func timed(results ...func(time.Time) conversation.TurnResult) turnFunc {
	return func(_ context.Context, n int, in conversation.TurnInput) (conversation.TurnResult, error) {
		return results[min(n, len(results))-1](in.Now), nil
	}
}

func conversations() []*scenario {
	all := []*scenario{messages(), calls(), outage(), waits(), slowTurn(), failingTurn(), continued()}
	return append(all, running(aConversation("waiting", &doubles{turn: timed(in(21*24*time.Hour, 0, bot(1)))}, step{after: "turn 1"})))
}

// messages: one by one, in a burst, old ones, a person takes over and gives back.
func messages() *scenario {
	human := conversation.TurnResult{Handled: 5, Owner: "human"}
	more := bot(6)
	more.More = true
	return aConversation("messages", &doubles{turn: script(bot(0), bot(1), bot(4), human, more, bot(8))},
		arrive("turn 1", 1), arrive("turn 2", 2, 3, 4), arrive("turn 3", 3, 1, 5), arrive("turn 4", 6), step{"turn 6", cancel})
}

// calls: two at once, one tried again, one that fails altogether and is started
// again, one that the flow stops waiting for.
func calls() *scenario {
	call := func(keys ...string) conversation.TurnResult {
		r := conversation.TurnResult{Handled: 1, Owner: "bot", Block: "browse"}
		for _, k := range keys {
			r.Calls = append(r.Calls, conversation.Call{Key: k, Connector: "shopify", Operation: "products_search", Block: "browse", TimeoutS: 20})
		}
		return r
	}
	release := make(chan struct{})
	failed := map[string]bool{}
	d := &doubles{
		turn: script(call("a", "b"), call("b", "c"), call("c"), bot(2)),
		call: func(ctx context.Context, n int, in conversation.CallInput) error {
			switch {
			case in.Key == "c":
				select {
				case <-release:
				case <-ctx.Done():
				}
				return nil
			case in.Key == "b" && n <= 2:
				return final(sdk.Unavailable)
			case in.Key == "a" && !failed["a"]:
				failed["a"] = true
				return passing()
			}
			return nil
		},
	}
	return aConversation("calls", d,
		arrive("turn 3", 2),
		step{"turn 4", func(context.Context, client.Client, string) error { close(release); return nil }},
		step{"turn 5", cancel})
}

// outage: a call waits for the end of its provider's, and is made then.
func outage() *scenario {
	waits := bot(1)
	waits.Calls = []conversation.Call{{Key: "a", Connector: "shopify", Operation: "products_search", Block: "browse", TimeoutS: 20}}
	d := &doubles{
		turn: script(waits, waits, bot(2)),
		call: func(_ context.Context, n int, _ conversation.CallInput) error {
			if n == 1 {
				return parked()
			}
			return nil
		},
	}
	return aConversation("outage", d, arrive("call 1", 2),
		step{"turn 2", send(process.SignalReleased, process.Released{Key: "a"})},
		step{"turn 3", cancel})
}

// waits: moved earlier, moved later, a send that is not settled.
func waits() *scenario {
	const s = time.Second
	d := &doubles{turn: timed(in(time.Hour, 0, bot(0)), in(s, 0, bot(1)), in(2*s, 0, bot(2)), in(2*s, 0, bot(3)), in(time.Hour, s, bot(4)), in(0, 0, bot(4)))}
	return aConversation("waits", d, arrive("turn 1", 1), arrive("turn 3", 3), step{"turn 6", cancel})
}

// slowTurn takes longer than its workflow task, which heartbeats meanwhile; what
// arrives during the turn is answered by the next.
func slowTurn() *scenario {
	entered := make(chan struct{})
	turn := func(_ context.Context, n int, _ conversation.TurnInput) (conversation.TurnResult, error) {
		switch n {
		case 1:
			close(entered)
			<-time.After(2500 * time.Millisecond)
			return bot(1), nil
		case 2, 3:
			return conversation.TurnResult{}, passing()
		}
		return bot(3), nil
	}
	s := aConversation("slow-turn", &doubles{turn: turn},
		step{"", func(ctx context.Context, c client.Client, id string) error {
			<-entered
			return arrive("", 2, 3).do(ctx, c, id)
		}},
		step{"turn 4", cancel})
	s.taskTimeout = time.Second
	return s
}

// failingTurn fails for good and is run again by its timer.
func failingTurn() *scenario {
	turn := func(_ context.Context, n int, _ conversation.TurnInput) (conversation.TurnResult, error) {
		if n == 1 {
			return conversation.TurnResult{}, final(sdk.Unavailable)
		}
		return bot(1), nil
	}
	return aConversation("failing-turn", &doubles{turn: turn}, step{"turn 2", cancel})
}

// continued outgrows its run: not by thousands of events but by signals so large
// that Temporal suggests a new run.
func continued() *scenario {
	large := strings.Repeat("0", 512<<10)
	s := aConversation("continued", &doubles{turn: script(bot(0), bot(1))})
	const signals = 9 // are more than the 4 MiB at which Temporal suggests it
	for n := range signals {
		// Zero asks for a turn; the trace is what makes it large.
		s.steps = append(s.steps, step{fmt.Sprintf("turn %d", n+1), send(conversation.SignalArrived, conversation.Arrived{Trace: large})})
	}
	// It does not continue in a task in which a turn ran, so there is one more.
	s.steps = append(s.steps, arrive(fmt.Sprintf("turn %d", signals+1), 0))
	return s
}
