package flow

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"

	"parley/connectors/sdk"
)

// Bounds of what is offered at once. What a channel can show of it is the
// channel's matter.
const (
	// MaxChoices is how many choices are offered; further ones are left out.
	MaxChoices     = 50
	maxLabel       = 200
	maxDescription = 400
	// maxChoiceID leaves room for block and step within the 200 characters of a
	// WhatsApp list row's ID.
	maxChoiceID = 120
)

// choicesStep offers choices: written out, taken from a list, or both. An answer
// counts by tap, by number and by label.
//
//   - choices: What can I do for you?
//     options:
//     Browse: catalogue
//     My orders: orders
type choicesStep struct {
	Choices phrase  `flow:"choices,required"`
	Header  *phrase `flow:"header"`
	Footer  *phrase `flow:"footer"`
	// Button opens the list, where the channel shows one.
	Button  *phrase `flow:"button"`
	Options options `flow:"options"`

	// From is the list whose items are offered, before the options; each is seen
	// as As ("item") by what follows. Without ID an item's place in the list
	// stands for it; without Value the item itself is saved.
	From        *expr     `flow:"from"`
	As          string    `flow:"as"`
	Label       *phrase   `flow:"label"`
	Description *phrase   `flow:"description"`
	ID          *expr     `flow:"id"`
	Value       *template `flow:"value"`
	// Go is where a choice without a jump of its own leads; Empty where the flow
	// goes when there is nothing to offer.
	Go    *target `flow:"go"`
	Empty *target `flow:"empty"`

	Save    *variable `flow:"save"`
	Retry   *phrase   `flow:"retry"`
	Timeout *timeout  `flow:"timeout"`
}

// options are written as `Label: block`, or as a list of [option] or labels.
type options []option

// option is one choice that is written out.
type option struct {
	Label       phrase     `flow:"label,required"`
	Description *phrase    `flow:"description"`
	ID          string     `flow:"id"`
	If          *condition `flow:"if"`
	// Value is what is saved; the label where none is given.
	Value *template   `flow:"value"`
	Set   assignments `flow:"set"`
	Go    *target     `flow:"go"`
}

func (o *options) read(r *reader, n *node) {
	switch n.kind {
	case mapNode:
		for _, p := range n.pairs {
			one := option{Go: &target{}}
			one.Label.read(r, p.key)
			one.Go.read(r, p.value)
			*o = append(*o, one)
		}
	case listNode:
		for _, item := range n.items {
			one := option{}
			if item.kind == mapNode {
				r.record(item, &one, "an option")
			} else {
				one.Label.read(r, item)
			}
			*o = append(*o, one)
		}
	default:
		r.fail(n.pos, "options are a list, or a mapping from labels to blocks")
	}
	for i := range *o {
		(*o)[i].identify(i)
	}
}

var notInID = regexp.MustCompile(`[^a-z0-9]+`)

// identify gives an option without an ID one that is made of its label.
func (o *option) identify(i int) {
	if o.ID == "" {
		label, _ := o.Label.literal()
		o.ID = strings.Trim(notInID.ReplaceAllString(strings.ToLower(label), "-"), "-")
	}
	if o.ID == "" {
		o.ID = strconv.Itoa(i + 1)
	}
}

func (s *choicesStep) finish(r *reader, n *node) {
	if s.As == "" {
		s.As = "item"
	}
	if !variableName.MatchString(s.As) {
		r.fail(n.get("as").pos, "%q cannot name an item", clip(s.As, 40))
	}
	dynamic := s.From != nil
	switch {
	case !dynamic && len(s.Options) == 0:
		r.fail(n.pos, "choices need the key \"options\", or \"from\" with a list")
	case dynamic && s.Label == nil:
		r.fail(n.pos, "choices from a list need the key \"label\"")
	case dynamic && s.Empty == nil && !s.always():
		r.fail(n.pos, "the list may be empty: say with the key \"empty\" where to go then")
	case !dynamic && (s.Label != nil || s.Description != nil || s.ID != nil || s.Value != nil):
		r.fail(n.pos, "label, description, id and value describe the items of a list: say which with the key \"from\"")
	case !dynamic && s.Empty == nil && !s.always():
		r.fail(n.pos, "every option has an \"if\": say with the key \"empty\" where to go when none is left")
	}
	local := append(s.Label.exprs(), s.Description.exprs()...)
	local = append(local, s.Value.exprs()...)
	if s.ID != nil {
		local = append(local, s.ID)
	}
	for _, e := range local {
		e.locals = append(e.locals, s.As)
	}
	s.duplicates(r)
	if s.Save != nil && !dynamic {
		s.Save.typ = s.Options.typ()
	}
}

