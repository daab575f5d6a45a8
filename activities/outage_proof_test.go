package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/connectors/stripe"
	"parley/connectors/stripe/stripefake"
	"parley/internal/connections"
	"parley/internal/ledger"
	"parley/internal/outages"
	"parley/internal/outbound"
	"parley/internal/store/storetest"
	"parley/workflows/order"
	"parley/workflows/process"
)

// The two hours in which Stripe is down, since the test began, and what it takes.
const (
	downFrom, downTo = time.Hour, 3 * time.Hour
	drainRate        = 5.0
	perSecond        = 10 // what Stripe takes of this account; more is a 429
	payWithin        = 90 * time.Minute
)

// till is Stripe: the fake, which is down for two hours. As it goes down, it
// still does what it is asked and the answers are lost.
type till struct {
	env     *testsuite.TestWorkflowEnvironment
	handler http.Handler
	memory  *fake.Memory
	mu      sync.Mutex
	served  map[int64]int // by second, since the outage
	lost    int
	refused int
}

func (s *till) since() time.Duration { return s.env.Now().Sub(proofBegan) }

func (s *till) down() bool { at := s.since(); return at >= downFrom && at < downTo }

func (s *till) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	losing := s.down() && s.lost < 10
	if s.down() && !losing {
		return nil, errors.New("connection refused")
	}
	second := int64(s.since() / time.Second)
	if s.since() >= downTo {
		if s.served[second]++; s.served[second] > perSecond {
			s.refused++
		}
	}
	rec, arrived := httptest.NewRecorder(), req.Clone(req.Context())
	arrived.Header = http.Header{}
	for name, values := range req.Header {
		arrived.Header[http.CanonicalHeaderKey(name)] = values // as a server reads them
	}
	s.handler.ServeHTTP(rec, arrived)
	if losing {
		s.lost++
		return nil, io.ErrUnexpectedEOF
	}
	return rec.Result(), nil
}

// links counts Stripe's payment links by the effect that made them.
func (s *till) links(t *testing.T) map[string]int {
	out := map[string]int{}
	s.memory.State().Each("links", func(_ string, raw json.RawMessage) bool {
		var l struct{ Metadata map[string]string }
		require.NoError(t, json.Unmarshal(raw, &l))
		out[l.Metadata["parley_effect"]]++
		return true
	})
	return out
}

var proofBegan = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// proof is a shop with many orders, whose workflows, ledger and Stripe connector
// are the real ones, in skipped time.
type proof struct {
	*Activities
	t    *testing.T
	env  *testsuite.TestWorkflowEnvironment
	till *till
	ws   uuid.UUID
	conn uuid.UUID

	mu       sync.Mutex
	parked   map[string]bool // effects that met the outage
	outcomes map[string]int
	charged  map[uuid.UUID]int
	told     int // of the outage
}

func newProof(t *testing.T) *proof {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(proofBegan)
	env.SetTestTimeout(5 * time.Minute)
	p := &proof{t: t, env: env, parked: map[string]bool{}, outcomes: map[string]int{}, charged: map[uuid.UUID]int{}}
	db, v, ws := storetest.Open(t)
	p.ws = ws
	memory := fake.NewMemory("https://stripe.test")
	memory.Clock = env.Now
	p.till = &till{env: env, memory: memory, handler: stripefake.Provider.New(memory), served: map[int64]int{}}
	// The circuit's clock is the real one, in which all this takes seconds.
	bounds := outbound.New(outbound.Options{HalfOpenAfter: 20 * time.Millisecond})
	p.Activities = New(Deps{Vault: v, Ledger: ledger.New(db, v), Metrics: NewMetrics(prometheus.NewRegistry()),
		Outages: outages.New(db, outages.Options{Fresh: -1, Now: env.Now}),
		Connections: connections.New(connections.Options{DB: db, Vault: v, Connectors: []sdk.Connector{stripe.Connector}, Outbound: bounds,
			Wrap: func(string) func(http.RoundTripper) http.RoundTripper {
				return func(http.RoundTripper) http.RoundTripper { return p.till }
			}})})
	conn, err := p.Connections.Put(t.Context(), ws, "stripe", "stripe", "demo", "", json.RawMessage(
		`{"base_url":"https://stripe.test","secret_key":"sk_test_secretsecret","webhook_secret":"whsec_secretsecret"}`), "test")
	require.NoError(t, err)
	p.conn = conn.ID
	require.NoError(t, p.Outages.SetDrainRate(t.Context(), ws, conn.ID, drainRate, "test"))
	memory.SetAccounts(fake.Account{Account: "demo", Config: json.RawMessage(`{"secret_key":"sk_test_secretsecret"}`)})
	p.register()
	return p
}

