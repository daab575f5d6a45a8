package salesforcefake

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// kind is what the fake knows of an object: the beginning of its IDs, its fields, and
// those that a record cannot be without.
type kind struct {
	prefix   string
	fields   string
	required []string
	keys     []string
}

var kinds = map[string]kind{
	"Contact": {"003", "FirstName LastName Email Phone MobilePhone AccountId Title Description Parley_Language__c", []string{"LastName"}, []string{"Parley_Id__c"}},
	"Lead": {"00Q", "FirstName LastName Email Phone MobilePhone Company Status LeadSource Description Parley_Score__c Parley_Language__c",
		[]string{"LastName", "Company"}, []string{"Parley_Id__c"}},
	"Account":     {"001", "Name Website Industry Phone Description", []string{"Name"}, []string{"Parley_Key__c"}},
	"Opportunity": {"006", "Name StageName CloseDate Amount AccountId ContactId Description Type", []string{"Name", "StageName", "CloseDate"}, []string{"Parley_Key__c"}},
	"Task":        {"00T", "Subject Description WhoId WhatId Status ActivityDate Priority", nil, nil},
}

// system are the fields that Salesforce fills.
const system = "Id CreatedDate SystemModstamp IsDeleted"

// computed are further fields that can be read and not set.
var computed = map[string]string{"Contact": "Name", "Lead": "Name IsConverted ConvertedContactId", "Opportunity": "IsClosed IsWon"}

func (k kind) has(field string) bool {
	return field == "OwnerId" || slices.Contains(k.keys, field) || slices.Contains(strings.Fields(k.fields), field)
}

// record is an object's fields as they are kept.
type record map[string]any

func (r record) text(field string) string {
	text, _ := r[field].(string)
	return text
}

func (s *server) load(object, id string) (record, bool) {
	var r record
	if len(id) < 15 || kinds[object].prefix == "" || !strings.HasPrefix(id, kinds[object].prefix) {
		return nil, false
	}
	ok := s.env.State().Get(object, id, &r) && r["IsDeleted"] != true
	return r, ok
}

// all visits an object's records in the order of their IDs.
func (s *server) all(object string, visit func(record)) {
	s.env.State().Each(object, func(_ string, raw json.RawMessage) bool {
		var r record
		if json.Unmarshal(raw, &r) == nil {
			visit(r)
		}
		return true
	})
}

// holders are the records that have a value in a field, which compares as Salesforce's
// fields do: without regard to case.
func (s *server) holders(object, field, value string) (found []record) {
	s.all(object, func(r record) {
		if value != "" && r["IsDeleted"] != true && strings.EqualFold(r.text(field), value) {
			found = append(found, r)
		}
	})
	return found
}

var email = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)

// references are the fields that name other records.
var references = map[string][]string{"AccountId": {"Account"}, "ContactId": {"Contact"}, "WhoId": {"Contact", "Lead"}, "WhatId": {"Opportunity", "Account"}}

