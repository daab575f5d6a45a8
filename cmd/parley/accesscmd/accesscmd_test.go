package accesscmd_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"parley/cmd/parley/accesscmd"
	"parley/cmd/parley/exit"
	"parley/internal/access"
	"parley/internal/store"
	"parley/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// run runs one command line and returns what it printed.
func run(t *testing.T, cmd *cobra.Command, args ...string) (map[string]any, error) {
	t.Helper()
	var out bytes.Buffer
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		return nil, err
	}
	var printed map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &printed))
	return printed, nil
}

func TestANewInstallationGetsAWorkspaceAndAKey(t *testing.T) {
	url := storetest.OpenURL(t)
	t.Setenv("PARLEY_DATABASE_URL", url)
	t.Setenv("PARLEY_KEYS_DATABASE_URL", storetest.OpenURL(t))

	made, err := run(t, accesscmd.Workspace(), "create", "shop")
	require.NoError(t, err)
	again, err := run(t, accesscmd.Workspace(), "create", "shop")
	require.NoError(t, err)
	require.Equal(t, made["id"], again["id"])

	key, err := run(t, accesscmd.Key(), "create", "--workspace", "shop", "--name", "crm", "--scope", "contacts:read,cases:read")
	require.NoError(t, err)
	db, err := store.Open(t.Context(), url, 2)
	require.NoError(t, err)
	defer db.Close()
	p, err := access.New(db).Authenticate(t.Context(), key["key"].(string))
	require.NoError(t, err)
	require.Equal(t, made["id"], p.Workspace.String())
	require.Equal(t, []string{"contacts:read", "cases:read"}, p.Scopes)

	_, err = run(t, accesscmd.Key(), "revoke", "--workspace", "shop", key["id"].(string))
	require.NoError(t, err)
	_, err = access.New(db).Authenticate(t.Context(), key["key"].(string))
	require.ErrorIs(t, err, access.ErrUnknownKey)
}

func TestWhatIsWrongIsToldBeforeAnythingHappens(t *testing.T) {
	t.Setenv("PARLEY_DATABASE_URL", storetest.OpenURL(t))
	t.Setenv("PARLEY_KEYS_DATABASE_URL", storetest.OpenURL(t))
	for _, c := range []struct {
		cmd  *cobra.Command
		args []string
		code int
		want string
	}{
		{accesscmd.Workspace(), []string{"create", "My Shop"}, 2, "SLUG must be"},
		{accesscmd.Key(), []string{"create", "--workspace", "none", "--name", "x", "--scope", "*"}, 1, "parley workspace create"},
		{accesscmd.Key(), []string{"create", "--workspace", "none", "--name", "x"}, 2, "--scope"},
		{accesscmd.Key(), []string{"create", "--workspace", "none", "--name", "x", "--scope", "everything"}, 2, "RESOURCE:read"},
		{accesscmd.Key(), []string{"revoke", "--workspace", "none", "x"}, 2, "ID must be"},
	} {
		_, err := run(t, c.cmd, c.args...)
		require.ErrorContains(t, err, c.want)
		require.Equal(t, c.code, exit.Code(err), c.want)
	}
}
