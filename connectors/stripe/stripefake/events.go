package stripefake

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// listedEvent is an event as the Events API keeps it.
type listedEvent struct {
	Owner   string          `json:"owner"`
	Type    string          `json:"type"`
	Created int64           `json:"created"`
	Body    json.RawMessage `json:"body"`
}

// silent tells whether an event is kept from webhooks.
func (s *server) silent(kind string) bool {
	_, on := s.env.Fault("stop_pushing", kind)
	return on
}

// listEvents lists an account's events, newest first. Events are numbered in the order
// in which they happen, so their IDs sort.
func (s *server) listEvents(c call) (any, *apiError) {
	limit, err := integer(c, "limit", 10)
	if err != nil {
		return nil, err
	}
	if limit < 1 || limit > 100 {
		return nil, invalid("parameter_invalid_integer", "limit", "Limit must be between 1 and 100.")
	}
	type item struct {
		id string
		listedEvent
	}
	var all []item // newest first
	s.env.State().Each("events", func(id string, raw json.RawMessage) bool {
		var e listedEvent
		if json.Unmarshal(raw, &e) == nil && e.Owner == c.owner {
			all = append(all, item{id, e})
		}
		return true
	})
	slices.Reverse(all)
	first, last := 0, len(all)
	for param, edge := range map[string]*int{"ending_before": &last, "starting_after": &first} {
		id := c.params.Get(param)
		if id == "" {
			continue
		}
		at := slices.IndexFunc(all, func(i item) bool { return i.id == id })
		if at < 0 {
			return nil, missing("event", param)
		}
		if *edge = at; param == "starting_after" {
			*edge = at + 1
		}
	}
	var fit []item
	for _, i := range all[first:max(first, last)] {
		if wantsType(c, i.Type) && createdBy(c, i.Created) {
			fit = append(fit, i)
		}
	}
	more := len(fit) > int(limit)
	switch {
	case more && c.params.Has("ending_before"):
		fit = fit[len(fit)-int(limit):] // those next to the one named
	case more:
		fit = fit[:limit]
	}
	data := make([]json.RawMessage, len(fit))
	for n, i := range fit {
		data[n] = i.Body
	}
	return object{"object": "list", "data": data, "has_more": more, "url": "/v1/events"}, nil
}

func wantsType(c call, kind string) bool {
	any := false
	for name, values := range c.params {
		if strings.HasPrefix(name, "types[") {
			any = true
			if slices.Contains(values, kind) {
				return true
			}
		}
	}
	return !any
}

func createdBy(c call, created int64) bool {
	until, err := strconv.ParseInt(c.params.Get("created[lte]"), 10, 64)
	return err != nil || created <= until
}
