package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

// Outside the window a template goes only if the provider has approved it, and one
// that has become marketing only to those who have not declined that.
func TestOnlyAnApprovedTemplateGoes(t *testing.T) {
	k := setUp(t, parrot).talk()
	k.channel.Window, k.channel.Templates = 24*time.Hour, true
	k.says("hi")
	k.turn()
	k.exec(`UPDATE conversations SET inbound_at = now() - interval '25 hours'`)
	sent := func(status, category string) bool {
		t.Helper()
		_, err := k.Templates.Changed(t.Context(), k.ws, k.conn.ID, role.TemplateState{Name: "news", Language: "en_US", Status: status, Category: category})
		require.NoError(t, err)
		before := len(k.phone.shown)
		k.tell("parcel", &sdk.Template{Name: "news", Language: "en_US"})
		k.turn()
		return len(k.phone.shown) > before
	}
	require.False(t, sent(role.TemplatePending, role.CategoryUtility))
	require.True(t, sent(role.TemplateApproved, role.CategoryUtility))
	require.True(t, sent(role.TemplateApproved, role.CategoryMarketing), "nobody was asked")
	require.NoError(t, k.people.Consent(t.Context(), k.ws, k.Contact, marketing, false, time.Now()))
	require.False(t, sent(role.TemplateApproved, role.CategoryMarketing))
	require.True(t, sent(role.TemplateApproved, role.CategoryUtility))
	require.False(t, sent(role.TemplatePaused, role.CategoryUtility))
	require.True(t, sent(role.TemplateDeleted, ""), "it is not known here any more: the provider decides")
	require.Equal(t, 1, one[int](k.engine, `SELECT count(*) FROM events WHERE type = 'message.refused' AND data->>'why' = 'template_without_consent'`), "never silently")
}
