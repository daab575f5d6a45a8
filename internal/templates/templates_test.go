package templates_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
	"parley/internal/connections"
	"parley/internal/store"
	"parley/internal/store/storetest"
	"parley/internal/templates"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// provider is one that approves templates. Its next answer may be an error, after
// which it has the template or not.
type provider struct {
	fail error
	has  map[string]bool
	keys []string
}

func (p *provider) submit(_ context.Context, call sdk.Call, d role.TemplateDraft) (role.TemplateState, error) {
	p.keys = append(p.keys, call.Key)
	if err := p.fail; err != nil {
		p.fail = nil
		p.has[d.Name] = sdk.AsError(err).Class == sdk.Uncertain
		return role.TemplateState{}, err
	}
	p.has[d.Name] = true
	return role.TemplateState{ID: "7", Name: d.Name, Language: d.Language, Category: d.Category, Status: role.TemplatePending}, nil
}

func (p *provider) find(_ context.Context, _ sdk.Call, d role.TemplateDraft) (role.TemplateState, bool, error) {
	return role.TemplateState{ID: "7", Name: d.Name, Language: d.Language, Category: d.Category, Status: role.TemplateApproved}, p.has[d.Name], nil
}

func (p *provider) remove(context.Context, sdk.Call, role.TemplateName) (struct{}, error) {
	return struct{}{}, nil
}

type fixture struct {
	*testing.T
	*templates.Templates
	db   *store.DB
	conn *connections.Connection
	*provider
}

func setUp(t *testing.T) *fixture {
	db, v, ws := storetest.Open(t)
	p := &provider{has: map[string]bool{}}
	c := sdk.Connector{Name: "chat", Operations: []sdk.Operation{
		sdk.LookupOp("template_submit", "", 0, (*provider).submit, (*provider).find),
		sdk.Op("template_delete", "", sdk.Effect{Kind: sdk.Keyed}, (*provider).remove),
	}, Open: func(json.RawMessage, sdk.Host) (any, error) { return p, nil }}
	all := connections.New(connections.Options{DB: db, Vault: v, Connectors: []sdk.Connector{c}})
	conn, err := all.Put(t.Context(), ws, "chat", "chat", "chat", "", json.RawMessage(`{}`), "test")
	require.NoError(t, err)
	return &fixture{t, templates.New(db), db, conn, p}
}

func (f *fixture) told(s role.TemplateState) bool {
	f.Helper()
	s.Language = "en_US"
	news, err := f.Changed(f.Context(), f.conn.Workspace, f.conn.ID, s)
	require.NoError(f, err)
	return news
}

// state is the status and category of the template t.
func (f *fixture) state() [2]string {
	f.Helper()
	all, err := f.Of(f.Context(), f.conn.Workspace, f.conn.ID)
	require.NoError(f, err)
	if len(all) == 0 {
		return [2]string{}
	}
	require.Len(f, all, 1)
	return [2]string{all[0].Status, all[0].Category}
}

func (f *fixture) events() (types []string) {
	f.Helper()
	require.NoError(f, f.db.InWorkspace(f.Context(), f.conn.Workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(f.Context(), `SELECT type FROM events WHERE type LIKE 'template.%' ORDER BY seq`)
		if err != nil {
			return err
		}
		types, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	}))
	return types
}

var draft = role.TemplateDraft{Name: "t", Language: "en_US", Category: role.CategoryUtility, Body: "It has left."}

func TestTheLifeOfATemplate(t *testing.T) {
	f := setUp(t)
	s, err := f.Submit(t.Context(), f.conn, draft, "test")
	require.NoError(t, err)
	require.Equal(t, role.TemplatePending, s.Status)
	_, err = f.Submit(t.Context(), f.conn, draft, "test")
	require.ErrorIs(t, err, templates.ErrExists)

	require.True(t, f.told(role.TemplateState{Name: "t", Status: role.TemplateApproved}))
	require.False(t, f.told(role.TemplateState{Name: "t", Status: role.TemplateApproved, Category: role.CategoryUtility}), "told twice is told once")
	require.True(t, f.told(role.TemplateState{Name: "t", Category: role.CategoryMarketing}))
	require.Equal(t, [2]string{role.TemplateApproved, role.CategoryMarketing}, f.state())
	require.True(t, f.told(role.TemplateState{Name: "t", Status: role.TemplatePaused}))
	require.NoError(t, f.Delete(t.Context(), f.conn, role.TemplateName{Name: "t", Language: "en_US"}, "test"))
	require.ErrorIs(t, f.Delete(t.Context(), f.conn, role.TemplateName{Name: "t", Language: "en_US"}, "test"), templates.ErrNotFound)
	require.Equal(t, []string{"template.pending", "template.approved", "template.recategorised", "template.paused", "template.deleted"}, f.events())

	require.False(t, f.told(role.TemplateState{Name: "unknown", Category: role.CategoryMarketing}), "the category of one that nobody knows is nothing to keep")
}

func TestARefusedTemplateCanBeSubmittedAnew(t *testing.T) {
	f := setUp(t)
	f.fail = &sdk.Error{Class: sdk.Invalid, Message: "the body is too long"}
	_, err := f.Submit(t.Context(), f.conn, draft, "test")
	require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
	require.Equal(t, role.TemplateRejected, f.state()[0])
	_, err = f.Submit(t.Context(), f.conn, draft, "test")
	require.NoError(t, err)
	require.Equal(t, role.TemplatePending, f.state()[0])
	require.Len(t, f.keys, 2)
	require.NotEqual(t, f.keys[0], f.keys[1])
}

// An answer that was lost: the template is found, by the next attempt or by the poll.
func TestASubmissionOfUnknownOutcome(t *testing.T) {
	f := setUp(t)
	f.fail = &sdk.Error{Class: sdk.Uncertain}
	_, err := f.Submit(t.Context(), f.conn, draft, "test")
	require.Equal(t, sdk.Uncertain, sdk.AsError(err).Class)
	require.Equal(t, "submitting", f.state()[0])
	s, err := f.Submit(t.Context(), f.conn, draft, "test")
	require.NoError(t, err)
	require.Equal(t, role.TemplateApproved, s.Status)
	require.Len(t, f.keys, 1, "it was not submitted twice")
}

func TestAnotherWorkspaceSeesNothing(t *testing.T) {
	f := setUp(t)
	f.told(role.TemplateState{Name: "t", Status: role.TemplateApproved})
	all, err := f.Of(t.Context(), uuid.New(), f.conn.ID)
	require.NoError(t, err)
	require.Empty(t, all)
}
