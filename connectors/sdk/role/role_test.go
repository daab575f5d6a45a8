package role_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

func TestAConnectorTakesOnARoleByItsFirstOperation(t *testing.T) {
	desk := sdk.Connector{Operations: []sdk.Operation{{Name: "ticket_create"}}}
	require.True(t, role.Has(desk, role.Helpdesk))
	require.False(t, role.Has(desk, role.CRM))
	require.Len(t, role.Of(desk), 1)
	require.Equal(t, role.Helpdesk, role.Of(desk)[0].Name)

	other := sdk.Connector{Operations: []sdk.Operation{{Name: "ticket_get"}}}
	require.Empty(t, role.Of(other))
}

func TestNoTwoRolesBeginAlike(t *testing.T) {
	seen := map[string]role.Name{}
	for _, r := range role.All() {
		for _, o := range r.Operations {
			require.NotContains(t, seen, o.Name, "%s has it too", seen[o.Name])
			seen[o.Name] = r.Name
		}
	}
}
