// Package wake tells workflows that something has come in for them.
package wake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"parley/internal/bus"
	"parley/internal/cases"
	"parley/workflows/conversation"
	"parley/workflows/process"
)

// Signaller is the part of Temporal's client that is needed.
type Signaller interface {
	SignalWithStartWorkflow(ctx context.Context, workflowID, signal string, arg any, o client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
	SignalWorkflow(ctx context.Context, workflowID, runID, signal string, arg any) error
}

// Waker implements [bus.Waker] by signals. It is safe for concurrent use.
type Waker struct {
	temporal Signaller
	cases    *cases.Cases
	// awake are workflows that ran a moment ago: a plain signal is cheaper than
	// one that may start. Those that have ended since are started again.
	awake *expirable.LRU[string, struct{}]
}

// awakeFor is less than how long a conversation's run stays open when idle.
const awakeFor = 20 * time.Minute

// New returns a waker.
func New(t Signaller, c *cases.Cases) *Waker {
	return &Waker{temporal: t, cases: c, awake: expirable.NewLRU[string, struct{}](50_000, nil, awakeFor)}
}

// Wake signals a conversation, starting it if it is not running, or brings a case
// the news that it has not been told. A repeat is harmless: a conversation looks
// at its inbox, a case knows news by its number.
func (w *Waker) Wake(ctx context.Context, t bus.Target) error {
	if t.Case {
		return w.wakeCase(ctx, t)
	}
	arrived := conversation.Arrived{Number: t.Number, Trace: t.Trace}
	if _, awake := w.awake.Get(t.WorkflowID); awake {
		err := w.temporal.SignalWorkflow(ctx, t.WorkflowID, "", conversation.SignalArrived, arrived)
		if _, ended := errors.AsType[*serviceerror.NotFound](err); !ended {
			return wrap(err)
		}
	}
	_, err := w.temporal.SignalWithStartWorkflow(ctx, t.WorkflowID, conversation.SignalArrived, arrived,
		client.StartWorkflowOptions{
			TaskQueue:             conversation.TaskQueue,
			WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
			TypedSearchAttributes: temporal.NewSearchAttributes(conversation.Workspace.ValueSet(t.Workspace.String()),
				conversation.Channel.ValueSet(t.Channel), conversation.Stage.ValueSet("bot")),
		}, conversation.WorkflowType, conversation.Input{Workspace: t.Workspace, Conversation: t.ID})
	if err == nil {
		w.awake.Add(t.WorkflowID, struct{}{})
	}
	return wrap(err)
}

// Release tells a workflow that an effect may go on which waited for the end of an
// outage. One that has ended needs not to be told; a conversation begins a new run.
func (w *Waker) Release(ctx context.Context, t bus.Target, key string) error {
	err := w.temporal.SignalWorkflow(ctx, t.WorkflowID, "", process.SignalReleased, process.Released{Key: key})
	if _, ended := errors.AsType[*serviceerror.NotFound](err); !ended {
		return wrap(err)
	}
	if t.Case {
		return nil
	}
	w.awake.Remove(t.WorkflowID)
	return w.Wake(ctx, t)
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("wake: %w", err)
	}
	return nil
}

func (w *Waker) wakeCase(ctx context.Context, t bus.Target) error {
	key := cases.Key{Workspace: t.Workspace, ID: t.ID}
	for {
		news, err := w.cases.Undelivered(ctx, key)
		if err != nil || len(news) == 0 {
			return err
		}
		for _, n := range news {
			err := w.temporal.SignalWorkflow(ctx, t.WorkflowID, "", process.SignalNews, process.News(n))
			if err != nil && !w.ended(ctx, key, err) {
				return fmt.Errorf("wake: %w", err)
			}
		}
		if err := w.cases.Delivered(ctx, key, news[len(news)-1].Number); err != nil {
			return err
		}
	}
}

// ended tells whether a signal failed because the case is over: news changes
// nothing any more then and stays in the inbox. A case whose workflow has not
// begun yet is told later.
func (w *Waker) ended(ctx context.Context, key cases.Key, err error) bool {
	if _, missing := errors.AsType[*serviceerror.NotFound](err); !missing {
		return false
	}
	c, err := w.cases.Get(ctx, key)
	return err == nil && c.Stage != "new"
}
