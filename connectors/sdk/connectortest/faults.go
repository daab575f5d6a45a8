package connectortest

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

// action is anything that makes a connection call its provider.
type action struct {
	name string
	kind sdk.EffectKind
	// prepare makes what the action needs and returns the action itself.
	prepare func(*Rig) func(context.Context) error
}

// actions are the connector's operations, and what else its connection does.
func (s Subject) actions() (list []action) {
	for _, op := range s.Connector.Operations {
		list = append(list, action{op.Name, op.Effect.Kind, func(r *Rig) func(context.Context) error {
			require.NotEmpty(r.t, op.Samples, "the operation has no sample: give it one with Operation.Sample")
			input := r.Input(op, 0)
			return func(ctx context.Context) error {
				_, err := op.Run(ctx, r.Conn, r.Call(op.Name), input)
				return err
			}
		}})
	}
	if c := s.Connector.Channel; c != nil && !c.Hosted {
		list = append(list, action{"send", c.Effect.Kind, func(r *Rig) func(context.Context) error {
			_, ok := r.Conn.(sdk.Sender)
			require.True(r.t, ok, "the connector is a channel, and its connection no sdk.Sender")
			to := r.Incoming(fake.Utterance{Text: "hello"}).From[0]
			return func(ctx context.Context) error {
				_, err := r.Conn.(sdk.Sender).Send(ctx, sdk.Outgoing{Key: r.Call("send").Key, To: to, Content: sdk.Content{Text: "Hello!"}})
				return err
			}
		}})
	}
	conn := s.connType()
	if conn == nil {
		return list
	}
	if conn.Implements(reflect.TypeFor[sdk.Checker]()) {
		list = append(list, action{"check", sdk.Read, func(r *Rig) func(context.Context) error {
			return func(ctx context.Context) error { return r.Conn.(sdk.Checker).Check(ctx) }
		}})
	}
	if conn.Implements(reflect.TypeFor[sdk.Understander]()) {
		list = append(list, action{"understand", sdk.Read, func(r *Rig) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := r.Conn.(sdk.Understander).Understand(ctx, sdk.Utterance{Text: "Where is my order?", Language: "en",
					Intents: []sdk.Intent{{Name: "order_status", Examples: []string{"where is my parcel"}}, {Name: "greet", Examples: []string{"hello"}}}})
				return err
			}
		}})
	}
	return list
}

// connType is the type of the connection, nil if it cannot be opened, which a
// check of its own tells, or has no fake to be opened with.
func (s Subject) connType() reflect.Type {
	if s.Fake.Account == nil {
		return nil
	}
	conn, err := s.Connector.Open(s.Fake.Account("http://127.0.0.1:9/"+s.Connector.Name, secret), s.host(options{}))
	if err != nil || conn == nil {
		return nil
	}
	return reflect.TypeOf(conn)
}

// retryAfter is the provider's wish in the faults that have one.
const retryAfter = 7 * time.Second

func (s Subject) faultChecks() (list []Check) {
	for _, a := range s.actions() {
		add := func(fault string, run func(*Probe)) {
			list = append(list, Check{"fault/" + a.name + "/" + fault, run})
		}
		add("401", func(p *Probe) { s.answers(p, a, "401", sdk.Auth) })
		add("429", func(p *Probe) { s.answers(p, a, "429", sdk.Throttled) })
		add("500", func(p *Probe) { s.answers(p, a, "500", sdk.Unavailable) })
		add("503", func(p *Probe) { s.answers(p, a, "503", sdk.Unavailable) })
		add("timeout", func(p *Probe) { s.timesOut(p, a) })
		add("refused", func(p *Probe) { s.unreachable(p, a, syscall.ECONNREFUSED) })
		add("cut_before_write", func(p *Probe) { s.unreachable(p, a, syscall.ECONNRESET) })
		list = append(list, Check{"cancel/" + a.name, func(p *Probe) { s.cancels(p, a) }})
	}
	return list
}

// calls runs an action once and returns the requests that it made.
func (s Subject) calls(p *Probe, a action) []seen {
	r := s.Rig(p)
	do := a.prepare(r)
	before := len(r.gate.requests())
	require.NoError(p, do(p.Context()))
	return r.gate.requests()[before:]
}

