package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"parley/connectors/sdk"
	"parley/internal/ledger"
	"parley/internal/outages"
	"parley/internal/outbound"
	"parley/workflows/process"
)

var circuitOpen = &sdk.Error{Class: sdk.Unavailable, Code: outbound.CircuitOpen, Message: "open"}

// attempt makes one and tells whether the effect was parked, or its error's class.
func (d *deed) meets() string {
	d.t.Helper()
	conn, _, err := d.operation(d.t.Context(), process.Ref{Workspace: d.ws}, "shop", d.op.Name)
	require.NoError(d.t, err)
	_, err = d.perform(d.t.Context(), conn, d.op, d.effect)
	if p, ok := errors.AsType[*parked](err); ok {
		require.Equal(d.t, "shop", p.connector)
		return "parked"
	}
	if failed, ok := errors.AsType[*sdk.Error](err); ok {
		return string(failed.Class)
	}
	require.NoError(d.t, err)
	return "done"
}

func (d *deed) attempts() int {
	return one[int](d.engine, `SELECT attempt FROM effects WHERE key = $1`, d.effect.Key)
}

// While its provider is out a flow's call waits, and the customer hears so once.
func TestAFlowHearsOfAnOutageOnce(t *testing.T) {
	k := setUp(t, strings.Replace(fmt.Sprintf(shopping, "charge"), "save: found", "save: found\n      delayed: \"The shop is slow today.\"", 1)).talk()
	shop, err := k.Connections.ForConnector(t.Context(), k.ws, "shop")
	require.NoError(t, err)
	k.says("hi")
	in := callInput(k, k.turn().Calls[0].Key)
	in.Parks = true
	require.NoError(t, k.Outages.Begin(t.Context(), k.ws, shop.ID, outages.Circuit, 1, ""))
	for range 2 {
		err := k.CallConnector(t.Context(), in)
		parked, ok := errors.AsType[*temporal.ApplicationError](err)
		require.True(t, ok)
		require.Equal(t, process.ErrorParked, parked.Type())
		k.turn()
	}
	require.Equal(t, []string{"The shop is slow today."}, k.phone.texts())
	require.NoError(t, k.Outages.Resume(t.Context(), k.ws, shop.ID, ""))
	k.drain()
	require.NoError(t, k.CallConnector(t.Context(), in))
	k.turn()
	require.Equal(t, []string{"The shop is slow today.", "done"}, k.phone.texts())
}

// drain lets go on what may, and returns the keys.
func (e *engine) drain() (keys []string) {
	e.t.Helper()
	require.NoError(e.t, e.Outages.Drain(e.t.Context(), func(_ context.Context, r outages.Release) error {
		keys = append(keys, r.Key)
		return nil
	}))
	return keys
}

func (e *engine) report() outages.Report {
	e.t.Helper()
	conn, err := e.Connections.ForConnector(e.t.Context(), e.ws, "shop")
	require.NoError(e.t, err)
	all, err := e.Outages.Reports(e.t.Context(), e.ws, conn.ID, time.Time{}, 10)
	require.NoError(e.t, err)
	require.NotEmpty(e.t, all)
	return all[0]
}

// An effect that meets an outage is planned, spends no attempt, and is done once
// the outage is over.
func TestAnEffectWaitsForTheEndOfAnOutage(t *testing.T) {
	e := setUp(t, parrot)
	for _, name := range []string{"find", "charge", "ticket", "mail"} {
		d := e.deed(name)
		require.NoError(t, e.Outages.Begin(t.Context(), e.ws, d.effect.Connection, outages.Operator, 10, "test"))
		for range 3 {
			require.Equal(t, "parked", d.meets())
		}
		require.Equal(t, ledger.Planned, d.state())
		require.Zero(t, d.attempts())
		require.Empty(t, e.drain(), "it is the operator's to end it")
		require.NoError(t, e.Outages.Resume(t.Context(), e.ws, d.effect.Connection, "test"))
		require.Equal(t, "parked", d.meets(), "it waits for its turn")
		require.Equal(t, []string{d.effect.Key}, e.drain())
		require.Equal(t, "done", d.meets())
		require.Equal(t, 1, d.shop.runs[name])
		require.Equal(t, 1, d.attempts())
		e.ahead += time.Second
		require.Empty(t, e.drain())
		got := e.report()
		require.NotNil(t, got.DrainedAt)
		require.Equal(t, [5]int{1, 1, 0, 0, 0}, [5]int{got.Parked, got.Done, got.Failed, got.Uncertain, got.NotSent})
	}
}

