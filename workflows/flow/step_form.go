package flow

import (
	"maps"
	"strings"

	"parley/connectors/sdk"
	"parley/connectors/sdk/money"
)

// formStep asks for several things, shows them together, and lets the customer
// correct each before going on.
//
//   - form: Let us open your account.
//     save: account
//     fields:
//     name: {ask: What is your name?}
//     email: {ask: What is your e-mail address?, kind: email, label: E-mail}
type formStep struct {
	Form phrase `flow:"form,required" doc:"said before the first question"`
	// Save holds the answers by the fields' names.
	Save    variable `flow:"save,required" doc:"the variable that takes the answers, a mapping by the fields' names"`
	Fields  fields   `flow:"fields,required" doc:"the questions by name, each with ask, label and the keys of an answer"`
	Summary *phrase  `flow:"summary" doc:"stands above what was answered"`
	// NoSummary goes on with the last answer.
	NoSummary bool     `flow:"no_summary" doc:"whether the form ends with its last answer"`
	Timeout   *timeout `flow:"timeout" doc:"what happens when no answer comes"`
}

// fields are a form's questions.
type fields []*formField

type formField struct {
	pos
	name  string
	Ask   phrase     `flow:"ask,required" doc:"the question"`
	Label *phrase    `flow:"label" doc:"what the summary calls it; the field's name where not said"`
	If    *condition `flow:"if" doc:"whether it is asked for; sees the answers so far under the form's variable"`
	answer
}

func (l *fields) read(r *reader, n *node) {
	if n.kind != mapNode || len(n.pairs) == 0 || len(n.pairs) > 30 {
		r.fail(n.pos, "\"fields\" must map 1 to 30 names to questions")
		return
	}
	for _, p := range n.pairs {
		f := &formField{pos: p.key.pos, name: p.key.text}
		if !variableName.MatchString(f.name) {
			r.fail(p.key.pos, "%q cannot name a field", clip(f.name, 40))
		}
		r.record(p.value, f, "a field")
		if p.value.kind == mapNode {
			f.answer.complete(r, p.value, nil)
		}
		*l = append(*l, f)
	}
}

func (s *formStep) finish(_ *reader, _ *node) { s.Save.typ = "map" }

func (s *formStep) exits() exits {
	e := exits{next: true, waits: true, sets: []*variable{&s.Save}}
	e = e.unanswered(s.Timeout)
	return e
}

// field is the one that is asked for; nil at the summary.
func (s *formStep) field(m *machine) *formField {
	if i := m.st.Asked.Field; i >= 0 && i < len(s.Fields) {
		return s.Fields[i]
	}
	return nil
}

func (s *formStep) rules(m *machine) rules {
	if f := s.field(m); f != nil {
		return rules{open: f.kind.open, help: f.Help}
	}
	return rules{}
}

func (s *formStep) run(m *machine) move {
	if err := m.store(s.Save.name, map[string]any{}); err != nil {
		return m.trouble(err)
	}
	intro, err := m.text(&s.Form)
	if err != nil {
		return m.trouble(err)
	}
	m.st.Asked.Field = -1
	if mv, more := s.forward(m); !more {
		return mv
	}
	return s.put(m, intro)
}

// forward comes to the next field that is asked for, or to the summary. It
// reports false where the form is at its end.
func (s *formStep) forward(m *machine) (move, bool) {
	for m.st.Asked.Field++; m.st.Asked.Field < len(s.Fields); m.st.Asked.Field++ {
		f := s.Fields[m.st.Asked.Field]
		if f.If == nil {
			return park, true
		}
		v, err := m.eval(&f.If.expr)
		if err != nil {
			return m.trouble(err), false
		}
		if truthy(v) {
			return park, true
		}
	}
	return advance, !s.NoSummary
}

func (s *formStep) put(m *machine, why string) move {
	c := sdk.Content{}
	f := s.field(m)
	var err error
	if f != nil {
		c.Text, err = m.text(&f.Ask)
		c.Choices = f.answer.choices(m)
	} else {
		err = s.summarise(m, &c)
	}
	if err != nil {
		return m.trouble(err)
	}
	c.Text = paragraphs(why, c.Text)
	m.st.Choices = c.Choices
	m.send(c)
	m.arm(s.Timeout)
	return park
}

// summarise lists the answers, with a choice to go on and one to correct each.
func (s *formStep) summarise(m *machine, c *sdk.Content) error {
	title, err := m.text(own(s.Summary, m.p.texts.Summary))
	if err != nil {
		return err
	}
	lines := []string{title}
	c.Choices = []sdk.Choice{{ID: m.choiceID("send"), Label: clip(m.textOr(m.p.texts.Send, "Send"), maxLabel)}}
	change := m.textOr(m.p.texts.Change, "Change")
	for _, f := range s.Fields {
		v, given := s.values(m)[f.name]
		if !given {
			continue
		}
		label := s.label(m, f)
		lines = append(lines, "*"+label+"*: "+m.shown(v))
		c.Choices = append(c.Choices, sdk.Choice{ID: m.choiceID("change-" + f.name), Label: clip(change+": "+label, maxLabel)})
	}
	c.Text = clip(strings.Join(lines, "\n"), maxText)
	return nil
}

