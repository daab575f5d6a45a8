package hubspotfake

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// record is an object as it is kept.
type record struct {
	ID         string            `json:"id"`
	Properties map[string]string `json:"properties"`
	Created    time.Time         `json:"createdAt"`
	Updated    time.Time         `json:"updatedAt"`
	Archived   bool              `json:"archived"`
	// To are the associations, as type/ID.
	To []string `json:"to"`
}

// written is a record as HubSpot gives it back, with the properties that were asked for.
func (r record) written(want []string, made bool) map[string]any {
	p := map[string]any{"hs_object_id": r.ID}
	for _, name := range want {
		p[name] = nil
	}
	for name, value := range r.Properties {
		if want == nil || slices.Contains(want, name) {
			p[name] = value
		}
	}
	out := map[string]any{"id": r.ID, "properties": p, "createdAt": r.Created, "updatedAt": r.Updated, "archived": r.Archived}
	if made {
		out["new"] = true
	}
	return out
}

func (s *server) load(kind, id string) (record, bool) {
	var r record
	ok := kind != "" && s.env.State().Get(kind, id, &r) && !r.Archived
	return r, ok
}

// holder finds the object whose unique property has a value.
func (s *server) holder(kind, property, value string) (record, bool) {
	var id string
	if !s.env.State().Get("unique/"+kind, property+"\n"+strings.ToLower(value), &id) {
		return record{}, false
	}
	return s.load(kind, id)
}

// save sets properties of an object, new or not, in one step, and tells of it.
func (s *server) save(kind string, r record, properties map[string]string) (record, *apiError) {
	if err := s.check(kind, properties); err != nil {
		return r, err
	}
	for name, value := range properties {
		d, _ := s.define(kind, name)
		if other, taken := s.holder(kind, name, value); d.Unique && value != "" && taken && other.ID != r.ID {
			if name == "email" {
				return r, failure(http.StatusConflict, "CONFLICT", "Contact already exists. Existing ID: "+other.ID)
			}
			return r, invalid("Property values were not valid: "+name+" is taken", "CONFLICTING_UNIQUE_VALUE", name)
		}
	}
	now := s.env.Now().UTC().Truncate(time.Millisecond)
	fresh := r.ID == ""
	if fresh {
		r = record{ID: "5" + s.env.NextID(""), Created: now, Properties: map[string]string{}, To: r.To}
	}
	changed := []string{}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		value := properties[name]
		if old, has := r.Properties[name]; has && old == value {
			continue
		}
		if d, _ := s.define(kind, name); d.Unique {
			s.env.State().Delete("unique/"+kind, name+"\n"+strings.ToLower(r.Properties[name]))
			s.env.State().Put("unique/"+kind, name+"\n"+strings.ToLower(value), r.ID)
		}
		r.Properties[name] = value
		changed = append(changed, name)
	}
	if len(changed) > 0 || fresh {
		r.Updated = now
		s.env.State().Put(kind, r.ID, r)
		s.announce(kind, r, fresh, changed)
	}
	return r, nil
}

func (s *server) create(c call) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in struct {
		Properties   map[string]string `json:"properties"`
		Associations []struct {
			To    struct{ ID string } `json:"to"`
			Types []struct {
				Category string `json:"associationCategory"`
				ID       int    `json:"associationTypeId"`
			} `json:"types"`
		} `json:"associations"`
	}
	kind := typeOf(c.r.PathValue("type"))
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if kind == "" {
		return nil, missing()
	}
	if kind == "0-3" && (in.Properties["dealname"] == "" || in.Properties["dealstage"] == "") {
		return nil, invalid("dealname and dealstage are required", "REQUIRED_PROPERTY_MISSING", "dealstage")
	}
	if kind == "notes" && in.Properties["hs_timestamp"] == "" {
		return nil, invalid("hs_timestamp is required", "REQUIRED_PROPERTY_MISSING", "hs_timestamp")
	}
	var r record
	for _, a := range in.Associations {
		if len(a.Types) != 1 || a.Types[0].Category != "HUBSPOT_DEFINED" {
			return nil, invalid("association types are required", "", "")
		}
		// Which types lead where: "Associations v4", association type ID values.
		to := map[string]string{"0-3/3": "contacts", "0-3/341": "companies", "notes/202": "contacts", "notes/214": "0-3"}[kind+"/"+strconv.Itoa(a.Types[0].ID)]
		if _, ok := s.load(to, a.To.ID); !ok {
			return nil, invalid("The object to associate with does not exist", "INVALID_ASSOCIATION", "")
		}
		r.To = append(r.To, to+"/"+a.To.ID)
	}
	made, err := s.save(kind, r, in.Properties)
	if err != nil {
		return nil, err
	}
	return status{http.StatusCreated, made.written(nil, false)}, nil
}

// find reads the object that an address names, by its ID or another unique property.
func (s *server) find(c call) (record, *apiError) {
	kind, id := typeOf(c.r.PathValue("type")), c.r.PathValue("id")
	r, ok := s.load(kind, id)
	if by := c.r.URL.Query().Get("idProperty"); by != "" {
		r, ok = s.holder(kind, by, id)
	}
	if !ok {
		return r, missing()
	}
	return r, nil
}

func (s *server) get(c call) (any, *apiError) {
	r, err := s.find(c)
	if err != nil {
		return nil, err
	}
	return r.written(strings.Split(c.r.URL.Query().Get("properties"), ","), false), nil
}