// A circuit that opens is an outage. One effect at a time finds out whether it is
// over, rather one that may be repeated.
func TestACircuitIsAnOutage(t *testing.T) {
	e := setUp(t, parrot)
	mail, charge := e.deed("mail"), e.deed("charge")
	mail.shop.fail = []error{circuitOpen}
	require.Equal(t, "parked", mail.meets())
	require.Equal(t, ledger.NotSent, mail.state())
	require.Equal(t, "parked", charge.meets(), "others do not try")
	require.Empty(t, e.drain())

	e.ahead += time.Minute
	require.Equal(t, []string{charge.effect.Key}, e.drain())
	charge.shop.fail = []error{down}
	require.Equal(t, "parked", charge.meets(), "the probe got no answer")
	require.Equal(t, ledger.Uncertain, charge.state())
	require.Equal(t, outages.Circuit, e.report().Cause)
	require.Empty(t, e.drain(), "not at once again")

	e.ahead += 10 * time.Minute
	require.Equal(t, []string{charge.effect.Key}, e.drain())
	require.Equal(t, "done", charge.meets())
	require.NotNil(t, e.report().ResumedAt)
	e.ahead += time.Second
	require.Equal(t, []string{mail.effect.Key}, e.drain())
	require.Equal(t, "done", mail.meets())
	require.Equal(t, 1, mail.shop.runs["mail"]-1, "the first one was refused before it left")
}

// An outage for which nobody waits ends by itself: the next call tells.
func TestAnOutageThatNobodyMeetsEnds(t *testing.T) {
	e := setUp(t, parrot)
	d := e.deed("charge")
	require.NoError(t, e.Outages.Begin(t.Context(), e.ws, d.effect.Connection, outages.Circuit, 10, ""))
	e.ahead += time.Minute
	require.Empty(t, e.drain())
	require.NotNil(t, e.report().DrainedAt)
	require.Equal(t, "done", d.meets())
}

// What is settled, or must not be repeated, does not wait.
func TestWhatIsOverDoesNotWait(t *testing.T) {
	e := setUp(t, parrot)
	done, lost := e.deed("charge"), e.deed("mail")
	require.Equal(t, "done", done.meets())
	lost.shop.fail = []error{down}
	require.Equal(t, "unavailable", lost.meets())
	require.NoError(t, e.Outages.Begin(t.Context(), e.ws, done.effect.Connection, outages.Operator, 10, "test"))
	require.Equal(t, "done", done.meets())
	require.Equal(t, "uncertain", lost.meets())
}

// Recovery keeps to its rate, the oldest first, whoever drains and however late.
func TestDrainKeepsToItsRate(t *testing.T) {
	e := setUp(t, parrot)
	var conn = e.deed("charge").effect.Connection
	require.NoError(t, e.Outages.Begin(t.Context(), e.ws, conn, outages.Operator, 4, "test"))
	age := map[string]int{}
	for i := range 30 {
		d := e.deed("charge")
		require.Equal(t, "parked", d.meets())
		age[d.effect.Key] = i
		e.ahead += 11 * time.Second
	}
	require.NoError(t, e.Outages.Resume(t.Context(), e.ws, conn, "test"))
	e.ahead += time.Minute // nobody was there
	last, total := -1, 0
	for range 100 {
		keys := e.drain()
		require.LessOrEqual(t, len(keys), 4)
		for _, k := range keys {
			require.Greater(t, age[k], last)
			last = age[k]
		}
		total += len(keys)
		e.ahead += 100 * time.Millisecond
		if total == 30 {
			break
		}
	}
	require.Equal(t, 30, total)
	require.Equal(t, 0, e.report().Waiting)
}

