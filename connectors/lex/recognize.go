package lex

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"parley/connectors/sdk"
)

// maxText is the longest text that Lex reads, in characters (shape Text).
const maxText = 1024

// The part of the model that is used.
type textRequest struct {
	Text       string            `json:"text"`
	State      *state            `json:"sessionState,omitempty"`
	Attributes map[string]string `json:"requestAttributes,omitempty"`
}

type state struct {
	Action     *action           `json:"dialogAction,omitempty"`
	Intent     *intent           `json:"intent,omitempty"`
	Attributes map[string]string `json:"sessionAttributes,omitempty"`
}

type action struct {
	Type string `json:"type"`
	Slot string `json:"slotToElicit,omitempty"`
}

type intent struct {
	Name  string           `json:"name"`
	Slots map[string]*slot `json:"slots,omitempty"`
	State string           `json:"state,omitempty"`
}

type slot struct {
	Shape string `json:"shape,omitempty"`
	Value *struct {
		Interpreted string `json:"interpretedValue"`
	} `json:"value,omitempty"`
	Values   []*slot          `json:"values,omitempty"`
	SubSlots map[string]*slot `json:"subSlots,omitempty"`
}

type answer struct {
	Messages []struct {
		Content string `json:"content"`
		Type    string `json:"contentType"`
	} `json:"messages"`
	State           state            `json:"sessionState"`
	Interpretations []interpretation `json:"interpretations"`
	Session         string           `json:"sessionId"`
}

type interpretation struct {
	Confidence *struct {
		Score float64 `json:"score"`
	} `json:"nluConfidence"`
	Sentiment *struct {
		Sentiment string `json:"sentiment"`
	} `json:"sentimentResponse"`
	Intent intent `json:"intent"`
}

