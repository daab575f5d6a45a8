package planner

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"parley/connectors/sdk"
)

// captioned are the kinds of media that are shown with a caption.
var captioned = map[string]bool{"image": true, "video": true, "document": true}

// draft is a plan in the making.
type draft struct {
	ch sdk.Channel
	c  sdk.Content

	// body collects the paragraphs of the text, in reading order.
	body  []string
	media *sdk.Media    // carried natively
	place *sdk.Location // carried natively
	link  *sdk.Link     // carried as a button
	// person and cards are carried natively, as messages of their own.
	person *sdk.ContactCard
	cards  [][]sdk.Card

	messages []sdk.Content
	notes    []Note
}

func (d *draft) note(field string, l sdk.Level, format string, args ...any) {
	d.notes = append(d.notes, Note{field, l, fmt.Sprintf(format, args...)})
}

func (d *draft) say(paragraph string) {
	if paragraph != "" {
		d.body = append(d.body, paragraph)
	}
}

// plan decides part by part what is native and what becomes text, and then lays
// the text out.
func (d *draft) plan() {
	d.planMedia()
	d.say(d.c.Text)
	d.planLocation()
	d.planContact()
	d.planCards()
	readable := len(d.body) > 0 || d.c.Header+d.c.Footer != "" || d.ch.Hosted
	var o offer
	if len(d.c.Choices) > 0 {
		if readable {
			o = planChoices(d.c, d.ch)
		} else {
			o = numbered(d.c.Choices, "buttons need a text above them")
		}
	}
	d.planLink(readable, len(o.choices) > 0)
	d.say(strings.Join(o.lines, "\n"))
	d.notes = append(d.notes, o.notes...)
	d.lay(o)
}

func (d *draft) planMedia() {
	m := d.c.Media
	if m == nil {
		return
	}
	if _, ok := d.ch.Media[m.Kind]; !ok || d.ch.MediaURLOnly && m.URL == "" {
		d.mediaAsLink(m)
		return
	}
	d.media = m
	if d.ch.Hosted {
		return
	}
	if m.Caption == "" && captioned[m.Kind] && d.c.Text != "" && fits(d.c.Text, d.ch.CaptionMax) && d.onlyTextAndMedia() {
		m.Caption, d.c.Text = d.c.Text, ""
		return
	}
	if m.Caption != "" && (!captioned[m.Kind] || !fits(m.Caption, d.ch.CaptionMax)) {
		d.note("media.caption", sdk.Degraded, "longer than the channel's captions, or of a kind without one: it becomes a text message")
		d.say(m.Caption)
		m.Caption = ""
	}
}

func (d *draft) onlyTextAndMedia() bool {
	return d.c.Header+d.c.Footer == "" && len(d.c.Choices) == 0 && len(d.c.Cards) == 0 &&
		d.c.Link == nil && d.c.Location == nil && d.c.Contact == nil
}

func (d *draft) mediaAsLink(m *sdk.Media) {
	if m.URL == "" {
		d.note("media", sdk.Dropped, "the channel cannot carry this media, and it has no address to link to")
		d.say(m.Caption)
		return
	}
	d.note("media", sdk.Degraded, "the channel does not carry this kind of media: it becomes a link")
	d.say(joinNonEmpty("\n", m.Caption, joinNonEmpty(": ", m.Filename, m.URL)))
}

func (d *draft) planLocation() {
	l := d.c.Location
	if l == nil {
		return
	}
	if d.ch.Location {
		d.place = l
		return
	}
	d.note("location", sdk.Degraded, "the channel has no locations: it becomes a map's address")
	d.say(joinNonEmpty("\n", l.Name, l.Address, mapURL(*l)))
}

// mapURL is the universal address of a point: Google, "Maps URLs", search action.
func mapURL(l sdk.Location) string {
	at := strconv.FormatFloat(l.Latitude, 'f', -1, 64) + "," + strconv.FormatFloat(l.Longitude, 'f', -1, 64)
	return "https://www.google.com/maps/search/?api=1&query=" + url.QueryEscape(at)
}

// planLink makes a button of the link where the channel has one and nothing
// stands against it, else a line of text.
func (d *draft) planLink(readable, choices bool) {
	if d.c.Link == nil {
		return
	}
	link := *d.c.Link
	switch {
	case !d.ch.LinkButton:
		d.note("link", sdk.Degraded, "the channel has no link buttons: it becomes text")
	case choices && !d.ch.Hosted:
		d.note("link", sdk.Degraded, "a message has either choices or a link button: the link becomes text")
	case !isWeb(link.URL):
		d.note("link", sdk.Degraded, "only web addresses can be buttons: it becomes text")
	case !readable:
		d.note("link", sdk.Degraded, "a link button needs a text above it: it becomes text")
	default:
		label := linkLabel(link)
		short, ok := shorten(label, d.ch.LinkLabelMax)
		if !ok {
			d.note("link.label", sdk.Degraded, "the channel's button has no room for a label: the link becomes text")
			break
		}
		if short != label && link.Label != "" {
			d.note("link.label", sdk.Dropped, "cut to %d characters", d.ch.LinkLabelMax)
		}
		d.link = &sdk.Link{URL: link.URL, Label: short}
		return
	}
	d.say(joinNonEmpty(": ", link.Label, link.URL))
}

