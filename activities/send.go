package activities

import (
	"context"
	"encoding/json"
	"time"

	"parley/connectors/sdk"
	"parley/internal/connections"
	"parley/internal/conversations"
	"parley/internal/ledger"
	"parley/internal/observe"
	"parley/internal/outages"
	"parley/internal/outbound"
)

// outbox sends the messages of one turn, in order: a message goes out when the
// one before it is settled. An attempt is committed before its request leaves.
type outbox struct {
	a       *Activities
	s       *conversations.Snapshot
	conn    *connections.Connection
	channel *sdk.Channel
	turn    int64
	now     time.Time
	// stopped tells that the customer ended consent meanwhile: nothing more goes out.
	stopped bool
	// pass is what the connection's outage, if there is one, lets a first send do.
	pass outages.Pass
	// retryAt is set when a send has to wait.
	retryAt time.Time
}

func (a *Activities) outbox(s *conversations.Snapshot, conn *connections.Connection, now time.Time) *outbox {
	return &outbox{a: a, s: s, conn: conn, channel: conn.Channel(), turn: s.PendingTurn, now: now}
}

// defaultSettle is how long an uncertain send of a channel without echoes is
// kept open for an operator before the conversation goes on without it.
const defaultSettle = time.Minute

// resume goes on with a turn that another run left unfinished. A send that was
// being attempted then may have arrived: it is uncertain until the provider's
// echo settles it, or a time passes in which the echo would have come.
func (o *outbox) resume(ctx context.Context) error {
	sends := o.s.Pending
	if len(sends) == 0 {
		return o.clear(ctx)
	}
	first := &sends[0]
	if first.State == ledger.NotSent || first.State == ledger.Planned {
		pass, err := o.a.Outages.Ask(ctx, o.s.Workspace, o.conn.ID, first.Key)
		if err != nil {
			return err
		}
		o.pass = pass
	}
	switch {
	case o.pass.Wait:
		o.retryAt = time.Now().Add(sendLook)
		return nil
	case o.pass.Released:
		return o.attemptAll(ctx, sends)
	}
	switch first.State {
	case ledger.Attempting:
		lost := ledger.Outcome{Error: &sdk.Error{Class: sdk.Uncertain}}
		state := o.stateOf(lost)
		if _, err := o.mark(ctx, *first, conversations.Mark{State: state}); err != nil {
			return err
		}
		o.count(state)
		return conversations.ErrMoved // the echo may have come already: look again
	case ledger.NotSent:
		// Whatever woke the conversation, the pause is kept.
		if due := first.AttemptedAt.Add(backoff(first.Attempt)); time.Now().Before(due) && !o.stopped {
			o.retryAt = due
			return nil
		}
	case ledger.Uncertain:
		due := first.AttemptedAt.Add(o.settleAfter())
		if time.Now().Before(due) {
			o.retryAt = due
			return nil
		}
		if !o.channel.Echoes {
			return o.giveUp(ctx, sends)
		}
		o.count("resent")
	}
	return o.attemptAll(ctx, sends)
}

// attemptAll sends messages of which none is under way.
func (o *outbox) attemptAll(ctx context.Context, sends []conversations.Send) error {
	if err := o.attempt(ctx, &sends[0]); err != nil {
		return err
	}
	return o.sendAll(ctx, sends)
}

// sendLook is when a conversation whose message waits for the end of an outage
// looks again, should nobody tell it.
const sendLook = 10 * time.Minute

func (o *outbox) settleAfter() time.Duration {
	if o.channel.SettleAfter > 0 {
		return o.channel.SettleAfter
	}
	return defaultSettle
}

// clear ends a pending turn whose sends were settled by echoes.
func (o *outbox) clear(ctx context.Context) error {
	_, err := o.a.Conversations.Settle(ctx, conversations.Mark{Key: o.s.Key, Finished: true, Turn: o.turn})
	return err
}

// giveUp ends an uncertain send that nothing can settle: it is not repeated.
func (o *outbox) giveUp(ctx context.Context, sends []conversations.Send) error {
	m := conversations.Mark{State: ledger.Failed, Class: string(sdk.Uncertain), Finished: len(sends) == 1}
	if _, err := o.mark(ctx, sends[0], m); err != nil {
		return err
	}
	if len(sends) == 1 {
		return nil
	}
	return o.attemptAll(ctx, sends[1:])
}

// attempt commits that a send is about to be attempted.
func (o *outbox) attempt(ctx context.Context, s *conversations.Send) error {
	ok, err := o.mark(ctx, *s, conversations.Mark{State: ledger.Attempting})
	if err != nil {
		return err
	}
	if !ok {
		return conversations.ErrMoved
	}
	s.State, s.Attempt = ledger.Attempting, s.Attempt+1
	return nil
}

func (o *outbox) mark(ctx context.Context, s conversations.Send, m conversations.Mark) (bool, error) {
	m.Key, m.Contact, m.Turn = o.s.Key, o.s.Contact, o.turn
	m.Effect, m.Attempt = s.Key, s.Attempt
	return o.a.Conversations.Settle(ctx, m)
}

