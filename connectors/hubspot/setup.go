package hubspot

import (
	"context"

	"parley/connectors/sdk"
)

// property is a property's definition as HubSpot writes it.
type property struct {
	Name   string `json:"name"`
	Label  string `json:"label"`
	Group  string `json:"groupName"`
	Type   string `json:"type"`
	Field  string `json:"fieldType"`
	Unique bool   `json:"hasUniqueValue"`
	Note   string `json:"description"`
	// kind is the object type whose property it is, by its name.
	kind string
}

func (p property) address() string { return "/crm/v3/properties/" + p.kind }

// form says how people make the property.
func (p property) form() string {
	switch {
	case p.Unique:
		return "single-line text, with unique values"
	case p.Type == "number":
		return "a number"
	}
	return "single-line text"
}

// needed are the properties that the connection fills.
func (c *connection) needed() []property {
	return []property{
		{Name: c.ExternalID, Label: "Parley ID", Group: "contactinformation", Type: "string", Field: "text", Unique: true, kind: "contacts",
			Note: "Identifier of the contact in the systems that Parley connects."},
		{Name: c.Source, Label: "Parley source", Group: "contactinformation", Type: "string", Field: "text", kind: "contacts", Note: "Where the lead came from."},
		{Name: c.Score, Label: "Parley score", Group: "contactinformation", Type: "number", Field: "number", kind: "contacts", Note: "How promising the lead is, from 0 to 100."},
		{Name: c.Key, Label: "Parley key", Group: "companyinformation", Type: "string", Field: "text", Unique: true, kind: "companies", Note: "Tells what Parley has made."},
		{Name: c.Key, Label: "Parley key", Group: "dealinformation", Type: "string", Field: "text", Unique: true, kind: "deals", Note: "Tells what Parley has made."},
	}
}

// SetupInput asks for nothing.
type SetupInput struct{}

// SetupOutput lists what was made.
type SetupOutput struct {
	Created []string `json:"created" doc:"The properties that were missing, such as contacts.parley_id."`
}

func (c *connection) setup(ctx context.Context, _ sdk.Call, _ SetupInput) (SetupOutput, error) {
	out := SetupOutput{Created: []string{}}
	for _, p := range c.needed() {
		err := c.get(ctx, p.address()+"/"+p.Name, nil, &property{})
		if err == nil {
			continue
		}
		if sdk.AsError(err).Class != sdk.NotFound {
			return SetupOutput{}, err
		}
		err = c.post(ctx, p.address(), p, nil)
		if err != nil && sdk.AsError(err).Class != sdk.Rejected { // another call has just made it
			return SetupOutput{}, err
		}
		out.Created = append(out.Created, p.kind+"."+p.Name)
	}
	return out, nil
}