// lay makes the messages: media first, then location and contact, then the text
// with choices or the link button under its last part. Cards follow the text,
// unless it has buttons: those are always last.
func (d *draft) lay(o offer) {
	interactive := len(o.choices) > 0 || d.link != nil
	header, footer := d.headings(interactive)
	texts := d.pieces(interactive)
	if len(texts) == 0 && (interactive || header+footer != "") {
		texts = []string{""} // a hosted channel's message that has only buttons or a header
	}
	if len(texts) > 1 {
		d.note("text", sdk.Degraded, "too long for one message: it becomes %d", len(texts))
	}
	for i, t := range texts {
		m := sdk.Content{Text: t}
		if i == 0 {
			m.Header = header
		}
		if i == len(texts)-1 {
			m.Footer, m.Choices, m.ListButton, m.Link = footer, o.choices, o.button, d.link
		}
		d.messages = append(d.messages, m)
	}
	d.attach()
	var cards []sdk.Content
	for _, c := range d.cards {
		cards = append(cards, sdk.Content{Cards: c})
	}
	at := len(d.messages)
	if interactive {
		at -= len(texts)
	}
	d.messages = slices.Insert(d.messages, at, cards...)
}

// attach adds media, location and contact: to the first message where the channel
// is our own, as messages before it elsewhere.
func (d *draft) attach() {
	if d.ch.Hosted {
		if d.media == nil && d.place == nil && d.person == nil {
			return
		}
		if len(d.messages) == 0 {
			d.messages = []sdk.Content{{}}
		}
		m := &d.messages[0]
		m.Media, m.Location, m.Contact = d.media, d.place, d.person
		return
	}
	var first []sdk.Content
	if d.media != nil {
		first = append(first, sdk.Content{Media: d.media})
	}
	if d.place != nil {
		first = append(first, sdk.Content{Location: d.place})
	}
	if d.person != nil {
		first = append(first, sdk.Content{Contact: d.person})
	}
	d.messages = append(first, d.messages...)
}

// headings decides about header and footer. They are fields of their own on
// messages with buttons (and on any message of a hosted channel), where they
// fit and the text is one message; elsewhere they are part of the text.
func (d *draft) headings(interactive bool) (header, footer string) {
	ch := d.ch
	header, footer = d.c.Header, d.c.Footer
	if footer != "" && !(interactive || ch.Hosted) || !fits(footer, ch.FooterMax) {
		d.note("footer", sdk.Degraded, "it does not fit a footer of this channel: it becomes text")
		d.say(footer)
		footer = ""
	}
	if header == "" {
		return header, d.footerAsBody(footer)
	}
	own := (interactive || ch.Hosted) && fits(header, ch.HeaderMax) && !strings.Contains(header, "\n")
	bare := len(d.body) == 0 && !ch.Hosted // buttons need a text: the header becomes it
	if !own || bare || !ch.Hosted && len(d.pieces(interactive)) > 1 {
		if !bare {
			d.note("header", sdk.Degraded, "it does not fit a header of this channel: it becomes text")
		}
		d.body = append([]string{emphasis(header)}, d.body...)
		header = ""
	}
	return header, footer
}

// footerAsBody makes the footer the text of a message that has no other.
func (d *draft) footerAsBody(footer string) string {
	if footer != "" && len(d.body) == 0 && !d.ch.Hosted {
		d.say(footer)
		return ""
	}
	return footer
}

// emphasis marks a line as bold if the marks cannot be misread.
func emphasis(s string) string {
	if strings.ContainsAny(s, "*\n") {
		return s
	}
	return fmt.Sprintf("*%s*", s)
}

// pieces splits the body; with buttons, the last piece is as short as those demand.
func (d *draft) pieces(interactive bool) []string {
	texts := splitSegments(split(strings.Join(d.body, "\n\n"), d.ch.TextMax), d.ch.SegmentsMax)
	if !interactive || len(texts) == 0 || fits(texts[len(texts)-1], d.ch.InteractiveTextMax) {
		return texts
	}
	head, tail := splitTail(texts[len(texts)-1], d.ch.InteractiveTextMax)
	return append(texts[:len(texts)-1], head, tail)
}
