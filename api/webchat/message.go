package webchat

import (
	"errors"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"parley/connectors/sdk"
	channel "parley/connectors/webchat"
)

// maxFrame is the largest frame or body that a visitor may send, in bytes. A
// text of TextMax characters fits in UTF-8, as browsers send it.
const maxFrame = 64 << 10

// message is what a visitor sends: a text, or a tap on a choice.
type message struct {
	// ID is drawn at random by the widget for each message. Sending the same
	// message again under the same ID is harmless.
	ID   string `json:"id"`
	Text string `json:"text"`
	// Tap is the ID of a choice, Text then its label.
	Tap string `json:"tap,omitempty"`
	// ReplyTo is the ID of the message that offered the choice.
	ReplyTo string `json:"reply_to,omitempty"`
}

// messageID wants enough characters that two random ones never meet.
var messageID = regexp.MustCompile(`^[A-Za-z0-9_-]{16,64}$`)

// event returns the message as the inbox takes it, or what is wrong with it.
func (m message) event(visitor sdk.Address, now time.Time) (sdk.Event, error) {
	text := strings.Map(dropControls, m.Text)
	ch := channel.Connector.Channel
	switch {
	case !messageID.MatchString(m.ID):
		return sdk.Event{}, errors.New("the message's id must have 16 to 64 letters, digits, - or _")
	case strings.TrimSpace(text) == "":
		return sdk.Event{}, errors.New("the message has no text")
	case utf8.RuneCountInString(text) > ch.TextMax:
		return sdk.Event{}, errors.New("the message is too long: at most 8,000 characters fit")
	case utf8.RuneCountInString(m.Tap) > ch.ChoiceIDMax || strings.Map(dropControls, m.Tap) != m.Tap:
		return sdk.Event{}, errors.New("the tapped choice is not one that was offered")
	case len(m.ReplyTo) > 128 || strings.Map(dropControls, m.ReplyTo) != m.ReplyTo:
		return sdk.Event{}, errors.New("the message that was answered is not known")
	}
	return sdk.Event{
		// The visitor is part of the ID, so that nobody can make the inbox take
		// another's message for a repeat of their own.
		ID:   visitor.Value + ":" + m.ID,
		Kind: sdk.EventMessage,
		Type: "message",
		At:   now,
		Message: &sdk.Incoming{
			ID: m.ID, From: []sdk.Address{visitor},
			Text: text, Tap: m.Tap, ReplyTo: m.ReplyTo,
		},
	}, nil
}

// dropControls removes what no keyboard writes and PostgreSQL's text cannot
// hold (U+0000), but keeps line breaks and tabs.
func dropControls(r rune) rune {
	if r != '\n' && r != '\t' && unicode.Is(unicode.Cc, r) {
		return -1
	}
	return r
}

// readEvents returns a read status for each message that entries show to the
// visitor, up to and including the cursor.
func readEvents(entries []Entry, upto int64, visitor sdk.Address, now time.Time) []sdk.Event {
	var events []sdk.Event
	for _, e := range entries {
		if e.Cursor > upto || e.From == FromCustomer {
			continue
		}
		events = append(events, sdk.Event{
			ID: visitor.Value + ":" + e.ID + ":read", Kind: sdk.EventStatus, Type: "read", At: now,
			Status: &sdk.Status{MessageID: e.ID, Status: sdk.StatusRead},
		})
	}
	return events
}
