package meta

import (
	"context"
	"net/http"

	"parley/connectors/sdk"
)

// Operations of the Messenger Platform. None does harm when it is repeated.
var Operations = []sdk.Operation{
	sdk.Op("sender_action", "Shows the customer that their message was seen, or that a reply is being written",
		sdk.Effect{Kind: sdk.Read}, (*Connection).senderAction).Sample(`{"user":"15550001111","action":"typing_on"}`),
	sdk.Op("thread_pass", "Hands a customer's thread to another app, such as the page's inbox",
		sdk.Effect{Kind: sdk.Read}, (*Connection).threadPass).Sample(`{"user":"15550001111","app":"263902037430900"}`),
	sdk.Op("thread_take", "Takes a customer's thread back from another app; only the primary receiver may",
		sdk.Effect{Kind: sdk.Read}, (*Connection).threadTake).Sample(`{"user":"15550001111"}`),
}

// SenderActionInput is one of "mark_seen", "typing_on" and "typing_off".
type SenderActionInput struct {
	User   string `json:"user" doc:"The customer's scoped ID"`
	Action string `json:"action" doc:"mark_seen, typing_on or typing_off"`
}

// Validate implements [sdk.Validator].
func (in SenderActionInput) Validate() error {
	switch in.Action {
	case "mark_seen", "typing_on", "typing_off":
		return checkUser(in.User)
	}
	return sdk.Invalidf("action must be mark_seen, typing_on or typing_off")
}

func checkUser(id string) error {
	if !idForm.MatchString(id) {
		return sdk.Invalidf("user must be a customer's scoped ID")
	}
	return nil
}

// Done tells that it was done.
type Done struct {
	Success bool `json:"success"`
}

func (c *Connection) senderAction(ctx context.Context, _ sdk.Call, in SenderActionInput) (Done, error) {
	err := c.call(ctx, http.MethodPost, "sender_action", "/messages", sending{Recipient: person{in.User}, SenderAction: in.Action}, nil)
	return Done{err == nil}, err
}

// ThreadPassInput names the customer and the app.
type ThreadPassInput struct {
	User     string `json:"user" doc:"The customer's scoped ID"`
	App      string `json:"app" doc:"ID of the app that gets the thread; 263902037430900 is the page's inbox"`
	Metadata string `json:"metadata,omitempty" doc:"What that app is told"`
}

// Validate implements [sdk.Validator].
func (in ThreadPassInput) Validate() error {
	if !idForm.MatchString(in.App) {
		return sdk.Invalidf("app must be an app's ID")
	}
	return checkUser(in.User)
}

// handover is a request of the Handover Protocol.
type handover struct {
	Recipient   person `json:"recipient"`
	TargetAppID string `json:"target_app_id,omitempty"`
	Metadata    string `json:"metadata,omitempty"`
}

func (c *Connection) threadPass(ctx context.Context, _ sdk.Call, in ThreadPassInput) (Done, error) {
	err := c.call(ctx, http.MethodPost, "thread_pass", "/pass_thread_control", handover{person{in.User}, in.App, in.Metadata}, nil)
	return Done{err == nil}, err
}

// ThreadTakeInput names the customer.
type ThreadTakeInput struct {
	User string `json:"user" doc:"The customer's scoped ID"`
}

// Validate implements [sdk.Validator].
func (in ThreadTakeInput) Validate() error { return checkUser(in.User) }

func (c *Connection) threadTake(ctx context.Context, _ sdk.Call, in ThreadTakeInput) (Done, error) {
	err := c.call(ctx, http.MethodPost, "thread_take", "/take_thread_control", handover{Recipient: person{in.User}}, nil)
	return Done{err == nil}, err
}