func (s *server) patch(c call) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in struct {
		Properties map[string]string `json:"properties"`
	}
	r, err := s.find(c)
	if err == nil {
		err = c.decode(&in)
	}
	if err == nil {
		r, err = s.save(typeOf(c.r.PathValue("type")), r, in.Properties)
	}
	if err != nil {
		return nil, err
	}
	return r.written(nil, false), nil
}

// batchBody is what requests for several objects have.
type batchBody struct {
	Property   string   `json:"idProperty"`
	Properties []string `json:"properties"`
	Inputs     []struct {
		ID         string            `json:"id"`
		Property   string            `json:"idProperty"`
		Properties map[string]string `json:"properties"`
	} `json:"inputs"`
}

// batchAnswer is 200 if all went well, and 207 with what did not.
func (s *server) batchAnswer(results []any, errors []*apiError) any {
	now := s.env.Now().UTC()
	body := map[string]any{"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
	if len(errors) == 0 {
		return body
	}
	body["errors"], body["numErrors"] = errors, len(errors)
	return status{http.StatusMultiStatus, body}
}

func (s *server) upsert(c call) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := typeOf(c.r.PathValue("type"))
	var in batchBody
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	results, errors := []any{}, []*apiError(nil)
	for _, item := range in.Inputs {
		if d, ok := s.define(kind, item.Property); !ok || !d.Unique {
			return nil, invalid("idProperty "+item.Property+" is not a unique property", "PROPERTY_DOESNT_EXIST", item.Property)
		}
		r, known := s.holder(kind, item.Property, item.ID)
		properties := map[string]string{item.Property: item.ID}
		maps.Copy(properties, item.Properties)
		r, err := s.save(kind, r, properties)
		if err != nil {
			errors = append(errors, err)
			continue
		}
		results = append(results, r.written(nil, !known))
	}
	return s.batchAnswer(results, errors), nil
}

func (s *server) read(c call) (any, *apiError) {
	kind := typeOf(c.r.PathValue("type"))
	var in batchBody
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if d, ok := s.define(kind, in.Property); in.Property != "" && (!ok || !d.Unique) {
		return nil, invalid("idProperty "+in.Property+" is not a unique property", "PROPERTY_DOESNT_EXIST", in.Property)
	}
	results, errors := []any{}, []*apiError(nil)
	for _, item := range in.Inputs {
		r, ok := s.load(kind, item.ID)
		if in.Property != "" {
			r, ok = s.holder(kind, in.Property, item.ID)
		}
		if !ok {
			e := failure(http.StatusNotFound, "OBJECT_NOT_FOUND", "Could not get some objects, they may be deleted or not exist.")
			e.Context = map[string][]string{"ids": {item.ID}}
			errors = append(errors, e)
			continue
		}
		results = append(results, r.written(in.Properties, false))
	}
	return s.batchAnswer(results, errors), nil
}

func (s *server) associate(c call) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind, other := typeOf(c.r.PathValue("type")), typeOf(c.r.PathValue("other"))
	r, ok := s.load(kind, c.r.PathValue("id"))
	if _, there := s.load(other, c.r.PathValue("to")); !ok || !there {
		return nil, missing()
	}
	if to := other + "/" + c.r.PathValue("to"); !slices.Contains(r.To, to) {
		r.To = append(r.To, to)
		s.env.State().Put(kind, r.ID, r)
	}
	return s.batchAnswer([]any{}, nil), nil
}

// filter is a condition of a search.
type filter struct {
	Property string `json:"propertyName"`
	Operator string `json:"operator"`
	Value    string `json:"value"`
}

// search finds objects by equality and words. It does not see what is younger than
// the lag, if there is one.
func (s *server) search(c call) (any, *apiError) {
	kind := typeOf(c.r.PathValue("type"))
	var in struct {
		Query  string `json:"query"`
		Groups []struct {
			Filters []filter `json:"filters"`
		} `json:"filterGroups"`
		Properties []string `json:"properties"`
		Sorts      []string `json:"sorts"`
		Limit      int      `json:"limit"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if kind == "" || in.Limit < 1 || in.Limit > 200 {
		return nil, invalid("limit must be between 1 and 200", "", "")
	}
	lag, lagging := s.env.Fault("search_lag", operation(c.r, c.body))
	found := []record{}
	s.env.State().Each(kind, func(_ string, raw json.RawMessage) bool {
		var r record
		if json.Unmarshal(raw, &r) != nil || r.Archived || lagging && s.env.Now().Sub(r.Created) < lag || !r.has(in.Query) {
			return true
		}
		fits := len(in.Groups) == 0
		for _, g := range in.Groups {
			fits = fits || !slices.ContainsFunc(g.Filters, func(f filter) bool { return !r.fits(f) })
		}
		if fits {
			found = append(found, r)
		}
		return true
	})
	if len(in.Sorts) > 0 && strings.HasPrefix(in.Sorts[0], "-") {
		slices.Reverse(found) // IDs grow with time
	}
	results := []any{}
	for _, r := range found[:min(len(found), in.Limit)] {
		results = append(results, r.written(in.Properties, false))
	}
	return map[string]any{"total": len(found), "results": results}, nil
}

func (r record) fits(f filter) bool {
	if to, of := strings.CutPrefix(f.Property, "associations."); of {
		return slices.Contains(r.To, typeOf(to+"s")+"/"+f.Value)
	}
	return f.Operator == "EQ" && strings.EqualFold(r.Properties[f.Property], f.Value)
}

// has tells whether all words stand somewhere in the record.
func (r record) has(words string) bool {
	text := strings.ToLower(strings.Join(slices.Collect(maps.Values(r.Properties)), " "))
	for word := range strings.FieldsSeq(strings.ToLower(words)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}