func (p *proof) register() {
	name := func(n string) activity.RegisterOptions { return activity.RegisterOptions{Name: n} }
	p.env.RegisterWorkflowWithOptions(order.Workflow, workflow.RegisterOptions{Name: order.WorkflowType})
	p.env.RegisterActivityWithOptions(p.operate, name(process.OperationActivity))
	p.env.RegisterActivityWithOptions(p.OutageOf, name(process.OutageActivity))
	p.env.RegisterActivityWithOptions(p.tell, name(process.TellActivity))
	p.env.RegisterActivityWithOptions(func(_ context.Context, in process.ProgressInput) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		if in.Stage == order.StageClosed {
			p.outcomes[in.Outcome]++
		}
		return nil
	}, name(process.AdvanceActivity))
}

// operate does what is Stripe's for real; the shop says yes to everything.
func (p *proof) operate(ctx context.Context, in process.OperationInput) (json.RawMessage, error) {
	switch in.Operation {
	case "draft_order_create":
		return json.RawMessage(`{"id":"d1","total":{"amount":2500,"currency":"EUR"}}`), nil
	case "draft_order_complete":
		return json.RawMessage(`{"order_id":"o1","name":"#1"}`), nil
	case "draft_order_delete":
		return json.RawMessage(`{}`), nil
	}
	out, err := p.RunOperation(ctx, in)
	if _, parked := process.ParkedBy(err); parked {
		p.mu.Lock()
		p.parked[in.Key] = true
		p.mu.Unlock()
	}
	return out, err
}

// tell shows the customer a message. Who is asked to pay does so three quarters of
// an hour later, or as soon after that as the page works.
func (p *proof) tell(_ context.Context, in process.TellInput) error {
	switch {
	case strings.HasSuffix(in.Key, "-tell-outage"):
		p.mu.Lock()
		p.told++
		p.mu.Unlock()
	case strings.HasSuffix(in.Key, "-tell-pay"):
		p.env.RegisterDelayedCallback(func() { p.pay(in.Case) }, 45*time.Minute)
	}
	return nil
}

func (p *proof) pay(c process.Ref) {
	if p.till.down() {
		p.env.RegisterDelayedCallback(func() { p.pay(c) }, 20*time.Minute)
		return
	}
	err := p.env.SignalWorkflowByID(workflowOf(c), process.SignalNews, process.News{Number: 1, Name: "payment.paid",
		Data: json.RawMessage(`{"status":"paid","payment_intent":"pi_1"}`), At: p.env.Now()})
	if err != nil {
		return // the order is over: what expired is counted by its outcome
	}
	p.charged[c.ID]++
	p.env.RegisterDelayedCallback(func() {
		require.NoError(p.t, p.env.SignalWorkflowByID(workflowOf(c), process.SignalNews, process.News{Number: 2, Name: "order.delivered"}))
	}, time.Minute)
}

func workflowOf(c process.Ref) string {
	return fmt.Sprintf("order/%s/%s/%s", c.Workspace, c.Contact, c.ID)
}

// drains lets go on what may, now and then while Stripe is down, then every second.
func (p *proof) drains() {
	require.NoError(p.t, p.Outages.Drain(p.t.Context(), func(_ context.Context, r outages.Release) error {
		return p.env.SignalWorkflowByID(r.WorkflowID, process.SignalReleased, process.Released{Key: r.Key})
	}))
	if p.till.since() < downTo {
		p.env.RegisterDelayedCallback(p.drains, 30*time.Second)
		return
	}
	left, err := p.Outages.Current(p.t.Context(), p.ws, p.conn)
	require.NoError(p.t, err)
	if left != nil {
		p.env.RegisterDelayedCallback(p.drains, time.Second)
	}
}

