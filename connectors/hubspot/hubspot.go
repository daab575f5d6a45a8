// Package hubspot connects Parley to HubSpot's CRM: contacts, leads, companies,
// deals, notes and owners, and the webhooks that tell of changes.
//
// It plays the role CRM of parley/connectors/sdk/role. Three things of it are
// worth knowing:
//
// A lead is a contact whose lifecycle stage is "lead". HubSpot has an object for
// leads too (0-136), which belongs to the larger editions of Sales Hub and can only
// be worked on by people with a seat; the lifecycle stage works in every account.
//
// Nothing is made twice. Contacts, companies and deals carry an identifier in a
// property of ours whose values HubSpot keeps unique (parley_id, parley_key), so
// HubSpot itself refuses a second one, and what was made is read by it at once, past
// HubSpot's search, which lags. The operation setup makes these properties; Check
// tells which are missing.
//
// Amounts are in the minor unit of a currency (ISO 4217), as everywhere.
package hubspot

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"parley/connectors/sdk"
)

const (
	// settle is how long a search may lag behind a write: HubSpot says that it may
	// take a few moments ("CRM search", limits) and gives no figure.
	settle = time.Minute
	// unlimited is the key lifetime of an operation whose repeat changes nothing.
	unlimited = 10 * 365 * 24 * time.Hour
)

var (
	read     = sdk.Effect{Kind: sdk.Read}
	harmless = sdk.Effect{Kind: sdk.Keyed, KeyLifetime: unlimited}
)

// Connector is HubSpot's manifest.
var Connector = sdk.Connector{
	Name:       "hubspot",
	Title:      "HubSpot",
	Docs:       "https://developers.hubspot.com/docs/api-reference/overview",
	Config:     &Config{},
	Operations: operations,
	Triggers:   triggers,
	// The smallest account may call 100 times in 10 seconds with a private app, and
	// any account 110 times with one that was authorised by OAuth.
	Limits: sdk.Limits{PerSecond: 10, Burst: 10, Learn: learn},
	OAuth: &sdk.OAuth{
		AuthorizeURL: "https://app.hubspot.com/oauth/authorize",
		TokenURL:     "{base_url}/oauth/v3/token",
		BaseURL:      defaultBase,
		Scopes: []string{"crm.objects.companies.read", "crm.objects.companies.write", "crm.objects.contacts.read", "crm.objects.contacts.write",
			"crm.objects.deals.read", "crm.objects.deals.write", "crm.objects.owners.read", "crm.schemas.companies.read", "crm.schemas.companies.write",
			"crm.schemas.contacts.read", "crm.schemas.contacts.write", "crm.schemas.deals.read", "crm.schemas.deals.write", "oauth"},
	},
	Open: open,
}

var operations = []sdk.Operation{
	sdk.Op("contact_upsert", "Changes the contact with an external ID, e-mail address or phone number, or makes one.", harmless, (*connection).contactUpsert).
		Sample(`{"external_id":"c-1042","name":"Jenny Rosen","email":"jenny@example.com","phone":"+15550001111","company":"Rosen Tea","language":"en"}`).
		Sample(`{"phone":"+15550002222","name":"Ravi"}`),
	sdk.Op("lead_upsert", "The same for somebody who may become a customer: a contact whose lifecycle stage is lead, unless it is further on already.",
		harmless, (*connection).leadUpsert).
		Sample(`{"email":"maya@example.com","name":"Maya Shah","source":"spring campaign","score":72,"status":"NEW"}`),
	sdk.Op("contact_get", "Gets a contact.", read, (*connection).contactGet).
		Sample(`{"id":"{{contact_upsert.id}}"}`),
	sdk.Op("contact_search", "Finds contacts by e-mail address, phone number or words. A contact that was just made may be missing for a while.",
		read, (*connection).contactSearch).
		Sample(`{"email":"jenny@example.com"}`),
	sdk.Op("company_upsert", "Finds the company with a name or domain, or makes one.", harmless, (*connection).companyUpsert).
		Sample(`{"name":"Rosen Tea","domain":"rosen.example"}`),
	// A deal is read by a unique property, which is no search: nothing has to settle.
	sdk.LookupOp("deal_create", "Opens a deal.", 0, (*connection).dealCreate, (*connection).dealFind).
		Sample(`{"title":"Forty tins of tea","contact":"{{contact_upsert.id}}","amount":125000,"currency":"USD","stage":"Presentation Scheduled"}`),
	sdk.Op("deal_get", "Gets a deal.", read, (*connection).dealGet).
		Sample(`{"id":"{{deal_create.id}}"}`),
	sdk.Op("deal_update", "Changes a deal's stage, amount or owner.", harmless, (*connection).dealUpdate).
		Sample(`{"id":"{{deal_create.id}}","stage":"closedwon","amount":150000}`),
	// Notes have no property of ours; the key stands at the end of their text.
	sdk.LookupOp("note_create", "Adds a note to a contact's history.", settle, (*connection).noteCreate, (*connection).noteFind).
		Sample(`{"contact":"{{contact_upsert.id}}","text":"Asked for <b>green</b> tea.","deal":"{{deal_create.id}}"}`),
	sdk.Op("owner_find", "Finds the person of your staff with an e-mail address, to give contacts and deals to.", read, (*connection).ownerFind).
		Sample(`{"email":"olga@example.com"}`),
	sdk.Op("setup", "Makes the properties that this connection keeps its identifiers in, where they are missing.", harmless, (*connection).setup).
		Sample(`{}`),
}

// connection is one HubSpot account as a workspace has configured it. It is
// immutable after open and safe for concurrent use.
type connection struct {
	settings
	http   *http.Client
	tokens sdk.TokenSource
}

func open(raw json.RawMessage, host sdk.Host) (any, error) {
	s, err := readConfig(raw)
	if err != nil {
		return nil, err
	}
	client := host.HTTP
	if client == nil {
		allow := ""
		if u, err := url.Parse(s.BaseURL); err == nil {
			allow = u.Host
		}
		client = sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: allow})
	}
	return &connection{settings: s, http: client, tokens: host.Tokens}, nil
}

// Authorized implements [sdk.Authorized]: a private app's token needs no consent.
func (c *connection) Authorized() bool { return c.AccessToken != "" }

// Check asks for the properties that the connection needs and says which are
// missing, which exist and are not unique, and which permission is lacking.
func (c *connection) Check(ctx context.Context) error {
	for _, p := range c.needed() {
		var has property
		err := c.get(ctx, p.address()+"/"+p.Name, nil, &has)
		switch {
		case err != nil && sdk.AsError(err).Class == sdk.NotFound:
			return sdk.Invalidf("HubSpot has no property %s for %s: run the operation setup, or make it (%s)", p.Name, p.kind, p.form())
		case err != nil:
			return err
		case p.Unique && !has.Unique:
			return sdk.Invalidf("the property %s of %s exists, but its values are not unique: name another in the settings", p.Name, p.kind)
		}
	}
	return nil
}

// learn reads HubSpot's limits for intervals ("API usage guidelines"). Answers of
// searches have none.
func learn(_ int, h http.Header) sdk.Pace {
	left, err := strconv.Atoi(h.Get("X-HubSpot-RateLimit-Remaining"))
	interval, err2 := strconv.Atoi(h.Get("X-HubSpot-RateLimit-Interval-Milliseconds"))
	if err != nil || err2 != nil || left < 0 || interval <= 0 || interval > 60_000 {
		return sdk.Pace{}
	}
	return sdk.Pace{Known: true, Remaining: left, Reset: time.Duration(interval) * time.Millisecond}
}
