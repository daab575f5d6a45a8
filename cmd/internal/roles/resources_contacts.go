package roles

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"parley/api"
	"parley/api/problem"
	"parley/internal/contacts"
)

// contactResource implements api.Contacts.
type contactResource struct{ contacts *contacts.Contacts }

func (r contactResource) List(ctx context.Context, ws uuid.UUID, q api.PageQuery) ([]api.Contact, string, error) {
	after, err := cursorID(q.After)
	if err != nil {
		return nil, "", err
	}
	got, err := r.contacts.List(ctx, ws, after, q.Limit+1)
	return part(got, q, showContact, func(c contacts.Contact) string { return c.ID.String() }, err)
}

func (r contactResource) Get(ctx context.Context, ws, id uuid.UUID) (api.Contact, error) {
	c, err := r.contacts.Get(ctx, ws, id)
	if err != nil {
		return api.Contact{}, contactProblem(err)
	}
	return showContact(c), nil
}

func (r contactResource) Merge(ctx context.Context, ws, from, into uuid.UUID, actor string) (api.Contact, error) {
	if err := r.contacts.Merge(ctx, ws, from, into, actor); err != nil {
		return api.Contact{}, contactProblem(err)
	}
	return r.Get(ctx, ws, into)
}

func (r contactResource) SetBlocked(ctx context.Context, ws, id uuid.UUID, blocked bool, actor string) (api.Contact, error) {
	if err := r.contacts.SetBlocked(ctx, ws, id, blocked, actor); err != nil {
		return api.Contact{}, contactProblem(err)
	}
	return r.Get(ctx, ws, id)
}

func contactProblem(err error) error {
	switch {
	case errors.Is(err, contacts.ErrNotFound):
		return problem.NotFound.New("There is no contact with this ID.")
	case errors.Is(err, contacts.ErrMerge):
		return problem.Conflict.New("These contacts are the same, or one of them was merged before; merge the ones that they were merged into.")
	}
	return err
}

func showContact(c contacts.Contact) api.Contact {
	out := api.Contact{ID: c.ID, Name: c.Profile.Name, Language: c.Language, Addresses: c.Addresses, Attributes: c.Profile.Attributes, Memory: c.Profile.Remembered(),
		Blocked: c.Blocked, Erased: c.Erased, CreatedAt: c.CreatedAt}
	if c.MergedInto != uuid.Nil {
		out.MergedInto = &c.MergedInto
	}
	return out
}
