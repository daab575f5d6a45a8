package flow

import (
	"fmt"
	"maps"

	"github.com/expr-lang/expr/vm"
)

// memory is what a machine knows of the variables.
type memory struct {
	vm vm.VM
	// env is what expressions see; made when the first one is worked out.
	env map[string]any
	// owned tells that State.Vars is this machine's own copy, and size is then its
	// length in JSON.
	owned bool
	size  int
}

// evalError tells where an expression failed, but not on what: its cause may
// quote a value.
type evalError struct {
	at    pos
	cause error
}

func (e *evalError) Error() string {
	return fmt.Sprintf("the expression at line %d, column %d failed", e.at.line, e.at.col)
}

func (e *evalError) Unwrap() error { return e.cause }

// eval works an expression out.
func (m *machine) eval(e *expr) (any, error) {
	m.vm.MemoryBudget = maxExprMemory
	v, err := m.vm.Run(e.program, m.environment())
	if err != nil {
		return nil, &evalError{e.pos, err}
	}
	return v, nil
}

func (m *machine) environment() map[string]any {
	if m.env == nil {
		m.env = make(map[string]any, len(m.p.defaults)+len(m.st.Vars)+len(reserved))
		maps.Copy(m.env, m.p.defaults)
		maps.Copy(m.env, m.st.Vars)
		m.env["contact"] = m.contact()
		m.env["channel"] = m.in.Channel
		m.env["now"] = m.in.Now.UTC().Round(0)
		m.env["mood"] = m.st.Mood
		if m.p.reads["bot"] {
			m.env["bot"] = map[string]any{"name": m.p.doc.head.Bot.Name, "picture": m.p.doc.head.Bot.Picture}
		}
		if m.p.reads["hours"] {
			m.env["hours"] = m.p.doc.head.Hours.at(m.in.Now)
		}
	}
	return m.env
}

// with lets expressions see v as name while f runs.
func (m *machine) with(name string, v any, f func() error) error {
	env := m.environment()
	before, had := env[name]
	env[name] = v
	err := f()
	if had {
		env[name] = before
	} else {
		delete(env, name)
	}
	return err
}

// store sets a variable; nil gives it back its first value.
func (m *machine) store(name string, v any) error {
	v, size, err := normalise(v)
	if err != nil {
		return err
	}
	m.own()
	if old, ok := m.st.Vars[name]; ok {
		m.size -= entrySize(name, sizeOf(old))
		delete(m.st.Vars, name)
	}
	fits := m.size+entrySize(name, size) <= MaxVars
	if v != nil && fits {
		m.size += entrySize(name, size)
		m.st.Vars[name] = v
	}
	if m.env != nil {
		m.env[name] = m.p.defaults[name]
		if v != nil && fits {
			m.env[name] = v
		}
	}
	if !fits {
		return errTooLarge
	}
	return nil
}

// own makes a copy of the variables before they are first changed: the input of
// a step stays as it is.
func (m *machine) own() {
	if m.owned {
		return
	}
	m.owned = true
	vars := make(map[string]any, len(m.st.Vars)+1)
	for name, v := range m.st.Vars {
		m.size += entrySize(name, sizeOf(v))
		vars[name] = v
	}
	m.st.Vars = vars
}

func entrySize(name string, value int) int { return stringSize(name) + value + 2 }

// forget clears the variables, or with keep all but those that the document keeps.
func (m *machine) forget(keep bool) {
	kept := map[string]any{}
	if keep {
		for name := range m.p.keep {
			if v, ok := m.st.Vars[name]; ok {
				kept[name] = v
			}
		}
	}
	m.st.Vars, m.memory.owned, m.memory.size, m.env = nil, false, 0, nil
	if len(kept) > 0 {
		m.st.Vars = kept
	}
}
