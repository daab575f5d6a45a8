package flow

import "slices"

// setStep sets variables.
//
//   - set: {quantity: 1, total: =sum(cart, .price)}
type setStep struct {
	Set assignments `flow:"set,required" doc:"variables and their values"`
}

func (s *setStep) exits() exits {
	e := exits{next: true}
	for _, a := range s.Set {
		e.sets = append(e.sets, a.variable)
	}
	return e
}

func (s *setStep) run(m *machine) move {
	if err := m.assign(s.Set); err != nil {
		return m.trouble(err)
	}
	return advance
}

// ifStep goes to a block, or through steps, if something is so.
//
//   - if: len(cart) == 0
//     go: empty_cart
type ifStep struct {
	If   condition `flow:"if,required" doc:"the condition"`
	Go   *target   `flow:"go" doc:"where the flow goes if it holds"`
	Then *target   `flow:"then" doc:"the same as go"`
	Else *target   `flow:"else" doc:"where it goes otherwise; on, where nothing is said"`
}

func (s *ifStep) finish(r *reader, n *node) { s.Go = r.either(n, s.Go, s.Then) }

// either takes a jump that may be written as go or as then.
func (r *reader) either(n *node, to, then *target) *target {
	switch {
	case to != nil && then != nil:
		r.fail(n.pos, "\"go\" and \"then\" mean the same: give one of them")
	case to == nil && then == nil:
		r.fail(n.pos, "where to go is missing: add the key \"go\"")
	case to == nil:
		return then
	}
	return to
}

func (s *ifStep) exits() exits {
	return exits{next: s.Else == nil}.jump(s.Go, false).jump(s.Else, false)
}

func (s *ifStep) run(m *machine) move {
	v, err := m.eval(&s.If.expr)
	switch {
	case err != nil:
		return m.trouble(err)
	case truthy(v):
		return s.Go.to
	}
	return s.Else.or(advance)
}

// branchStep goes where the first condition that holds says.
//
//   - branch:
//   - if: total > 10000
//     go: big
//   - else: small
type branchStep struct {
	Branch []arm `flow:"branch,required" doc:"conditions in their order"`
}

type arm struct {
	If   *condition `flow:"if" doc:"the condition"`
	Go   *target    `flow:"go" doc:"where the flow goes if it holds"`
	Then *target    `flow:"then" doc:"the same as go"`
	Else *target    `flow:"else" doc:"alone in the last entry: where the flow goes if none holds"`
}

func (a *arm) finish(*reader, *node) {
	if a.Go == nil {
		a.Go = a.Then
	}
}

func (s *branchStep) finish(r *reader, n *node) {
	list := n.get("branch")
	for i, a := range s.Branch {
		at := n.pos
		if i < len(list.items) {
			at = list.items[i].pos
		}
		last := i == len(s.Branch)-1
		switch {
		case a.Else != nil && (a.If != nil || a.Go != nil):
			r.fail(at, "\"else\" stands alone in the last entry of a branch")
		case a.Else != nil && !last:
			r.fail(at, "\"else\" must be the last entry of a branch")
		case a.Else == nil && (a.If == nil || a.Go == nil):
			r.fail(at, "an entry of a branch has the keys \"if\" and \"go\", or \"else\"")
		}
	}
}

func (s *branchStep) exits() exits {
	e := exits{next: true}
	for _, a := range s.Branch {
		e = e.jump(a.Go, false).jump(a.Else, false)
		e.next = e.next && a.Else == nil
	}
	return e
}

func (s *branchStep) run(m *machine) move {
	for _, a := range s.Branch {
		if a.Else != nil {
			return a.Else.to
		}
		v, err := m.eval(&a.If.expr)
		if err != nil {
			return m.trouble(err)
		}
		if truthy(v) {
			return a.Go.to
		}
	}
	return advance
}

// switchStep goes where a value says.
//
//   - switch: order.stage
//     cases: {paid: thanks, shipped: track}
//     else: unknown
type switchStep struct {
	Switch expr    `flow:"switch,required" doc:"the value"`
	Cases  routes  `flow:"cases,required" doc:"values, and where they lead; capitals and spaces do not matter"`
	Else   *target `flow:"else" doc:"where all others lead; on, where nothing is said"`
}

// routes are written as `value: block`.
type routes []route

type route struct {
	value string
	to    *target
}

func (l *routes) read(r *reader, n *node) {
	if n.kind != mapNode || len(n.pairs) == 0 {
		r.fail(n.pos, "values and where they lead must stand here")
		return
	}
	for _, p := range n.pairs {
		one := route{fold(p.key.text), &target{}}
		if slices.ContainsFunc(*l, func(o route) bool { return o.value == one.value }) {
			r.fail(p.key.pos, "the value %q is given twice", clip(p.key.text, 60))
		}
		one.to.read(r, p.value)
		*l = append(*l, one)
	}
}

func (s *switchStep) exits() exits {
	e := exits{next: s.Else == nil}.jump(s.Else, false)
	for _, c := range s.Cases {
		e = e.jump(c.to, false)
	}
	return e
}

func (s *switchStep) run(m *machine) move {
	v, err := m.eval(&s.Switch)
	if err != nil {
		return m.trouble(err)
	}
	value := fold(text(v))
	for _, c := range s.Cases {
		if c.value == value {
			return c.to.to
		}
	}
	return s.Else.or(advance)
}

