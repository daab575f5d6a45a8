package salesforcefake

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"parley/connectors/sdk/fake/dashboard"
)

// owner is the user whom the app runs as.
const owner = "005Dx0000000001AAA"

// users by their IDs.
var users = map[string]record{
	owner:                {"Id": owner, "Email": "integration@example.com", "IsActive": true, "CreatedDate": "2026-01-01T00:00:00.000+0000"},
	"005Dx0000000002AAA": {"Id": "005Dx0000000002AAA", "Email": "olga@example.com", "IsActive": true, "CreatedDate": "2026-01-02T00:00:00.000+0000"},
	"005Dx0000000003AAA": {"Id": "005Dx0000000003AAA", "Email": "gone@example.com", "IsActive": false, "CreatedDate": "2026-01-03T00:00:00.000+0000"},
}

// stages of opportunities, those that a new org has.
var stages = []string{"Prospecting", "Qualification", "Needs Analysis", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost"}

// rows are an object's records.
func (s *server) rows(object string, deleted bool) (list []record) {
	switch object {
	case "User":
		for _, u := range users {
			list = append(list, u)
		}
	case "OpportunityStage":
		for i, name := range stages {
			list = append(list, record{"ApiName": name, "MasterLabel": name, "IsActive": true, "SortOrder": string(rune('a' + i))})
		}
	default:
		s.all(object, func(r record) {
			if deleted || r["IsDeleted"] != true {
				list = append(list, r)
			}
		})
	}
	return list
}

// readable tells whether a query may name a field.
func readable(object, field string) bool {
	if k, ok := kinds[object]; ok {
		return k.has(field) || slices.Contains(strings.Fields(system+" "+computed[object]), field) || object == "Contact" && field == "Account.Name"
	}
	return object == "User" || object == "OpportunityStage"
}

// get reads a field of a record, or of the account that a contact belongs to.
func (s *server) get(r record) func(string) any {
	return func(field string) any {
		if field != "Account.Name" {
			return r[field]
		}
		if a, ok := s.load("Account", r.text("AccountId")); ok {
			return a["Name"]
		}
		return nil
	}
}

// pageSize is how many records stand in one part of an answer: the smallest that
// Salesforce has.
const pageSize = 200

// locator is where a query goes on. It keeps nothing at the server.
type locator struct {
	SOQL    string `json:"q"`
	Deleted bool   `json:"deleted"`
	From    int    `json:"from"`
}

func (s *server) query(deleted bool) endpoint {
	return func(c call) (int, any, *apiError) {
		return s.answer(locator{SOQL: c.r.URL.Query().Get("q"), Deleted: deleted})
	}
}

func (s *server) more(c call) (int, any, *apiError) {
	raw, err := base64.RawURLEncoding.DecodeString(c.r.PathValue("locator"))
	var at locator
	if err != nil || json.Unmarshal(raw, &at) != nil || at.From < 0 {
		return 0, nil, failure(http.StatusBadRequest, "INVALID_QUERY_LOCATOR", "invalid query locator")
	}
	return s.answer(at)
}

func (s *server) answer(at locator) (int, any, *apiError) {
	q, err := parse(at.SOQL)
	if err != nil {
		return 0, nil, failure(http.StatusBadRequest, "MALFORMED_QUERY", err.Error())
	}
	if kinds[q.object].prefix == "" && q.object != "User" && q.object != "OpportunityStage" {
		return 0, nil, failure(http.StatusBadRequest, "INVALID_TYPE", "sObject type '"+q.object+"' is not supported.")
	}
	for _, f := range q.fields {
		if !readable(q.object, f) {
			return 0, nil, failure(http.StatusBadRequest, "INVALID_FIELD", "No such column '"+f+"' on entity '"+q.object+"'.")
		}
	}
	found := s.rows(q.object, at.Deleted)
	if q.where != nil {
		found = slices.DeleteFunc(found, func(r record) bool { return !q.where(s.get(r)) })
	}
	slices.SortStableFunc(found, q.compare)
	if q.limit > 0 {
		found = found[:min(len(found), q.limit)]
	}
	part := found[min(at.From, len(found)):]
	body := map[string]any{"totalSize": len(found), "done": len(part) <= pageSize}
	if len(part) > pageSize {
		part = part[:pageSize]
		next := locator{at.SOQL, at.Deleted, at.From + pageSize}
		body["nextRecordsUrl"] = data + "/query/" + base64.RawURLEncoding.EncodeToString(encode(next))
	}
	records := []any{}
	for _, r := range part {
		records = append(records, s.shown(q, r))
	}
	body["records"] = records
	return http.StatusOK, body, nil
}

func (q selection) compare(a, b record) int {
	for _, o := range q.order {
		n := strings.Compare(a.text(o.field), b.text(o.field))
		if o.down {
			n = -n
		}
		if n != 0 {
			return n
		}
	}
	return 0
}

// shown is a record with the fields that were asked for; what is not set is null.
func (s *server) shown(q selection, r record) map[string]any {
	out := map[string]any{"attributes": map[string]string{"type": q.object, "url": data + "/sobjects/" + q.object + "/" + r.text("Id")}}
	for _, f := range q.fields {
		if f != "Account.Name" {
			out[f] = r[f]
			continue
		}
		out["Account"] = nil
		if name := s.get(r)(f); name != nil {
			out["Account"] = map[string]any{"Name": name}
		}
	}
	return out
}

// actions are what people do to records on the dashboard.
var actions = map[string][]string{"Contact": {"rename", "delete"}, "Lead": {"work", "convert", "delete"}, "Opportunity": {"win", "lose", "delete"}}

func (s *server) dashboard(w http.ResponseWriter, _ *http.Request) {
	var rows []dashboard.Row
	for _, object := range []string{"Opportunity", "Lead", "Contact"} {
		s.all(object, func(r record) {
			if r["IsDeleted"] != true {
				rows = append(rows, dashboard.Row{ID: r.text("Id"), Status: strings.TrimSpace(object + " " + r.text("StageName") + r.text("Status")), Events: actions[object]})
			}
		})
	}
	dashboard.Render(w, "Salesforce", s.env.BaseURL(), rows)
}

// act does what a button of the dashboard says: a form post with action=NAME.
func (s *server) act(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, action := r.PathValue("id"), r.PostFormValue("action")
	for object, can := range actions {
		o, ok := s.load(object, id)
		if !ok || !slices.Contains(can, action) {
			continue
		}
		s.change(object, o, action)
		http.Redirect(w, r, s.env.BaseURL()+"/dashboard", http.StatusSeeOther)
		return
	}
	http.NotFound(w, r)
}

func (s *server) change(object string, r record, action string) {
	switch action {
	case "delete":
		r["IsDeleted"], r["SystemModstamp"] = true, written(s.env.Now())
		s.env.State().Put(object, r.text("Id"), r)
		return
	case "rename":
		r["LastName"] = "Renamed"
	case "work":
		r["Status"] = "Working - Contacted"
	case "win":
		r["StageName"] = "Closed Won"
	case "lose":
		r["StageName"] = "Closed Lost"
	case "convert":
		made, err := s.save("Contact", nil, record{"LastName": r.text("LastName"), "Email": r.text("Email")})
		if err != nil {
			return
		}
		r["IsConverted"], r["ConvertedContactId"], r["Status"] = true, made.text("Id"), "Closed - Converted"
	}
	r["SystemModstamp"] = written(s.env.Now())
	s.env.State().Put(object, r.text("Id"), r)
	if object != "Lead" {
		_, _ = s.save(object, r, record{}) // what is computed is computed again
	}
}
