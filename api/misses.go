package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"parley/api/problem"
)

// Miss is a message that a flow did not understand, kept for 90 days so that
// people can teach the flow.
type Miss struct {
	ID           uuid.UUID `json:"id" required:"true"`
	Conversation uuid.UUID `json:"conversation" required:"true"`
	Flow         string    `json:"flow" required:"true"`
	FlowHash     string    `json:"flow_hash" required:"true"`
	// Block in which it came; left out where no flow was under way.
	Block    string `json:"block,omitempty"`
	Language string `json:"language,omitempty"`
	// Guess is the intent that came nearest, Confidence how sure the engine was of it.
	Guess      string  `json:"guess,omitempty"`
	Confidence float64 `json:"confidence,omitempty"`
	// Text is what the customer wrote.
	Text string    `json:"text" required:"true"`
	At   time.Time `json:"at" required:"true"`
}

// MissFilter selects misses; empty fields match all.
type MissFilter struct {
	Flow     string `query:"flow" json:"-" maxLength:"63" description:"Only this flow's."`
	Guess    string `query:"guess" json:"-" maxLength:"40" description:"Only those that came nearest to this intent."`
	Language string `query:"language" json:"-" maxLength:"35" description:"Only those in this language, a BCP 47 tag."`
}

// Misses is what flows did not understand.
type Misses interface {
	// List returns misses, newest first; what was erased is left out.
	List(ctx context.Context, ws uuid.UUID, f MissFilter, q PageQuery) (items []Miss, next string, err error)
	// Remove forgets one that was dealt with; problem.NotFound if there is none.
	Remove(ctx context.Context, ws, id uuid.UUID) error
}

type listMisses struct {
	MissFilter
	Paging
}

type missID struct {
	ID uuid.UUID `path:"id" json:"-" description:"The miss's ID."`
}

func (s *server) missRoutes() []route {
	const tag = "misses"
	return []route{
		op(s, route{method: http.MethodGet, path: "/v1/misses", id: "listMisses", tag: tag, scope: "messages:read",
			summary: "Lists what customers wrote and flows did not understand, newest first. It is recorded that it was read.", problems: []problem.Kind{problem.BadCursor}}, s.listMisses),
		op(s, route{method: http.MethodDelete, path: "/v1/misses/{id}", id: "removeMiss", tag: tag, scope: "flows:write",
			summary: "Forgets a miss that was dealt with.", problems: []problem.Kind{problem.NotFound}},
			func(ctx context.Context, p Principal, in *missID) (none, error) {
				return none{}, s.o.Misses.Remove(ctx, p.Workspace, in.ID)
			}),
	}
}

func (s *server) listMisses(ctx context.Context, p Principal, in *listMisses) (Page[Miss], error) {
	if err := s.looked(ctx, p, "misses.read", in.Flow); err != nil {
		return Page[Miss]{}, err
	}
	return page(ctx, "misses", in.Paging, func(ctx context.Context, q PageQuery) ([]Miss, string, error) {
		return s.o.Misses.List(ctx, p.Workspace, in.MissFilter, q)
	})
}
