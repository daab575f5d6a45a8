package zendeskfake

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// createOrUpdateUser finds by the external ID, whatever its case, or by e-mail.
func (s *server) createOrUpdateUser(c *call) (any, *problem) {
	var in struct{ User user }
	if err := c.read(&in); err != nil {
		return nil, err
	}
	asked, now := in.User, s.env.Now().UTC().Format(time.RFC3339Nano)
	u, known := s.find(asked)
	if !known {
		if asked.Name == "" {
			return nil, invalid("name", "BlankValue", "Name: is too short (minimum one character)")
		}
		u = user{ID: s.next(), Role: "end-user", Created: now, Updated: now}
		c.status = http.StatusCreated
	}
	before := u
	for field, value := range map[*string]string{&u.Name: asked.Name, &u.Email: asked.Email, &u.Phone: asked.Phone, &u.ExternalID: asked.ExternalID} {
		if value != "" {
			*field = value
		}
	}
	if known && u != before {
		u.Updated = now
	}
	s.env.State().Put("users", key(u.ID), u)
	return object{"user": u}, nil
}

func (s *server) find(asked user) (found user, ok bool) {
	s.env.State().Each("users", func(_ string, raw json.RawMessage) bool {
		var u user
		if json.Unmarshal(raw, &u) != nil {
			return true
		}
		same := asked.ExternalID != "" && strings.EqualFold(asked.ExternalID, u.ExternalID) ||
			asked.Email != "" && strings.EqualFold(asked.Email, u.Email)
		if same {
			found, ok = u, true
		}
		return !ok
	})
	return found, ok
}
