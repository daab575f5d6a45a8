package planner

import (
	"fmt"
	"strings"

	"parley/connectors/sdk"
)

// defaultListButton opens a list whose author gave no label for it.
const (
	defaultListButton = "Options"
	shortListButton   = "☰"
)

// offer is how choices are shown: as native choices (a list if button is set),
// or as lines of text.
type offer struct {
	choices []sdk.Choice
	button  string
	lines   []string
	notes   []Note
}

// planChoices picks the best form that the channel has: buttons that show every
// label whole, else a list, else buttons with shortened labels, else numbered text.
func planChoices(c sdk.Content, ch sdk.Channel) offer {
	n := len(c.Choices)
	if !idsFit(c.Choices, ch.ChoiceIDMax) {
		return numbered(c.Choices, "a choice's id is longer than the channel carries")
	}
	plain := ch.Hosted || !hasDescriptions(c.Choices)
	if n <= ch.ButtonsMax && plain && labelsFit(c.Choices, ch.ButtonLabelMax) {
		return offer{choices: c.Choices}
	}
	if n <= ch.RowsMax {
		if o, ok := asList(c, ch); ok {
			return o
		}
	}
	if n <= ch.ButtonsMax {
		if o, ok := asButtons(c.Choices, ch); ok {
			return o
		}
	}
	if max(ch.ButtonsMax, ch.RowsMax) == 0 {
		return numbered(c.Choices, "the channel has no buttons")
	}
	return numbered(c.Choices, fmt.Sprintf("%d choices with these labels are more than the channel carries", n))
}

func asList(c sdk.Content, ch sdk.Channel) (offer, bool) {
	var o offer
	labels, ok := fitLabels(c.Choices, ch.RowLabelMax)
	if !ok {
		return o, false
	}
	for i, choice := range c.Choices {
		row := sdk.Choice{ID: choice.ID, Label: labels[i], Description: choice.Description}
		if !strings.Contains(row.Label, choice.Label) { // what was cut stands in the description, if it fits
			full := joinNonEmpty(" – ", choice.Label, choice.Description)
			field := fmt.Sprintf("choices[%d].label", i)
			if ch.RowDescriptionMax >= 0 && fits(full, ch.RowDescriptionMax) {
				row.Description = full
				o.note(field, sdk.Degraded, "shortened to %d characters; the description has it whole", ch.RowLabelMax)
			} else {
				o.note(field, sdk.Dropped, "cut to %d characters", ch.RowLabelMax)
			}
		} else if row.Label != choice.Label {
			o.note(fmt.Sprintf("choices[%d].label", i), sdk.Degraded, "numbered, since another choice has the same label")
		}
		if !fits(row.Description, ch.RowDescriptionMax) {
			row.Description, _ = shorten(row.Description, ch.RowDescriptionMax)
			if !fits(row.Description, ch.RowDescriptionMax) {
				row.Description = ""
			}
			o.note(fmt.Sprintf("choices[%d].description", i), sdk.Dropped, "cut to %d characters", ch.RowDescriptionMax)
		}
		o.choices = append(o.choices, row)
	}
	o.listButton(c.ListButton, ch.ListButtonMax)
	return o, true
}

func (o *offer) listButton(label string, max int) {
	if label == "" {
		label = defaultListButton
		if !fits(label, max) {
			label = shortListButton
		}
	}
	o.button = label
	if fits(label, max) {
		return
	}
	short, ok := shorten(label, max)
	if !ok {
		short = shortListButton
	}
	o.button = short
	o.note("list_button", sdk.Dropped, "cut to %d characters", max)
}

func asButtons(choices []sdk.Choice, ch sdk.Channel) (offer, bool) {
	var o offer
	labels, ok := fitLabels(choices, ch.ButtonLabelMax)
	if !ok {
		return o, false
	}
	for i, choice := range choices {
		field := fmt.Sprintf("choices[%d]", i)
		switch {
		case !strings.Contains(labels[i], choice.Label):
			o.note(field+".label", sdk.Dropped, "cut to %d characters", ch.ButtonLabelMax)
		case labels[i] != choice.Label:
			o.note(field+".label", sdk.Degraded, "numbered, since another choice has the same label")
		}
		button := sdk.Choice{ID: choice.ID, Label: labels[i]}
		if ch.Hosted {
			button.Description = choice.Description
		} else if choice.Description != "" {
			o.lines = append(o.lines, choice.Label+" – "+choice.Description)
			o.note(field+".description", sdk.Degraded, "buttons have no descriptions: it stands in the text")
		}
		o.choices = append(o.choices, button)
	}
	return o, true
}

// numbered shows choices as lines to be answered by number or label.
func numbered(choices []sdk.Choice, why string) offer {
	var o offer
	for i, c := range choices {
		o.lines = append(o.lines, fmt.Sprintf("%d. %s", i+1, joinNonEmpty(" – ", c.Label, c.Description)))
	}
	o.note("choices", sdk.Degraded, "%s: they become numbered text", why)
	return o
}

func (o *offer) note(field string, l sdk.Level, format string, args ...any) {
	o.notes = append(o.notes, Note{field, l, fmt.Sprintf(format, args...)})
}

// fitLabels shortens labels to max characters and keeps them apart: where two
// would read the same, the later gets a number. It reports false if that cannot
// be done.
func fitLabels(choices []sdk.Choice, max int) ([]string, bool) {
	out := make([]string, len(choices))
	taken := map[string]bool{}
	for i, c := range choices { // those that need no change go first
		if fits(c.Label, max) && !taken[c.Label] {
			out[i], taken[c.Label] = c.Label, true
		}
	}
	for i, c := range choices {
		for n := 1; out[i] == ""; n++ {
			suffix := ""
			if n > 1 {
				suffix = fmt.Sprintf(" (%d)", n)
			}
			room := 0
			if max > 0 {
				if room = max - length(suffix); room < 1 {
					return nil, false
				}
			}
			short, ok := shorten(c.Label, room)
			if !ok {
				return nil, false
			}
			if label := short + suffix; !taken[label] {
				out[i], taken[label] = label, true
			}
		}
	}
	return out, true
}

func labelsFit(choices []sdk.Choice, max int) bool {
	seen := map[string]bool{}
	for _, c := range choices {
		if !fits(c.Label, max) || seen[c.Label] {
			return false
		}
		seen[c.Label] = true
	}
	return true
}

func idsFit(choices []sdk.Choice, max int) bool {
	for _, c := range choices {
		if !fits(c.ID, max) {
			return false
		}
	}
	return true
}

func hasDescriptions(choices []sdk.Choice) bool {
	for _, c := range choices {
		if c.Description != "" {
			return true
		}
	}
	return false
}

func joinNonEmpty(sep string, parts ...string) string {
	kept := parts[:0:0]
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, sep)
}
