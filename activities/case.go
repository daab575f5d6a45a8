package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/cases"
	"parley/internal/conversations"
	"parley/internal/vault"
	"parley/workflows/conversation"
	"parley/workflows/order"
	"parley/workflows/process"
)

func caseKey(r process.Ref) vault.Ref { return cases.SealRef(r.Workspace, r.Contact, r.ID) }

func workflowID(ctx context.Context) string { return activity.GetInfo(ctx).WorkflowExecution.ID }

// AdvanceCase records how far a case has come.
func (a *Activities) AdvanceCase(ctx context.Context, in process.ProgressInput) error {
	return Temporal(a.Cases.Advance(ctx, cases.Progress{
		Key: cases.Key{Workspace: in.Case.Workspace, ID: in.Case.ID}, Contact: in.Case.Contact,
		Stage: in.Stage, WaitingFor: in.WaitingFor, Outcome: in.Outcome, Open: in.Open,
		Summary: cases.Summary{Text: in.Text, CanCancel: in.CanCancel},
	}))
}

// tell is the body of an inbox event of kind tell or agent.
type tell struct {
	Content sdk.Content `json:"content"`
	// More follows the content, each as a message of its own.
	More []sdk.Content `json:"more,omitempty"`
	// Agent is who says it, for kind agent.
	Agent string `json:"agent,omitempty"`
}

// TellContact puts a case's message into the inbox of its conversation, once,
// and wakes the conversation, which sends it in its turn.
func (a *Activities) TellContact(ctx context.Context, in process.TellInput) error {
	body, err := json.Marshal(tell{Content: in.Content})
	if err != nil {
		return Temporal(err)
	}
	snap, err := a.Conversations.Ref(ctx, conversations.Key{Workspace: in.Case.Workspace, ID: in.Case.Conversation})
	if err != nil {
		return Temporal(err)
	}
	got, err := a.Inbox.Keep(ctx, bus.Arrival{Workspace: in.Case.Workspace, Conversation: in.Case.Conversation, Contact: snap.Contact,
		WorkflowID: snap.WorkflowID, Once: bus.Once(nil, "tell", in.Key), Kind: bus.KindTell, Body: body})
	if err != nil {
		return Temporal(err)
	}
	// A repeat wakes again: the first attempt may have died in between.
	return Temporal(a.Waker.Wake(ctx, bus.Target{Workspace: in.Case.Workspace, ID: in.Case.Conversation, WorkflowID: snap.WorkflowID, Channel: snap.Connector, Number: got.Number}))
}

// startCase makes a case of the conversation's contact and starts its workflow.
// The case's ID is made from the effect's key, so a repeat starts nothing new.
func (a *Activities) startCase(ctx context.Context, s conversations.Ref, key, kind string, input json.RawMessage) (json.RawMessage, error) {
	if kind != order.Kind {
		return nil, sdk.Invalidf("there is no case of kind %s; there is: order", kind)
	}
	var cart order.Cart
	if err := sdk.DecodeStrict(input, &cart); err != nil {
		return nil, err
	}
	if len(cart.Lines) == 0 {
		return nil, sdk.Invalidf("lines: an order needs at least one line")
	}
	c, err := a.Cases.Create(ctx, cases.Case{Workspace: s.Workspace, ID: uuid.NewSHA1(s.ID, []byte(key)), Kind: kind,
		Contact: s.Contact, Conversation: s.ID, Connection: s.Connection}, input)
	if err != nil {
		return nil, err
	}
	in := order.Input{Cart: cart, Case: process.Ref{Workspace: c.Workspace, ID: c.ID, Kind: kind, Number: c.Number,
		Contact: c.Contact, Conversation: s.ID, Channel: s.Connector}}
	if raw := a.CaseSettings[kind]; raw != nil {
		if err := json.Unmarshal(raw, &in.Settings); err != nil {
			return nil, fmt.Errorf("activities: settings of %s: %w", kind, err)
		}
	}
	if cart.Payments != "" {
		in.Settings.Payments = cart.Payments
	}
	if in.Settings.Payments == "" { // an order keeps to the provider that it began with
		if in.Settings.Payments, err = a.payments(ctx, s.Workspace); err != nil {
			return nil, err
		}
	}
	_, err = a.Starter.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: c.WorkflowID, TaskQueue: conversation.TaskQueue,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		TypedSearchAttributes:    process.Attributes(in.Case),
		StaticSummary:            fmt.Sprintf("%s %d", kind, c.Number),
	}, order.WorkflowType, in)
	if err != nil && !alreadyStarted(err) {
		return nil, &sdk.Error{Class: sdk.Unavailable, Message: "the case could not be started", Err: err}
	}
	return json.Marshal(map[string]any{"case_id": c.ID, "number": c.Number})
}

// TellCase gives a case a request, once for its key, and wakes it.
func (a *Activities) TellCase(ctx context.Context, ws, id uuid.UUID, key, request string) error {
	t, err := a.Cases.Tell(ctx, cases.Key{Workspace: ws, ID: id}, bus.Once(nil, "request", key), cases.News{Name: request, At: time.Now().UTC()})
	if err != nil {
		return err
	}
	if t.Number == 0 {
		return nil
	}
	return a.Waker.Wake(ctx, t)
}