// sendAll sends messages of which the first is committed as attempting.
func (o *outbox) sendAll(ctx context.Context, sends []conversations.Send) error {
	for i := range sends {
		m, wait := o.one(ctx, &sends[i])
		last := i == len(sends)-1
		settled := m.State == ledger.Done || m.State == ledger.Failed
		if settled && !last {
			m.Next = sends[i+1].Key
		}
		m.Finished = settled && last
		// What happened is recorded even if the turn was cancelled meanwhile.
		record, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		ok, err := o.mark(record, sends[i], m)
		cancel()
		switch {
		case err != nil:
			return err
		case !ok || m.State == ledger.Uncertain:
			return conversations.ErrMoved // settled by an echo or taken over: look again
		case !settled:
			o.retryAt = time.Now().Add(wait)
			return o.wait(ctx, &sends[i], m)
		}
		if !last {
			sends[i+1].State, sends[i+1].Attempt = ledger.Attempting, sends[i+1].Attempt+1
		}
	}
	return nil
}

// wait parks a message that did not leave because the connection is out.
func (o *outbox) wait(ctx context.Context, s *conversations.Send, m conversations.Mark) error {
	if m.Code != codeOutage && m.Code != outbound.CircuitOpen && !o.pass.Probe() {
		return nil
	}
	out, err := o.a.Outages.Park(ctx, o.s.Workspace, o.conn.ID, s.Key)
	if err == nil && out != nil {
		o.retryAt = time.Now().Add(sendLook)
	}
	return err
}

// codeOutage is the code of a message that was not sent because of an outage.
const codeOutage = "outage"

// leave hands the message over, unless the connection is out.
func (o *outbox) leave(ctx context.Context, s *conversations.Send) (sdk.Receipt, error) {
	if !o.pass.Released {
		pass, err := o.a.Outages.Ask(ctx, o.s.Workspace, o.conn.ID, s.Key)
		if err != nil {
			o.a.Log.WarnContext(ctx, "it could not be told whether the connection is out", "error", err)
		} else if pass.Wait {
			return sdk.Receipt{}, &sdk.Error{Class: sdk.Throttled, Code: codeOutage, Message: "the connection is out"}
		}
	}
	receipt, err := o.deliver(ctx, s)
	if failed := o.a.conclude(ctx, o.pass, o.conn, asError(err)); failed != nil {
		o.a.Log.WarnContext(ctx, "what a send says of the connection could not be recorded", "error", failed)
	}
	return receipt, err
}

// asError gives whatever a connector failed with a class.
func asError(err error) error {
	if err == nil {
		return nil
	}
	return sdk.AsError(err)
}

// one makes an attempt. It returns how to mark it and, if it did not leave, after
// how long to try again.
func (o *outbox) one(ctx context.Context, s *conversations.Send) (conversations.Mark, time.Duration) {
	if s.Erased {
		o.count(ledger.Failed)
		return conversations.Mark{State: ledger.Failed, Class: string(sdk.NotFound), Code: "erased"}, 0
	}
	if o.stopped {
		o.count(ledger.Failed)
		return conversations.Mark{State: ledger.Failed, Class: string(sdk.Rejected), Code: "opted_out"}, 0
	}
	ctx, span := observe.Tracer().Start(sdk.WithOperation(ctx, "send"), "send")
	receipt, err := o.leave(ctx, s)
	observe.End(span, err)
	if err == nil {
		o.count(ledger.Done)
		return o.done(ctx, receipt), 0
	}
	e := sdk.AsError(err)
	m := conversations.Mark{Class: string(e.Class), Code: e.Code, State: o.stateOf(ledger.Outcome{Error: e})}
	o.count(m.State)
	return m, max(e.RetryAfter, backoff(s.Attempt))
}

// stateOf is what an attempt's outcome means on this channel: one that knows our
// key can be asked again without harm.
func (o *outbox) stateOf(outcome ledger.Outcome) string {
	state := outcome.State(o.channel.Effect.Kind)
	if state == ledger.Uncertain && o.channel.Effect.Kind == sdk.Keyed {
		return ledger.NotSent
	}
	return state
}

// deliver hands the message over. If the provider says that its window is closed
// although we thought it open, the message's template goes in its place.
func (o *outbox) deliver(ctx context.Context, s *conversations.Send) (sdk.Receipt, error) {
	sender, ok := o.conn.Conn.(sdk.Sender)
	if !ok {
		return sdk.Receipt{}, sdk.Invalidf("connector %s carries no messages", o.conn.Connector.Name)
	}
	out := sdk.Outgoing{Key: s.Key, To: o.s.Address, Content: s.Content,
		Agent: s.Author == conversations.AuthorAgent && !o.s.Window(o.channel, "", time.Now())}
	template := s.Content.Template
	if template == nil || s.Content.OnlyTemplate() {
		return sender.Send(ctx, out)
	}
	out.Content.Template = nil
	receipt, err := sender.Send(ctx, out)
	if err != nil && sdk.AsError(err).Class == sdk.Rejected && sdk.AsError(err).Code == o.channel.WindowClosedCode {
		out.Content = sdk.Content{Template: template}
		return sender.Send(ctx, out)
	}
	return receipt, err
}

func (o *outbox) done(ctx context.Context, r sdk.Receipt) conversations.Mark {
	m := conversations.Mark{State: ledger.Done}
	m.Receipt, _ = json.Marshal(r) // two strings: cannot fail
	if r.MessageID != "" {
		// Without the index its statuses are found by our key, where they carry it.
		m.RefIndex, _ = ledger.RefIndex(ctx, o.a.Vault, o.s.Workspace, o.conn.Connector.Name, r.MessageID)
	}
	return m
}

func (o *outbox) count(outcome string) { o.a.Metrics.send(o.conn.Connector.Name, outcome) }

// backoff is the pause after an attempt that never left: 1 s, doubled each time,
// at most a minute.
func backoff(attempt int) time.Duration {
	return min(time.Second<<min(attempt, 6), time.Minute)
}