// value is what was understood of a slot: a text, a list, an object of sub-slots, or
// nil for nothing.
func (s *slot) value() any {
	switch {
	case s == nil:
		return nil
	case len(s.SubSlots) > 0:
		out := map[string]any{}
		for name, sub := range s.SubSlots {
			if v := sub.value(); v != nil {
				out[name] = v
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case len(s.Values) > 0:
		var out []any
		for _, item := range s.Values {
			if v := item.value(); v != nil {
				out = append(out, v)
			}
		}
		return out
	case s.Value == nil || s.Value.Interpreted == "":
		return nil
	}
	return s.Value.Interpreted
}

// sentiments of Amazon Comprehend; MIXED is none of ours.
var sentiments = map[string]string{"POSITIVE": sdk.Positive, "NEUTRAL": sdk.Neutral, "NEGATIVE": sdk.Negative}

// TextInput is something said in a conversation that the bot leads.
type TextInput struct {
	Text       string            `json:"text" doc:"What the customer wrote, at most 1,024 characters. It is sent as it is."`
	Session    string            `json:"session" doc:"Opaque name of the conversation: 2 to 100 letters, digits and . _ : -"`
	Language   string            `json:"language,omitempty" doc:"BCP 47 tag of the customer's language, which chooses the bot's locale."`
	Attributes map[string]string `json:"attributes,omitempty" doc:"What the bot may know for the whole conversation, by the bot's names."`
}

// Validate implements [sdk.Validator].
func (in TextInput) Validate() error {
	if in.Text == "" || utf8.RuneCountInString(in.Text) > maxText {
		return sdk.Invalidf("text must be 1 to %d characters", maxText)
	}
	for name := range in.Attributes {
		if name == "" || strings.HasPrefix(name, reserved) {
			return sdk.Invalidf("attributes must have names, which must not begin with %s", reserved)
		}
	}
	return SessionInput{Session: in.Session}.Validate()
}

// reserved begins the names of Lex's own attributes (RecognizeTextRequest).
const reserved = "x-amz-lex:"

// TextOutput is the bot's answer.
type TextOutput struct {
	Session    string            `json:"session" doc:"The conversation's name."`
	Messages   []string          `json:"messages,omitempty" doc:"What the bot says, in order."`
	Intent     string            `json:"intent,omitempty" doc:"The bot's name of what is wanted."`
	State      string            `json:"state,omitempty" doc:"How far the intent is: InProgress, ReadyForFulfillment, Fulfilled, Failed …"`
	Confidence float64           `json:"confidence,omitempty" doc:"How sure Lex is of the intent, from 0 to 1."`
	Slots      map[string]any    `json:"slots,omitempty" doc:"What was understood so far, by the bot's slots."`
	Action     string            `json:"action,omitempty" doc:"What comes next: Close, ConfirmIntent, Delegate, ElicitIntent or ElicitSlot."`
	Slot       string            `json:"slot,omitempty" doc:"The slot that the bot asks for."`
	Sentiment  string            `json:"sentiment,omitempty" doc:"positive, neutral or negative, where the bot looks at it."`
	Attributes map[string]string `json:"attributes,omitempty" doc:"The conversation's attributes."`
}

func (c *connection) recognize(ctx context.Context, _ sdk.Call, in TextInput) (TextOutput, error) {
	request := textRequest{Text: in.Text}
	if len(in.Attributes) > 0 {
		request.State = &state{Attributes: in.Attributes}
	}
	var got answer
	if err := c.call(ctx, http.MethodPost, c.localeOf(in.Language), in.Session, "/text", "recognize_text", request, &got); err != nil {
		return TextOutput{}, err
	}
	if got.Session == "" {
		return TextOutput{}, unreadable(nil)
	}
	out := TextOutput{Session: got.Session, Attributes: got.State.Attributes}
	for _, m := range got.Messages {
		if m.Content != "" {
			out.Messages = append(out.Messages, m.Content)
		}
	}
	if a := got.State.Action; a != nil {
		out.Action, out.Slot = a.Type, a.Slot
	}
	if i := got.State.Intent; i != nil {
		out.Intent, out.State = i.Name, i.State
		for name, s := range i.Slots {
			if v := s.value(); v != nil {
				if out.Slots == nil {
					out.Slots = map[string]any{}
				}
				out.Slots[name] = v
			}
		}
	}
	for _, i := range got.Interpretations {
		if i.Intent.Name == out.Intent && i.Confidence != nil {
			out.Confidence = i.Confidence.Score
		}
		if i.Sentiment != nil && out.Sentiment == "" {
			out.Sentiment = sentiments[i.Sentiment.Sentiment]
		}
	}
	return out, nil
}

// SessionInput names a conversation.
type SessionInput struct {
	Session  string `json:"session" doc:"The conversation's name."`
	Language string `json:"language,omitempty" doc:"BCP 47 tag of the language in which it was held, which chooses the bot's locale."`
}

// Validate implements [sdk.Validator].
func (in SessionInput) Validate() error {
	if !sessionForm.MatchString(in.Session) {
		return sdk.Invalidf("session must be 2 to 100 letters, digits and . _ : -")
	}
	return nil
}

// Deleted says that a conversation is forgotten.
type Deleted struct {
	Session string `json:"session" doc:"The conversation's name."`
}

func (c *connection) deleteSession(ctx context.Context, _ sdk.Call, in SessionInput) (Deleted, error) {
	var got struct {
		Session string `json:"sessionId"`
	}
	err := c.call(ctx, http.MethodDelete, c.localeOf(in.Language), in.Session, "", "session_delete", nil, &got)
	if err == nil && got.Session == "" {
		err = unreadable(nil)
	}
	if err != nil {
		return Deleted{}, err
	}
	return Deleted{Session: in.Session}, nil
}

// findDeleted tells whether there is no such session (any more).
func (c *connection) findDeleted(ctx context.Context, _ sdk.Call, in SessionInput) (Deleted, bool, error) {
	var got struct {
		Session string `json:"sessionId"`
	}
	err := c.call(ctx, http.MethodGet, c.localeOf(in.Language), in.Session, "", "session_delete", nil, &got)
	if e, ok := errors.AsType[*sdk.Error](err); ok && e.Class == sdk.NotFound {
		return Deleted{Session: in.Session}, true, nil
	}
	return Deleted{}, false, err
}