// splitStep sends contacts on different ways, each always the same: a test of
// which way is better. The shares count against their sum.
//
//   - split: button_colour
//     ways: {red: 50, blue: 50}
type splitStep struct {
	Split string `flow:"split,required" doc:"the test's name"`
	Ways  shares `flow:"ways,required" doc:"blocks and their shares"`
}

// shares are written as `block: share`.
type shares []share

type share struct {
	to   *target
	size uint64
}

func (l *shares) read(r *reader, n *node) {
	if n.kind != mapNode || len(n.pairs) == 0 {
		r.fail(n.pos, "blocks and their shares must stand here, such as {one: 50, other: 50}")
		return
	}
	for _, p := range n.pairs {
		if p.value.kind != numberNode || p.value.number < 1 || p.value.number > 1e6 || p.value.number != float64(int(p.value.number)) {
			r.fail(p.value.pos, "a share must be a whole number from 1 to 1000000")
			continue
		}
		one := share{&target{}, uint64(p.value.number)}
		one.to.read(r, p.key)
		*l = append(*l, one)
	}
}

func (l shares) exits() exits {
	var e exits
	for _, s := range l {
		e = e.jump(s.to, false)
	}
	return e
}

// pick gives the way that a number falls into.
func (l shares) pick(n uint64) move {
	var sum uint64
	for _, s := range l {
		sum += s.size
	}
	n %= sum
	for _, s := range l {
		if n < s.size {
			return s.to.to
		}
		n -= s.size
	}
	return finish
}

func (s *splitStep) exits() exits { return s.Ways.exits() }

func (s *splitStep) run(m *machine) move {
	return s.Ways.pick(m.fate("split", m.p.Name(), s.Split, m.in.Person))
}

// randomStep goes one of several ways, another one each time.
//
//   - random: {joke: 1, riddle: 1}
type randomStep struct {
	Random shares `flow:"random,required" doc:"blocks and their shares"`
	at     pos
}

func (s *randomStep) finish(_ *reader, n *node) { s.at = n.pos }
func (s *randomStep) exits() exits              { return s.Random.exits() }
func (s *randomStep) run(m *machine) move       { return s.Random.pick(m.chance(s.at.line, s.at.col)) }

// goStep goes on in another block.
//
//   - go: menu
type goStep struct {
	Go target `flow:"go,required" doc:"the block"`
}

func (s *goStep) finish(r *reader, n *node) {
	if s.Go.list {
		r.fail(n.pos, "the name of a block must stand here")
	}
}
func (s *goStep) exits() exits        { return exits{}.jump(&s.Go, false) }
func (s *goStep) run(m *machine) move { return s.Go.to }

// endStep ends the flow, as the end of a block does.
//
//   - end
type endStep struct {
	End nothing `flow:"end" doc:"nothing follows"`
}

func (s *endStep) exits() exits { return exits{} }
func (s *endStep) run(m *machine) move {
	m.say(m.p.doc.head.Footer)
	return finish
}

// stopStep ends the flow, which then is silent until a keyword, a global word or
// an intent is written.
//
//   - stop
type stopStep struct {
	Stop nothing `flow:"stop" doc:"nothing follows"`
}

func (s *stopStep) exits() exits { return exits{} }
func (s *stopStep) run(m *machine) move {
	m.st.Quiet = true
	return finish
}

// nothing is the value of a key that stands for itself.
type nothing struct{}

func (nothing) read(r *reader, n *node) {
	if n.kind != nullNode {
		r.fail(n.pos, "nothing may follow here; write just the word")
	}
}

// MaxRounds is how many items of a list are gone through; further ones are left out.
const MaxRounds = 50

// eachStep goes through a list: its steps are done for each item.
//
//   - each: cart
//     as: line
//     do:
//   - say: "{{ line.title }}"
type eachStep struct {
	Each expr     `flow:"each,required" doc:"the list"`
	As   variable `flow:"as,required" doc:"the variable that holds the item"`
	Do   target   `flow:"do,required" doc:"the steps"`
}

func (s *eachStep) finish(r *reader, n *node) {
	if do := n.get("do"); do != nil && do.kind != listNode {
		r.fail(do.pos, "a list of steps must stand here")
	}
}

func (s *eachStep) exits() exits { return exits{next: true}.jump(&s.Do, false, &s.As) }

// run begins with the first item, or goes on with the one that next has come to.
func (s *eachStep) run(m *machine) move {
	at := slices.IndexFunc(m.st.Loops, func(l Loop) bool { return l.Block == m.st.Block && l.Step == m.st.Step })
	if at < 0 {
		m.st.Loops = append(slices.Clip(m.st.Loops), Loop{Block: m.st.Block, Step: m.st.Step})
		at = len(m.st.Loops) - 1
	}
	v, err := m.eval(&s.Each)
	if err != nil {
		return m.trouble(err)
	}
	list, _ := v.([]any)
	i := m.st.Loops[at].Index
	if i >= len(list) || i >= MaxRounds {
		if m.st.Loops = m.st.Loops[:at:at]; at == 0 {
			m.st.Loops = nil
		}
		return advance
	}
	if err := m.store(s.As.name, list[i]); err != nil {
		return m.trouble(err)
	}
	return s.Do.to
}

// next comes to the next item, if the loop is under way.
func (s *eachStep) next(m *machine) bool {
	at := slices.IndexFunc(m.st.Loops, func(l Loop) bool { return l.Block == m.st.Block && l.Step == m.st.Step })
	if at < 0 {
		return false
	}
	m.st.Loops = slices.Clone(m.st.Loops[:at+1])
	m.st.Loops[at].Index++
	m.st.Trail = nil // another item's questions are not gone back to
	return true
}
