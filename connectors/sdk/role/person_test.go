package role_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"parley/connectors/sdk/role"
)

func TestAPersonCanBeFound(t *testing.T) {
	for _, good := range []role.Person{{ExternalID: "c-17"}, {Email: "a@b.example"}, {Phone: "+919000090000", Name: "Jenny"}} {
		require.Empty(t, good.Problem())
	}
	for what, bad := range map[string]role.Person{
		"is needed": {Name: "Jenny"}, "no e-mail": {Email: "jenny"}, "E.164": {Phone: "9000090000"}, "255": {ExternalID: strings.Repeat("x", 256)},
	} {
		require.Contains(t, bad.Problem(), what)
		require.NotContains(t, bad.Problem(), "jenny")
	}
}
