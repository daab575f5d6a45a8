package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"parley/api/problem"
	"parley/connectors/sdk"
)

// Contact is a customer.
type Contact struct {
	ID uuid.UUID `json:"id" required:"true"`
	// MergedInto is the contact that this one was merged into.
	MergedInto *uuid.UUID     `json:"merged_into,omitempty" nullable:"false"`
	Name       string         `json:"name,omitempty"`
	Language   string         `json:"language,omitempty"`
	Addresses  []sdk.Address  `json:"addresses,omitempty"`
	Attributes map[string]any `json:"attributes,omitempty"`
	// Memory is what conversations taught of them, with their consent.
	Memory  map[string]any `json:"memory,omitempty"`
	Blocked bool           `json:"blocked" required:"true"`
	// Erased tells that the contact's key was destroyed: nothing can be read.
	Erased    bool      `json:"erased,omitempty"`
	CreatedAt time.Time `json:"created_at" required:"true"`
}

// Contacts keeps the customers of workspaces.
type Contacts interface {
	// List returns contacts, newest first.
	List(ctx context.Context, ws uuid.UUID, q PageQuery) (items []Contact, next string, err error)
	// Get returns problem.NotFound for one that does not exist in the workspace.
	Get(ctx context.Context, ws, id uuid.UUID) (Contact, error)
	// Merge makes from another name of into and returns into. Contacts that are
	// the same or were merged before are problem.Conflict.
	Merge(ctx context.Context, ws, from, into uuid.UUID, actor string) (Contact, error)
	// SetBlocked blocks a contact or ends that; repeating it is harmless.
	SetBlocked(ctx context.Context, ws, id uuid.UUID, blocked bool, actor string) (Contact, error)
}

type contactID struct {
	ID uuid.UUID `path:"id" json:"-" description:"The contact's ID."`
}

type listContacts struct{ Paging }

type mergeContact struct {
	contactID
	From uuid.UUID `json:"from" required:"true" description:"The contact that becomes another name of this one."`
	_    struct{}  `additionalProperties:"false"`
}

func (s *server) contactRoutes() []route {
	const tag = "contacts"
	missing := []problem.Kind{problem.NotFound}
	return []route{
		op(s, route{method: http.MethodGet, path: "/v1/contacts", id: "listContacts", tag: tag, scope: "contacts:read",
			summary: "Lists contacts, newest first. It is recorded that they were looked at.", problems: []problem.Kind{problem.BadCursor}}, s.listContacts),
		op(s, route{method: http.MethodGet, path: "/v1/contacts/{id}", id: "getContact", tag: tag, scope: "contacts:read",
			summary: "Shows a contact. It is recorded that it was looked at.", problems: missing}, s.getContact),
		op(s, route{method: http.MethodPost, path: "/v1/contacts/{id}/merge", id: "mergeContact", tag: tag, scope: "contacts:write",
			summary: "Merges another contact into this one.", problems: []problem.Kind{problem.NotFound, problem.Conflict}},
			func(ctx context.Context, p Principal, in *mergeContact) (Contact, error) {
				return s.o.Contacts.Merge(ctx, p.Workspace, in.From, in.ID, p.Actor())
			}),
		op(s, route{method: http.MethodPost, path: "/v1/contacts/{id}/block", id: "blockContact", tag: tag, scope: "contacts:write",
			summary: "Blocks a contact: what they write is not answered.", problems: missing},
			func(ctx context.Context, p Principal, in *contactID) (Contact, error) {
				return s.o.Contacts.SetBlocked(ctx, p.Workspace, in.ID, true, p.Actor())
			}),
		op(s, route{method: http.MethodPost, path: "/v1/contacts/{id}/unblock", id: "unblockContact", tag: tag, scope: "contacts:write",
			summary: "Ends the blocking of a contact.", problems: missing},
			func(ctx context.Context, p Principal, in *contactID) (Contact, error) {
				return s.o.Contacts.SetBlocked(ctx, p.Workspace, in.ID, false, p.Actor())
			}),
	}
}

func (s *server) listContacts(ctx context.Context, p Principal, in *listContacts) (Page[Contact], error) {
	if err := s.looked(ctx, p, "contacts.list", ""); err != nil {
		return Page[Contact]{}, err
	}
	return page(ctx, "contacts", in.Paging, func(ctx context.Context, q PageQuery) ([]Contact, string, error) {
		return s.o.Contacts.List(ctx, p.Workspace, q)
	})
}

func (s *server) getContact(ctx context.Context, p Principal, in *contactID) (Contact, error) {
	if err := s.looked(ctx, p, "contact.view", in.ID.String()); err != nil {
		return Contact{}, err
	}
	return s.o.Contacts.Get(ctx, p.Workspace, in.ID)
}
