package transcript

import (
	"time"

	"parley/connectors/sdk"
)

// Lines of what is done, for programs that play conversations.

// Says is what the customer writes.
func Says(text string) Line { return Line{Verb: "customer", Says: []string{text}} }

// Taps is a choice that the customer taps, by its label or ID.
func Taps(choice string) Line { return Line{Verb: "tap", Name: choice} }

// Enters is a tap outside of the flow.
func Enters(id string) Line { return Line{Verb: "enter", Name: id} }

// Sends is a file that the customer sends.
func Sends(m sdk.Media) Line { return Line{Verb: "send", Media: &m} }

// Locates is a place that the customer sends.
func Locates(l sdk.Location) Line { return Line{Verb: "location", Location: &l} }

// Passes is time that passes, in whole seconds.
func Passes(d time.Duration) Line { return Line{Verb: "skip", Skip: &Skip{span: d}} }

// PassesUntil reads time that passes as a transcript writes it.
func PassesUntil(text string, now time.Time, zone *time.Location) (Line, bool) {
	s, ok := parseSkip(text)
	if !ok {
		return Line{}, false
	}
	return Passes(s.Span(now, zone).Truncate(time.Second)), true
}

// Agent says that a person takes ("takes") or gives back ("returns") the conversation.
func Agent(does string) Line { return Line{Verb: "agent", Name: does} }

// Hears is news of an operation, or of the last payment where none is named.
func Hears(name, of string, with any) Line {
	l := Line{Verb: "news", Name: name}
	if of != "" {
		l.Text = exactly(of)
	}
	if with != nil {
		l.With = with
	}
	return l
}
