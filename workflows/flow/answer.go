package flow

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"parley/connectors/sdk"
	"parley/connectors/sdk/money"
)

// answer is what a question takes for one.
type answer struct {
	// Kind is one of kinds; text where none is named.
	Kind string `flow:"kind" doc:"what sort of answer it is; text where none is named"`
	// Pattern must match the whole answer as it was written; Min and Max bound a
	// number, an amount in minor units, a day or time, or the length of a text.
	Pattern  *pattern `flow:"pattern" doc:"a regular expression (RE2) that must match the whole answer"`
	Min      *expr    `flow:"min" doc:"least number, amount in minor units, day or time; least length of a text"`
	Max      *expr    `flow:"max" doc:"the same, at most"`
	Currency *fill    `flow:"currency" doc:"currency of an amount that is written without one"`
	Types    []string `flow:"types" doc:"MIME types of a file, such as image/* or application/pdf"`
	MaxSize  fileSize `flow:"max_size" doc:"how large a file may be, such as 500KB or 5MB; checked before it is fetched, where the channel tells its size"`
	// Valid decides on the understood answer, which it sees as answer.
	Valid *condition `flow:"valid" doc:"decides on the understood answer, which it sees as answer"`
	// Retry is said before the question is put again; a list gives the wording of
	// the first time, the second and so on.
	Retry retries `flow:"retry" doc:"said before the question is put again; a list says it in other words each time"`
	Help  *phrase `flow:"help" doc:"explains the question: on the word help, and with the first retry"`
	// Skip lets the customer leave the question out: the variable then has no value.
	Skip bool `flow:"skip" doc:"whether the question may be left out; the variable then has no value"`

	kind kind
}

// retries are what is said on the first wrong answer, the second and so on.
type retries []*phrase

func (l *retries) read(r *reader, n *node) {
	items := n.items
	if n.kind != listNode {
		items = []*node{n}
	}
	for _, item := range items {
		p := &phrase{}
		p.read(r, item)
		*l = append(*l, p)
	}
}

func (l retries) at(misses int, otherwise *phrase) *phrase {
	if len(l) == 0 {
		return otherwise
	}
	return l[min(misses, len(l)-1)]
}

var mimeType = regexp.MustCompile(`^[a-z]+/(\*|[a-z0-9.+-]+)$`)

func (a *answer) complete(r *reader, n *node, save *variable) {
	if a.Kind == "" {
		a.Kind = "text"
	}
	var ok bool
	if a.kind, ok = kinds[a.Kind]; !ok {
		r.fail(n.get("kind").pos, "there is no kind %q%s", clip(a.Kind, 40), didYouMean(a.Kind, kindNames()))
	}
	if save != nil {
		save.typ = a.kind.typ
	}
	if a.Skip && save != nil {
		save.typ = ""
	}
	if ok && !a.kind.measured && (a.Min != nil || a.Max != nil) {
		r.fail(n.pos, "min and max go with the kinds text, longtext, number, integer, amount, date, time and rating")
	}
	if (a.Currency != nil) != (a.Kind == "amount") {
		r.fail(n.pos, "the kind amount needs the key \"currency\", and no other kind has it")
	}
	if len(a.Types) > 0 && a.Kind != "file" && a.Kind != "photo" {
		r.fail(n.get("types").pos, "types go with the kinds file and photo")
	}
	if a.MaxSize > 0 && a.Kind != "file" && a.Kind != "photo" {
		r.fail(n.get("max_size").pos, "max_size goes with the kinds file and photo")
	}
	for _, t := range a.Types {
		if !mimeType.MatchString(t) {
			r.fail(n.get("types").pos, "%q is not a MIME type: write image/*, application/pdf", clip(t, 60))
		}
	}
	if a.Valid != nil {
		a.Valid.locals = []string{"answer"}
	}
}

// ratingMax is the best rating.
func (a *answer) ratingMax(m *machine) int {
	if a.Max != nil {
		if v, err := m.eval(a.Max); err == nil {
			if f, ok := number(v); ok && f >= 2 && f <= 10 {
				return int(f)
			}
		}
	}
	return 5
}

// choices are what a question offers to tap.
func (a *answer) choices(m *machine) []sdk.Choice {
	var out []sdk.Choice
	add := func(id, label string) {
		out = append(out, sdk.Choice{ID: m.choiceID(id), Label: clip(label, maxLabel)})
	}
	switch a.Kind {
	case "yesno":
		add("yes", m.textOr(m.p.texts.Yes, "Yes"))
		add("no", m.textOr(m.p.texts.No, "No"))
	case "rating":
		for i := range a.ratingMax(m) {
			n := formatNumber(float64(i + 1))
			add(n, n)
		}
	}
	if a.Skip {
		add("skip", m.textOr(m.p.texts.Skip, "Skip"))
	}
	return out
}

