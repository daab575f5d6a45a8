package flow

// template is a value in a document: a text that begins with = is an expression,
// other texts may hold {{ expressions }}, lists and mappings hold templates, and
// the rest is meant literally.
type template struct {
	pos
	kind    nodeKind
	literal any
	expr    *expr
	phrase  *phrase
	items   []*template
	keys    []string
}

func (t *template) read(r *reader, n *node) {
	*t = template{pos: n.pos, kind: n.kind}
	switch n.kind {
	case boolNode:
		t.literal = n.flag
	case numberNode:
		t.literal = n.number
	case stringNode:
		t.readText(r, n)
	case listNode:
		for _, item := range n.items {
			t.add(r, item)
		}
	case mapNode:
		for _, p := range n.pairs {
			t.keys = append(t.keys, p.key.text)
			t.add(r, p.value)
		}
	}
}

func (t *template) add(r *reader, n *node) {
	item := &template{}
	item.read(r, n)
	t.items = append(t.items, item)
}

func (t *template) readText(r *reader, n *node) {
	if len(n.text) > 1 && n.text[0] == '=' {
		t.expr = &expr{pos: n.pos}
		r.compile(t.expr, n.text[1:], n.at(1))
		return
	}
	t.phrase = &phrase{}
	t.phrase.readText(r, n)
	if s, ok := t.phrase.literal(); ok {
		t.literal, t.phrase = s, nil
	}
}

// constant tells whether the value is the same every time.
func (t *template) constant() bool {
	if t.expr != nil || t.phrase != nil {
		return false
	}
	for _, item := range t.items {
		if !item.constant() {
			return false
		}
	}
	return true
}

// typ is what is known of the value, as in [variable].
func (t *template) typ() string {
	switch {
	case t.expr != nil:
		return ""
	case t.kind == stringNode:
		return "text"
	}
	return map[nodeKind]string{boolNode: "bool", numberNode: "number", listNode: "list", mapNode: "map"}[t.kind]
}

func (t *template) exprs() []*expr {
	if t == nil {
		return nil
	}
	out := t.phrase.exprs()
	if t.expr != nil {
		out = append(out, t.expr)
	}
	for _, item := range t.items {
		out = append(out, item.exprs()...)
	}
	return out
}

// value works a template out. In mappings, keys without a value are left out, so
// that what is not set is not sent.
func (m *machine) value(t *template) (any, error) {
	switch {
	case t == nil:
		return nil, nil
	case t.expr != nil:
		return m.eval(t.expr)
	case t.phrase != nil:
		return m.text(t.phrase)
	case t.kind == listNode:
		list := make([]any, len(t.items))
		for i, item := range t.items {
			v, err := m.value(item)
			if err != nil {
				return nil, err
			}
			list[i] = v
		}
		return list, nil
	case t.kind == mapNode:
		out := make(map[string]any, len(t.items))
		for i, item := range t.items {
			v, err := m.value(item)
			if err != nil {
				return nil, err
			}
			if v != nil {
				out[t.keys[i]] = v
			}
		}
		return out, nil
	}
	return t.literal, nil
}

// assignments set variables, in the order in which they are written.
type assignments []assignment

type assignment struct {
	variable *variable
	value    *template
}

func (a *assignments) read(r *reader, n *node) {
	if n.kind != mapNode {
		r.fail(n.pos, "variables and their values must stand here, not %s", n.kind)
		return
	}
	for _, p := range n.pairs {
		one := assignment{&variable{}, &template{}}
		one.value.read(r, p.value)
		one.variable.read(r, p.key)
		one.variable.typ, one.variable.from = one.value.typ(), one.value.expr
		*a = append(*a, one)
	}
}

// assign sets the variables one after the other, so that a later value can use
// an earlier one.
func (m *machine) assign(a assignments) error {
	for _, one := range a {
		v, err := m.value(one.value)
		if err == nil {
			err = m.store(one.variable.name, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
