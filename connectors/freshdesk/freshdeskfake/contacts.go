package freshdeskfake

import (
	"net/http"
	"strings"
)

// contact is a contact as the API shows it, as far as the fake goes.
type contact struct {
	ID         int64             `json:"id"`
	Name       string            `json:"name"`
	Email      string            `json:"email"`
	Phone      string            `json:"phone"`
	Mobile     string            `json:"mobile"`
	ExternalID string            `json:"unique_external_id"`
	Company    int64             `json:"company_id"`
	Fields     map[string]string `json:"custom_fields"`
}

type company struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

func (s *server) listContacts(c *call) (any, *problem) {
	found := []contact{}
	q := c.query()
	each(s, "contacts", func(o contact) {
		for field, value := range map[string]string{"email": o.Email, "phone": o.Phone, "mobile": o.Mobile, "unique_external_id": o.ExternalID} {
			if q.Has(field) && !strings.EqualFold(q.Get(field), value) {
				return
			}
		}
		found = append(found, o)
	})
	return found, nil
}

// taken tells whether another contact has one of the unique fields.
func (s *server) taken(want contact) *problem {
	var clash *problem
	each(s, "contacts", func(o contact) {
		for field, pair := range map[string][2]string{"email": {want.Email, o.Email}, "unique_external_id": {want.ExternalID, o.ExternalID}} {
			if o.ID != want.ID && pair[0] != "" && strings.EqualFold(pair[0], pair[1]) {
				clash = invalid(field, "duplicate_value", "It should be a unique value")
				clash.status = http.StatusConflict
			}
		}
	})
	return clash
}

func (s *server) createContact(c *call) (any, *problem) {
	var o contact
	if err := c.read(&o); err != nil {
		return nil, err
	}
	switch {
	case o.Name == "":
		return nil, invalid("name", "missing_field", "It should be a/an String")
	case o.Email+o.Phone+o.Mobile+o.ExternalID == "":
		return nil, invalid("email", "missing_field", "Please fill at least 1 of email, mobile, phone, twitter_id, unique_external_id fields.")
	}
	if clash := s.taken(o); clash != nil {
		return nil, clash
	}
	o.ID = s.next()
	s.env.State().Put("contacts", key(o.ID), o)
	c.status = http.StatusCreated
	return o, nil
}

func (s *server) updateContact(c *call) (any, *problem) {
	var o contact
	if !s.env.State().Get("contacts", key(c.id()), &o) {
		return nil, missing()
	}
	if err := c.read(&o); err != nil { // over what is there
		return nil, err
	}
	o.ID = c.id()
	if clash := s.taken(o); clash != nil {
		return nil, clash
	}
	s.env.State().Put("contacts", key(o.ID), o)
	return o, nil
}

func (s *server) findCompanies(c *call) (any, *problem) {
	found := []company{}
	want := strings.ToLower(c.query().Get("name"))
	each(s, "companies", func(o company) {
		if strings.HasPrefix(strings.ToLower(o.Name), want) {
			found = append(found, o)
		}
	})
	return object{"companies": found}, nil
}

func (s *server) createCompany(c *call) (any, *problem) {
	var o company
	if err := c.read(&o); err != nil {
		return nil, err
	}
	if o.Name == "" {
		return nil, invalid("name", "missing_field", "It should be a/an String")
	}
	o.ID = s.next()
	s.env.State().Put("companies", key(o.ID), o)
	c.status = http.StatusCreated
	return o, nil
}
