package roles

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"parley/api"
	"parley/api/problem"
	"parley/connectors/sdk/role"
	"parley/internal/connections"
	"parley/internal/templates"
)

// templateResource implements api.Templates.
type templateResource struct {
	connections *connections.Connections
	templates   *templates.Templates
}

func (r templateResource) find(ctx context.Context, ws uuid.UUID, name string) (*connections.Connection, error) {
	k, err := r.connections.ByName(ctx, ws, name)
	if errors.Is(err, connections.ErrNotFound) {
		return nil, noConnection()
	}
	if err == nil && !role.Has(k.Connector, role.Templates) {
		return nil, noTemplates()
	}
	return k, err
}

func noTemplates() error {
	return problem.Invalid.New("The connection's provider approves no templates.")
}

func (r templateResource) Submit(ctx context.Context, ws uuid.UUID, name string, d api.TemplateDraft, actor string) (api.Template, error) {
	k, err := r.find(ctx, ws, name)
	if err != nil {
		return api.Template{}, err
	}
	draft := role.TemplateDraft{Name: d.Name, Language: d.Language, Category: d.Category, Header: d.Header, Body: d.Body, Footer: d.Footer, Examples: d.Examples}
	for _, b := range d.Buttons {
		draft.Buttons = append(draft.Buttons, role.TemplateButton(b))
	}
	_, err = r.templates.Submit(ctx, k, draft, actor)
	if errors.Is(err, templates.ErrExists) {
		return api.Template{}, problem.Conflict.New("There is a template of this name in this language: delete it first, or take another name.")
	}
	if err != nil {
		return api.Template{}, err
	}
	all, err := r.templates.Of(ctx, ws, k.ID)
	if err != nil {
		return api.Template{}, err
	}
	made, _ := templates.Find(all, role.TemplateName{Name: d.Name, Language: d.Language})
	return showTemplate(made), nil
}

func (r templateResource) List(ctx context.Context, ws uuid.UUID, name string) ([]api.Template, error) {
	k, err := r.find(ctx, ws, name)
	if err != nil {
		return nil, err
	}
	all, err := r.templates.Of(ctx, ws, k.ID)
	out := make([]api.Template, len(all))
	for i, t := range all {
		out[i] = showTemplate(t)
	}
	return out, err
}

func (r templateResource) Delete(ctx context.Context, ws uuid.UUID, name, template, language, actor string) error {
	k, err := r.find(ctx, ws, name)
	if err != nil {
		return err
	}
	err = r.templates.Delete(ctx, k, role.TemplateName{Name: template, Language: language}, actor)
	if errors.Is(err, templates.ErrNotFound) {
		return problem.NotFound.New("The connection has no template of this name in this language.")
	}
	return err
}

func showTemplate(t templates.Template) api.Template {
	return api.Template{ID: t.ID, Name: t.Name, Language: t.Language, Category: t.Category, Status: t.Status, Reason: t.Reason, ChangedAt: t.ChangedAt}
}
