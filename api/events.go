package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"parley/api/problem"
)

// typePrefix stands before our names of event types outside.
const typePrefix = "parley."

// Event is something that the engine says happened, in CloudEvents' JSON form
// (CloudEvents 1.0.2, JSON event format). It holds identifiers, numbers and names
// of ours only.
type Event struct {
	SpecVersion string    `json:"specversion" required:"true" const:"1.0"`
	ID          string    `json:"id" required:"true"`
	Source      string    `json:"source" required:"true"`
	Type        string    `json:"type" required:"true"`
	Subject     string    `json:"subject,omitempty"`
	Time        time.Time `json:"time" required:"true"`
	// DataContentType is application/json where there is data.
	DataContentType string          `json:"datacontenttype,omitempty"`
	Data            json.RawMessage `json:"data,omitempty"`
}

// OutboxEvent is an event as the outbox holds it.
type OutboxEvent struct {
	// Seq names the event. The order of the outbox is that of the list, not of Seq:
	// numbers are drawn before their transactions commit.
	Seq     int64
	Type    string
	Subject string
	Data    json.RawMessage
	At      time.Time
}

// EventFilter selects events; empty fields match all.
type EventFilter struct {
	Type    string `query:"type" json:"-" maxLength:"64" description:"Only events of this type."`
	Subject string `query:"subject" json:"-" maxLength:"128" description:"Only events of this subject, such as conversation/ID."`
}

// Events reads the outbox.
type Events interface {
	// List returns events in their order, so that a reader who goes on from the
	// cursor misses none: an event may be visible only when all before it are. next
	// is given also with the last event there is, to go on from later.
	List(ctx context.Context, ws uuid.UUID, f EventFilter, q PageQuery) (items []OutboxEvent, next string, err error)
}

type listEvents struct {
	EventFilter
	Paging
}

func (s *server) eventRoutes() []route {
	return []route{
		op(s, route{method: http.MethodGet, path: "/v1/events", id: "listEvents", tag: "events", scope: "events:read",
			summary: "Lists what happened, oldest first. Go on from next to follow it; an empty page repeats the cursor.", problems: []problem.Kind{problem.BadCursor}},
			s.listEvents),
	}
}

func (s *server) listEvents(ctx context.Context, p Principal, in *listEvents) (Page[Event], error) {
	in.Type = strings.TrimPrefix(in.Type, typePrefix)
	out, err := page(ctx, "events", in.Paging, func(ctx context.Context, q PageQuery) ([]Event, string, error) {
		rows, next, err := s.o.Events.List(ctx, p.Workspace, in.EventFilter, q)
		items := make([]Event, len(rows))
		for i, r := range rows {
			items[i] = cloudEvent(p.Workspace, r)
		}
		return items, next, err
	})
	if out.Next == "" {
		out.Next = in.After // a reader at the end goes on from where it was
	}
	return out, err
}

// cloudEvent gives an outbox row its outer form.
func cloudEvent(ws uuid.UUID, r OutboxEvent) Event {
	e := Event{SpecVersion: "1.0", ID: strconv.FormatInt(r.Seq, 10), Source: "urn:parley:workspace:" + ws.String(),
		Type: typePrefix + r.Type, Subject: r.Subject, Time: r.At, Data: r.Data}
	if len(r.Data) > 0 {
		e.DataContentType = "application/json"
	}
	return e
}
