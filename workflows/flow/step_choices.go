package flow

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
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
	Choices phrase  `flow:"choices,required" doc:"the question"`
	Header  *phrase `flow:"header" doc:"a line above the text"`
	Footer  *phrase `flow:"footer" doc:"a line below it"`
	// Button opens the list, where the channel shows one.
	Button  *phrase `flow:"button" doc:"opens the list, where the channel shows one; on cards, chooses one"`
	Options options `flow:"options" doc:"choices that are written out: label to block, or a list"`

	// From is the list whose items are offered, before the options; each is seen
	// as As ("item") by what follows. Without ID an item's place in the list
	// stands for it; without Value the item itself is saved.
	From        *expr     `flow:"from" doc:"a list whose items are offered before the options"`
	As          string    `flow:"as" doc:"the name by which the texts see an item; item where none is given"`
	Label       *phrase   `flow:"label" doc:"an item's label"`
	Description *phrase   `flow:"description" doc:"a line below it"`
	Image       *fill     `flow:"image" doc:"address of its picture: the items are then shown as cards"`
	ID          *expr     `flow:"id" doc:"what tells items apart when the list changes; their place where not said"`
	Value       *template `flow:"value" doc:"what is saved; the item where not said"`
	// Go is where a choice without a jump of its own leads; Empty where the flow
	// goes when there is nothing to offer.
	Go    *target `flow:"go" doc:"where a choice without a jump of its own leads"`
	Empty *target `flow:"empty" doc:"where the flow goes when there is nothing to offer"`

	Many    *many     `flow:"many" doc:"lets several be chosen; a list of them is saved"`
	Save    *variable `flow:"save" doc:"the variable that takes what was chosen"`
	Retry   retries   `flow:"retry" doc:"said before the choices are shown again; a list says it in other words each time"`
	Help    *phrase   `flow:"help" doc:"explains the question: on the word help, and with the first retry"`
	Tries   *int      `flow:"tries" doc:"how many wrong answers lead to failed"`
	Failed  *target   `flow:"failed" doc:"where they lead, in place of the flow's fallback"`
	Timeout *timeout  `flow:"timeout" doc:"what happens when no answer comes"`
}

// options are written as `Label: block`, or as a list of [option] or labels.
type options []option

// option is one choice that is written out.
type option struct {
	Label       *phrase    `flow:"label,required" doc:"what is shown"`
	Description *phrase    `flow:"description" doc:"a line below it"`
	ID          string     `flow:"id" doc:"its ID; made of the label where not said"`
	If          *condition `flow:"if" doc:"whether it is offered"`
	// Value is what is saved; the label where none is given.
	Value *template   `flow:"value" doc:"what is saved; the label where not said"`
	Set   assignments `flow:"set" doc:"variables that are set when it is chosen"`
	Go    *target     `flow:"go" doc:"where it leads"`
}

func (o *options) read(r *reader, n *node) {
	switch n.kind {
	case mapNode:
		for _, p := range n.pairs {
			one := option{Label: &phrase{}, Go: &target{}}
			one.Label.read(r, p.key)
			one.Go.read(r, p.value)
			*o = append(*o, one)
		}
	case listNode:
		for _, item := range n.items {
			one := option{Label: &phrase{}}
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
		(*o)[i].identify(i, r.voices.base())
	}
}

var notInID = regexp.MustCompile(`[^a-z0-9]+`)

// identify gives an option without an ID one that is made of its label.
func (o *option) identify(i int, base string) {
	if o.ID == "" {
		label := o.Label.first(base).source
		o.ID = strings.Trim(notInID.ReplaceAllString(strings.ToLower(label), "-"), "-")
	}
	if o.ID == "" {
		o.ID = strconv.Itoa(i + 1)
	}
}

func (s *choicesStep) finish(r *reader, n *node) {
	s.As = r.itemName(n, s.As)
	dynamic := s.From != nil
	switch {
	case !dynamic && len(s.Options) == 0:
		r.fail(n.pos, "choices need the key \"options\", or \"from\" with a list")
	case dynamic && s.Label == nil:
		r.fail(n.pos, "choices from a list need the key \"label\"")
	case dynamic && s.Empty == nil && !s.always():
		r.fail(n.pos, "the list may be empty: say with the key \"empty\" where to go then")
	case !dynamic && (s.Label != nil || s.Description != nil || s.ID != nil || s.Value != nil || s.Image != nil):
		r.fail(n.pos, "label, description, id and value describe the items of a list: say which with the key \"from\"")
	case !dynamic && s.Empty == nil && !s.always():
		r.fail(n.pos, "every option has an \"if\": say with the key \"empty\" where to go when none is left")
	}
	local := append(s.Label.exprs(), s.Description.exprs()...)
	local = append(local, s.Value.exprs()...)
	local = append(local, s.Image.or(nil).exprs()...)
	if s.ID != nil {
		local = append(local, s.ID)
	}
	seenAs(s.As, local)
	s.several(r, n)
	r.limited(n, s.Tries, s.Failed)
	s.duplicates(r)
	switch {
	case s.Save != nil && s.Many != nil:
		s.Save.typ = "list"
	case s.Save != nil && !dynamic:
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
		if label, ok := o.Label.first(r.voices.base()).literal(); ok {
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
	e := exits{next: (s.From != nil || s.Many != nil) && s.Go == nil, waits: true}
	if s.Save != nil {
		e.sets = []*variable{s.Save}
	}
	all := e.sets
	for i, o := range s.Options {
		mine := slices.Clone(e.sets)
		for _, a := range o.Set {
			mine = append(mine, a.variable)
		}
		e = e.jump(o.Go, true, mine...)
		e.next = e.next || o.Go == nil && s.Go == nil
		if o.Go == nil {
			all = inBoth(all, mine, i == 0 && s.From == nil)
		}
	}
	e = e.unanswered(s.Timeout)
	e.sets = all
	return e.jump(s.Go, true, all...).jump(s.Empty, false).jump(s.Failed, true)
}

// offer is one choice as it is offered now.
type offer struct {
	sdk.Choice
	option *option
	item   any
	image  string
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
		if err := m.render(rendering{s.Label, &o.Label}, rendering{s.Description, &o.Description}, rendering{s.Image.or(nil), &o.image}); err != nil {
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
	err := m.render(rendering{option.Label, &o.Label}, rendering{option.Description, &o.Description})
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

func (s *choicesStep) rules(*machine) rules {
	r := rules{help: s.Help, failed: s.Failed}
	if s.Tries != nil {
		r.tries = *s.Tries
	}
	return r
}

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
	m.st.Choices = nil
	s.show(m, offers, &c)
	c.Text = paragraphs(why, c.Text)
	m.send(c)
	m.arm(s.Timeout)
	return park
}

func (s *choicesStep) hear(m *machine, msg *sdk.Incoming) move {
	offers, err := s.offers(m)
	if err != nil {
		return m.trouble(err)
	}
	if s.Many != nil {
		return s.hearMany(m, msg, offers)
	}
	i := m.chosen(msg)
	if i < 0 {
		return m.miss(s.Retry.at(m.st.Misses, m.p.texts.Choose), s)
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
	m.answered()
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
	return m.unanswered(s.Timeout, s)
}
