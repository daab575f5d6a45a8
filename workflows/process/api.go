// Package process is what all cases share: how a case does an operation of a
// connector once, tells its contact something, shows its stage, and receives
// news, in order, with deadlines.
package process

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"parley/connectors/sdk"
)

// Names that clients and workers share.
const (
	// SignalNews brings a [News] to a case.
	SignalNews = "news"
	// OperationActivity performs an operation: OperationInput → its output as JSON.
	OperationActivity = "RunOperation"
	// AdvanceActivity records a case's stage: ProgressInput → nothing.
	AdvanceActivity = "AdvanceCase"
	// SignalReleased tells a workflow that an effect may go on which waited for the
	// end of an outage; its payload is a [Released].
	SignalReleased = "released"
	// OutageActivity tells how long a provider was out: OutageInput → Outage.
	OutageActivity = "OutageOf"
	// TellActivity hands a message for the contact to its conversation: TellInput → nothing.
	TellActivity = "TellContact"
)

// NewsCancel is the name of a request to cancel a case: by the customer, by an
// agent, or by an operator who cancels the workflow.
const NewsCancel = "cancel"

// ErrorParked is the type of the error with which an activity that met an outage
// ends; its detail is an [Outage]. Nothing was done, and nothing is to be done
// until the workflow is told by [SignalReleased].
const ErrorParked = "parked"

// Released names an effect that may go on.
type Released struct {
	Key string `json:"key"`
}

// Outage is a time in which a provider is left alone.
type Outage struct {
	Connector string `json:"connector"`
	// Cause is "circuit" (it does not work) or "operator" (it was paused).
	Cause string    `json:"cause,omitempty"`
	Since time.Time `json:"since,omitzero"`
	// Open tells that it is not over, Lasted how long the provider was out within
	// the time that was asked for. Both are for [OutageActivity] only.
	Open   bool          `json:"open,omitempty"`
	Lasted time.Duration `json:"lasted,omitempty"`
}

// OutageInput asks for the outages of a provider between two times.
type OutageInput struct {
	Case      Ref       `json:"case"`
	Connector string    `json:"connector"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
}

// Ref names a case and whom it is for. All of it is opaque.
type Ref struct {
	Workspace    uuid.UUID `json:"workspace"`
	ID           uuid.UUID `json:"id"`
	Kind         string    `json:"kind"`
	Number       int64     `json:"number"`
	Contact      uuid.UUID `json:"contact"`
	Conversation uuid.UUID `json:"conversation"`
	Channel      string    `json:"channel"`
}

// News is something that a case hears of: what happened at a provider, or a
// request about the case. Numbers begin with 1 and grow by one; 0 is a request of
// an operator, made at Temporal.
type News struct {
	Number    int64           `json:"number"`
	Name      string          `json:"name"`
	EffectKey string          `json:"effect_key,omitempty"`
	Data      json.RawMessage `json:"data,omitempty"`
	At        time.Time       `json:"at"`
}

// OperationInput is one operation to be done once for a case.
type OperationInput struct {
	Case Ref `json:"case"`
	// Key is the effect's key: the case's ID and a name within it.
	Key       string          `json:"key"`
	Connector string          `json:"connector"`
	Operation string          `json:"operation"`
	Input     json.RawMessage `json:"input"`
	// Parks tells that the workflow understands [ErrorParked].
	Parks bool `json:"parks,omitempty"`
}

// ProgressInput is how far a case has come.
type ProgressInput struct {
	Case       Ref    `json:"case"`
	Stage      string `json:"stage"`
	WaitingFor string `json:"waiting_for,omitempty"`
	Outcome    string `json:"outcome,omitempty"`
	Open       bool   `json:"open"`
	// Text is what the customer is told who asks how it stands.
	Text      string `json:"text"`
	CanCancel bool   `json:"can_cancel,omitempty"`
}

// TellInput is a message for a case's contact.
type TellInput struct {
	Case Ref `json:"case"`
	// Key makes the message one message, however often it is handed over.
	Key     string      `json:"key"`
	Content sdk.Content `json:"content"`
}
