package flow

// Asks tells what a state asks the customer for: the variable, or a form's field,
// that takes the answer, and the kind of the answer. Both are empty where nothing is
// asked that is written in words of the customer's own.
func (p *Program) Asks(st State) (variable, kind string) {
	m := &machine{p: p, st: st}
	switch s := m.standing().(type) {
	case *askStep:
		return s.Save.name, s.Kind
	case *formStep:
		if f := s.field(m); f != nil {
			return f.name, f.Kind
		}
	case *signStep:
		if s.By == "name" {
			return "name", "text"
		}
	}
	return "", ""
}
