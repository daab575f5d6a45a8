package flow

import (
	"errors"
	"maps"
)

// purposeMemory is the consent without which nothing is remembered beyond the
// conversation.
const purposeMemory = "memory"

// maxMemory bounds one value that is remembered, in bytes of JSON.
const maxMemory = 4 << 10

var errMemory = errors.New("a value that is to be remembered is too large")

// rememberStep keeps what this conversation taught of the contact for those to come,
// who read it as contact.memory.NAME. It needs the contact's consent to the purpose
// "memory": without it nothing is kept, and when it is withdrawn all is forgotten.
//
//   - consent: memory
//   - remember: {size: =size, last_order: =order.case_id}
//   - remember: {size: null}
type rememberStep struct {
	Remember *arguments `flow:"remember,required" doc:"names and values; a value of nothing forgets. Kept only with the consent memory, and read as contact.memory.NAME"`
}

func (s *rememberStep) finish(r *reader, n *node) {
	if s.Remember == nil {
		return
	}
	for i, name := range s.Remember.keys {
		if !variableName.MatchString(name) {
			r.fail(s.Remember.items[i].pos, "%q cannot name what is remembered: use letters, digits and _, beginning with a small letter", clip(name, 40))
		}
	}
}

func (s *rememberStep) exits() exits { return exits{next: true} }

func (s *rememberStep) run(m *machine) move {
	values := map[string]any{}
	for i, name := range s.Remember.keys {
		v, err := m.value(s.Remember.items[i])
		size := 0
		if err == nil {
			v, size, err = normalise(v)
		}
		if err == nil && size > maxMemory {
			err = errMemory
		}
		if err != nil {
			return m.trouble(err)
		}
		values[name] = v
	}
	consented := m.consented(purposeMemory)
	m.engine("contact_remember", map[string]any{"values": values, "consented": consented})
	if consented {
		for name, v := range values {
			m.learn("memory", name, v)
		}
	}
	return advance
}

// contact is what the flow knows of the contact: what the engine has given, and what
// it was told to record in this turn. The mappings in it are always there.
func (m *machine) contact() map[string]any {
	if m.knows {
		return m.in.Contact
	}
	m.knows = true
	facts := maps.Clone(m.in.Contact)
	if facts == nil {
		facts = map[string]any{}
	}
	for _, name := range []string{"memory", "consents"} {
		given, _ := facts[name].(map[string]any)
		if given = maps.Clone(given); given == nil {
			given = map[string]any{}
		}
		facts[name] = given
	}
	m.in.Contact = facts
	return facts
}

// learn notes what is being recorded, so that the same turn sees it; nil forgets.
func (m *machine) learn(of, name string, v any) {
	facts := m.contact()[of].(map[string]any)
	if facts[name] = v; v == nil {
		delete(facts, name)
	}
}

func (m *machine) consented(purpose string) bool {
	return truthy(m.contact()["consents"].(map[string]any)[purpose])
}
