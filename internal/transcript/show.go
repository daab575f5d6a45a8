package transcript

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"parley/connectors/sdk"
	"parley/workflows/flow"
)

// differs names the first part of a message that is not as expected, or nothing.
func (m *Message) differs(c sdk.Content, found Captures) string {
	var link sdk.Link
	if c.Link != nil {
		link = *c.Link
	}
	var media sdk.Media
	if c.Media != nil {
		media = *c.Media
	}
	text := c.Text
	if text == "" {
		text = media.Caption
	}
	for _, one := range []struct {
		what string
		want *Matcher
		got  string
	}{
		{"text", m.Text, text}, {"header", m.Header, c.Header}, {"footer", m.Footer, c.Footer},
		{"link", m.Link, link.URL}, {"button", m.Button, firstOf(link.Label, c.ListButton)},
		{"file", m.URL, firstOf(media.URL, media.ID)}, {"location", m.Location, placeName(c)}, {"contact", m.Contact, contactName(c)},
	} {
		if one.want != nil && !one.want.fits(one.got, found) {
			return one.what
		}
	}
	var labels, titles, params []string
	for _, one := range c.Choices {
		labels = append(labels, one.Label)
	}
	for _, one := range c.Cards {
		titles = append(titles, one.Title)
	}
	template := ""
	if c.Template != nil {
		template, params = c.Template.Name, c.Template.Params
	}
	switch {
	case !fitAll(m.Choices, labels, found):
		return "choices"
	case !fitAll(m.Cards, titles, found):
		return "cards"
	case m.Media != "" && m.Media != media.Kind:
		return "file"
	case m.Template != "" && m.Template != template:
		return "template"
	case !fitAll(m.Params, params, found):
		return "template"
	}
	return ""
}

// fitAll holds a list against texts; a list that is not given fits any.
func fitAll(want []*Matcher, got []string, found Captures) bool {
	if want == nil {
		return true
	}
	return slices.EqualFunc(want, got, func(m *Matcher, s string) bool { return m.fits(s, found) })
}

func firstOf(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

func placeName(c sdk.Content) string {
	if c.Location == nil {
		return ""
	}
	return firstOf(c.Location.Name, c.Location.Address, fmt.Sprintf("%g, %g", c.Location.Latitude, c.Location.Longitude))
}

func contactName(c sdk.Content) string {
	if c.Contact == nil {
		return ""
	}
	return c.Contact.Name
}

// lines writes what is expected of a message as [Show] writes one.
func (m *Message) lines() []string {
	var out []string
	for _, one := range []struct {
		form string
		want *Matcher
	}{
		{"‹%s›", m.Header}, {"%s", m.Text}, {"‹%s›", m.Footer}, {"file %s", m.URL}, {"location %s", m.Location}, {"contact %s", m.Contact},
		{"link %s", m.Link}, {"button %s", m.Button},
	} {
		if one.want != nil {
			out = append(out, strings.Split(fmt.Sprintf(one.form, one.want), "\n")...)
		}
	}
	if m.Media != "" {
		out = append(out, "file of kind "+m.Media)
	}
	for _, c := range m.Cards {
		out = append(out, "card "+c.String())
	}
	for _, c := range m.Choices {
		out = append(out, "[ "+c.String()+" ]")
	}
	if m.Template != "" {
		out = append(out, "template "+m.Template)
	}
	for _, p := range m.Params {
		out = append(out, "with "+p.String())
	}
	return out
}

// Show writes something seen for people, line by line.
func Show(s *Seen) []string {
	switch s.Kind {
	case flow.EffectSend:
		return showContent(s.Content)
	case Fault:
		return []string{"trouble: " + s.Operation}
	case flow.EffectHandoff:
		out := []string{"handoff to " + s.Operation}
		if note, _ := s.Input.(string); note != "" {
			out = append(out, note)
		}
		return out
	}
	return append([]string{s.Operation}, pretty(s.Input)...)
}

func showContent(c sdk.Content) []string {
	var out []string
	add := func(form, s string) {
		if s != "" {
			out = append(out, strings.Split(fmt.Sprintf(form, s), "\n")...)
		}
	}
	if c.Media != nil {
		add("file of kind %s", c.Media.Kind)
		add("file %s", firstOf(c.Media.URL, c.Media.ID))
		add("%s", c.Media.Caption)
	}
	add("location %s", placeName(c))
	add("contact %s", contactName(c))
	add("‹%s›", c.Header)
	add("%s", c.Text)
	add("‹%s›", c.Footer)
	if c.Link != nil {
		add("link %s", c.Link.URL)
		add("button %s", c.Link.Label)
	}
	for _, one := range c.Cards {
		add("card %s", one.Title)
		for _, choice := range one.Choices {
			add("  [ %s ]", choice.Label)
		}
	}
	for _, one := range c.Choices {
		label := "[ " + one.Label + " ]"
		if one.Description != "" {
			label += " " + one.Description
		}
		out = append(out, label)
	}
	add("button %s", c.ListButton)
	if c.Template != nil && c.OnlyTemplate() {
		add("template %s", c.Template.Name)
		for _, p := range c.Template.Params {
			add("with %s", p)
		}
	}
	return out
}

// pretty writes a value as JSON, line by line.
func pretty(v any) []string {
	if v == nil {
		return nil
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return []string{fmt.Sprint(v)}
	}
	return strings.Split(strings.TrimSpace(b.String()), "\n")
}
