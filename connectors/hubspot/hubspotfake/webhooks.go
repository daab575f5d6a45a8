package hubspotfake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/connectors/sdk/fake"
	"parley/connectors/sdk/fake/dashboard"
)

// subscribed are the properties whose changes the app has subscribed to.
var subscribed = []string{"lifecyclestage", "hs_lead_status", "hubspot_owner_id", "email", "phone", "name", "domain", "dealstage", "amount", "parley_key"}

// singular gives an object type as subscriptions name it.
var singular = map[string]string{"contacts": "contact", "companies": "company", "0-3": "deal"}

// announce tells of a change: a list of events, one for each thing that happened.
func (s *server) announce(kind string, r record, fresh bool, changed []string) {
	of := singular[kind]
	if of == "" {
		return // notes have no subscriptions
	}
	var events []map[string]any
	if fresh {
		events = append(events, s.event(of+".creation", r, "INTEGRATION"))
	}
	for _, property := range changed {
		if slices.Contains(subscribed, property) {
			e := s.event(of+".propertyChange", r, "INTEGRATION")
			e["propertyName"], e["propertyValue"] = property, r.Properties[property]
			events = append(events, e)
		}
	}
	s.push(events...)
}

func (s *server) event(kind string, r record, source string) map[string]any {
	id, _ := strconv.ParseInt(r.ID, 10, 64)
	number, _ := strconv.ParseInt(s.env.NextID(""), 10, 64)
	return map[string]any{"eventId": number, "subscriptionId": 100 + len(kind), "portalId": 62515, "appId": 54321, "occurredAt": s.env.Now().UnixMilli(),
		"subscriptionType": kind, "attemptNumber": 0, "objectId": id, "changeSource": source, "changeFlag": "UPDATED"}
}

// push sends a list of events to every connection.
func (s *server) push(events ...map[string]any) {
	if _, quiet := s.env.Fault(fake.FaultStopPushing, ""); quiet || len(events) == 0 {
		return
	}
	body := encode(events)
	for _, a := range s.env.Accounts() {
		s.env.Deliver(s.Sign(fake.Delivery{URL: a.Hook, Body: body, Header: http.Header{"Content-Type": {"application/json"}}}, s.env.Now()))
	}
}

// Sign implements [fake.Signer]: HubSpot signs the time of every attempt.
func (s *server) Sign(d fake.Delivery, now time.Time) fake.Delivery {
	for _, a := range s.env.Accounts() {
		var c account
		if a.Hook != d.URL || json.Unmarshal(a.Config, &c) != nil {
			continue
		}
		secret, _, _ := strings.Cut(c.WebhookSecret, ",")
		stamp := strconv.FormatInt(now.UnixMilli(), 10)
		mac := hmac.New(sha256.New, []byte(strings.TrimSpace(secret)))
		mac.Write([]byte("POST" + d.URL + string(d.Body) + stamp))
		d.Header = d.Header.Clone()
		d.Header.Set("X-HubSpot-Request-Timestamp", stamp)
		d.Header.Set("X-HubSpot-Signature-v3", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		return d
	}
	return d
}

// actions are what people do to records on the dashboard.
var actions = map[string][]string{"contacts": {"become customer", "delete", "merge"}, "companies": {"rename", "delete"}, "0-3": {"win", "lose", "delete"}}

func (s *server) dashboard(w http.ResponseWriter, _ *http.Request) {
	var rows []dashboard.Row
	for _, kind := range []string{"0-3", "contacts", "companies"} {
		s.env.State().Each(kind, func(id string, raw json.RawMessage) bool {
			if r, ok := s.load(kind, id); ok {
				state := r.Properties["dealstage"] + r.Properties["lifecyclestage"]
				rows = append(rows, dashboard.Row{ID: id, Status: strings.TrimSpace(singular[kind] + " " + state), Events: actions[kind]})
			}
			return true
		})
	}
	dashboard.Render(w, "HubSpot", s.env.BaseURL(), rows)
}

// act does what a button of the dashboard says: a form post with action=NAME.
func (s *server) act(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, action := r.PathValue("id"), r.PostFormValue("action")
	for kind, can := range actions {
		if o, ok := s.load(kind, id); ok && slices.Contains(can, action) {
			s.change(kind, o, action)
			http.Redirect(w, r, s.env.BaseURL()+"/dashboard", http.StatusSeeOther)
			return
		}
	}
	http.NotFound(w, r)
}

func (s *server) change(kind string, r record, action string) {
	of := singular[kind]
	set := map[string][2]string{"become customer": {"lifecyclestage", "customer"}, "win": {"dealstage", "closedwon"},
		"lose": {"dealstage", "closedlost"}, "rename": {"name", "Renamed " + r.ID}}
	if p, ok := set[action]; ok {
		r.Properties[p[0]] = p[1]
		s.env.State().Put(kind, r.ID, r)
		e := s.event(of+".propertyChange", r, "CRM_UI")
		e["propertyName"], e["propertyValue"] = p[0], p[1]
		s.push(e)
		return
	}
	r.Archived = true
	s.env.State().Put(kind, r.ID, r)
	for name, value := range r.Properties {
		if d, _ := s.define(kind, name); d.Unique {
			s.env.State().Delete("unique/"+kind, name+"\n"+strings.ToLower(value))
		}
	}
	if action != "merge" {
		s.push(s.event(of+".deletion", r, "CRM_UI"))
		return
	}
	e := s.event(of+".merge", r, "CRM_UI")
	gone := e["objectId"].(int64)
	e["primaryObjectId"], e["mergedObjectIds"], e["newObjectId"] = gone+1, []int64{gone}, gone+1
	s.push(e)
}