// check holds fields to what Salesforce holds them to, as far as it matters here.
func (s *server) check(object string, old, fields record) *apiError {
	k := kinds[object]
	for field, value := range fields {
		text, isText := value.(string)
		switch {
		case !k.has(field):
			return failure(http.StatusBadRequest, "INVALID_FIELD", "No such column '"+field+"' on sobject of type "+object, field)
		case field == "ContactId" && old != nil:
			return failure(http.StatusBadRequest, "INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: ContactId", field)
		case (field == "Amount" || field == "Parley_Score__c") && isText:
			return failure(http.StatusBadRequest, "JSON_PARSER_ERROR", "Cannot deserialize instance of double from VALUE_STRING")
		case field == "Email" && text != "" && !email.MatchString(text):
			return failure(http.StatusBadRequest, "INVALID_EMAIL_ADDRESS", "Email: invalid email address: "+text, field)
		case field == "OwnerId" && users[text].text("Id") == "":
			return failure(http.StatusBadRequest, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", field)
		case references[field] != nil && text != "" && !slices.ContainsFunc(references[field], func(to string) bool { _, ok := s.load(to, text); return ok }):
			return failure(http.StatusBadRequest, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", field)
		case slices.Contains(k.keys, field):
			for _, other := range s.holders(object, field, text) {
				if other.text("Id") != old.text("Id") {
					return failure(http.StatusBadRequest, "DUPLICATE_VALUE", "duplicate value found: "+field+" duplicates value on record with id: "+other.text("Id"))
				}
			}
		}
	}
	for _, field := range k.required {
		if old == nil && fields.text(field) == "" || old != nil && fields[field] != nil && fields.text(field) == "" {
			return failure(http.StatusBadRequest, "REQUIRED_FIELD_MISSING", "Required fields are missing: ["+field+"]", field)
		}
	}
	return nil
}

// save sets fields of a record, new or not.
func (s *server) save(object string, old, fields record) (record, *apiError) {
	if err := s.check(object, old, fields); err != nil {
		return nil, err
	}
	now := written(s.env.Now())
	r := record{"OwnerId": owner}
	if old == nil {
		digits := s.env.NextID("")
		id := kinds[object].prefix + "Dx00000" + strings.Repeat("0", 10)
		id = id[:15-len(digits)] + digits + "AAA"
		r["Id"], r["CreatedDate"], r["IsDeleted"] = id, now, false
		if object == "Lead" {
			r["Status"], r["IsConverted"] = "Open - Not Contacted", false
		}
	}
	for _, from := range []record{old, fields} {
		for field, value := range from {
			r[field] = value
		}
	}
	r["SystemModstamp"] = now
	if object == "Contact" || object == "Lead" {
		r["Name"] = strings.TrimSpace(r.text("FirstName") + " " + r.text("LastName"))
	}
	if object == "Opportunity" {
		r["IsClosed"], r["IsWon"] = strings.HasPrefix(r.text("StageName"), "Closed"), r.text("StageName") == "Closed Won"
	}
	s.env.State().Put(object, r.text("Id"), r)
	return r, nil
}

// asked reads what a request wants to write.
func asked(c call) (object string, fields record, err *apiError) {
	object = c.r.PathValue("type")
	if kinds[object].prefix == "" {
		return "", nil, missing()
	}
	if json.Unmarshal(c.body, &fields) != nil || fields == nil {
		return "", nil, failure(http.StatusBadRequest, "JSON_PARSER_ERROR", "Unexpected JSON")
	}
	return object, fields, nil
}

func (s *server) create(c call) (int, any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	object, fields, err := asked(c)
	if err != nil {
		return 0, nil, err
	}
	r, err := s.save(object, nil, fields)
	return http.StatusCreated, saved(r, true), err
}

func saved(r record, created bool) any {
	return map[string]any{"id": r.text("Id"), "success": true, "errors": []any{}, "created": created}
}

func (s *server) patch(c call) (int, any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	object, fields, err := asked(c)
	if err != nil {
		return 0, nil, err
	}
	old, ok := s.load(object, c.r.PathValue("id"))
	if !ok {
		return 0, nil, missing()
	}
	_, err = s.save(object, old, fields)
	return http.StatusNoContent, nil, err
}

func (s *server) upsert(c call) (int, any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	object, fields, err := asked(c)
	if err != nil {
		return 0, nil, err
	}
	field, value := c.r.PathValue("field"), c.r.PathValue("value")
	if !slices.Contains(kinds[object].keys, field) {
		return 0, nil, failure(http.StatusNotFound, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: "+field)
	}
	fields[field] = value
	found := s.holders(object, field, value)
	if len(found) == 0 {
		r, err := s.save(object, nil, fields)
		return http.StatusCreated, saved(r, true), err
	}
	r, err := s.save(object, found[0], fields)
	return http.StatusOK, saved(r, false), err
}

// describe tells of an object as a user with all permissions sees it. What stands in
// the state under "described" is taken from it.
func (s *server) describe(c call) (int, any, *apiError) {
	object := c.r.PathValue("type")
	k := kinds[object]
	if k.prefix == "" {
		return 0, nil, missing()
	}
	type field struct {
		Name       string `json:"name"`
		ExternalID bool   `json:"externalId"`
		Unique     bool   `json:"unique"`
		Createable bool   `json:"createable"`
		Updateable bool   `json:"updateable"`
	}
	var change map[string]string
	s.env.State().Get("described", object, &change)
	fields := []field{{Name: "Id"}}
	for _, name := range append(strings.Fields(k.fields), k.keys...) {
		key := slices.Contains(k.keys, name)
		f := field{name, key, key, true, true}
		switch change[name] {
		case "hidden":
			continue
		case "read-only":
			f.Createable, f.Updateable = false, false
		case "plain":
			f.ExternalID, f.Unique = false, false
		}
		fields = append(fields, f)
	}
	may := change["*"] != "read-only"
	return http.StatusOK, map[string]any{"name": object, "createable": may, "updateable": may, "queryable": true, "fields": fields}, nil
}
