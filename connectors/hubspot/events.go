package hubspot

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// Change is what a webhook tells of a record. It carries no personal data: what a
// property of a contact now holds is asked for by contact_get.
type Change struct {
	ID       string `json:"id" doc:"HubSpot's ID of the record."`
	Property string `json:"property,omitempty" doc:"The property that changed."`
	Value    string `json:"value,omitempty" doc:"What it now is, for stages, statuses, amounts, dates of closing, owners and lifecycle stages only."`
	Source   string `json:"source,omitempty" doc:"What changed it, as HubSpot calls it: INTEGRATION or API for programs such as this, CRM_UI for people."`
	Into     string `json:"into,omitempty" doc:"HubSpot's ID of the record that lives on, of records that were merged."`
}

var triggers = []sdk.Trigger{
	{Name: "contact.created", Payload: Change{}, Source: []string{"contact.creation"}, Summary: "A contact was made."},
	{Name: "contact.changed", Payload: Change{}, Source: []string{"contact.propertyChange"}, Summary: "A property of a contact changed."},
	{Name: "contact.deleted", Payload: Change{}, Source: []string{"contact.deletion", "contact.privacyDeletion"}, Summary: "A contact was deleted."},
	{Name: "contact.merged", Payload: Change{}, Source: []string{"contact.merge"}, Summary: "A contact was merged into another. There is one of these for each that is gone."},
	{Name: "company.created", Payload: Change{}, Source: []string{"company.creation"}, Summary: "A company was made."},
	{Name: "company.changed", Payload: Change{}, Source: []string{"company.propertyChange"}, Summary: "A property of a company changed."},
	{Name: "company.deleted", Payload: Change{}, Source: []string{"company.deletion"}, Summary: "A company was deleted."},
	{Name: "deal.created", Payload: Change{}, Source: []string{"deal.creation"}, Summary: "A deal was opened."},
	{Name: "deal.changed", Payload: Change{}, Source: []string{"deal.propertyChange"}, Summary: "A property of a deal changed, such as its stage."},
	{Name: "deal.deleted", Payload: Change{}, Source: []string{"deal.deletion"}, Summary: "A deal was deleted."},
}

// names gives a trigger's name by HubSpot's.
var names = func() map[string]string {
	out := map[string]string{}
	for _, t := range triggers {
		for _, s := range t.Source {
			out[s] = t.Name
		}
	}
	return out
}()

// types are the object types of the newer subscriptions, which are called
// object.creation and so on.
var types = map[string]string{"0-1": "contact", "0-2": "company", "0-3": "deal"}

// told are the properties whose values are told: none of them is personal.
var told = []string{"lifecyclestage", "hs_lead_status", "hubspot_owner_id", "dealstage", "pipeline", "amount", "deal_currency_code", "closedate"}

// event is one element of a webhook's list ("Webhooks", payload).
type event struct {
	ID           int64           `json:"eventId"`
	Subscription int64           `json:"subscriptionId"`
	At           int64           `json:"occurredAt"`
	Type         string          `json:"subscriptionType"`
	ObjectType   string          `json:"objectTypeId"`
	Object       int64           `json:"objectId"`
	Property     string          `json:"propertyName"`
	Value        json.RawMessage `json:"propertyValue"`
	Source       string          `json:"changeSource"`
	Primary      int64           `json:"primaryObjectId"`
	Merged       []int64         `json:"mergedObjectIds"`
	New          int64           `json:"newObjectId"`
}

// maxEvents is the largest list that is read; HubSpot sends 100 at most.
const maxEvents = 1000

// Parse gives the events of a webhook, a list. HubSpot does not promise that eventId
// is unique, so an event is known by it together with its subscription, its time and
// its object, which every attempt repeats; attemptNumber changes.
func (c *connection) Parse(req sdk.WebhookRequest) ([]sdk.Event, error) {
	var list []event
	if json.Unmarshal(req.Body, &list) != nil || list == nil {
		return nil, sdk.Invalidf("the webhook's body is not HubSpot's list of events")
	}
	if len(list) > maxEvents {
		return nil, sdk.Invalidf("the webhook has more than %d events", maxEvents)
	}
	out := []sdk.Event{}
	for _, e := range list {
		if e.Type == "" {
			return nil, sdk.Invalidf("an event without a subscriptionType")
		}
		out = append(out, c.events(e)...)
	}
	return out, nil
}

func (c *connection) events(e event) []sdk.Event {
	kind, what, _ := strings.Cut(e.Type, ".")
	if known := types[e.ObjectType]; kind == "object" && known != "" {
		kind = known
	}
	out := sdk.Event{ID: join(e.ID, e.Subscription, e.At, e.Object), Kind: sdk.EventIgnored, Type: e.Type}
	if e.At > 0 {
		out.At = time.UnixMilli(e.At).UTC()
	}
	trigger := names[kind+"."+what]
	switch {
	case trigger == "":
		return []sdk.Event{out}
	case what == "merge":
		return merged(out, e)
	case e.Object <= 0:
		return []sdk.Event{out}
	}
	n := sdk.ProviderEvent{Name: trigger, Refs: []string{strconv.FormatInt(e.Object, 10)}}
	change := Change{ID: n.Refs[0], Property: e.Property, Source: e.Source}
	var value string
	if json.Unmarshal(e.Value, &value) == nil {
		if slices.Contains(told, e.Property) {
			change.Value = value
		}
		if e.Property == c.Key && kind == "deal" && len(value) <= 64 {
			n.EffectKey = value // a deal of ours has come into being
		}
	}
	n.Data = sdk.JSONBody(change)
	out.Kind, out.Provider = sdk.EventProvider, &n
	return []sdk.Event{out}
}

// merged makes an event for each record that is gone.
func merged(base sdk.Event, e event) (out []sdk.Event) {
	into := e.New
	if into == 0 {
		into = e.Primary
	}
	for _, id := range e.Merged {
		if id <= 0 || id == into || into <= 0 {
			continue
		}
		gone, lives := strconv.FormatInt(id, 10), strconv.FormatInt(into, 10)
		one := base
		one.ID += "/" + gone
		one.Kind = sdk.EventProvider
		one.Provider = &sdk.ProviderEvent{Name: names["contact.merge"], Refs: []string{gone, lives},
			Data: sdk.JSONBody(Change{ID: gone, Into: lives, Source: e.Source})}
		out = append(out, one)
	}
	if len(out) == 0 {
		return []sdk.Event{base}
	}
	return out
}

func join(parts ...int64) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = strconv.FormatInt(p, 10)
	}
	return strings.Join(texts, "-")
}