func (s *formStep) label(m *machine, f *formField) string { return m.textOr(f.Label, f.name) }

// shown writes an answer for the customer.
func (m *machine) shown(v any) string {
	switch v := v.(type) {
	case bool:
		if v {
			return m.textOr(m.p.texts.Yes, "Yes")
		}
		return m.textOr(m.p.texts.No, "No")
	case map[string]any:
		if amount, ok := number(v["amount"]); ok {
			return money.Format(int64(amount), text(v["currency"]))
		}
		for _, key := range []string{"text", "filename", "address", "kind"} {
			if s := text(v[key]); s != "" {
				return clip(s, 500)
			}
		}
		return "✓"
	}
	return clip(text(v), 1000)
}

// values are the answers so far.
func (s *formStep) values(m *machine) map[string]any {
	v, _ := m.st.Vars[s.Save.name].(map[string]any)
	return v
}

func (s *formStep) hear(m *machine, msg *sdk.Incoming) move {
	f := s.field(m)
	if to := s.correction(m, msg, f == nil); to >= 0 {
		m.st.Misses = 0
		m.st.Asked.Field, m.st.Asked.Editing = to, true
		return s.put(m, "")
	}
	if f == nil {
		return s.confirm(m, msg)
	}
	v, got, err := f.answer.take(m, msg)
	if err != nil {
		return m.trouble(err)
	}
	if got == notUnderstood {
		return m.miss(f.Retry.at(m.st.Misses, m.p.texts.Unclear), s)
	}
	values := maps.Clone(s.values(m))
	if values == nil {
		values = map[string]any{}
	}
	values[f.name] = v
	if err := m.store(s.Save.name, values); err != nil {
		return m.trouble(err)
	}
	m.st.Misses = 0
	if m.st.Asked.Editing {
		m.st.Asked.Field, m.st.Asked.Editing = len(s.Fields), false
	} else if mv, more := s.forward(m); !more {
		return mv
	}
	return s.put(m, "")
}

// confirm takes the answer to the summary.
func (s *formStep) confirm(m *machine, msg *sdk.Incoming) move {
	send := m.chosen(msg) == 0
	if yes, ok := parseYesNo(reading{text: msg.Text, language: m.language()}); ok && msg.Tap == "" {
		send, _ = yes.(bool)
	}
	if !send {
		return m.miss(m.p.texts.Choose, s)
	}
	m.answered()
	return advance
}

// changing are the words that begin a correction, by language.
var changing = map[string][]string{
	"en": {"change", "correct", "edit", "wrong"}, "hi": {"बदलें", "बदलो", "सुधारें", "गलत"}, "es": {"cambiar", "corregir", "cambia"},
	"pt": {"alterar", "corrigir", "mudar"}, "fr": {"modifier", "corriger", "changer"}, "ar": {"تغيير", "تعديل", "غير"},
	"id": {"ubah", "ganti", "perbaiki"},
}

// correction finds the field that the customer wants to change: at the summary by
// tap or by its name, in the middle of the form by a word such as change and the
// name. It is -1 if there is none, or the field was not answered yet.
func (s *formStep) correction(m *machine, msg *sdk.Incoming, atSummary bool) int {
	said := fold(msg.Text)
	chosen := -1
	if atSummary {
		chosen = m.chosen(msg)
	}
	meant := atSummary
	base, _, _ := strings.Cut(m.language(), "-")
	for _, word := range append(changing[base], changing["en"]...) {
		meant = meant || strings.Contains(" "+said+" ", " "+word+" ")
	}
	for i, f := range s.Fields {
		if _, given := s.values(m)[f.name]; !given {
			continue
		}
		if chosen >= 0 && m.st.Choices[chosen].ID == m.choiceID("change-"+f.name) {
			return i
		}
		label := fold(s.label(m, f))
		if msg.Tap == "" && meant && label != "" && (strings.Contains(said, label) || strings.Contains(said, fold(f.name))) {
			return i
		}
	}
	return -1
}

// back goes to the field before.
func (s *formStep) back(m *machine) bool {
	if m.st.Asked.Editing {
		m.st.Asked.Field, m.st.Asked.Editing = len(s.Fields), false
		return true
	}
	for i := min(m.st.Asked.Field, len(s.Fields)) - 1; i >= 0; i-- {
		if _, given := s.values(m)[s.Fields[i].name]; given {
			m.st.Asked.Field = i
			return true
		}
	}
	return false
}

func (s *formStep) timeUp(m *machine) move { return m.unanswered(s.Timeout, s) }