// answers: a status gives its class, whatever else the provider says of it.
func (s Subject) answers(p *Probe, a action, name string, class sdk.Class) {
	made := s.calls(p, a)
	if len(made) == 0 {
		return
	}
	r := s.Rig(p)
	do := a.prepare(r)
	r.gate.set(&fault{name: name, only: writing(a.name, made), retryAfter: retryAfter})
	err := do(p.Context())
	require.Error(p, err)
	e := seamError(p, err)
	require.Equal(p, class, e.Class, "the class of an answer with status %s", name)
	require.NotEmpty(p, e.Code, "the provider's code is lost")
	if class == sdk.Throttled || name == "503" {
		require.Equal(p, retryAfter, e.RetryAfter, "the provider's Retry-After is lost")
	}
	switch {
	case class == sdk.Throttled:
		require.False(p, e.Wrote, "what was throttled was not done: Wrote must be false")
	case class == sdk.Unavailable && a.kind != sdk.Read:
		require.True(p, e.Wrote, "the provider may have acted before it failed: Wrote must be true")
	}
}

// patience is how long a call waits for a provider that does not answer.
var patience = 250 * time.Millisecond

// timesOut: a provider that does not answer is unavailable, and may have acted.
func (s Subject) timesOut(p *Probe, a action) {
	made := s.calls(p, a)
	if len(made) == 0 {
		return
	}
	r := s.rigWith(p, options{timeout: patience})
	do := a.prepare(r)
	r.gate.set(&fault{name: fake.FaultTimeout, only: writing(a.name, made)})
	err := do(p.Context())
	require.Error(p, err)
	e := seamError(p, err)
	require.Equal(p, sdk.Unavailable, e.Class)
	if a.kind != sdk.Read {
		require.True(p, e.Wrote, "the request had left: Wrote must be true")
	}
}

// unreachable: a provider that was not reached did nothing.
func (s Subject) unreachable(p *Probe, a action, cause syscall.Errno) {
	if len(s.calls(p, a)) == 0 {
		return
	}
	broken := false
	r := s.rigWith(p, options{wrap: func(rt http.RoundTripper) http.RoundTripper {
		return transport(func(req *http.Request) (*http.Response, error) {
			if !broken {
				return rt.RoundTrip(req)
			}
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: cause}
		})
	}})
	do := a.prepare(r)
	if cause == syscall.ECONNREFUSED {
		r.server.Close()                                // nobody listens any more,
		r.Conn = s.open(p, r.Account.Config, options{}) // and no connection is left open
	} else {
		broken = true
	}
	err := do(p.Context())
	require.Error(p, err)
	e := seamError(p, err)
	require.Equal(p, sdk.Unavailable, e.Class)
	require.False(p, e.Wrote, "nothing had left: Wrote must be false")
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// cancels: a call whose context ends returns at once and leaves nothing running.
func (s Subject) cancels(p *Probe, a action) {
	if len(s.calls(p, a)) == 0 {
		return
	}
	r := s.Rig(p)
	do := a.prepare(r)
	before := goroutinesOf(r.Conn)
	hang := &fault{name: fake.FaultTimeout}
	r.gate.set(hang)
	ctx, cancel := context.WithCancel(p.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	select {
	case <-hang.struck:
	case err := <-done:
		require.Fail(p, "the provider hangs, and the call returned", "%v", err)
	}
	cancel()
	select {
	case err := <-done:
		require.Error(p, err)
		seamError(p, err)
	case <-time.After(time.Second):
		require.Fail(p, "a cancelled call did not return within a second")
	}
	require.Empty(p, leaked(r.Conn, before), "the cancelled call left a goroutine")
}

// leaked waits up to a second for the goroutines of a connection's package to
// end, but for those that were there before, and returns the stack of one that
// did not.
func leaked(conn any, before map[string]string) string {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Second)
	for {
		left := ""
		for id, stack := range goroutinesOf(conn) {
			if _, old := before[id]; !old {
				left = stack
			}
		}
		if left == "" {
			return ""
		}
		select {
		case <-tick.C:
		case <-deadline:
			return left
		}
	}
}

// goroutinesOf are the stacks of the goroutines that run or were begun in the
// package of a connection, by their number.
func goroutinesOf(conn any) map[string]string {
	t := reflect.TypeOf(conn)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	pkg := t.PkgPath() + "."
	buffer := make([]byte, 4<<20)
	buffer = buffer[:runtime.Stack(buffer, true)]
	out := map[string]string{}
	for stack := range strings.SplitSeq(string(buffer), "\n\n") {
		if strings.Contains(stack, "\n"+pkg) || strings.Contains(stack, "created by "+pkg) {
			id, _, _ := strings.Cut(stack, " [")
			out[id] = stack
		}
	}
	return out
}

// errorText is all that an error tells.
func errorText(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*sdk.Error](err); ok {
		raw, _ := json.Marshal(e) // an Error is always JSON
		text += "\n" + e.Customer + "\n" + string(raw)
	}
	return text
}
