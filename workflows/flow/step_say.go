package flow

import (
	"errors"

	"parley/connectors/sdk"
)

// sayStep sends a message.
//
//   - say: Hello!
//     image: https://…
type sayStep struct {
	Text phrase `flow:"say,required" doc:"the text, with *bold* and _italic_"`
	parts
}

// parts are what a message may have beside its text.
type parts struct {
	Header   *phrase `flow:"header" doc:"a line above the text"`
	Footer   *phrase `flow:"footer" doc:"a line below it"`
	Image    *fill   `flow:"image" doc:"address of a picture"`
	Video    *fill   `flow:"video" doc:"address of a video"`
	Audio    *fill   `flow:"audio" doc:"address of a sound"`
	Document *fill   `flow:"document" doc:"address of a file"`
	Filename *fill   `flow:"filename" doc:"the document's name"`
	// Link is an address to open, Button its label; Live a stream to watch.
	Link     *fill     `flow:"link" doc:"an address to open"`
	Live     *fill     `flow:"live" doc:"the address of a live stream"`
	Button   *phrase   `flow:"button" doc:"the label of the link"`
	Location *spot     `flow:"location" doc:"a place on the map"`
	Contact  *card     `flow:"contact" doc:"how somebody can be reached"`
	Cards    *cards    `flow:"cards" doc:"cards side by side"`
	Template *approved `flow:"template" doc:"an approved message that goes out in its place where free ones may not"`
}

// spot is a location on the map, in degrees.
type spot struct {
	Latitude  expr    `flow:"latitude,required" doc:"degrees north"`
	Longitude expr    `flow:"longitude,required" doc:"degrees east"`
	Name      *phrase `flow:"name" doc:"what the place is called"`
	Address   *phrase `flow:"address" doc:"where it is"`
}

// card is somebody's contact card.
type card struct {
	Name         fill   `flow:"name,required" doc:"whose card it is"`
	Organization *fill  `flow:"organization" doc:"where they work"`
	Phones       []fill `flow:"phones" doc:"numbers in international form"`
	Emails       []fill `flow:"emails" doc:"e-mail addresses"`
}

// cards are made of a list, as the items of [choicesStep] are.
type cards struct {
	From     expr    `flow:"from,required" doc:"the list"`
	As       string  `flow:"as" doc:"the name by which the texts see an item; item where none is given"`
	Title    phrase  `flow:"title,required" doc:"a card's title"`
	Subtitle *phrase `flow:"subtitle" doc:"a line below it"`
	Image    *fill   `flow:"image" doc:"address of its picture"`
	Link     *fill   `flow:"link" doc:"an address to open"`
	Button   *phrase `flow:"button" doc:"the link's label"`
}

// approved is a template message.
type approved struct {
	Name     string `flow:"name,required" doc:"the template's name at the provider"`
	Language *fill  `flow:"language" doc:"its language; the customer's where none is named"`
	Params   []fill `flow:"params" doc:"what fills its placeholders, in order"`
}

// MaxCards is how many cards are shown at once; further ones are left out.
const MaxCards = 10

var errPlace = errors.New("latitude and longitude must be numbers of degrees")

func (c *cards) finish(r *reader, n *node) {
	c.As = r.itemName(n, c.As)
	local := append(c.Title.exprs(), c.Subtitle.exprs()...)
	local = append(append(local, c.Image.or(nil).exprs()...), c.Link.or(nil).exprs()...)
	seenAs(c.As, append(local, c.Button.exprs()...))
}

// itemName is the name by which a list's items are seen.
func (r *reader) itemName(n *node, as string) string {
	if as == "" {
		return "item"
	}
	if !variableName.MatchString(as) {
		r.fail(n.get("as").pos, "%q cannot name an item", clip(as, 40))
	}
	return as
}

func seenAs(name string, exprs []*expr) {
	for _, e := range exprs {
		e.locals = append(e.locals, name)
	}
}

func (s *sayStep) exits() exits { return exits{next: true} }

func (s *sayStep) finish(r *reader, n *node) { s.parts.complete(r, n) }

func (p *parts) complete(r *reader, n *node) {
	if len(p.files()) > 1 {
		r.fail(n.pos, "one message carries one file: say the others in steps of their own")
	}
	if p.Button != nil && p.Link == nil && p.Live == nil {
		r.fail(n.pos, "a button needs the key \"link\"")
	}
	if p.Link != nil && p.Live != nil {
		r.fail(n.pos, "a message has one link: give \"link\" or \"live\"")
	}
	if p.Filename != nil && p.Document == nil {
		r.fail(n.pos, "a filename needs the key \"document\"")
	}
}

// attachment is a file by its kind.
type attachment struct {
	kind    string
	address *fill
}

