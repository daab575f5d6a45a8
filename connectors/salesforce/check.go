package salesforce

import (
	"context"
	"encoding/json"
	"net/http"

	"parley/connectors/sdk"
)

// need is a field that the connection fills, and what it must be.
type need struct {
	object, field string
	// key tells that it identifies records.
	key bool
}

func (c *connection) needs() []need {
	all := []need{{"Contact", c.ExternalID, true}, {"Lead", c.ExternalID, true}, {"Account", c.Key, true}, {"Opportunity", c.Key, true}, {"Task", "Description", false}}
	if c.Score != "" {
		all = append(all, need{"Lead", c.Score, false})
	}
	if c.Language != "" {
		all = append(all, need{"Contact", c.Language, false}, need{"Lead", c.Language, false})
	}
	return all
}

// description is what a user may do with an object ("sObject Describe").
type description struct {
	Createable bool `json:"createable"`
	Updateable bool `json:"updateable"`
	Queryable  bool `json:"queryable"`
	Fields     []struct {
		Name       string `json:"name"`
		ExternalID bool   `json:"externalId"`
		Unique     bool   `json:"unique"`
		Createable bool   `json:"createable"`
		Updateable bool   `json:"updateable"`
	} `json:"fields"`
}

// Check asks Salesforce to describe the objects as the app's user sees them, and tells
// what is not there, and what the user may not do. Salesforce does not tell the two
// apart: a field that a user may not see is not described.
func (c *connection) Check(ctx context.Context) error {
	seen := map[string]description{}
	for _, n := range c.needs() {
		d, ok := seen[n.object]
		if !ok {
			resp, err := c.call(ctx, http.MethodGet, sobject(n.object)+"/describe", nil, nil)
			if err != nil && sdk.AsError(err).Class == sdk.NotFound {
				return &sdk.Error{Class: sdk.Auth, Code: "NO_OBJECT", Message: "the app's user may not see the object " + n.object}
			}
			if err != nil {
				return err
			}
			if json.Unmarshal(resp.Body, &d) != nil || len(d.Fields) == 0 {
				return unreadable()
			}
			seen[n.object] = d
		}
		if err := d.check(n); err != nil {
			return err
		}
	}
	return nil
}

func (d description) check(n need) error {
	if !d.Createable || !d.Updateable || !d.Queryable {
		return &sdk.Error{Class: sdk.Auth, Code: "NO_PERMISSION", Message: "the app's user needs the permissions to read, create and edit the object " + n.object}
	}
	for _, f := range d.Fields {
		switch {
		case f.Name != n.field:
			continue
		case !f.Createable || !f.Updateable:
			return &sdk.Error{Class: sdk.Auth, Code: "NO_PERMISSION", Message: "the app's user may not set the field " + n.object + "." + n.field + ": give it field-level security"}
		case n.key && (!f.ExternalID || !f.Unique):
			return sdk.Invalidf("the field %s.%s must be marked as External ID and as Unique", n.object, n.field)
		}
		return nil
	}
	if n.key {
		return sdk.Invalidf("the object %s has no field %s that the app's user may see: add a text field of 100 characters, External ID, Unique, and give the user access", n.object, n.field)
	}
	return sdk.Invalidf("the object %s has no field %s that the app's user may see", n.object, n.field)
}
