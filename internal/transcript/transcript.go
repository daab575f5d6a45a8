// Package transcript is tests of flows that read as conversations: what the
// customer says, and what the bot must answer.
//
// A file of transcripts is YAML (docs/transcripts.md); [Parse] reads it. [Run]
// plays a transcript on a [Stage] and tells the first thing that went otherwise.
// [Rehearsal] is the stage that needs nothing but the flow: the pure interpreter,
// a clock that is turned by hand, and replies in the place of connectors. What the
// bot says passes the planner, so that what is compared is what the channel
// carries.
//
// Nothing here reads a file, a clock or a random source: the same transcript of the
// same flow always ends the same way. Values are safe for concurrent reading; a
// stage belongs to one run.
package transcript

import (
	"time"

	"parley/connectors/sdk"
	"parley/workflows/flow"
)

// File is a file of transcripts.
type File struct {
	Path string
	// Flow is the flow's file as written, relative to this one; empty where none
	// is named.
	Flow string
	// Setting is what all of them begin with.
	Setting
	Transcripts []*Transcript
}

// Transcript is one conversation.
type Transcript struct {
	Name string
	// File, Line and Col are where it stands.
	File      string
	Line, Col int
	Setting
	Lines []Line
}

// Setting is what a conversation begins with.
type Setting struct {
	// Channel is the connector's name of the channel.
	Channel string
	// Contact holds what the flow may read of the contact.
	Contact map[string]any
	// Vars are variables that the flow has kept of earlier conversations.
	Vars map[string]any
	// Now is when it begins; Zone is where "until tomorrow 09:00" is meant.
	Now  time.Time
	Zone *time.Location
	// Seed decides what is chosen at random, where Conversation and Person, their IDs,
	// do not.
	Seed                 string
	Conversation, Person string
	// Replies are how connectors answer; the first that fits counts.
	Replies []Reply
}

// defaults of a setting. A Monday, so that weekdays are easy to count.
const defaultChannel = "whatsapp"

var defaultNow = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// Line is one line of a transcript. Which fields it has depends on its verb.
type Line struct {
	File      string
	Line, Col int
	Verb      string

	// Says are the texts of customer; several arrive together. Name is what every
	// other verb names: a label, an operation, a tag, a queue.
	Says []string
	Name string
	// Understood is what an engine makes of what the customer says.
	Understood *sdk.Understanding
	Media      *sdk.Media
	Location   *sdk.Location
	Skip       *Skip

	// Message is what bot expects.
	Message *Message
	// With is a part of what is expected of an effect; the part of the news.
	With any
	// Answer is the answer of a call; nil where the replies give it.
	Answer *Answer
	// Reply is one that is in force from this line on.
	Reply *Reply
	// Is tells what is expected of a consent, a tag or a subscription.
	Is bool
	// Blind tells that only the operation can be looked at, and not with what.
	Blind bool
	// Text is what must be in a note, a fault or a refusal.
	Text *Matcher
	// State is what is expected of the state.
	State *StateCheck
}

// Message is what is expected of one message. What is nil is not looked at.
type Message struct {
	Text, Header, Footer *Matcher
	// Choices are the labels of buttons or rows, Cards the titles, all of them.
	Choices, Cards []*Matcher
	// Link is the address; Button is the label of a link, or what opens a list.
	Link, Button *Matcher
	// Media is the kind of file, URL its address.
	Media    string
	URL      *Matcher
	Location *Matcher
	Contact  *Matcher
	Template string
	Params   []*Matcher
}

// StateCheck is what is expected of the state of the flow.
type StateCheck struct {
	Block  *string
	Vars   any
	Handed *bool
}

// Reply is how an operation answers: to an input that has When as a part, Times
// times (always where 0).
type Reply struct {
	// Operation is connector.operation, connector.*, pay or case.KIND.
	Operation string
	When      any
	Times     int
	Answer
}

// Answer is the outcome of a call.
type Answer struct {
	// Give is the output; Error what went wrong instead.
	Give  any
	Error *sdk.Error
	// After is how long it takes.
	After time.Duration
}

// Seen is one thing that the flow did.
type Seen struct {
	Kind flow.EffectKind
	// Content of a message, as the channel carries it; Refused says why it does not.
	// Portable is what the flow said; of several messages only the first has it.
	Content  sdk.Content
	Portable *sdk.Content
	Refused  string
	// Operation as [Reply.Operation] writes it, or the event's or queue's name.
	Operation string
	Input     any
	// Ref is the effect's name, by which it is answered.
	Ref string
	// Block, Line and Col are the step that did it.
	Block     string
	Line, Col int
	// At is when.
	At time.Time

	claimed bool
	// ended is how a call ended, once that is known.
	ended *Answer
}

// Fault is the kind of what the flow could not do.
const Fault flow.EffectKind = "fault"
