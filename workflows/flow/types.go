// Package flow is the flow language: a conversation written as a document. It
// parses a document ([Parse]), checks it ([Check]), compiles it ([Compile]) and
// steps it ([Program.Step]).
//
// It is pure: no clock, no I/O, no randomness of its own, nothing of Temporal.
// The same program, state and events always give the same result, so that a turn
// which is run again commits the same thing.
//
// # The language
//
// A document is YAML (or JSON, which is YAML): a name, some settings, and blocks.
// A block is a list of steps; a step is a mapping whose first key is its verb:
//
//	say       send a message             set       set variables
//	ask       ask for one thing          if        go somewhere if
//	choices   offer choices, one or many branch    the same, many ways
//	form      ask for several things     switch    the same, by a value
//	otp       prove an address by a code each      go through a list
//	sign      have a statement signed    split     a test: by contact
//	call      run an operation           random    one of several ways
//	case      start a case               go        go on in a block
//	signal    tell a case something      sub       run a sub-flow
//	pay       send a link, await payment return    give its result
//	refund    give a payment back        ticket    of the helpdesk
//	crm       keep a customer, a deal    book      an appointment; unbook
//	wait      for a time, or for news    tag, consent, subscribe, language
//	remember  for conversations to come
//	schedule  send a message later       emit      publish an event
//	handoff   give it to people          stop, end end the flow
//
// The struct of each verb (step_*.go) says what keys it has; docs/flows.md and the
// JSON Schema ([Schema]) are made of these structs. Wherever a block can be named,
// steps can stand instead: the flow then goes on behind them. A block that runs
// out of steps ends the flow, as end does, or the sub-flow that it belongs to;
// variables are then forgotten, but for those that the document keeps.
//
// Texts may be written by language, by persona, and as variants of which one is
// taken at random, the same one whenever a turn is stepped again.
//
// Texts may hold {{ expressions }}. In values (under set, with and value) a text
// that begins with = is one expression, whose result is taken as it is. Keys that
// can only be expressions (if, from, amount, until …) need no sign. Expressions
// are those of expr-lang, without what would make a result depend on anything but
// its variables. Beside the flow's own variables they see contact, channel, now
// (UTC), bot, mood, hours (the document's calendars) and, after a failure, error.
//
// # What a message means
//
// In this order: a choice on offer (by tap, label or number); a keyword of the
// document; a global word (menu, back, cancel, start over, agent, language, help,
// stop); an entry from outside of the flow, by tap; an intent, where nothing is
// asked or, if it is sure enough, where any text would be an answer; an answer to
// the step where the flow stands; an intent; an answer that the understanding
// found; a miss. With no flow under way it enters the start block; where the flow
// has intents and the conversation is not just beginning, that is a miss too. A tap
// on a choice of an earlier message never counts as an answer to a later question.
//
// What an engine made of a text comes with the event ([Program.Wanted] says what is
// wanted). A miss puts the question again, with its help first; after as many in a
// row as the document says, its fallback follows, or people.
//
// While people have the conversation the flow is silent. When they give it back it
// goes on where it stood: a question is put again, a wait goes on or is over, a
// result that came meanwhile is taken.
//
// Events that nothing waits for are ignored: results and timers of a step that
// was left, news of an unknown payment. Payments whose link was sent are kept in
// the state, so that one that is made is answered wherever the customer is.
//
// # Bounds
//
// A step runs at most 5,000 steps and makes some 200 effects for each event;
// variables hold at most [MaxVars] bytes of JSON together and [MaxValue] each, and
// those that sub-flows hide as much again; at most [MaxChoices] items of a list are
// on offer, [MaxRounds] gone through, 16 payments open, 10 messages scheduled and
// 8 sub-flows within one another. A state stays below 1.1 MB of JSON.
// A document that breaks a bound while it runs does not fail: the customer is
// told, a person takes over where there is one, and [Output.Faults] says why.
package flow