// Several workers drain at the same moment and together keep to the rate.
func TestDrainersShareTheRate(t *testing.T) {
	e := setUp(t, parrot)
	conn := e.deed("charge").effect.Connection
	require.NoError(t, e.Outages.Begin(t.Context(), e.ws, conn, outages.Operator, 4, "test"))
	for range 12 {
		require.Equal(t, "parked", e.deed("charge").meets())
	}
	require.NoError(t, e.Outages.Resume(t.Context(), e.ws, conn, "test"))
	at := time.Now().Add(time.Minute)
	same := outages.New(e.db, outages.Options{Now: func() time.Time { return at }})
	var all sync.WaitGroup
	var told atomic.Int64
	for range 8 {
		all.Go(func() {
			require.NoError(t, same.Drain(t.Context(), func(context.Context, outages.Release) error {
				told.Add(1)
				return nil
			}))
		})
	}
	all.Wait()
	require.EqualValues(t, 4, one[int](e, `SELECT count(*) FROM outage_effects WHERE released_at IS NOT NULL`))
	require.GreaterOrEqual(t, told.Load(), int64(4))
}

// A workflow that could not be told is told again.
func TestATellingThatFailsIsRepeated(t *testing.T) {
	e := setUp(t, parrot)
	d := e.deed("charge")
	require.NoError(t, e.Outages.Begin(t.Context(), e.ws, d.effect.Connection, outages.Operator, 4, "test"))
	require.Equal(t, "parked", d.meets())
	require.NoError(t, e.Outages.Resume(t.Context(), e.ws, d.effect.Connection, "test"))
	require.Error(t, e.Outages.Drain(t.Context(), func(context.Context, outages.Release) error { return errors.New("no Temporal") }))
	require.Nil(t, e.report().DrainedAt)
	e.ahead += 11 * time.Second
	require.Equal(t, []string{d.effect.Key}, e.drain())
	e.ahead += time.Second
	e.drain()
	require.NotNil(t, e.report().DrainedAt)
}

// Workflows that began before there was parking are told something they know.
func TestParkedInTemporalsTerms(t *testing.T) {
	err := &parked{connector: "stripe", outage: outages.Outage{Cause: outages.Circuit, OpenedAt: time.Unix(1e9, 0)}}
	app, ok := errors.AsType[*temporal.ApplicationError](Temporal(understood(err, true)))
	require.True(t, ok)
	require.True(t, app.NonRetryable())
	out, is := process.ParkedBy(app)
	require.True(t, is)
	require.Equal(t, process.Outage{Connector: "stripe", Cause: "circuit", Since: time.Unix(1e9, 0).UTC(), Open: true}, out)
	app, ok = errors.AsType[*temporal.ApplicationError](Temporal(understood(err, false)))
	require.True(t, ok)
	require.Equal(t, string(sdk.Throttled), app.Type())
	require.False(t, app.NonRetryable())
}

// A message waits too, and is sent once.
func TestAMessageWaitsForTheEndOfAnOutage(t *testing.T) {
	e := setUp(t, parrot)
	k := e.talk()
	require.NoError(t, e.Outages.Begin(t.Context(), e.ws, e.conn.ID, outages.Operator, 10, "test"))
	k.says("hello")
	res := k.turn()
	require.False(t, res.RetryAt.IsZero())
	require.Equal(t, []string{ledger.NotSent}, k.states())
	k.turn()
	require.Empty(t, e.phone.texts())
	require.NoError(t, e.Outages.Resume(t.Context(), e.ws, e.conn.ID, "test"))
	require.Len(t, e.drain(), 1)
	k.turn()
	require.Len(t, e.phone.texts(), 1)
	require.Equal(t, []string{ledger.Done}, k.states())
}
