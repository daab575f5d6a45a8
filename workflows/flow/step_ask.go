package flow

import (
	"math"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"parley/connectors/sdk"
)

// maxAnswer bounds a written answer, in characters.
const maxAnswer = 4000

// askStep asks for one thing and keeps the answer.
//
//   - ask: What is your e-mail address?
//     kind: email
//     save: email
type askStep struct {
	Ask phrase `flow:"ask,required"`
	// Kind is one of kinds; text where none is named.
	Kind string   `flow:"kind"`
	Save variable `flow:"save,required"`
	// Pattern must match the whole answer as it was written; Min and Max bound a
	// number, or the length of a text.
	Pattern *pattern `flow:"pattern"`
	Min     *expr    `flow:"min"`
	Max     *expr    `flow:"max"`
	// Valid decides on the understood answer, which it sees as answer.
	Valid *condition `flow:"valid"`
	// Retry is said before the question is put again.
	Retry   *phrase  `flow:"retry"`
	Timeout *timeout `flow:"timeout"`

	kind kind
}

// kind is a sort of answer.
type kind struct {
	// typ of the value, as in [variable].
	typ string
	// parse understands an answer, or reports false.
	parse func(text string) (any, bool)
	// measured tells that Min and Max bound the answer.
	measured bool
}

var kinds = map[string]kind{
	"text":    {"text", parseText, true},
	"number":  {"number", parseNumber, true},
	"integer": {"number", parseInteger, true},
	"email":   {"text", parseEmail, false},
	"phone":   {"text", parsePhone, false},
	"yesno":   {"bool", parseYesNo, false},
}

func (s *askStep) finish(r *reader, n *node) {
	if s.Kind == "" {
		s.Kind = "text"
	}
	var ok bool
	if s.kind, ok = kinds[s.Kind]; !ok {
		r.fail(n.get("kind").pos, "there is no kind %q%s", clip(s.Kind, 40), didYouMean(s.Kind, kindNames()))
	}
	s.Save.typ = s.kind.typ
	if ok && !s.kind.measured && (s.Min != nil || s.Max != nil) {
		r.fail(n.pos, "min and max go with the kinds text, number and integer")
	}
	if s.Valid != nil {
		s.Valid.locals = []string{"answer"}
	}
}

func kindNames() []string {
	var names []string
	for name := range kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (s *askStep) exits() exits {
	e := exits{next: true, waits: true}
	if s.Timeout != nil {
		e = e.jump(s.Timeout.Go, true)
	}
	return e
}

func (s *askStep) run(m *machine) move { return s.put(m, "") }

func (s *askStep) put(m *machine, why string) move {
	text, err := m.text(&s.Ask)
	if err != nil {
		return m.trouble(err)
	}
	c := sdk.Content{Text: paragraphs(why, text)}
	if s.Kind == "yesno" {
		yes, errYes := m.text(m.p.texts.Yes)
		no, errNo := m.text(m.p.texts.No)
		if errYes != nil || errNo != nil {
			yes, no = "Yes", "No"
		}
		c.Choices = []sdk.Choice{{ID: m.choiceID("yes"), Label: clip(yes, maxLabel)}, {ID: m.choiceID("no"), Label: clip(no, maxLabel)}}
	}
	m.st.Choices = c.Choices
	m.send(c)
	m.arm(s.Timeout)
	return park
}

func (s *askStep) hear(m *machine, msg *sdk.Incoming) move {
	text := strings.TrimSpace(strings.ToValidUTF8(msg.Text, "\uFFFD"))
	var answer any
	ok := false
	if s.Kind == "yesno" {
		if i := m.chosen(msg); i >= 0 {
			answer, ok = i == 0, true
		}
	}
	if !ok && utf8.RuneCountInString(text) <= maxAnswer && (s.Pattern == nil || s.Pattern.MatchString(text)) {
		answer, ok = s.kind.parse(text)
	}
	ok, err := s.accepts(m, answer, ok)
	if err != nil {
		return m.trouble(err)
	}
	if !ok {
		return m.miss(own(s.Retry, m.p.texts.Unclear), s)
	}
	if err := m.store(s.Save.name, answer); err != nil {
		return m.trouble(err)
	}
	return advance
}

// accepts checks an understood answer against the step's own rules.
func (s *askStep) accepts(m *machine, answer any, ok bool) (bool, error) {
	if !ok {
		return false, nil
	}
	size, isNumber := answer.(float64)
	if t, isText := answer.(string); isText && !isNumber {
		size = float64(utf8.RuneCountInString(t))
	}
	for i, bound := range []*expr{s.Min, s.Max} {
		if bound == nil {
			continue
		}
		v, err := m.eval(bound)
		if err != nil {
			return false, err
		}
		limit, isLimit := number(v)
		if isLimit && (i == 0 && size < limit || i == 1 && size > limit) {
			return false, nil
		}
	}
	if s.Valid == nil {
		return true, nil
	}
	err := m.with("answer", answer, func() error {
		v, err := m.eval(&s.Valid.expr)
		ok = truthy(v)
		return err
	})
	return ok, err
}

func (s *askStep) timeUp(m *machine) move {
	if s.Timeout == nil {
		return park
	}
	return s.Timeout.Go.to
}

// arm starts the time within which an answer is awaited, anew with each question.
func (m *machine) arm(t *timeout) {
	m.st.Wait = nil
	if t != nil {
		m.wake(m.in.Now.Add(time.Duration(t.After)))
	}
}

func paragraphs(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n\n" + b
}

func parseText(s string) (any, bool) { return s, s != "" }

// parseNumber understands digits with an optional sign, decimal point and
// thousands commas.
func parseNumber(s string) (any, bool) {
	s = strings.ReplaceAll(strings.ReplaceAll(s, " ", ""), ",", "")
	if strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && !strings.ContainsRune("+-.", r) }) {
		return nil, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsInf(f, 0)
}

func parseInteger(s string) (any, bool) {
	v, ok := parseNumber(s)
	if !ok {
		return nil, false
	}
	f := v.(float64)
	return f, f == math.Trunc(f) && math.Abs(f) <= 1<<53
}

func parseEmail(s string) (any, bool) {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > 254 {
		return nil, false
	}
	_, host, _ := strings.Cut(s, "@")
	return s, strings.Contains(host, ".") && !strings.HasSuffix(host, ".")
}

// parsePhone gives the digits, with + in front where it was written: 7 to 15 of
// them (ITU-T E.164).
func parsePhone(s string) (any, bool) {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9', r == '+' && i == 0:
			b.WriteRune(r)
		case !strings.ContainsRune(" -().", r):
			return nil, false
		}
	}
	digits := len(strings.TrimPrefix(b.String(), "+"))
	return b.String(), digits >= 7 && digits <= 15
}

func parseYesNo(s string) (any, bool) {
	switch fold(s) {
	case "yes", "y", "yeah", "yep", "ok", "okay", "sure", "of course":
		return true, true
	case "no", "n", "nope", "no thanks", "no thank you":
		return false, true
	}
	return nil, false
}
