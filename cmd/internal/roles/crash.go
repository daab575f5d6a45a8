package roles

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"google.golang.org/grpc"
)

// Proof lets proofs stop a process dead at chosen points. Nothing of it is on in
// production.
type Proof struct {
	// Point, if set, hears of every point at which a crash would matter, before
	// and after: each answer to Temporal and each signal, each commit of what is
	// durable, each request to a provider. It may not return.
	Point func(name string)
	// TaskTimeout, if set, is how soon Temporal takes a workflow task from a
	// worker that is no more, instead of after 10 s.
	TaskTimeout time.Duration
}

// answers are the calls of Temporal that change something; polls and heartbeats
// have no end.
var answers = regexp.MustCompile(`^(Respond|Signal|Start|ExecuteMulti)`)

// calls tells of calls of Temporal's server.
func (p Proof) calls(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	name := path.Base(method)
	if !answers.MatchString(name) {
		return invoke(ctx, method, req, reply, conn, opts...)
	}
	p.Point("before temporal " + name)
	err := invoke(ctx, method, req, reply, conn, opts...)
	p.Point("after temporal " + name)
	return err
}

func (p Proof) dialOptions() []grpc.DialOption {
	if p.Point == nil {
		return nil
	}
	return []grpc.DialOption{grpc.WithChainUnaryInterceptor(p.calls)}
}

// provider tells of requests to providers.
func (p Proof) provider(connector string, next http.RoundTripper) http.RoundTripper {
	if p.Point == nil {
		return next
	}
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodGet {
			return next.RoundTrip(r)
		}
		p.Point("before request to " + connector)
		resp, err := next.RoundTrip(r)
		p.Point("after request to " + connector)
		return resp, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// wrap puts the proof's points beneath what is wrapped around connectors anyway.
func (p Proof) wrap(outer func(string) func(http.RoundTripper) http.RoundTripper) func(string) func(http.RoundTripper) http.RoundTripper {
	return func(connector string) func(http.RoundTripper) http.RoundTripper {
		return func(rt http.RoundTripper) http.RoundTripper { return outer(connector)(p.provider(connector, rt)) }
	}
}

// watch returns the pool with its commits told of.
func (p Proof) watch(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Pool, error) {
	if p.Point == nil {
		return pool, nil
	}
	cfg := pool.Config()
	cfg.ConnConfig.Tracer = &commits{point: p.Point, open: map[*pgx.Conn]string{}}
	pool.Close()
	watched, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("proof: %w", err)
	}
	return watched, nil
}

// commits tells of the commits of turns, effects, inboxes and cases.
type commits struct {
	point func(string)
	mu    sync.Mutex
	open  map[*pgx.Conn]string // what the transaction under way has changed
}

// tables whose changes count, the telling ones first: a turn changes several.
var tables = []struct {
	name    string
	changes *regexp.Regexp
}{
	{"a turn", regexp.MustCompile(`INSERT INTO turns\b`)},
	{"effects", regexp.MustCompile(`(INSERT INTO|UPDATE) effects\b`)},
	{"the inbox", regexp.MustCompile(`INSERT INTO inbox\b`)},
	{"a case", regexp.MustCompile(`(INSERT INTO|UPDATE) cases\b`)},
	{"a conversation", regexp.MustCompile(`(INSERT INTO|UPDATE) conversations\b`)},
}

// changed says what a statement changes, or "".
func changed(sql string) string {
	for _, t := range tables {
		if t.changes.MatchString(sql) {
			return t.name
		}
	}
	return ""
}

type committing struct{}

func (c *commits) begin(ctx context.Context, what string) context.Context {
	if what == "" {
		return ctx
	}
	c.point("before commit of " + what)
	return context.WithValue(ctx, committing{}, what)
}

func (c *commits) end(ctx context.Context) {
	if what, ok := ctx.Value(committing{}).(string); ok {
		c.point("after commit of " + what)
	}
}

// TraceQueryStart implements pgx.QueryTracer.
func (c *commits) TraceQueryStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if conn.PgConn().TxStatus() == 'I' {
		return c.begin(ctx, changed(data.SQL)) // a transaction of its own
	}
	c.mu.Lock()
	what := c.open[conn]
	sql := strings.ToLower(data.SQL)
	over := sql == "commit" || sql == "rollback"
	switch {
	case over:
		delete(c.open, conn)
	case what == "":
		if what = changed(data.SQL); what != "" {
			c.open[conn] = what
		}
	}
	c.mu.Unlock()
	if sql != "commit" {
		return ctx
	}
	return c.begin(ctx, what)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (c *commits) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	c.end(ctx)
}

// TraceBatchStart implements pgx.BatchTracer: a batch is a transaction.
func (c *commits) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	for _, q := range data.Batch.QueuedQueries {
		if what := changed(q.SQL); what != "" {
			return c.begin(ctx, what)
		}
	}
	return ctx
}

// TraceBatchQuery implements pgx.BatchTracer.
func (c *commits) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements pgx.BatchTracer.
func (c *commits) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchEndData) {
	c.end(ctx)
}

func (p Proof) interceptors() []interceptor.ClientInterceptor {
	if p.TaskTimeout == 0 {
		return nil
	}
	return []interceptor.ClientInterceptor{&brisk{timeout: p.TaskTimeout}}
}

// brisk starts workflows with another time-out of their tasks.
type brisk struct {
	interceptor.ClientInterceptorBase
	timeout time.Duration
}

func (b *brisk) InterceptClient(next interceptor.ClientOutboundInterceptor) interceptor.ClientOutboundInterceptor {
	out := &briskStarts{timeout: b.timeout}
	out.Next = next
	return out
}

type briskStarts struct {
	interceptor.ClientOutboundInterceptorBase
	timeout time.Duration
}

func (b *briskStarts) ExecuteWorkflow(ctx context.Context, in *interceptor.ClientExecuteWorkflowInput) (client.WorkflowRun, error) {
	in.Options.WorkflowTaskTimeout = b.timeout
	return b.Next.ExecuteWorkflow(ctx, in)
}

func (b *briskStarts) SignalWithStartWorkflow(ctx context.Context, in *interceptor.ClientSignalWithStartWorkflowInput) (client.WorkflowRun, error) {
	in.Options.WorkflowTaskTimeout = b.timeout
	return b.Next.SignalWithStartWorkflow(ctx, in)
}
