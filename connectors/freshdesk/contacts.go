package freshdesk

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

// CustomerInput is a customer to change or make.
type CustomerInput struct{ role.Person }

// Validate checks what the types cannot.
func (in CustomerInput) Validate() error {
	if problem := in.Problem(); problem != "" {
		return sdk.Invalidf("%s", problem)
	}
	return nil
}

// contact is Freshdesk's contact, as far as it is written and read
// (https://developers.freshdesk.com/api/#contacts). Its language is not written: most
// plans refuse it.
type contact struct {
	ID         id                `json:"id,omitempty"`
	Name       string            `json:"name,omitempty"`
	Email      string            `json:"email,omitempty"`
	Phone      string            `json:"phone,omitempty"`
	ExternalID string            `json:"unique_external_id,omitempty"`
	Company    id                `json:"company_id,omitempty"`
	Fields     map[string]string `json:"custom_fields,omitempty"`
}

// nameless is the name of a customer who has none: Freshdesk makes nobody without.
const nameless = "Customer"

// contact finds somebody by what is given of them, the surest first. The lists are the
// database, not the search that lags.
func (c *connection) contact(ctx context.Context, p role.Person) (contact, bool, error) {
	for _, by := range []struct{ field, value string }{{"unique_external_id", p.ExternalID}, {"email", p.Email},
		{"mobile", p.Phone}, {"phone", p.Phone}} {
		if by.value == "" {
			continue
		}
		var list []struct {
			ID id `json:"id"`
		}
		if err := c.get(ctx, "/api/v2/contacts", url.Values{by.field: {by.value}}, &list); err != nil {
			return contact{}, false, err
		}
		if len(list) > 0 && list[0].ID != "" {
			return contact{ID: list[0].ID}, true, nil
		}
	}
	return contact{}, false, nil
}

// customer finds somebody, or makes them. Who is there is left as the staff has them.
func (c *connection) customer(ctx context.Context, p role.Person) (contact, error) {
	found, known, err := c.contact(ctx, p)
	if err != nil || known {
		return found, err
	}
	want, err := c.wanted(ctx, p)
	if err != nil {
		return contact{}, err
	}
	made, _, err := c.make(ctx, p, want)
	return made, err
}

// wanted is the contact as the person says.
func (c *connection) wanted(ctx context.Context, p role.Person) (want contact, err error) {
	want = contact{Name: p.Name, Email: p.Email, Phone: p.Phone, ExternalID: p.ExternalID, Fields: p.Properties}
	if p.Company != "" {
		want.Company, err = c.company(ctx, p.Company)
	}
	return want, err
}

// make makes a contact, or finds the one that somebody else has made meanwhile.
func (c *connection) make(ctx context.Context, p role.Person, want contact) (now contact, created bool, err error) {
	now, err = c.write(ctx, http.MethodPost, "/api/v2/contacts", want.named())
	if err == nil || sdk.AsError(err).Class != sdk.Rejected {
		return now, err == nil, err
	}
	found, known, again := c.contact(ctx, p)
	if again != nil || !known {
		return contact{}, false, err
	}
	return found, false, nil
}

// named is the contact with a name.
func (c contact) named() contact {
	if c.Name == "" {
		c.Name = nameless
	}
	return c
}

func (c *connection) write(ctx context.Context, method, path string, want contact) (contact, error) {
	var answer struct {
		ID id `json:"id"`
	}
	err := c.call(ctx, method, path, want, &answer)
	if err == nil && answer.ID == "" {
		err = unreadable()
	}
	return contact{ID: answer.ID}, err
}

// company finds the company of a name, or makes it.
func (c *connection) company(ctx context.Context, name string) (id, error) {
	type company struct {
		ID   id     `json:"id"`
		Name string `json:"name"`
	}
	var answer struct {
		Companies []company `json:"companies"`
	}
	if err := c.get(ctx, "/api/v2/companies/autocomplete", url.Values{"name": {name}}, &answer); err != nil {
		return "", err
	}
	if i := slices.IndexFunc(answer.Companies, func(o company) bool { return strings.EqualFold(o.Name, name) && o.ID != "" }); i >= 0 {
		return answer.Companies[i].ID, nil
	}
	var made company
	err := c.call(ctx, http.MethodPost, "/api/v2/companies", map[string]string{"name": name}, &made)
	if err == nil && made.ID == "" {
		err = unreadable()
	}
	return made.ID, err
}

func (c *connection) upsertCustomer(ctx context.Context, _ sdk.Call, in CustomerInput) (role.Upserted, error) {
	want, err := c.wanted(ctx, in.Person)
	if err != nil {
		return role.Upserted{}, err
	}
	found, known, err := c.contact(ctx, in.Person)
	if err != nil {
		return role.Upserted{}, err
	}
	if !known {
		made, created, err := c.make(ctx, in.Person, want)
		if err != nil || created {
			return role.Upserted{ID: string(made.ID), Created: created}, err
		}
		found = made
	}
	now, err := c.write(ctx, http.MethodPut, "/api/v2/contacts/"+string(found.ID), want)
	return role.Upserted{ID: string(now.ID)}, err
}
