package activities

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/serviceerror"
	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/conversations"
	"parley/internal/ledger"
	"parley/internal/vault"
	"parley/workflows/conversation"
	"parley/workflows/flow"
)

// CallConnector performs one effect that a turn planned and puts its outcome
// into the conversation's inbox, once. It returns an error, and is run again,
// only while trying again can help and the deadline has not passed. While the
// connection is out it does nothing and ends with [process.ErrorParked].
func (a *Activities) CallConnector(ctx context.Context, in conversation.CallInput) error {
	ref, err := a.Conversations.Ref(ctx, conversations.Key{Workspace: in.Workspace, ID: in.Conversation})
	if err != nil {
		return Temporal(err)
	}
	req, err := a.Conversations.Requested(ctx, ref.Key, in.Key)
	if errors.Is(err, vault.ErrErased) {
		return nil // nobody is left to answer
	}
	if err != nil {
		return Temporal(err)
	}
	out, by, err := a.call(ctx, ref, in.Key, req)
	if waits, ok := errors.AsType[*parked](err); ok && in.Parks {
		if err := a.keepParked(ctx, ref, in.Key, req.Ref); err != nil {
			return Temporal(err)
		}
		return Temporal(waits)
	}
	err = understood(err, in.Parks)
	result := flow.Event{Kind: flow.EventCallResult, Ref: req.Ref, Output: out}
	if by != uuid.Nil {
		result.Connection = by.String()
	}
	if err != nil {
		failed, ours := errors.AsType[*sdk.Error](err)
		if !ours {
			return Temporal(err) // a part of the engine: the provider is not to blame
		}
		// What is uncertain is not repeated: it is looked whether it was settled.
		if !failed.Class.Final() && time.Now().Add(failed.RetryAfter).Before(in.Deadline) {
			return waiting(failed)
		}
		result.Error = failed
	}
	return Temporal(a.keepResult(ctx, ref, in.Key, result))
}

func (a *Activities) keepResult(ctx context.Context, ref conversations.Ref, key string, ev flow.Event) error {
	body, err := json.Marshal(ev)
	if err != nil {
		return err
	}
	_, err = a.Inbox.Keep(ctx, bus.Arrival{Workspace: ref.Workspace, Conversation: ref.ID, Contact: ref.Contact, WorkflowID: ref.WorkflowID,
		Once: bus.Once(nil, "result", key), Kind: bus.KindResult, Body: body})
	return err
}

// keepParked lets the flow hear, once, that its effect waits for the end of an outage.
func (a *Activities) keepParked(ctx context.Context, ref conversations.Ref, key, effect string) error {
	body, err := json.Marshal(flow.Event{Kind: flow.EventParked, Ref: effect})
	if err != nil {
		return err
	}
	got, err := a.Inbox.Keep(ctx, bus.Arrival{Workspace: ref.Workspace, Conversation: ref.ID, Contact: ref.Contact, WorkflowID: ref.WorkflowID,
		Once: bus.Once(nil, "parked", key), Kind: bus.KindParked, Body: body})
	if err != nil {
		return err
	}
	// A repeat wakes again: the first attempt may have died in between.
	return a.Waker.Wake(ctx, bus.Target{Workspace: ref.Workspace, ID: ref.ID, WorkflowID: ref.WorkflowID, Channel: ref.Connector, Number: got.Number})
}

// call performs an effect of a flow, and tells by which connection; by none if the
// engine has it on itself.
func (a *Activities) call(ctx context.Context, ref conversations.Ref, key string, req conversations.Requested) (json.RawMessage, uuid.UUID, error) {
	switch flow.EffectKind(req.Kind) {
	case flow.EffectStartCase:
		out, err := a.startCase(ctx, ref, key, req.Operation, req.Input)
		return out, uuid.Nil, a.settleOwn(ctx, ref, key, req.Operation, out, err)
	case flow.EffectPay:
		return a.pay(ctx, ref, key, req)
	case chatStart, chatSay, chatClose, chatTicket:
		return a.chatCall(ctx, ref, key, req)
	case flow.EffectCall:
		if req.Connector == builtin {
			out, err := a.builtin(ctx, ref, key, req)
			return out, uuid.Nil, a.settleOwn(ctx, ref, key, req.Operation, out, err)
		}
		req, err := a.refundOfCase(ctx, ref, req)
		if err != nil {
			return nil, uuid.Nil, err
		}
		return a.callOperation(ctx, ref, key, req)
	default:
		return nil, uuid.Nil, sdk.Invalidf("an effect of kind %s cannot be called", req.Kind)
	}
}

// settleOwn closes the ledger's row of an effect that the engine has on itself:
// it may be repeated at will, so that its attempts are not recorded, but how it
// ended is. It returns err, or why it could not be recorded.
func (a *Activities) settleOwn(ctx context.Context, ref conversations.Ref, key, operation string, out json.RawMessage, err error) error {
	o := ledger.Outcome{Output: out}
	if err != nil {
		failed, ours := errors.AsType[*sdk.Error](err)
		if !ours {
			return err // tried again
		}
		o = ledger.Outcome{Error: failed}
	}
	ferr := a.finish(ctx, ledger.Effect{Workspace: ref.Workspace, Key: key, SealWith: bus.ConversationKey(ref.Workspace, ref.Contact),
		Connector: builtin, Operation: operation, Effect: sdk.Effect{Kind: sdk.Keyed}}, 0, o)
	if ferr != nil {
		return ferr
	}
	return err
}