import (
	"encoding/json"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

// EventKind says what has arrived.
type EventKind string

const (
	// EventMessage is a message from the customer.
	EventMessage EventKind = "message"
	// EventCallResult is the outcome of an effect of kind EffectCall, EffectPay
	// or EffectStartCase that this flow asked for.
	EventCallResult EventKind = "call_result"
	// EventTimer is the end of the wait that State.Wait names.
	EventTimer EventKind = "timer"
	// EventProvider is news that belongs to an effect of this flow: a payment
	// that was paid or has expired.
	EventProvider EventKind = "provider"
	// EventReturned says that a human agent gave the conversation back to the bot.
	EventReturned EventKind = "returned"
	// EventParked says that an effect of this flow waits for the end of its
	// provider's outage.
	EventParked EventKind = "parked"
	// EventNobody says that nobody was there to take the conversation that was
	// handed over; its Name says what was done then: [NobodyReturned],
	// [NobodyTicket] or [NobodyQueued].
	EventNobody EventKind = "nobody"
)

// Event is one thing that happened to a conversation, as a flow sees it. It is
// stored as JSON; fields are only ever added.
type Event struct {
	// Number is its place in the conversation; it grows by one with each event.
	Number int64     `json:"n"`
	Kind   EventKind `json:"kind"`
	At     time.Time `json:"at"`

	// Message of an EventMessage, and what an engine that understands language
	// made of it; nil where none was asked.
	Message    *sdk.Incoming      `json:"message,omitempty"`
	Understood *sdk.Understanding `json:"understood,omitempty"`

	// Ref is Effect.Ref of the effect that an EventCallResult, EventProvider or
	// EventParked belongs to, or the Wait's token of an EventTimer.
	Ref string `json:"ref,omitempty"`
	// Name is the normalised name of an EventProvider, e.g. "payment.paid".
	Name string `json:"name,omitempty"`
	// Output of a call that succeeded, or the data of an EventProvider.
	Output json.RawMessage `json:"output,omitempty"`
	// Error of a call that failed.
	Error *sdk.Error `json:"error,omitempty"`
	// Connection is the engine's ID of the connection that performed a call.
	Connection string `json:"connection,omitempty"`
}

// EffectKind says what a step wants done.
type EffectKind string

const (
	// EffectSend sends Content to the customer.
	EffectSend EffectKind = "send"
	// EffectCall runs an operation of a connector.
	EffectCall EffectKind = "call"
	// EffectPay makes a payment link; its Input is a [PayInput].
	EffectPay EffectKind = "pay"
	// EffectStartCase starts a case of kind Operation.
	EffectStartCase EffectKind = "start_case"
	// EffectHandoff gives the conversation to human agents of Queue.
	EffectHandoff EffectKind = "handoff"
	// EffectEmit publishes the event Operation with Input, a mapping of numbers,
	// booleans and the flow's own words: nothing of the customer.
	EffectEmit EffectKind = "emit"
)

// Effect is one thing that a step wants done, in order.
type Effect struct {
	Kind EffectKind `json:"kind"`
	// Ref names the effect within the conversation; its result comes back with it.
	Ref string `json:"ref,omitempty"`
	// Content of an EffectSend.
	Content *sdk.Content `json:"content,omitempty"`
	// Connector is the connector's name; a connection of the workspace is found by it.
	Connector string `json:"connector,omitempty"`
	// Operation of an EffectCall, or the kind of case of an EffectStartCase.
	Operation string          `json:"operation,omitempty"`
	Input     json.RawMessage `json:"input,omitempty"`
	// Role of an EffectCall that names no connector: whichever connection of the
	// workspace has taken it on performs it. Connection, where it is known, is the
	// engine's ID of the one that keeps what the call is about.
	Role       role.Name `json:"role,omitempty"`
	Connection string    `json:"connection,omitempty"`
	// Timeout bounds an EffectCall; zero means the engine's default.
	Timeout time.Duration `json:"timeout,omitempty"`
	// Queue of an EffectHandoff.
	Queue string `json:"queue,omitempty"`
	// Live is what an EffectHandoff says of live chats.
	Live LiveChat `json:"live,omitzero"`
	// Note tells the agents why, in the flow author's words.
	Note string `json:"note,omitempty"`
	// Block and Step are what asked for it, for summaries and statistics.
	Block string `json:"block,omitempty"`
	Step  int    `json:"step,omitempty"`
}

// PayInput is what a payment is for. Amount is in the currency's minor unit.
type PayInput struct {
	Amount      int64  `json:"amount"`
	Currency    string `json:"currency"`
	Description string `json:"description"`
	// Expires is how long the link is good for.
	Expires time.Duration `json:"expires,omitempty"`
}

// Wait is what a parked flow waits for beside the customer's next message.
type Wait struct {
	// Until is when an EventTimer with this Token is due; zero means never.
	Until time.Time `json:"until,omitzero"`
	Token string    `json:"token"`
}

// State is where a conversation stands in its flow: kept, encrypted, for as long
// as the flow waits. Its JSON form is compatible over versions of this package.
type State struct {
	// Block and Step say where it stands; an empty Block means that no flow is
	// under way.
	Block string `json:"block,omitempty"`
	Step  int    `json:"step,omitempty"`
	// Vars are the flow's variables: JSON values.
	Vars map[string]any `json:"vars,omitempty"`
	// Pending is the Ref of the effect that the current step waits for.
	Pending string `json:"pending,omitempty"`
	// Wait is set while a timer is due.
	Wait *Wait `json:"wait,omitempty"`
	// Choices are those last offered, so that an answer by number or label counts.
	Choices []sdk.Choice `json:"choices,omitempty"`
	// Misses counts answers in a row that were not understood.
	Misses int `json:"misses,omitempty"`
	// Unknown counts messages in a row that came with nothing under way and were
	// not understood.
	Unknown int `json:"unknown,omitempty"`
	// HeardAt is when the customer's last message came, in flows that have intents.
	HeardAt time.Time `json:"heard_at,omitzero"`
	// Seq numbers effects, for their Refs.
	Seq int64 `json:"seq,omitempty"`
	// Turns counts steps taken, for deterministic variety.
	Turns int64 `json:"turns,omitempty"`
	// Handed tells that the conversation was given to human agents: the flow is
	// silent until an EventReturned.
	Handed bool `json:"handed,omitempty"`
	// Payments are those whose link was sent and whose outcome is not final. They
	// outlive the place in the flow that asked for them, so that a payment is
	// answered wherever the customer has gone meanwhile.
	Payments []Payment `json:"payments,omitempty"`

	// Stack are the sub-flows under way, Loops the lists that are gone through,
	// both with the innermost last.
	Stack []Frame `json:"stack,omitempty"`
	Loops []Loop  `json:"loops,omitempty"`
	// Trail are the questions answered, for the word back.
	Trail []Place `json:"trail,omitempty"`
	// Asked is how far the current question has come.
	Asked Asked `json:"asked,omitzero"`
	// Held is the result that came while people had the conversation.
	Held *Held `json:"held,omitempty"`
	// Language is the one that the customer chose; Languages tells that they are
	// being asked for it.
	Language  string `json:"language,omitempty"`
	Languages bool   `json:"languages,omitempty"`
	// Mood is the sentiment of the last message in which one was found.
	Mood string `json:"mood,omitempty"`
	// Quiet tells that the flow has stopped and speaks again only when a word of
	// its own is written; Stopped that the customer wants no messages.
	Quiet   bool `json:"quiet,omitempty"`
	Stopped bool `json:"stopped,omitempty"`
	// Scheduled are messages that go out later, wherever the flow is then.
	Scheduled []Scheduled `json:"scheduled,omitempty"`
	// Objects are what providers keep for the conversation, the last of each kind:
	// its ticket, its payment. They outlive the flow's end.
	Objects map[string]Object `json:"objects,omitempty"`
}

// Asked is how far a question has come.
type Asked struct {
	// Reminders counts those that were said.
	Reminders int `json:"reminders,omitempty"`
	// Field is the field of a form that is asked for; the number of fields stands
	// for its summary. Editing tells that the summary comes next.
	Field   int  `json:"field,omitempty"`
	Editing bool `json:"editing,omitempty"`
	// Picked are the IDs chosen so far where several may be.
	Picked []string `json:"picked,omitempty"`
	// Slots are the beginnings of those that are offered; Taken tells that another was
	// faster to take the one that was chosen.
	Slots []string `json:"slots,omitempty"`
	Taken bool     `json:"taken,omitempty"`
	// Code is a hash of the code that was sent, at Sent; Codes counts them.
	Code  string    `json:"code,omitempty"`
	Sent  time.Time `json:"sent,omitzero"`
	Codes int       `json:"codes,omitempty"`
}

// Frame is a sub-flow under way: where the flow goes on after it, and what the
// sub-flow hides.
type Frame struct {
	Sub   string         `json:"sub"`
	Block string         `json:"block"`
	Step  int            `json:"step,omitempty"`
	Saved map[string]any `json:"saved,omitempty"`
	Loops []Loop         `json:"loops,omitempty"`
}

// Loop is a list that is gone through by the step at Block and Step.
type Loop struct {
	Block string `json:"block"`
	Step  int    `json:"step,omitempty"`
	Index int    `json:"index,omitempty"`
}

// Scheduled is a message that goes out later.
type Scheduled struct {
	Name    string      `json:"name,omitempty"`
	At      time.Time   `json:"at"`
	Token   string      `json:"token"`
	Content sdk.Content `json:"content"`
}

// Due is when the next EventTimer is wanted and the Ref that it must have; a zero
// time means never. While people have the conversation, flows hear of no time.
func (s *State) Due() (time.Time, string) {
	var at time.Time
	var token string
	if s.Handed {
		return at, token
	}
	if s.Wait != nil {
		at, token = s.Wait.Until, s.Wait.Token
	}
	for _, one := range s.Scheduled {
		if at.IsZero() || one.At.Before(at) {
			at, token = one.At, one.Token
		}
	}
	return at, token
}

// UnderWay tells whether the state belongs to the version of the flow that made it.
func (s *State) UnderWay() bool {
	return s.Block != "" || len(s.Payments) > 0 || len(s.Scheduled) > 0
}

// Payment is one that a customer may still make.
type Payment struct {
	// Ref of its EffectPay.
	Ref string `json:"ref"`
	// Block and Step of the pay step that asked for it.
	Block string `json:"block"`
	Step  int    `json:"step,omitempty"`
	// Status is "" while open, "failed" or "expired" after such news (a payment
	// may still succeed after either), "paid" while its branch has to wait
	// because the conversation is with human agents.
	Status string `json:"status,omitempty"`
	// Connection that takes it, and what the news of it being made has said.
	Connection string `json:"connection,omitempty"`
	Made       *Paid  `json:"made,omitempty"`
}

// Paid is a payment that was made.
type Paid struct {
	// PaymentIntent is the provider's ID of it, by which it is refunded.
	PaymentIntent string `json:"payment_intent,omitempty"`
	// Amount in the currency's minor unit.
	Amount   int64  `json:"amount,omitempty"`
	Currency string `json:"currency,omitempty"`
}

// Input is what one step is given.
type Input struct {
	State State
	// Events in the order of their numbers; at least one.
	Events []Event
	// Now is the time of the turn.
	Now time.Time
	// Contact holds facts that the flow may read as contact.NAME: "language",
	// "name", "tags", "consents" by their purpose, and "memory": what earlier
	// conversations had remembered.
	Contact map[string]any
	// Channel is the connector's name of the channel ("whatsapp"), readable as channel.
	Channel string
	// Conversation and Person are opaque IDs of the conversation and the contact:
	// what is chosen at random is chosen by them.
	Conversation, Person string
	// Entropy is random bytes of this turn that nobody can guess, for codes that
	// are sent to customers. It needs 16 or more.
	Entropy []byte
	// Trace asks for [Output.Passed].
	Trace bool
}

// Output is what one step decides.
type Output struct {
	State   State
	Effects []Effect
	// Missed tells that the last message was not understood.
	Missed bool
	// Misses are the messages that were not understood, in order.
	Misses []Miss
	// Entered lists the blocks entered, for statistics.
	Entered []string
	// Faults tells operators what went wrong inside the flow itself (an
	// expression on a missing value, too large a variable): where and what sort,
	// never a value. The customer has been told and, where the flow has an agent
	// queue, handed to a person.
	Faults []string
	// Passed are the ways gone, where Input.Trace asks for them; [Document.Ways]
	// lists all there are.
	Passed []Passage
}
