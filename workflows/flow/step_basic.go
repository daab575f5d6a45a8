package flow

import (
	"parley/connectors/sdk"
)

// sayStep sends a message.
//
//   - say: Hello!
//     image: https://…
type sayStep struct {
	Text     phrase  `flow:"say,required"`
	Header   *phrase `flow:"header"`
	Footer   *phrase `flow:"footer"`
	Image    *phrase `flow:"image"`
	Video    *phrase `flow:"video"`
	Audio    *phrase `flow:"audio"`
	Document *phrase `flow:"document"`
	// Link is an address to open, Button its label.
	Link   *phrase `flow:"link"`
	Button *phrase `flow:"button"`
}

func (s *sayStep) exits() exits { return exits{next: true} }

func (s *sayStep) finish(r *reader, n *node) {
	if len(s.files()) > 1 {
		r.fail(n.pos, "one message carries one file: say the others in steps of their own")
	}
	if s.Button != nil && s.Link == nil {
		r.fail(n.pos, "a button needs the key \"link\"")
	}
}

// attachment is a file by its kind.
type attachment struct {
	kind    string
	address *phrase
}

func (s *sayStep) files() []attachment {
	var out []attachment
	for _, f := range [...]attachment{{"image", s.Image}, {"video", s.Video}, {"audio", s.Audio}, {"document", s.Document}} {
		if f.address != nil {
			out = append(out, f)
		}
	}
	return out
}

func (s *sayStep) run(m *machine) move {
	var c sdk.Content
	err := m.render(
		rendering{&s.Text, &c.Text}, rendering{s.Header, &c.Header}, rendering{s.Footer, &c.Footer},
	)
	if err == nil {
		err = s.attach(m, &c)
	}
	if err != nil {
		return m.trouble(err)
	}
	if c.Text != "" || c.Media != nil || c.Link != nil {
		m.send(c)
	}
	return advance
}

func (s *sayStep) attach(m *machine, c *sdk.Content) error {
	for _, f := range s.files() {
		url, err := m.text(f.address)
		if err != nil {
			return err
		}
		if url != "" {
			c.Media = &sdk.Media{Kind: f.kind, URL: url}
		}
	}
	if s.Link == nil {
		return nil
	}
	link := &sdk.Link{}
	if err := m.render(rendering{s.Link, &link.URL}, rendering{s.Button, &link.Label}); err != nil {
		return err
	}
	if link.URL != "" {
		c.Link = link
	}
	return nil
}

// rendering is a phrase and where its text goes.
type rendering struct {
	from *phrase
	to   *string
}

func (m *machine) render(all ...rendering) error {
	for _, one := range all {
		s, err := m.text(one.from)
		if err != nil {
			return err
		}
		*one.to = s
	}
	return nil
}

// setStep sets variables.
//
//   - set: {quantity: 1, total: =sum(cart, .price)}
type setStep struct {
	Set assignments `flow:"set,required"`
}

func (s *setStep) exits() exits { return exits{next: true} }

func (s *setStep) run(m *machine) move {
	if err := m.assign(s.Set); err != nil {
		return m.trouble(err)
	}
	return advance
}

// ifStep goes to a block if something is so.
//
//   - if: len(cart) == 0
//     go: empty_cart
type ifStep struct {
	If   condition `flow:"if,required"`
	Go   target    `flow:"go,required"`
	Else *target   `flow:"else"`
}

func (s *ifStep) exits() exits {
	return exits{next: s.Else == nil}.jump(&s.Go, false).jump(s.Else, false)
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
	Branch []arm `flow:"branch,required"`
}

type arm struct {
	If   *condition `flow:"if"`
	Go   *target    `flow:"go"`
	Else *target    `flow:"else"`
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

// goStep goes on in another block.
//
//   - go: menu
type goStep struct {
	Go target `flow:"go,required"`
}

func (s *goStep) exits() exits        { return exits{}.jump(&s.Go, false) }
func (s *goStep) run(m *machine) move { return s.Go.to }

// endStep ends the flow, as the end of a block does.
//
//   - end
type endStep struct {
	End nothing `flow:"end"`
}

func (s *endStep) exits() exits        { return exits{} }
func (s *endStep) run(m *machine) move { return finish }

// nothing is the value of a key that stands for itself.
type nothing struct{}

func (nothing) read(r *reader, n *node) {
	if n.kind != nullNode {
		r.fail(n.pos, "nothing may follow here; write just the word")
	}
}