// shop starts the orders: some before the outage, the others in it.
func (p *proof) shop(ctx workflow.Context, before, during int) error {
	var all []workflow.Future
	start := func(n int, window time.Duration) error {
		for range n {
			c := process.Ref{Workspace: p.ws, ID: uuid.NewSHA1(p.ws, []byte(strconv.Itoa(len(all)))), Kind: order.Kind, Number: int64(len(all) + 1),
				Contact: uuid.NewSHA1(p.conn, []byte(strconv.Itoa(len(all)))), Channel: "webchat"}
			child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: workflowOf(c)})
			all = append(all, workflow.ExecuteChildWorkflow(child, order.WorkflowType, order.Input{Case: c,
				Cart:     order.Cart{Currency: "EUR", Lines: []order.Line{{VariantID: "v", Title: "Teapot", Quantity: 1, Price: order.Money{Amount: 2500, Currency: "EUR"}}}},
				Settings: order.Settings{ExpireAfter: payWithin, RemindAfter: 20 * time.Minute}}))
			if err := workflow.Sleep(ctx, window/time.Duration(n)); err != nil {
				return err
			}
		}
		return nil
	}
	if err := start(before, downFrom); err != nil {
		return err
	}
	if err := start(during, downTo-downFrom-time.Minute); err != nil {
		return err
	}
	for _, f := range all {
		if err := f.Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// TestTwoHoursWithoutStripe: 1,000 orders wait while Stripe is down for two hours
// of skipped time. Nobody is charged twice, no payment expires for it, Stripe is
// not overrun when it is back, and the report is what Stripe's record says.
// PARLEY_OUTAGE_ORDERS sets a larger number of orders.
func TestTwoHoursWithoutStripe(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	waiting := 1000
	if n, err := strconv.Atoi(os.Getenv("PARLEY_OUTAGE_ORDERS")); err == nil && n > waiting {
		waiting = n
	}
	before := waiting / 10
	p := newProof(t)
	p.env.RegisterWorkflowWithOptions(p.shop, workflow.RegisterOptions{Name: "shop"})
	p.env.RegisterDelayedCallback(p.drains, downFrom)
	p.env.ExecuteWorkflow("shop", before, waiting)
	require.True(t, p.env.IsWorkflowCompleted())
	require.NoError(t, p.env.GetWorkflowError())

	reports, err := p.Outages.Reports(t.Context(), p.ws, p.conn, time.Time{}, 100)
	require.NoError(t, err)
	var sum outages.Report
	for _, r := range reports {
		sum.Parked, sum.Done, sum.Failed, sum.Uncertain, sum.NotSent = sum.Parked+r.Parked, sum.Done+r.Done, sum.Failed+r.Failed, sum.Uncertain+r.Uncertain, sum.NotSent+r.NotSent
	}
	links := p.till.links(t)
	most := 0
	for _, n := range p.till.served {
		most = max(most, n)
	}
	t.Logf("orders %d, parked %d, told %d, answers lost %d, links %d; outcomes %v; report: outages %d, parked %d, done %d, failed %d, uncertain %d, not sent %d; most a second afterwards %d",
		before+waiting, len(p.parked), p.told, p.till.lost, len(links), p.outcomes, len(reports), sum.Parked, sum.Done, sum.Failed, sum.Uncertain, sum.NotSent, most)

	require.Equal(t, map[string]int{order.OutcomeDelivered: before + waiting}, p.outcomes, "nothing expired or was given up")
	for _, n := range p.charged {
		require.Equal(t, 1, n)
	}
	require.Len(t, p.charged, before+waiting)
	require.Len(t, links, before+waiting, "each order has a link")
	for _, n := range links {
		require.Equal(t, 1, n, "and no other, whose answer was lost too")
	}
	require.Positive(t, p.till.lost)
	require.Zero(t, p.till.refused, "Stripe is not asked for more than it takes")
	require.Len(t, reports, 1, "an outage is one thing")
	require.Equal(t, len(p.parked), sum.Parked)
	require.GreaterOrEqual(t, sum.Parked, waiting-10)
	made := 0
	for key := range p.parked {
		made += links[key]
	}
	require.Equal(t, [4]int{made, 0, 0, 0}, [4]int{sum.Done, sum.Failed, sum.Uncertain, sum.NotSent}, "the report is what Stripe's record says")
}
