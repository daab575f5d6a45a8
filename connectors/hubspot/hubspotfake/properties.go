package hubspotfake

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// definition is a property as HubSpot writes it.
type definition struct {
	Name    string   `json:"name"`
	Label   string   `json:"label"`
	Group   string   `json:"groupName"`
	Type    string   `json:"type"`
	Field   string   `json:"fieldType"`
	Unique  bool     `json:"hasUniqueValue"`
	Note    string   `json:"description"`
	Options []string `json:"-"`
}

// standard are the properties that every account has, as far as they are used here,
// by object type.
var standard = map[string]string{
	"contacts":  "email firstname lastname phone mobilephone company hs_language lifecyclestage hs_lead_status hubspot_owner_id jobtitle city country createdate",
	"companies": "name domain phone city country industry hubspot_owner_id lifecyclestage createdate",
	"0-3":       "dealname dealstage pipeline amount deal_currency_code hubspot_owner_id closedate dealtype description createdate",
	"notes":     "hs_timestamp hs_note_body hubspot_owner_id hs_attachment_ids hs_createdate",
}

// seeded are Parley's own properties, which the account has from the start, so that
// everything can be tried at once.
var seeded = map[string][]definition{
	"contacts":  {{Name: "parley_id", Type: "string", Unique: true}, {Name: "parley_source", Type: "string"}, {Name: "parley_score", Type: "number"}},
	"companies": {{Name: "parley_key", Type: "string", Unique: true}},
	"0-3":       {{Name: "parley_key", Type: "string", Unique: true}},
}

// options of the properties that have them.
var options = map[string][]string{
	"lifecyclestage": {"subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist", "other"},
	"hs_lead_status": {"NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED", "BAD_TIMING"},
}

// typeOf gives the name under which an object type is kept: that in addresses of
// objects, "" if it is unknown.
func typeOf(name string) string {
	if name == "deals" {
		name = "0-3"
	}
	if standard[name] == "" {
		return ""
	}
	return name
}

// define finds a property of an object type.
func (s *server) define(kind, name string) (definition, bool) {
	var d definition
	if s.env.State().Get("properties/"+kind, name, &d) {
		return d, d.Name != "" // one without a name was deleted
	}
	for _, d := range seeded[kind] {
		if d.Name == name {
			return d, true
		}
	}
	if slices.Contains(strings.Fields(standard[kind]), name) {
		return definition{Name: name, Type: "string", Unique: kind == "contacts" && name == "email", Options: options[name]}, true
	}
	return definition{}, false
}

func (s *server) property(c call) (any, *apiError) {
	d, ok := s.define(typeOf(c.r.PathValue("type")), c.r.PathValue("name"))
	if !ok {
		return nil, missing()
	}
	return d, nil
}

var propertyName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,99}$`)

func (s *server) makeProperty(c call) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := typeOf(c.r.PathValue("type"))
	var d definition
	if kind == "" {
		return nil, missing()
	}
	if err := c.decode(&d); err != nil {
		return nil, err
	}
	switch {
	case !propertyName.MatchString(d.Name), d.Label == "", d.Group == "", d.Type == "", d.Field == "":
		return nil, invalid("Property needs a name, label, groupName, type and fieldType", "", "")
	case d.Unique && d.Type != "string" && d.Type != "number":
		return nil, invalid("Only text and number properties can have unique values", "", "")
	}
	if _, taken := s.define(kind, d.Name); taken {
		return nil, failure(http.StatusConflict, "OBJECT_ALREADY_EXISTS", "A property named '"+d.Name+"' already exists.")
	}
	s.env.State().Put("properties/"+kind, d.Name, d)
	return status{http.StatusCreated, d}, nil
}

func (s *server) dropProperty(c call) (any, *apiError) {
	kind, name := typeOf(c.r.PathValue("type")), c.r.PathValue("name")
	if _, ok := s.define(kind, name); !ok {
		return nil, missing()
	}
	s.env.State().Put("properties/"+kind, name, definition{})
	return status{http.StatusNoContent, nil}, nil
}

var email = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)

// check holds properties to their definitions, as far as HubSpot does.
func (s *server) check(kind string, properties map[string]string) *apiError {
	for name, value := range properties {
		d, ok := s.define(kind, name)
		switch {
		case !ok:
			return invalid(`Property "`+name+`" does not exist`, "PROPERTY_DOESNT_EXIST", name)
		case value == "":
		case name == "email" && !email.MatchString(value):
			return invalid("Email address "+value+" is invalid", "INVALID_EMAIL", name)
		case d.Options != nil && !slices.Contains(d.Options, value):
			return invalid(value+" was not one of the allowed options", "INVALID_OPTION", name)
		case name == "hubspot_owner_id" && !isOwner(value):
			return invalid("Owner does not exist", "INVALID_OWNER_ID", name)
		case name == "dealstage" && !strings.Contains(string(encode(first(pipelines(call{})))), `"id":"`+value+`"`):
			return invalid("Stage is not in the pipeline", "INVALID_OPTION", name)
		case (name == "amount" || d.Type == "number") && json.Unmarshal([]byte(value), new(json.Number)) != nil:
			return invalid("Value was not a number", "INVALID_DOUBLE", name)
		}
	}
	return nil
}

func first(answer any, _ *apiError) any { return answer }
