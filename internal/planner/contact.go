package planner

import (
	"strings"

	"parley/connectors/sdk"
)

func tidyContact(c *sdk.ContactCard) *sdk.ContactCard {
	if c == nil {
		return nil
	}
	out := &sdk.ContactCard{Name: oneLine(c.Name), Organization: oneLine(c.Organization)}
	for _, p := range c.Phones {
		if p = strings.TrimPrefix(oneLine(p), "+"); p != "" {
			out.Phones = append(out.Phones, p)
		}
	}
	for _, e := range c.Emails {
		if e = oneLine(e); e != "" {
			out.Emails = append(out.Emails, e)
		}
	}
	return out
}

// planContact carries a card with a number where the channel has contact cards,
// and writes it out elsewhere.
func (d *draft) planContact() {
	p := d.c.Contact
	switch {
	case p == nil:
		return
	case d.ch.Contact && len(p.Phones) > 0:
		d.person = p
		return
	case d.ch.Contact:
		d.note("contact", sdk.Degraded, "the channel's contact cards need a number: it becomes text")
	default:
		d.note("contact", sdk.Degraded, "the channel has no contact cards: it becomes text")
	}
	lines := []string{p.Name, p.Organization}
	for _, n := range p.Phones {
		lines = append(lines, "+"+n)
	}
	d.say(joinNonEmpty("\n", append(lines, p.Emails...)...))
}
