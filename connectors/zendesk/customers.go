package zendesk

import (
	"context"
	"net/http"
	"time"

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

// user is Zendesk's user, as far as it is written and read
// (https://developer.zendesk.com/api-reference/ticketing/users/users/). The role is
// never written: it would make customers of those of the staff who write as one.
type user struct {
	ID              id                `json:"id,omitempty"`
	Name            string            `json:"name,omitempty"`
	Email           string            `json:"email,omitempty"`
	Phone           string            `json:"phone,omitempty"`
	ExternalID      string            `json:"external_id,omitempty"`
	Locale          string            `json:"locale,omitempty"`
	Organization    *organization     `json:"organization,omitempty"`
	Fields          map[string]string `json:"user_fields,omitempty"`
	SkipVerifyEmail bool              `json:"skip_verify_email,omitempty"`
}

type organization struct {
	Name string `json:"name"`
}

// known is a user as it now is.
type known struct {
	ID      id        `json:"id"`
	Created time.Time `json:"created_at"`
	Updated time.Time `json:"updated_at"`
}

// nameless is the name of a customer who has none: Zendesk makes nobody without.
const nameless = "Customer"

// upsert finds the user by the external ID or else by the e-mail address. Zendesk
// finds nobody by a phone number alone: such a customer's external ID is made of it.
func (c *connection) upsert(ctx context.Context, p role.Person) (known, error) {
	u := user{Name: p.Name, Email: p.Email, Phone: p.Phone, ExternalID: p.ExternalID, Locale: p.Language,
		Fields: p.Properties, SkipVerifyEmail: true}
	if p.ExternalID+p.Email == "" {
		u.ExternalID = "tel:" + p.Phone
	}
	if p.Company != "" {
		u.Organization = &organization{p.Company}
	}
	found, err := c.createOrUpdate(ctx, u)
	if u.Locale != "" && refused(err) {
		u.Locale = "" // one that the account does not have keeps nobody from a ticket
		found, err = c.createOrUpdate(ctx, u)
	}
	if u.Name == "" && refused(err) {
		u.Name = nameless // there is nobody yet; a name that is there is not replaced
		found, err = c.createOrUpdate(ctx, u)
	}
	return found, err
}

func refused(err error) bool { return err != nil && sdk.AsError(err).Class == sdk.Invalid }

func (c *connection) createOrUpdate(ctx context.Context, u user) (known, error) {
	var answer struct {
		User known `json:"user"`
	}
	err := c.call(ctx, request{method: http.MethodPost, path: "/api/v2/users/create_or_update", body: map[string]any{"user": u}}, &answer)
	if err == nil && answer.User.ID == "" {
		err = unreadable()
	}
	return answer.User, err
}

// upsertCustomer tells one that was just made by its times, not by the answer's
// status, so that a repeat says the same.
func (c *connection) upsertCustomer(ctx context.Context, _ sdk.Call, in CustomerInput) (role.Upserted, error) {
	u, err := c.upsert(ctx, in.Person)
	if err != nil {
		return role.Upserted{}, err
	}
	return role.Upserted{ID: string(u.ID), Created: !u.Created.IsZero() && u.Created.Equal(u.Updated)}, nil
}
