// Package conversation is the durable workflow of one conversation: it is woken
// by signals, runs turns, starts the calls that a turn asks for, and keeps the
// flow's timers. What was said and where the flow stands is not here but in the
// store: the workflow can be lost and started again without losing anything.
package conversation

import (
	"time"

	"github.com/google/uuid"
)

// Names that clients and workers share.
const (
	// WorkflowType is the workflow's type name.
	WorkflowType = "Conversation"
	// TaskQueue is where conversations and their activities run.
	TaskQueue = "parley"
	// SignalArrived tells that there is something new in the inbox; its payload
	// is an [Arrived].
	SignalArrived = "arrived"
	// TurnActivity is the local activity of a turn: TurnInput → TurnResult.
	TurnActivity = "Turn"
	// CallActivity performs one effect of a turn: CallInput → nothing; its
	// outcome is an event of the next turn.
	CallActivity = "CallConnector"
)

// Input starts a run.
type Input struct {
	Workspace    uuid.UUID `json:"workspace"`
	Conversation uuid.UUID `json:"conversation"`
}

// Arrived is the payload of SignalArrived: a reference, never content.
type Arrived struct {
	// Number of the newest event known to the sender. What a turn has taken
	// already needs no other turn; zero means look again in any case.
	Number int64 `json:"n"`
	// Trace is the W3C traceparent of what arrived.
	Trace string `json:"t,omitempty"`
}

// TurnInput is what a turn is told.
type TurnInput struct {
	Workspace    uuid.UUID `json:"w"`
	Conversation uuid.UUID `json:"c"`
	// Now is the workflow's time, by which flows wait.
	Now   time.Time `json:"now"`
	Trace string    `json:"t,omitempty"`
}

// TurnResult is what a turn leaves to do. It holds no content.
type TurnResult struct {
	// Handled is the newest event taken.
	Handled int64 `json:"h"`
	// More tells that further events were waiting.
	More bool `json:"more,omitempty"`
	// Calls are all effects whose results are awaited, old ones included.
	Calls []Call `json:"calls,omitempty"`
	// WakeAt is when the flow's wait ends; zero if it waits for no time.
	WakeAt time.Time `json:"wake,omitzero"`
	// RetryAt is when sends that are not settled should be looked at again.
	RetryAt time.Time `json:"retry,omitzero"`
	// Owner is who answers now: bot, human or case.
	Owner string `json:"o,omitempty"`
	// Block is where the flow stands, for operators.
	Block string `json:"b,omitempty"`
}

// Call is an effect to perform.
type Call struct {
	Key       string `json:"key"`
	Connector string `json:"connector"`
	Operation string `json:"operation"`
	Block     string `json:"block,omitempty"`
	TimeoutS  int    `json:"timeout_s,omitempty"`
}

// CallInput is what CallActivity is told.
type CallInput struct {
	Workspace    uuid.UUID `json:"workspace"`
	Conversation uuid.UUID `json:"conversation"`
	Key          string    `json:"key"`
	// Deadline after which a call that can be retried is given up.
	Deadline time.Time `json:"deadline"`
	// Parks tells that the workflow understands process.ErrorParked.
	Parks bool `json:"parks,omitempty"`
}
