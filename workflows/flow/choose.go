package flow

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"parley/connectors/sdk"
)

// many lets several choices be made.
type many struct {
	Min  *int    `flow:"min" doc:"how many at least; 1 where not said"`
	Max  *int    `flow:"max" doc:"how many at most"`
	Done *phrase `flow:"done" doc:"the choice that ends it"`
}

func (n *many) least() int {
	if n.Min == nil {
		return 1
	}
	return *n.Min
}

func (n *many) most() int {
	if n.Max == nil {
		return MaxChoices
	}
	return *n.Max
}

// several checks what goes with a choice of several.
func (s *choicesStep) several(r *reader, n *node) {
	if s.Many == nil {
		return
	}
	if s.Save == nil {
		r.fail(n.pos, "a choice of several needs the key \"save\"")
	}
	if s.Many.least() < 0 || s.Many.most() < max(1, s.Many.least()) || s.Many.most() > MaxChoices {
		r.fail(n.get("many").pos, "min and max must be from 0 to %d, max not below min", MaxChoices)
	}
	for _, o := range s.Options {
		if o.Go != nil || len(o.Set) > 0 {
			r.fail(o.Label.pos, "an option of several leads nowhere and sets nothing: use the key \"go\" of the step")
		}
	}
}

// show puts the offers into a message: as cards where they have pictures, without
// those that are picked already where several may be.
func (s *choicesStep) show(m *machine, offers []offer, c *sdk.Content) {
	var picked []string
	for _, o := range offers {
		if slices.Contains(m.st.Asked.Picked, o.ID) {
			picked = append(picked, o.Label)
			continue
		}
		m.st.Choices = append(m.st.Choices, o.Choice)
		if o.image == "" || len(c.Cards) >= MaxCards {
			c.Choices = append(c.Choices, o.Choice)
			continue
		}
		c.Cards = append(c.Cards, sdk.Card{Title: o.Label, Subtitle: o.Description, ImageURL: o.image,
			Choices: []sdk.Choice{{ID: o.ID, Label: c.ListButton}}})
	}
	if s.Many == nil {
		return
	}
	if len(m.st.Asked.Picked) >= s.Many.least() {
		done := sdk.Choice{ID: m.choiceID("=done="), Label: clip(m.textOr(own(s.Many.Done, m.p.texts.Done), "Done"), maxLabel)}
		c.Choices, m.st.Choices = append(c.Choices, done), append(m.st.Choices, done)
	}
	if len(picked) > 0 {
		c.Text = clip(paragraphs(c.Text, m.textOr(m.p.texts.Chosen, "")+" "+strings.Join(picked, ", ")), maxText)
	}
}

var listSeparators = regexp.MustCompile(`[,;&\n،、]+`)

// hearMany takes one or several choices, or the end of choosing.
func (s *choicesStep) hearMany(m *machine, msg *sdk.Incoming, offers []offer) move {
	ids := []string{}
	if i := m.chosen(msg); i >= 0 {
		ids = append(ids, m.st.Choices[i].ID)
	} else if msg.Tap == "" {
		for _, one := range listSeparators.Split(msg.Text, MaxChoices) {
			if i := m.chosen(&sdk.Incoming{Text: one}); i >= 0 {
				ids = append(ids, m.st.Choices[i].ID)
			} else {
				ids = nil
				break
			}
		}
	}
	if len(ids) == 0 {
		return m.miss(s.Retry.at(m.st.Misses, m.p.texts.Choose), s)
	}
	m.st.Misses = 0
	done := false
	for _, id := range ids {
		if id == m.choiceID("=done=") {
			done = true
		} else if !slices.Contains(m.st.Asked.Picked, id) && len(m.st.Asked.Picked) < s.Many.most() {
			m.st.Asked.Picked = append(slices.Clip(m.st.Asked.Picked), id)
		}
	}
	var values []any
	for _, o := range offers {
		if slices.Contains(m.st.Asked.Picked, o.ID) {
			v, err := s.picked(m, o)
			if err != nil {
				return m.trouble(err)
			}
			values = append(values, v)
		}
	}
	if full := len(values) >= min(s.Many.most(), len(offers)); !done && !full {
		return s.put(m, "")
	}
	if values == nil {
		values = []any{}
	}
	if err := m.store(s.Save.name, values); err != nil {
		return m.trouble(err)
	}
	m.answered()
	return s.Go.or(advance)
}

// inBoth keeps what two ways have in common; the first way has all of its own.
func inBoth(a, b []*variable, first bool) []*variable {
	if first {
		return b
	}
	var out []*variable
	for _, v := range a {
		if slices.ContainsFunc(b, func(w *variable) bool { return w.name == v.name }) {
			out = append(out, v)
		}
	}
	return out
}

var writtenNumber = regexp.MustCompile(`^#?([0-9]{1,3})[.):]?$`)

// chosen finds which of the choices last offered a message means, or -1: by tap,
// else by label (if only one has it), else by number, counted from 1.
func (m *machine) chosen(msg *sdk.Incoming) int {
	if msg.Tap != "" {
		for i, c := range m.st.Choices {
			if c.ID == msg.Tap {
				return i
			}
		}
		return -1
	}
	written, found := fold(msg.Text), -1
	for i, c := range m.st.Choices {
		if written != "" && fold(c.Label) == written {
			if found >= 0 {
				return -1
			}
			found = i
		}
	}
	if found >= 0 {
		return found
	}
	if n := writtenNumber.FindStringSubmatch(written); n != nil {
		i, _ := strconv.Atoi(n[1]) // three digits at most
		if i >= 1 && i <= len(m.st.Choices) {
			return i - 1
		}
	}
	return -1
}