// textOr renders one of the engine's texts, or gives another one.
func (m *machine) textOr(p *phrase, otherwise string) string {
	s, err := m.text(p)
	if err != nil || strings.TrimSpace(s) == "" {
		return otherwise
	}
	return s
}

// taken tells what came of a message: nothing, an answer, or that the question is
// left out.
type taken uint8

const (
	notUnderstood taken = iota
	understoodIt
	leftOut
)

// take understands an answer.
func (a *answer) take(m *machine, msg *sdk.Incoming) (any, taken, error) {
	if i := a.tapped(m, msg); i >= 0 {
		id := m.st.Choices[i].ID
		switch {
		case id == m.choiceID("skip"):
			return nil, leftOut, nil
		case a.Kind == "yesno":
			return a.check(m, i == 0)
		case a.Kind == "rating":
			return a.check(m, float64(i+1))
		}
	}
	if a.kind.receive != nil {
		if v, ok := a.kind.receive(msg, a); ok {
			return a.check(m, v)
		}
	}
	said := reading{text: strings.TrimSpace(strings.ToValidUTF8(msg.Text, "\uFFFD")), language: m.language(), now: m.in.Now}
	most := a.kind.max
	if most == 0 {
		most = maxAnswer
	}
	if a.kind.parse == nil || utf8.RuneCountInString(said.text) > most || a.Pattern != nil && !a.Pattern.MatchString(said.text) {
		return nil, notUnderstood, nil
	}
	if a.Currency != nil {
		var err error
		if said.currency, err = m.text(&a.Currency.phrase); err != nil {
			return nil, notUnderstood, err
		}
		if !money.IsCurrency(said.currency) {
			return nil, notUnderstood, errAmount
		}
	}
	v, ok := a.kind.parse(said)
	if !ok {
		return nil, notUnderstood, nil
	}
	return a.check(m, v)
}

// tapped finds the choice that a message means. By number only where all choices
// are answers: else a number is the answer to the question.
func (a *answer) tapped(m *machine, msg *sdk.Incoming) int {
	i := m.chosen(msg)
	if i < 0 || a.Kind == "yesno" || msg.Tap != "" || fold(msg.Text) == fold(m.st.Choices[i].Label) {
		return i
	}
	return -1
}

// check holds an understood answer to the question's own rules.
func (a *answer) check(m *machine, v any) (any, taken, error) {
	low, high := a.Min, a.Max
	if a.Kind == "rating" {
		if f, _ := number(v); f < 1 || f > float64(a.ratingMax(m)) {
			return nil, notUnderstood, nil
		}
		high = nil
	}
	for i, bound := range []*expr{low, high} {
		if bound == nil {
			continue
		}
		limit, err := m.eval(bound)
		if err != nil {
			return nil, notUnderstood, err
		}
		order, comparable := a.compare(v, limit)
		if comparable && (i == 0 && order < 0 || i == 1 && order > 0) {
			return nil, notUnderstood, nil
		}
	}
	if a.Valid == nil {
		return v, understoodIt, nil
	}
	got := notUnderstood
	err := m.with("answer", v, func() error {
		ok, err := m.eval(&a.Valid.expr)
		if truthy(ok) {
			got = understoodIt
		}
		return err
	})
	return v, got, err
}

// compare puts an answer and a bound in order.
func (a *answer) compare(v, bound any) (int, bool) {
	if t, isTime := bound.(time.Time); isTime {
		form := time.DateOnly
		if a.Kind == "time" {
			form = "15:04"
		}
		bound = t.Format(form)
	}
	if b, isText := bound.(string); isText {
		s, ok := v.(string)
		return strings.Compare(s, b), ok && (a.Kind == "date" || a.Kind == "time")
	}
	limit, ok := number(bound)
	var size float64
	switch v := v.(type) {
	case float64:
		size = v
	case string:
		size = float64(utf8.RuneCountInString(v))
		ok = ok && a.kind.open
	case map[string]any:
		size, _ = number(v["amount"])
	}
	switch {
	case size < limit:
		return -1, ok
	case size > limit:
		return 1, ok
	}
	return 0, ok
}
