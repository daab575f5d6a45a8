package whatsapp

import (
	"strings"

	"parley/connectors/sdk"
)

// contactPart is a contact card (schema ContactObject). It is read from webhooks
// too, where all of it may be missing.
type contactPart struct {
	Name   namePart    `json:"name"`
	Org    *orgPart    `json:"org,omitempty"`
	Phones []phonePart `json:"phones,omitempty"`
	Emails []emailPart `json:"emails,omitempty"`
}

// namePart: Meta demands the formatted name and one of the others.
type namePart struct {
	FormattedName string `json:"formatted_name"`
	FirstName     string `json:"first_name,omitempty"`
}

type orgPart struct {
	Company string `json:"company,omitempty"`
}

type phonePart struct {
	Phone string `json:"phone"`
	// WaID lets the recipient write to the number at once, where it is on WhatsApp.
	WaID string `json:"wa_id,omitempty"`
}

type emailPart struct {
	Email string `json:"email"`
}

func (m *message) fillContact(c sdk.ContactCard) error {
	m.Type = "contacts"
	card := contactPart{Name: namePart{FormattedName: c.Name, FirstName: c.Name}}
	if c.Name == "" {
		return sdk.Invalidf("contact: a name is needed")
	}
	if c.Organization != "" {
		card.Org = &orgPart{c.Organization}
	}
	for i, p := range c.Phones {
		if !phoneForm.MatchString(p) {
			return sdk.Invalidf("contact.phones[%d] is not a number in digits", i)
		}
		p = strings.TrimPrefix(p, "+")
		card.Phones = append(card.Phones, phonePart{Phone: "+" + p, WaID: p})
	}
	for _, e := range c.Emails {
		card.Emails = append(card.Emails, emailPart{e})
	}
	m.Contacts = []contactPart{card}
	return nil
}

// card reads a contact that a customer shared.
func (c contactPart) card() *sdk.ContactCard {
	out := &sdk.ContactCard{Name: c.Name.FormattedName}
	if c.Org != nil {
		out.Organization = c.Org.Company
	}
	for _, p := range c.Phones {
		number := p.WaID
		if number == "" {
			number = digitsOf(p.Phone)
		}
		if number != "" {
			out.Phones = append(out.Phones, number)
		}
	}
	for _, e := range c.Emails {
		if e.Email != "" {
			out.Emails = append(out.Emails, e.Email)
		}
	}
	return out
}

// digitsOf drops what people write into numbers.
func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
