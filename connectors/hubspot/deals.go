package hubspot

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"parley/connectors/sdk"
	"parley/connectors/sdk/money"
	"parley/connectors/sdk/role"
)

// DealInput is a deal to open.
type DealInput struct {
	role.Deal
	Pipeline   string            `json:"pipeline,omitempty" doc:"HubSpot's ID of the pipeline; that of the settings, or the first, unless given."`
	CloseDate  string            `json:"close_date,omitempty" doc:"The day on which it is expected to close, such as 2027-01-31."`
	Company    string            `json:"company,omitempty" doc:"HubSpot's ID of the company."`
	Properties map[string]string `json:"properties,omitempty" doc:"Further properties, by HubSpot's names."`
}

// Validate holds what HubSpot would refuse.
func (in DealInput) Validate() error {
	if strings.TrimSpace(in.Title) == "" {
		return sdk.Invalidf("title must not be empty")
	}
	for _, err := range []error{checkLine("title", in.Title, 255), checkLine("stage", in.Stage, 200), checkLine("pipeline", in.Pipeline, 200),
		checkAmount(in.Amount, in.Currency), checkDay(in.CloseDate), checkOptional("contact", in.Contact), checkOptional("company", in.Company),
		checkOptional("owner", in.Owner), checkProperties(in.Properties, "dealname", "dealstage", "pipeline", "amount", "deal_currency_code", "hubspot_owner_id")} {
		if err != nil {
			return err
		}
	}
	return nil
}

// dealToCompany is the association of a deal with its company.
const dealToCompany = 341

func (c *connection) dealCreate(ctx context.Context, call sdk.Call, in DealInput) (role.ID, error) {
	p := map[string]string{}
	maps.Copy(p, in.Properties)
	p["dealname"] = in.Title
	put(p, c.Key, call.Key)
	put(p, "hubspot_owner_id", in.Owner)
	if in.CloseDate != "" {
		p["closedate"] = in.CloseDate + "T00:00:00Z"
	}
	if err := c.price(p, in.Amount, in.Currency); err != nil {
		return role.ID{}, err
	}
	if in.Pipeline == "" {
		in.Pipeline = c.Pipeline
	}
	var err error
	if p["pipeline"], p["dealstage"], err = c.stage(ctx, in.Pipeline, in.Stage); err != nil {
		return role.ID{}, err
	}
	var to []association
	if in.Contact != "" {
		to = append(to, associate(in.Contact, dealToContact))
	}
	if in.Company != "" {
		to = append(to, associate(in.Company, dealToCompany))
	}
	made, err := c.create(ctx, deals, p, to...)
	if err == nil {
		return role.ID{ID: made.ID}, nil
	}
	// The key is unique: a second deal of it is refused, and the first is found.
	if call.Key != "" && sdk.AsError(err).Class == sdk.Rejected {
		if out, found, ferr := c.dealFind(ctx, call, in); ferr == nil && found {
			return out, nil
		}
	}
	return role.ID{}, err
}

func (c *connection) dealFind(ctx context.Context, call sdk.Call, _ DealInput) (role.ID, bool, error) {
	if call.Key == "" {
		return role.ID{}, false, nil
	}
	o, found, err := c.identified(ctx, deals, c.Key, call.Key, "dealname")
	return role.ID{ID: o.ID}, found, err
}

// price sets the amount in the currency that is given, or else the account's.
func (c *connection) price(p map[string]string, amount int64, currency string) error {
	if amount == 0 {
		return nil
	}
	if currency == "" {
		currency = c.Currency
	} else {
		p["deal_currency_code"] = currency
	}
	if currency == "" {
		return sdk.Invalidf("currency is missing: give it with the amount, or set the connection's")
	}
	p["amount"] = money.Decimal(amount, currency)
	return nil
}

// pipeline is a pipeline as HubSpot writes it.
type pipeline struct {
	ID       string `json:"id"`
	Order    int    `json:"displayOrder"`
	Archived bool   `json:"archived"`
	Stages   []struct {
		ID       string `json:"id"`
		Label    string `json:"label"`
		Order    int    `json:"displayOrder"`
		Archived bool   `json:"archived"`
	} `json:"stages"`
}

// stage finds a stage by its ID or its name in a pipeline; the first stage and the
// first pipeline where none is named.
func (c *connection) stage(ctx context.Context, in, wanted string) (pipelineID, stageID string, err error) {
	var all struct {
		Results []pipeline `json:"results"`
	}
	if err := c.get(ctx, "/crm/v3/pipelines/deals", nil, &all); err != nil {
		return "", "", err
	}
	slices.SortStableFunc(all.Results, func(a, b pipeline) int { return a.Order - b.Order })
	for _, p := range all.Results {
		if p.Archived || in != "" && p.ID != in {
			continue
		}
		if id := p.stage(wanted); id != "" {
			return p.ID, id, nil
		}
		if in != "" || wanted == "" {
			return "", "", sdk.Invalidf("the pipeline has no such stage")
		}
	}
	if in == "" && len(all.Results) > 0 {
		return "", "", sdk.Invalidf("no pipeline has such a stage")
	}
	return "", "", sdk.Invalidf("HubSpot has no such pipeline")
}

