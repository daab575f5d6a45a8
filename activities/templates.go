package activities

import (
	"context"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
	"parley/internal/conversations"
	"parley/internal/templates"
)

// marketing is the purpose that a customer consents to, or not, for messages that
// praise something.
const marketing = "marketing"

// loadTemplates loads what is known of the connection's templates if the turn may
// have to send one: free messages may not be sent now.
func (a *Activities) loadTemplates(ctx context.Context, d *decision) (err error) {
	if d.channel == nil || !d.channel.Templates || d.s.Window(d.channel, conversations.AuthorBot, d.now) {
		return nil
	}
	d.templates, err = a.Templates.Of(ctx, d.s.Workspace, d.s.Connection)
	return err
}

// refusedTemplate tells why a template must not be sent; empty if it may. One that
// is not known here was made elsewhere: the provider decides.
func (d *decision) refusedTemplate(t *sdk.Template) string {
	if t == nil {
		return ""
	}
	known, ok := templates.Find(d.templates, role.TemplateName{Name: t.Name, Language: t.Language})
	switch {
	case !ok:
		return ""
	case !known.Sendable():
		return "template_" + known.Status
	case known.Category == role.CategoryMarketing && d.declined(marketing):
		return "template_without_consent"
	}
	return ""
}

// declined tells that the customer was asked and said no.
func (d *decision) declined(purpose string) bool {
	granted, asked := d.s.Consents[purpose]
	return asked && !granted
}