// always tells whether there is at least one choice whatever the variables are.
func (s *choicesStep) always() bool {
	for _, o := range s.Options {
		if o.If == nil {
			return true
		}
	}
	return false
}

func (s *choicesStep) duplicates(r *reader) {
	labels, ids := map[string]bool{}, map[string]bool{}
	for _, o := range s.Options {
		if o.Label.line == 0 {
			continue // not readable, and reported
		}
		if label, ok := o.Label.literal(); ok {
			if labels[fold(label)] {
				r.fail(o.Label.pos, "the label %q is given twice", clip(label, 60))
				continue
			}
			labels[fold(label)] = true
		}
		if ids[o.ID] {
			r.fail(o.Label.pos, "two choices have the ID %q; give one of them another with the key \"id\"", clip(o.ID, 60))
		}
		ids[o.ID] = true
	}
}

// typ is what is known of the values that the options save.
func (o options) typ() string {
	typ := "text"
	for i, one := range o {
		t := "text"
		if one.Value != nil {
			t = one.Value.typ()
		}
		if i > 0 && t != typ {
			return ""
		}
		typ = t
	}
	return typ
}

func (s *choicesStep) exits() exits {
	e := exits{next: s.From != nil && s.Go == nil, waits: true}
	for _, o := range s.Options {
		e = e.jump(o.Go, true)
		e.next = e.next || o.Go == nil && s.Go == nil
	}
	if s.Timeout != nil {
		e = e.jump(s.Timeout.Go, true)
	}
	return e.jump(s.Go, true).jump(s.Empty, false)
}

// offer is one choice as it is offered now.
type offer struct {
	sdk.Choice
	option *option
	item   any
}

// offers works out what can be chosen now.
func (s *choicesStep) offers(m *machine) ([]offer, error) {
	var out []offer
	if s.From != nil {
		v, err := m.eval(s.From)
		if err != nil {
			return nil, err
		}
		list, _ := v.([]any)
		for i, item := range list[:min(len(list), MaxChoices)] {
			o, err := s.offerItem(m, i, item)
			if err != nil {
				return nil, err
			}
			out = append(out, o)
		}
	}
	for i := range s.Options {
		o, ok, err := s.offerOption(m, &s.Options[i])
		if err != nil {
			return nil, err
		}
		if ok && len(out) < MaxChoices+10 {
			out = append(out, o)
		}
	}
	return out, nil
}

func (s *choicesStep) offerItem(m *machine, i int, item any) (offer, error) {
	o := offer{item: item}
	err := m.with(s.As, item, func() error {
		if err := m.render(rendering{s.Label, &o.Label}, rendering{s.Description, &o.Description}); err != nil {
			return err
		}
		id := strconv.Itoa(i + 1)
		if s.ID != nil {
			v, err := m.eval(s.ID)
			if err != nil {
				return err
			}
			id = text(v)
		}
		// Apart from the options' IDs, whatever the items' are.
		o.ID = m.choiceID("=" + id)
		return nil
	})
	o.Label, o.Description = clip(o.Label, maxLabel), clip(o.Description, maxDescription)
	return o, err
}

func (s *choicesStep) offerOption(m *machine, option *option) (offer, bool, error) {
	o := offer{option: option}
	if option.If != nil {
		v, err := m.eval(&option.If.expr)
		if err != nil || !truthy(v) {
			return o, false, err
		}
	}
	err := m.render(rendering{&option.Label, &o.Label}, rendering{option.Description, &o.Description})
	o.ID = m.choiceID(option.ID)
	o.Label, o.Description = clip(o.Label, maxLabel), clip(o.Description, maxDescription)
	return o, true, err
}