func (p pipeline) stage(wanted string) string {
	first, order := "", 0
	for _, s := range p.Stages {
		switch {
		case s.Archived:
		case wanted == "" && (first == "" || s.Order < order):
			first, order = s.ID, s.Order
		case wanted != "" && (s.ID == wanted || strings.EqualFold(s.Label, wanted)):
			return s.ID
		}
	}
	return first
}

// Deal is a deal as HubSpot has it.
type Deal struct {
	ID       string `json:"id" doc:"HubSpot's ID of the deal."`
	Title    string `json:"title" doc:"Its name."`
	Stage    string `json:"stage,omitempty" doc:"HubSpot's ID of the stage."`
	Pipeline string `json:"pipeline,omitempty" doc:"HubSpot's ID of the pipeline."`
	Amount   string `json:"amount,omitempty" doc:"The amount as HubSpot writes it, a decimal number."`
	Currency string `json:"currency,omitempty" doc:"ISO 4217 code; none where the account has one currency only."`
	Owner    string `json:"owner,omitempty" doc:"HubSpot's ID of the person who has it."`
}

func (c *connection) dealGet(ctx context.Context, _ sdk.Call, in IDInput) (Deal, error) {
	var o object
	query := url.Values{"properties": {"dealname,dealstage,pipeline,amount,deal_currency_code,hubspot_owner_id"}}
	if err := c.get(ctx, objects(deals)+"/"+in.ID, query, &o); err != nil {
		return Deal{}, err
	}
	p := o.Properties
	return Deal{ID: o.ID, Title: p["dealname"], Stage: p["dealstage"], Pipeline: p["pipeline"], Amount: p["amount"],
		Currency: p["deal_currency_code"], Owner: p["hubspot_owner_id"]}, o.needID()
}

// DealChange changes what is given and leaves the rest.
type DealChange struct {
	role.DealChange
	Currency  string `json:"currency,omitempty" doc:"ISO 4217 code of the amount; the deal's own unless given."`
	CloseDate string `json:"close_date,omitempty" doc:"The day on which it is expected to close, such as 2027-01-31."`
}

// Validate checks the forms, and that something is to change.
func (in DealChange) Validate() error {
	for _, err := range []error{checkID("id", in.ID), checkLine("stage", in.Stage, 200), checkAmount(in.Amount, in.Currency),
		checkDay(in.CloseDate), checkOptional("owner", in.Owner)} {
		if err != nil {
			return err
		}
	}
	if in.Stage == "" && in.Amount == 0 && in.Owner == "" && in.CloseDate == "" {
		return sdk.Invalidf("nothing is to change: give stage, amount, owner or close_date")
	}
	return nil
}

func (c *connection) dealUpdate(ctx context.Context, call sdk.Call, in DealChange) (role.ID, error) {
	p := map[string]string{}
	put(p, "hubspot_owner_id", in.Owner)
	if in.CloseDate != "" {
		p["closedate"] = in.CloseDate + "T00:00:00Z"
	}
	if in.Stage != "" || in.Amount != 0 && in.Currency == "" {
		now, err := c.dealGet(ctx, call, IDInput{in.ID})
		if err != nil {
			return role.ID{}, err
		}
		if in.Currency == "" {
			in.Currency = now.Currency
		}
		if in.Stage != "" {
			if _, p["dealstage"], err = c.stage(ctx, now.Pipeline, in.Stage); err != nil {
				return role.ID{}, err
			}
		}
	}
	if err := c.price(p, in.Amount, in.Currency); err != nil {
		return role.ID{}, err
	}
	o, err := c.update(ctx, deals, in.ID, p)
	return role.ID{ID: o.ID}, err
}

// OwnerInput names a person of the staff.
type OwnerInput struct {
	Email string `json:"email" doc:"Their e-mail address at HubSpot."`
}

// Validate checks the address.
func (in OwnerInput) Validate() error { return checkEmail(in.Email) }

// ownerFind is final with not_found where nobody has the address, so that a flow
// learns of it before it gives a deal to nobody.
func (c *connection) ownerFind(ctx context.Context, _ sdk.Call, in OwnerInput) (role.ID, error) {
	var found batch
	if err := c.call(ctx, http.MethodGet, "/crm/v3/owners", url.Values{"email": {in.Email}, "limit": {"1"}}, nil, &found); err != nil {
		return role.ID{}, err
	}
	if len(found.Results) == 0 {
		return role.ID{}, &sdk.Error{Class: sdk.NotFound, Code: "OWNER_NOT_FOUND", Message: "nobody of the staff at HubSpot has this e-mail address"}
	}
	return role.ID{ID: found.Results[0].ID}, found.Results[0].needID()
}
