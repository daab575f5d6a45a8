package roles

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"parley/activities"
	"parley/internal/bus"
	"parley/internal/observe"
	"parley/internal/templates"
	"parley/workflows/conversation"
	"parley/workflows/order"
)

// Worker runs workflows and activities, and what looks for anything that was
// left behind, until ctx ends.
func (e *Engine) Worker(ctx context.Context) error {
	if err := e.WaitForTemporal(ctx); err != nil {
		return err
	}
	w := worker.New(e.Temporal, conversation.TaskQueue, worker.Options{
		MaxConcurrentWorkflowTaskPollers:        8,
		MaxConcurrentActivityTaskPollers:        4,
		MaxConcurrentLocalActivityExecutionSize: 500,
		WorkerStopTimeout:                       10 * time.Second,
		DisableRegistrationAliasing:             true,
		StickyScheduleToStartTimeout:            e.Proof.TaskTimeout, // zero means the SDK's 5 s
		Interceptors:                            []interceptor.WorkerInterceptor{&heart{}},
	})
	w.RegisterWorkflowWithOptions(conversation.Workflow, workflow.RegisterOptions{Name: conversation.WorkflowType})
	w.RegisterWorkflowWithOptions(order.Workflow, workflow.RegisterOptions{Name: order.WorkflowType})
	e.Activities().Register(w)
	if err := w.Start(); err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	defer w.Stop()

	d := e.Dispatcher(16, 1000)
	sweeper := &bus.Sweeper{DB: e.DB, Dispatch: d, Log: e.Log, OnSwept: e.sweptCounter()}
	looker, err := e.chores(d)
	if err != nil {
		return err
	}
	go d.Run(ctx)
	go sweeper.Run(ctx)
	go looker.Run(ctx)
	go e.reconciler(d).Run(ctx)
	go e.joinParked(ctx, d)
	go e.drainOutages(ctx)
	go e.shareLimits(ctx)
	go e.forgetMisses(ctx)
	<-ctx.Done()
	return nil
}

// Activities returns the activities of this engine.
func (e *Engine) Activities() *activities.Activities {
	return activities.New(activities.Deps{Vault: e.Vault, Conversations: e.Conversations, Inbox: e.Inbox, Ledger: e.Ledger, Cases: e.Cases, Contacts: e.Contacts,
		Connections: e.Connections, Outages: e.Outages, Templates: templates.New(e.DB), Flows: e.Flows, Models: e.Models, Misses: e.Misses, Starter: e.Temporal, Waker: e.Waker, Log: e.Log,
		Metrics: activities.NewMetrics(e.Registry), CaseSettings: e.CaseSettings,
		Bookings: e.Bookings})
}

// Dispatcher returns a dispatcher that counts what it leaves to the sweeper.
func (e *Engine) Dispatcher(workers, most int) *bus.Dispatcher {
	dropped := prometheus.NewCounter(prometheus.CounterOpts{Name: "parley_dispatch_dropped_total",
		Help: "Wake-ups left to the sweeper because the queue was full."})
	if err := e.Registry.Register(dropped); err != nil { // the other role of this process has it
		return bus.NewDispatcher(e.Waker, workers, most, e.Log, nil)
	}
	return bus.NewDispatcher(e.Waker, workers, most, e.Log, dropped.Inc)
}

func (e *Engine) sweptCounter() func(int, int) {
	swept := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_swept_total",
		Help: "Conversations and cases that the sweeper found left behind."}, []string{"kind"})
	e.Registry.MustRegister(swept)
	return func(conversations, cases int) {
		swept.WithLabelValues("conversation").Add(float64(conversations))
		swept.WithLabelValues("case").Add(float64(cases))
	}
}

// joinParked matches news that was faster than the answer to the call that it is about.
func (e *Engine) joinParked(ctx context.Context, d *bus.Dispatcher) {
	in := e.Intake(d)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := e.eachWorkspace(ctx, func(ws uuid.UUID) error {
			_, _, err := in.JoinParked(ctx, ws)
			return err
		}); err != nil && ctx.Err() == nil {
			e.Log.WarnContext(ctx, "parked events could not be matched", "error", observe.ErrText(err))
		}
	}
}

func (e *Engine) eachWorkspace(ctx context.Context, fn func(uuid.UUID) error) error {
	rows, err := e.DB.Pool.Query(ctx, `SELECT id FROM all_workspaces()`)
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	for _, ws := range all {
		if err := fn(ws); err != nil {
			return err
		}
	}
	return nil
}

// Polling tells whether a worker in process pid of this machine polls for work.
// The host's name counts: in containers, every worker is process 1.
func (e *Engine) Polling(ctx context.Context, pid int) error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	d, err := e.Temporal.DescribeTaskQueue(ctx, conversation.TaskQueue, enums.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return err
	}
	for _, p := range d.GetPollers() {
		if strings.HasPrefix(p.GetIdentity(), strconv.Itoa(pid)+"@"+host+"@") {
			return nil
		}
	}
	return fmt.Errorf("no worker polls yet")
}
