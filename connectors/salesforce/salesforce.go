// Package salesforce connects Parley to Salesforce's Sales Cloud: contacts, leads,
// accounts, opportunities, notes and users, by REST API, and tells of changes by
// asking for them.
//
// It plays the role CRM of parley/connectors/sdk/role. A note is a completed task,
// which stands in the activity history of its contact.
//
// Nothing is made twice. Contacts and leads carry an identifier, accounts and
// opportunities a key, in external ID fields with unique values that an administrator
// adds once; their names are settings, and Check tells which are missing. Contacts,
// leads and accounts are upserted by them, and Salesforce refuses a second opportunity
// of the same key. What was made is read by SOQL, which sees it at once; Salesforce's
// search index, which lags, is not used.
//
// Connections authorise themselves by OAuth 2.0's client credentials, at the org's own
// domain: an external client app, or a connected app, with that flow and a user whose
// permissions the connection then has.
//
// Amounts are in the minor unit of a currency (ISO 4217), as everywhere.
package salesforce

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// version of the REST API, that of Winter '27. Salesforce serves each for three years
// at least ("API End-of-Life Policy").
const version = "v68.0"

// unlimited is the key lifetime of an operation whose repeat changes nothing.
const unlimited = 10 * 365 * 24 * time.Hour

var (
	read     = sdk.Effect{Kind: sdk.Read}
	harmless = sdk.Effect{Kind: sdk.Keyed, KeyLifetime: unlimited}
)

// Connector is Salesforce's manifest.
var Connector = sdk.Connector{
	Name:       "salesforce",
	Title:      "Salesforce",
	Docs:       "https://developer.salesforce.com/docs/platform/api-rest/guide/intro-rest.html",
	Config:     &Config{},
	Operations: operations,
	Triggers:   triggers,
	// An org may have 25 long requests under way, of all programs together ("API
	// Request Limits and Allocations"); the number of a day depends on its licences.
	Limits: sdk.Limits{Concurrent: 10, Learn: learn},
	OAuth:  &sdk.OAuth{TokenURL: "{base_url}/services/oauth2/token"},
	Open:   open,
}

var operations = []sdk.Operation{
	sdk.Op("contact_upsert", "Changes the contact with an external ID, e-mail address or phone number, or makes one.", harmless, (*connection).contactUpsert).
		Sample(`{"external_id":"c-1042","name":"Jenny Rosen","email":"jenny@example.com","phone":"+15550001111","company":"Rosen Tea"}`).
		Sample(`{"phone":"+15550002222","name":"Ravi"}`),
	sdk.Op("lead_upsert", "Changes the lead with an external ID, e-mail address or phone number, or makes one.", harmless, (*connection).leadUpsert).
		Sample(`{"email":"maya@example.com","name":"Maya Shah","company":"Shah & Sons","source":"Web","score":72}`),
	sdk.Op("contact_get", "Gets a contact.", read, (*connection).contactGet).
		Sample(`{"id":"{{contact_upsert.id}}"}`),
	sdk.Op("contact_search", "Finds contacts by e-mail address, phone number or the beginning of their name.", read, (*connection).contactSearch).
		Sample(`{"name":"Jenny"}`),
	sdk.Op("company_upsert", "Finds the account with a name, or makes one.", harmless, (*connection).companyUpsert).
		Sample(`{"name":"Rosen Tea","website":"https://rosen.example"}`),
	// SOQL sees an opportunity as soon as it is there: nothing has to settle.
	sdk.LookupOp("deal_create", "Opens an opportunity.", 0, (*connection).dealCreate, (*connection).dealFind).
		Sample(`{"title":"Forty tins of tea","contact":"{{contact_upsert.id}}","amount":125000,"currency":"USD","stage":"Prospecting"}`),
	sdk.Op("deal_get", "Gets an opportunity.", read, (*connection).dealGet).
		Sample(`{"id":"{{deal_create.id}}"}`),
	sdk.Op("deal_update", "Changes an opportunity's stage, amount or owner.", harmless, (*connection).dealUpdate).
		Sample(`{"id":"{{deal_create.id}}","stage":"Closed Won","amount":150000}`),
	// The key stands at the end of the text, and the contact's tasks are read.
	sdk.LookupOp("note_create", "Adds a note to the history of a contact or a lead.", 0, (*connection).noteCreate, (*connection).noteFind).
		Sample(`{"contact":"{{contact_upsert.id}}","text":"Asked for green tea.","deal":"{{deal_create.id}}"}`),
	sdk.Op("owner_find", "Finds the user with an e-mail address, to give contacts, leads and deals to.", read, (*connection).ownerFind).
		Sample(`{"email":"olga@example.com"}`),
}

// connection is one Salesforce org as a workspace has configured it. It is immutable
// after open and safe for concurrent use.
type connection struct {
	Config
	base   string
	http   *http.Client
	tokens sdk.TokenSource
	now    func() time.Time
}

func open(raw json.RawMessage, host sdk.Host) (any, error) {
	var c Config
	if err := sdk.DecodeStrict(raw, &c); err != nil {
		return nil, err
	}
	if err := c.complete(); err != nil {
		return nil, err
	}
	client := host.HTTP
	if client == nil {
		u, _ := url.Parse(c.BaseURL) // complete has
		client = sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: u.Host})
	}
	return &connection{Config: c, base: strings.TrimRight(c.BaseURL, "/"), http: client, tokens: host.Tokens, now: time.Now}, nil
}

// quarter is how long to wait when an org has used up its requests, which count over
// the last 24 hours.
const quarter = 15 * time.Minute

// learn reads how many requests the org has left for the day, from
// "Sforce-Limit-Info: api-usage=18/5000" ("Limit Info Header").
func learn(_ int, h http.Header) sdk.Pace {
	for part := range strings.SplitSeq(h.Get("Sforce-Limit-Info"), ",") {
		usage, ok := strings.CutPrefix(strings.TrimSpace(part), "api-usage=")
		used, most, found := strings.Cut(usage, "/")
		if !ok || !found {
			continue
		}
		u, err := strconv.Atoi(used)
		m, err2 := strconv.Atoi(most)
		if err == nil && err2 == nil && u >= 0 && m > 0 {
			return sdk.Pace{Known: true, Remaining: max(m-u, 0), Reset: quarter}
		}
	}
	return sdk.Pace{}
}