// choiceID makes an ID that says which question it belongs to, so that a tap on
// an old message is never taken for an answer to another one.
func (m *machine) choiceID(id string) string {
	if len(id) > maxChoiceID {
		sum := sha256.Sum256([]byte(id))
		id = hex.EncodeToString(sum[:16])
	}
	return m.st.Block + "/" + strconv.Itoa(m.st.Step) + "/" + strings.ToValidUTF8(id, "\uFFFD")
}

func (s *choicesStep) run(m *machine) move { return s.put(m, "") }

func (s *choicesStep) put(m *machine, why string) move {
	offers, err := s.offers(m)
	var c sdk.Content
	if err == nil {
		err = m.render(rendering{&s.Choices, &c.Text}, rendering{s.Header, &c.Header}, rendering{s.Footer, &c.Footer},
			rendering{own(s.Button, m.p.texts.List), &c.ListButton})
	}
	if err != nil {
		return m.trouble(err)
	}
	if len(offers) == 0 {
		return s.Empty.or(advance)
	}
	for _, o := range offers {
		c.Choices = append(c.Choices, o.Choice)
	}
	c.Text = paragraphs(why, c.Text)
	m.st.Choices = c.Choices
	m.send(c)
	m.arm(s.Timeout)
	return park
}

func (s *choicesStep) hear(m *machine, msg *sdk.Incoming) move {
	i := m.chosen(msg)
	if i < 0 {
		return m.miss(own(s.Retry, m.p.texts.Choose), s)
	}
	offers, err := s.offers(m)
	if err != nil {
		return m.trouble(err)
	}
	for _, o := range offers {
		if o.ID == m.st.Choices[i].ID {
			return s.take(m, o)
		}
	}
	return m.stale(s) // no longer there: the contact's facts have changed meanwhile
}

// take does what was chosen.
func (s *choicesStep) take(m *machine, o offer) move {
	to := s.Go.or(advance)
	if s.Save != nil {
		v, err := s.picked(m, o)
		if err == nil {
			err = m.store(s.Save.name, v)
		}
		if err != nil {
			return m.trouble(err)
		}
	}
	if o.option == nil {
		return to
	}
	if err := m.assign(o.option.Set); err != nil {
		return m.trouble(err)
	}
	return o.option.Go.or(to)
}

// picked gives the value that a choice stands for.
func (s *choicesStep) picked(m *machine, o offer) (v any, err error) {
	switch {
	case o.option != nil && o.option.Value != nil:
		return m.value(o.option.Value)
	case o.option != nil:
		return o.Label, nil
	case s.Value == nil:
		return o.item, nil
	}
	err = m.with(s.As, o.item, func() (err error) {
		v, err = m.value(s.Value)
		return err
	})
	return v, err
}

func (s *choicesStep) timeUp(m *machine) move {
	if s.Timeout == nil {
		return park
	}
	return s.Timeout.Go.to
}

var writtenNumber = regexp.MustCompile(`^#?([0-9]{1,3})[.):]?$`)

// chosen finds which of the choices last offered a message means, or -1: by tap,
// else by label (if only one has it), else by number, counted from 1.
func (m *machine) chosen(msg *sdk.Incoming) int {
	if msg.Tap != "" {
		for i, c := range m.st.Choices {
			if c.ID == msg.Tap {
				return i
			}
		}
		return -1
	}
	written, found := fold(msg.Text), -1
	for i, c := range m.st.Choices {
		if written != "" && fold(c.Label) == written {
			if found >= 0 {
				return -1
			}
			found = i
		}
	}
	if found >= 0 {
		return found
	}
	if n := writtenNumber.FindStringSubmatch(written); n != nil {
		i, _ := strconv.Atoi(n[1]) // three digits at most
		if i >= 1 && i <= len(m.st.Choices) {
			return i - 1
		}
	}
	return -1
}
