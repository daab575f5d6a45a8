package flow

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// engine has the engine do something of its own that nothing waits for.
func (m *machine) engine(operation string, input map[string]any) {
	js, err := json.Marshal(input)
	if err != nil {
		m.fault(errNotJSON)
		return
	}
	m.emit(Effect{Kind: EffectCall, Connector: "parley", Operation: operation, Input: js})
}

func (m *machine) consent(purpose string, granted bool) {
	m.engine("contact_consent", map[string]any{"purpose": purpose, "granted": granted})
	m.learn("consents", purpose, granted)
	if purpose == purposeMemory && !granted {
		m.contact()["memory"] = map[string]any{}
	}
}

// signalStep tells a case something, such as that the customer cancels it.
//
//   - signal: cancel
//     of: order.id
//     save: reply
//     errors: not_cancelled
type signalStep struct {
	Signal string     `flow:"signal,required" doc:"what the case is told"`
	Of     expr       `flow:"of,required" doc:"the case's ID"`
	Save   *variable  `flow:"save" doc:"the variable that takes {accepted, text}"`
	Errors errorJumps `flow:"errors,required" doc:"where the flow goes by the error's class, or by default"`
}

func (s *signalStep) exits() exits { return s.Errors.jumps(saving(s.Save)) }

func (s *signalStep) run(m *machine) move {
	id, err := m.eval(&s.Of)
	if err != nil {
		return m.trouble(err)
	}
	m.engine("case_signal", map[string]any{"case_id": text(id), "signal": s.Signal})
	m.st.Pending = m.out.Effects[len(m.out.Effects)-1].Ref
	return park
}

func (s *signalStep) result(m *machine, ev *Event) move { return m.finishCall(ev, s.Save, s.Errors) }

// tagStep marks the contact.
//
//   - tag: vip
//
//   - tag: trial
//     remove: true
type tagStep struct {
	Tag    fill `flow:"tag,required" doc:"the tag: small letters, digits, _ and -"`
	Remove bool `flow:"remove" doc:"whether it is taken off"`
}

var errTag = errors.New("a tag must be 1 to 40 small letters, digits, _ and -")

func (s *tagStep) finish(r *reader, n *node) { r.label(&s.Tag, n.pairs[0].value) }
func (s *tagStep) exits() exits              { return exits{next: true} }

func (s *tagStep) run(m *machine) move {
	tag, err := m.label(&s.Tag)
	if err != nil {
		return m.trouble(err)
	}
	m.engine("contact_tag", map[string]any{"tag": tag, "remove": s.Remove})
	return advance
}

// label checks what is written out of a tag, topic or purpose.
func (r *reader) label(f *fill, n *node) {
	if s, ok := f.literal(); ok && !isLabel(s) && n.kind == stringNode {
		r.fail(n.pos, "%q must be 1 to 40 small letters, digits, _ and -", clip(s, 60))
	}
}

func isLabel(s string) bool {
	return s != "" && len(s) <= 40 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' && r != '-'
	})
}

func (m *machine) label(f *fill) (string, error) {
	s, err := m.text(&f.phrase)
	if err == nil && !isLabel(s) {
		err = errTag
	}
	return s, err
}

// consentStep records what the customer agreed to, or no longer does.
//
//   - consent: marketing
//     granted: =wants_news
type consentStep struct {
	Consent fill  `flow:"consent,required" doc:"the purpose: small letters, digits, _ and -"`
	Granted *expr `flow:"granted" doc:"whether it is granted; yes where not said"`
}

func (s *consentStep) finish(r *reader, n *node) { r.label(&s.Consent, n.pairs[0].value) }
func (s *consentStep) exits() exits              { return exits{next: true} }

func (s *consentStep) run(m *machine) move {
	purpose, err := m.label(&s.Consent)
	granted := true
	if err == nil && s.Granted != nil {
		var v any
		v, err = m.eval(s.Granted)
		granted = truthy(v)
	}
	if err != nil {
		return m.trouble(err)
	}
	m.consent(purpose, granted)
	return advance
}

// subscribeStep subscribes the contact to a topic: a consent to messages about it.
//
//   - subscribe: new_arrivals
type subscribeStep struct {
	Subscribe fill `flow:"subscribe,required" doc:"the topic: small letters, digits, _ and -"`
	Remove    bool `flow:"remove" doc:"whether the subscription ends"`
}

