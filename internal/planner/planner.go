// Package planner turns a portable message into messages that one channel can
// carry. It is pure: the same content, channel and window always give the same
// plan, so a turn that is run again sends the same thing.
//
// Lengths are counted in characters, that is Unicode code points (Go runes), not
// bytes and not UTF-16 units: it is what Meta's limits mean, and a limit in
// UTF-16 units is never exceeded by text of the basic plane.
//
// A limit of zero is none (see [sdk.Channel]); a negative one says that the channel
// has no such part, e.g. no captions.
//
// What a channel cannot carry as it is, is carried in another form (degraded),
// left out with a note (dropped), or refused; see [sdk.Level]. Only dropping
// loses text, and it always leaves a [Note].
package planner

import (
	"strings"

	"parley/connectors/sdk"
)

// Window says whether the recipient may be written to freely now.
type Window struct {
	// Open is true within [sdk.Channel.Window] of the customer's last message.
	// It is not looked at on a channel without a window.
	Open bool
	// Template goes out in the content's place while the window is closed,
	// unless the content has a template of its own.
	Template *sdk.Template
}

// Note says what became of a part of the content that is not carried natively.
type Note struct {
	// Field is the part's path in the content, e.g. "choices[2].label".
	Field string
	Level sdk.Level
	// Why is for the flow's author and the operator. It quotes no content.
	Why string
}

// Result is what [Plan] decides. Messages go out in order. A message with
// choices shows them as a list exactly if its ListButton is set, else as buttons.
type Result struct {
	Messages []sdk.Content
	Notes    []Note
}

// Plan splits and rewrites content for a channel. Errors are *[sdk.Error]: class
// Invalid for content that is wrong on any channel, Rejected with code
// "window_closed" outside the window without a template, and Rejected with code
// "not_carried" if nothing of the content can be carried; the result then still
// holds the notes.
//
// Outside the window a template replaces the content. Within it a template
// counts only if the content has nothing else.
func Plan(c sdk.Content, ch sdk.Channel, w Window) (Result, error) {
	c = tidy(c)
	if err := validate(c); err != nil {
		return Result{}, err
	}
	if ch.Window > 0 && !w.Open {
		return outsideWindow(c, ch, w)
	}
	if c.OnlyTemplate() {
		return templateOnly(c, ch)
	}
	c.Template = nil
	d := &draft{ch: ch, c: c}
	d.plan()
	if len(d.messages) == 0 {
		return Result{Notes: d.notes}, notCarried()
	}
	return Result{Messages: d.messages, Notes: d.notes}, nil
}

func outsideWindow(c sdk.Content, ch sdk.Channel, w Window) (Result, error) {
	t := c.Template
	if t == nil {
		t = w.Template
	}
	if t == nil || !ch.Templates {
		return Result{}, &sdk.Error{Class: sdk.Rejected, Code: "window_closed",
			Message: "the customer has not written within the channel's window; give the message a template"}
	}
	if t.Name == "" || t.Language == "" {
		return Result{}, sdk.Invalidf("template: name and language are needed")
	}
	r := Result{Messages: []sdk.Content{{Template: t}}}
	if !c.OnlyTemplate() {
		r.Notes = []Note{{"content", sdk.Dropped, "the window is closed: a template goes out in the content's place"}}
	}
	return r, nil
}

func templateOnly(c sdk.Content, ch sdk.Channel) (Result, error) {
	if !ch.Templates {
		return Result{Notes: []Note{{"template", sdk.Refused, "the channel has no templates"}}}, notCarried()
	}
	return Result{Messages: []sdk.Content{{Template: c.Template}}}, nil
}

func notCarried() *sdk.Error {
	return &sdk.Error{Class: sdk.Rejected, Code: "not_carried", Message: "the channel can carry nothing of this message"}
}

// tidy trims texts, puts labels on one line, and makes what is blank absent.
func tidy(c sdk.Content) sdk.Content {
	c.Header, c.Text, c.Footer = strings.TrimSpace(c.Header), strings.TrimSpace(c.Text), strings.TrimSpace(c.Footer)
	c.ListButton = oneLine(c.ListButton)
	c.Choices = tidyChoices(c.Choices)
	c.Cards = tidyCards(c.Cards)
	c.Contact = tidyContact(c.Contact)
	if c.Media != nil {
		m := *c.Media
		m.Caption = strings.TrimSpace(m.Caption)
		c.Media = &m
	}
	c.Link = tidyLink(c.Link)
	return c
}

func tidyChoices(choices []sdk.Choice) []sdk.Choice {
	out := make([]sdk.Choice, len(choices))
	for i, ch := range choices {
		out[i] = sdk.Choice{ID: ch.ID, Label: oneLine(ch.Label), Description: oneLine(ch.Description)}
	}
	return out
}

func tidyLink(l *sdk.Link) *sdk.Link {
	if l == nil {
		return nil
	}
	return &sdk.Link{URL: strings.TrimSpace(l.URL), Label: oneLine(l.Label)}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// fits reports whether s is within max characters: 0 is no limit, and a negative
// limit says that the channel has no such part.
func fits(s string, max int) bool { return s == "" || max == 0 || length(s) <= max }