func (p *parts) files() []attachment {
	var out []attachment
	for _, f := range [...]attachment{{"image", p.Image}, {"video", p.Video}, {"audio", p.Audio}, {"document", p.Document}} {
		if f.address != nil {
			out = append(out, f)
		}
	}
	return out
}

func (s *sayStep) run(m *machine) move {
	c, err := m.content(&s.Text, &s.parts)
	if err != nil {
		return m.trouble(err)
	}
	if c.Text != "" || c.Media != nil || c.Link != nil || c.Location != nil || c.Contact != nil || len(c.Cards) > 0 || c.Template != nil {
		m.send(c)
	}
	return advance
}

// content renders a message.
func (m *machine) content(text *phrase, p *parts) (sdk.Content, error) {
	var c sdk.Content
	err := m.render(rendering{text, &c.Text}, rendering{p.Header, &c.Header}, rendering{p.Footer, &c.Footer})
	for _, more := range []func(*machine, *sdk.Content) error{p.attach, p.link, p.locate, p.introduce, p.deal, p.approve} {
		if err == nil {
			err = more(m, &c)
		}
	}
	return c, err
}

func (p *parts) attach(m *machine, c *sdk.Content) error {
	for _, f := range p.files() {
		media := sdk.Media{Kind: f.kind}
		if err := m.render(rendering{f.address.or(nil), &media.URL}, rendering{p.Filename.or(nil), &media.Filename}); err != nil {
			return err
		}
		if media.URL != "" {
			c.Media = &media
		}
	}
	return nil
}

func (p *parts) link(m *machine, c *sdk.Content) error {
	address, label := p.Link, p.Button
	if p.Live != nil {
		address, label = p.Live, own(p.Button, m.p.texts.Watch)
	}
	if address == nil {
		return nil
	}
	link := &sdk.Link{}
	if err := m.render(rendering{address.or(nil), &link.URL}, rendering{label, &link.Label}); err != nil {
		return err
	}
	if link.URL != "" {
		c.Link = link
	}
	return nil
}

func (p *parts) locate(m *machine, c *sdk.Content) error {
	if p.Location == nil {
		return nil
	}
	l := &sdk.Location{}
	for _, one := range []struct {
		from *expr
		to   *float64
		max  float64
	}{{&p.Location.Latitude, &l.Latitude, 90}, {&p.Location.Longitude, &l.Longitude, 180}} {
		v, err := m.eval(one.from)
		if err != nil {
			return err
		}
		f, ok := number(v)
		if !ok || !(f >= -one.max && f <= one.max) {
			return errPlace
		}
		*one.to = f
	}
	c.Location = l
	return m.render(rendering{p.Location.Name, &l.Name}, rendering{p.Location.Address, &l.Address})
}

func (p *parts) introduce(m *machine, c *sdk.Content) error {
	if p.Contact == nil {
		return nil
	}
	card := &sdk.ContactCard{}
	err := m.render(rendering{&p.Contact.Name.phrase, &card.Name}, rendering{p.Contact.Organization.or(nil), &card.Organization})
	if err == nil {
		card.Phones, err = m.fills(p.Contact.Phones)
	}
	if err == nil {
		card.Emails, err = m.fills(p.Contact.Emails)
	}
	c.Contact = card
	return err
}

// deal makes the cards.
func (p *parts) deal(m *machine, c *sdk.Content) error {
	if p.Cards == nil {
		return nil
	}
	v, err := m.eval(&p.Cards.From)
	if err != nil {
		return err
	}
	list, _ := v.([]any)
	for _, item := range list[:min(len(list), MaxCards)] {
		one, link := sdk.Card{}, sdk.Link{}
		err := m.with(p.Cards.As, item, func() error {
			return m.render(rendering{&p.Cards.Title, &one.Title}, rendering{p.Cards.Subtitle, &one.Subtitle},
				rendering{p.Cards.Image.or(nil), &one.ImageURL}, rendering{p.Cards.Link.or(nil), &link.URL}, rendering{p.Cards.Button, &link.Label})
		})
		if err != nil {
			return err
		}
		if link.URL != "" {
			one.Link = &link
		}
		c.Cards = append(c.Cards, one)
	}
	return nil
}

func (p *parts) approve(m *machine, c *sdk.Content) (err error) {
	if p.Template == nil {
		return nil
	}
	t := &sdk.Template{Name: p.Template.Name, Language: m.language()}
	if p.Template.Language != nil {
		t.Language, err = m.text(&p.Template.Language.phrase)
	}
	if err == nil {
		t.Params, err = m.fills(p.Template.Params)
	}
	c.Template = t
	return err
}

func (m *machine) fills(all []fill) ([]string, error) {
	var out []string
	for i := range all {
		s, err := m.text(&all[i].phrase)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
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
