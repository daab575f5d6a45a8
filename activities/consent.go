package activities

import (
	"encoding/json"
	"slices"
	"strings"

	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/conversations"
	"parley/workflows/flow"
)

// Consent is held here and nowhere else: a turn reads the words that end and
// renew it before the flow hears anything, and sends nothing while it is ended.

// The words are the whole of a message, in any case. On SMS they are those that
// carriers act on (CTIA, "Messaging Principles and Best Practices"; Twilio,
// "Support for opt-out keywords"); elsewhere CANCEL, END and QUIT are ordinary
// words of flows.
var (
	stopWords    = []string{"STOP", "UNSUBSCRIBE"}
	smsStopWords = []string{"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"}
	startWords   = []string{"START", "UNSTOP"}
)

const (
	optedOutText = "You will get no more messages from us here. Reply START if you want them again."
	optedInText  = "You will get our messages here again. Reply STOP to end them."
)

// consentWord reads a message as a word of consent. A leading slash is that of a
// bot's command. Taps and other events are none.
func consentWord(ch *sdk.Channel, e conversations.Event) conversations.Consent {
	if ch == nil || e.Kind != bus.KindMessage || e.Body == nil {
		return ""
	}
	var ev flow.Event
	if json.Unmarshal(e.Body, &ev) != nil || ev.Message == nil || ev.Message.Tap != "" || ev.Message.Reaction != "" {
		return ""
	}
	word := strings.ToUpper(strings.TrimPrefix(strings.TrimSpace(ev.Message.Text), "/"))
	ends := stopWords
	if ch.OptOutWords {
		ends = smsStopWords
	}
	switch {
	case slices.Contains(ends, word):
		return conversations.OptedOut
	case slices.Contains(startWords, word):
		return conversations.OptedIn
	}
	return ""
}

// lastStop is the index of the newest event that ends consent, -1 if none does.
func lastStop(ch *sdk.Channel, events []conversations.Event) int {
	for i := len(events) - 1; i >= 0; i-- {
		if consentWord(ch, events[i]) == conversations.OptedOut {
			return i
		}
	}
	return -1
}

// consent acts on the event if it is a word of consent. It reports true for what
// is not for the flow: such words, and whatever is written while consent is ended.
// A word that renews what was never ended is an ordinary word. later tells that a
// newer event of the turn ends consent, so that older words decide nothing.
func (d *decision) consent(e conversations.Event, later bool) bool {
	switch word := consentWord(d.channel, e); {
	case word != "" && later:
		return true
	case word == conversations.OptedOut:
		if !d.s.OptedOut {
			d.muted = false
			d.send(sdk.Content{Text: optedOutText}, conversations.AuthorBot)
			d.muted, d.turn.Consent = true, conversations.OptedOut
			d.note("conversation.opted_out", nil)
		}
		return true
	case word == conversations.OptedIn && d.optedOut():
		d.muted = false
		d.turn.Consent = conversations.OptedIn
		d.note("conversation.opted_in", nil)
		d.send(sdk.Content{Text: optedInText}, conversations.AuthorBot)
		return true
	}
	return d.optedOut() && e.Kind == bus.KindMessage
}

// optedOut tells whether the customer wants no messages at this point of the turn.
func (d *decision) optedOut() bool {
	if d.turn.Consent != "" {
		return d.turn.Consent == conversations.OptedOut
	}
	return d.s.OptedOut
}
