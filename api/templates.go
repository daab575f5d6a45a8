package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"parley/api/problem"
)

// TemplateButton is an answer to tap, or a link if it has an address.
type TemplateButton struct {
	Label string `json:"label" required:"true" minLength:"1"`
	URL   string `json:"url,omitempty"`
}

// TemplateDraft is a template that a provider is asked to approve. Placeholders of
// the body are written {{1}}, {{2}} and so on; each has an example.
type TemplateDraft struct {
	Name     string           `json:"name" required:"true" minLength:"1"`
	Language string           `json:"language" required:"true" minLength:"1"`
	Category string           `json:"category" required:"true" enum:"marketing,utility,authentication"`
	Header   string           `json:"header,omitempty"`
	Body     string           `json:"body" required:"true" minLength:"1"`
	Footer   string           `json:"footer,omitempty"`
	Examples []string         `json:"examples,omitempty" nullable:"false"`
	Buttons  []TemplateButton `json:"buttons,omitempty" nullable:"false"`
}

// Template is a template as its provider has it, as far as is known.
type Template struct {
	ID       string `json:"id,omitempty"`
	Name     string `json:"name" required:"true"`
	Language string `json:"language" required:"true"`
	Category string `json:"category,omitempty"`
	Status   string `json:"status" required:"true" enum:"submitting,pending,approved,rejected,paused,disabled,deleted"`
	// Reason is why, in a word of the provider's.
	Reason    string    `json:"reason,omitempty"`
	ChangedAt time.Time `json:"changed_at" required:"true"`
}

// Templates keeps the templates of connections. Each method answers
// problem.NotFound for a connection that does not exist, and problem.Invalid for one
// whose provider approves no templates.
type Templates interface {
	// Submit asks the provider to approve a template: what it refuses is an
	// *sdk.Error. One that there is already is problem.Conflict.
	Submit(ctx context.Context, ws uuid.UUID, connection string, d TemplateDraft, actor string) (Template, error)
	List(ctx context.Context, ws uuid.UUID, connection string) ([]Template, error)
	Delete(ctx context.Context, ws uuid.UUID, connection, name, language, actor string) error
}

type submitTemplate struct {
	Connection string `path:"name" json:"-" required:"true" maxLength:"64" description:"The connection's name."`
	TemplateDraft
	_ struct{} `additionalProperties:"false"`
}

type oneTemplate struct {
	connectionName
	Template string `path:"template" required:"true"`
	Language string `path:"language" required:"true"`
}

func (s *server) templateRoutes() []route {
	const tag = "templates"
	missing := []problem.Kind{problem.NotFound, problem.Invalid}
	return []route{
		op(s, route{method: http.MethodGet, path: "/v1/connections/{name}/templates", id: "listTemplates", tag: tag, scope: "templates:read",
			summary: "Lists a connection's templates and what its provider thinks of them.", problems: missing},
			func(ctx context.Context, p Principal, in *connectionName) (Page[Template], error) {
				all, err := s.o.Templates.List(ctx, p.Workspace, in.Name)
				return Page[Template]{Items: all}, err
			}),
		op(s, route{method: http.MethodPost, path: "/v1/connections/{name}/templates", id: "submitTemplate", tag: tag, scope: "templates:write",
			summary: "Asks the provider to approve a template. Its answer comes as an event, template.approved or template.rejected.", problems: append(missing, problem.Conflict)},
			func(ctx context.Context, p Principal, in *submitTemplate) (Template, error) {
				return s.o.Templates.Submit(ctx, p.Workspace, in.Connection, in.TemplateDraft, p.Actor())
			}),
		op(s, route{method: http.MethodDelete, path: "/v1/connections/{name}/templates/{template}/{language}", id: "deleteTemplate", tag: tag, scope: "templates:write",
			summary: "Deletes a template in one language, also at the provider.", problems: missing},
			func(ctx context.Context, p Principal, in *oneTemplate) (none, error) {
				return none{}, s.o.Templates.Delete(ctx, p.Workspace, in.Name, in.Template, in.Language, p.Actor())
			}),
	}
}