func (s *subscribeStep) finish(r *reader, n *node) { r.label(&s.Subscribe, n.pairs[0].value) }
func (s *subscribeStep) exits() exits              { return exits{next: true} }

func (s *subscribeStep) run(m *machine) move {
	topic, err := m.label(&s.Subscribe)
	if err != nil {
		return m.trouble(err)
	}
	m.consent("topic:"+topic, !s.Remove)
	return advance
}

// languageStep changes the language in which the customer is spoken to.
//
//   - language: hi
type languageStep struct {
	Language fill `flow:"language,required" doc:"the language's tag; one that the flow does not speak changes nothing"`
}

func (s *languageStep) finish(r *reader, n *node) {
	if l, ok := s.Language.literal(); ok {
		if _, spoken := r.voices.speaks(l); !spoken && l != "" {
			r.fail(n.pairs[0].value.pos, "%q is not a language of this flow: name it under \"languages\"", clip(l, 40))
		}
	}
}

func (s *languageStep) exits() exits { return exits{next: true} }

func (s *languageStep) run(m *machine) move {
	l, err := m.text(&s.Language.phrase)
	if err != nil {
		return m.trouble(err)
	}
	if tag, ok := m.p.voices.speaks(l); ok {
		m.speak(tag)
	}
	return advance
}

// emitStep publishes an event for other systems. Events hold nothing of the
// customer: numbers, booleans, and words of the flow's author.
//
//   - emit: quote.given
//     with: {amount: =total, plan: basic}
type emitStep struct {
	Emit string     `flow:"emit,required" doc:"the event's name, such as quote.given"`
	With *arguments `flow:"with" doc:"numbers, booleans and texts without expressions"`
}

var errEmitted = errors.New("events hold numbers, booleans and the flow's own words only; a value was left out")

func (s *emitStep) finish(r *reader, n *node) {
	if !operationName.MatchString(s.Emit) {
		r.fail(n.pairs[0].value.pos, "%q cannot name an event: write subject.happened", clip(s.Emit, 60))
	}
	if s.With == nil {
		return
	}
	for i, item := range s.With.items {
		if item.phrase != nil || item.kind == listNode || item.kind == mapNode {
			r.fail(item.pos, "%q must be a number, true or false, or a text without expressions: events hold nothing of the customer", s.With.keys[i])
		}
	}
}

func (s *emitStep) exits() exits { return exits{next: true} }

func (s *emitStep) run(m *machine) move {
	data := map[string]any{}
	if s.With != nil {
		for i, item := range s.With.items {
			v, err := m.value(item)
			if err != nil {
				return m.trouble(err)
			}
			v, _, err = normalise(v)
			_, isNumber := v.(float64)
			_, isBool := v.(bool)
			if err != nil || item.expr != nil && !isNumber && !isBool {
				if v != nil {
					m.fault(errEmitted)
				}
				continue
			}
			data[s.With.keys[i]] = v
		}
	}
	js, err := json.Marshal(data)
	if err != nil {
		return m.trouble(errNotJSON)
	}
	m.emit(Effect{Kind: EffectEmit, Operation: s.Emit, Input: js})
	return advance
}

// saving are the exits of a step that keeps a result.
func saving(save *variable) exits {
	e := exits{next: true}
	if save != nil {
		e.sets = []*variable{save}
	}
	return e
}

// aliases name connectors by what they are for.
type aliases []alias

type alias struct {
	pos
	name, connector string
}

func (l *aliases) read(r *reader, n *node) {
	if n.kind != mapNode {
		r.fail(n.pos, "\"use\" must map names to connectors")
		return
	}
	for _, p := range n.pairs {
		one := alias{pos: p.value.pos, name: p.key.text}
		one.connector, _ = r.plain(p.value, "a connector")
		if !aliasName.MatchString(one.name) || !aliasName.MatchString(one.connector) {
			r.fail(p.key.pos, "names of connectors are small letters and digits")
		}
		*l = append(*l, one)
	}
}

func (l aliases) of(name string) string {
	if i := slices.IndexFunc(l, func(a alias) bool { return a.name == name }); i >= 0 {
		return l[i].connector
	}
	return name
}