func (a *Activities) callOperation(ctx context.Context, ref conversations.Ref, key string, req conversations.Requested) (json.RawMessage, uuid.UUID, error) {
	conn, err := a.connectionOf(ctx, ref.Workspace, req)
	if err != nil {
		return nil, uuid.Nil, err
	}
	for _, op := range conn.Connector.Operations {
		if op.Name == req.Operation {
			out, err := a.perform(ctx, conn, op, ledger.Effect{
				Workspace: ref.Workspace, Key: key, Subject: ref.ID, SealWith: bus.ConversationKey(ref.Workspace, ref.Contact),
				WorkflowID: ref.WorkflowID, Connection: conn.ID, Connector: conn.Connector.Name, Operation: op.Name, Effect: op.EffectOn(conn.Conn), Input: req.Input,
			})
			return out, conn.ID, err
		}
	}
	return nil, uuid.Nil, sdk.Invalidf("connector %s has no operation %s", conn.Connector.Name, req.Operation)
}

// pay makes a payment link, whose news comes back to the flow by the effect's key.
func (a *Activities) pay(ctx context.Context, ref conversations.Ref, key string, req conversations.Requested) (json.RawMessage, uuid.UUID, error) {
	var p flow.PayInput
	if err := json.Unmarshal(req.Input, &p); err != nil {
		return nil, uuid.Nil, sdk.Invalidf("the payment's input is not readable")
	}
	in := map[string]any{"amount": p.Amount, "currency": p.Currency, "description": p.Description}
	if p.Expires > 0 {
		in["expires"] = req.At.Add(p.Expires).UTC() // every attempt must ask for the same
	}
	input, err := json.Marshal(in)
	if err != nil {
		return nil, uuid.Nil, err
	}
	req.Operation, req.Input = takesPayments, input
	return a.callOperation(ctx, ref, key, req)
}

// builtin is the connector name under which flows reach the engine itself.
const builtin = "parley"

func (a *Activities) builtin(ctx context.Context, ref conversations.Ref, key string, req conversations.Requested) (json.RawMessage, error) {
	switch req.Operation {
	case "case_list":
		return a.caseList(ctx, ref, req.Input)
	case "case_signal":
		return a.caseSignal(ctx, ref, key, req.Input)
	case "contact_tag", "contact_consent", "contact_language", "contact_remember":
		return a.contactOperation(ctx, ref, req)
	case "slots", "book", "booking_move", "booking_cancel", "booking_list":
		return a.booking(ctx, ref, key, req)
	}
	return nil, sdk.Invalidf("connector parley has no operation %s", req.Operation)
}

// listedCase is a case as flows see it.
type listedCase struct {
	ID        uuid.UUID `json:"id"`
	Number    int64     `json:"number"`
	Stage     string    `json:"stage"`
	Text      string    `json:"text"`
	Open      bool      `json:"open"`
	CanCancel bool      `json:"can_cancel"`
}

func (a *Activities) caseList(ctx context.Context, ref conversations.Ref, input json.RawMessage) (json.RawMessage, error) {
	var in struct {
		Kind string `json:"kind"`
	}
	if err := sdk.DecodeStrict(input, &in); err != nil {
		return nil, err
	}
	found, err := a.Cases.OfContact(ctx, ref.Workspace, ref.Contact, in.Kind)
	if err != nil {
		return nil, err
	}
	out := struct {
		Cases []listedCase `json:"cases"`
	}{Cases: []listedCase{}}
	for _, c := range found {
		out.Cases = append(out.Cases, listedCase{c.ID, c.Number, c.Stage, c.Summary.Text, c.Open, c.Summary.CanCancel && c.Open})
	}
	return json.Marshal(out)
}

func (a *Activities) caseSignal(ctx context.Context, ref conversations.Ref, key string, input json.RawMessage) (json.RawMessage, error) {
	var in struct {
		CaseID uuid.UUID `json:"case_id"`
		Signal string    `json:"signal"`
	}
	if err := sdk.DecodeStrict(input, &in); err != nil {
		return nil, err
	}
	mine, err := a.Cases.OfContact(ctx, ref.Workspace, ref.Contact, "")
	if err != nil {
		return nil, err
	}
	for _, c := range mine {
		if c.ID != in.CaseID {
			continue
		}
		if !c.Open {
			return json.Marshal(map[string]any{"accepted": false, "text": c.Summary.Text})
		}
		if err := a.TellCase(ctx, ref.Workspace, c.ID, key, in.Signal); err != nil {
			return nil, err
		}
		return json.Marshal(map[string]any{"accepted": true, "text": ""})
	}
	return nil, &sdk.Error{Class: sdk.NotFound, Message: "the contact has no such case"}
}

func alreadyStarted(err error) bool {
	_, ok := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err)
	return ok
}
