package program

import (
	"bytes"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors"
)

func runWith(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Run(t.Context(), connectors.All(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestWrongUsageIsExitCode2AndSaysWhatToDo(t *testing.T) {
	cases := map[string]struct {
		args []string
		want string
	}{
		"no command":        {nil, "parley needs one of: api, worker, migrate"},
		"unknown command":   {[]string{"wroker"}, `parley has no command "wroker"; did you mean "worker"?`},
		"unknown flag":      {[]string{"api", "--prot=1"}, "unknown flag: --prot"},
		"unknown in group":  {[]string{"flow", "chekc"}, `parley flow has no command "chekc"; did you mean "check"?`},
		"argument to role":  {[]string{"worker", "now"}, "usage: parley worker"},
		"no file":           {[]string{"flow", "check"}, "requires at least 1 arg"},
		"missing settings":  {[]string{"api"}, "database_url: is not set, and api needs it"},
		"missing in worker": {[]string{"worker"}, "exactly one of vault.master_key_file and vault.master_key_url"},
		"missing file":      {[]string{"migrate", "--config", "/does/not/exist"}, "the file cannot be read"},
		"wrong flag value":  {[]string{"api", "--api-request-timeout=soon"}, "--api-request-timeout: api.request_timeout: must be a duration"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for _, v := range []string{"PARLEY_DATABASE_URL", "PARLEY_KEYS_DATABASE_URL", "PARLEY_VAULT_MASTER_KEY_FILE", "PARLEY_VAULT_MASTER_KEY_URL"} {
				t.Setenv(v, "")
			}
			code, stdout, stderr := runWith(t, c.args...)
			require.Equal(t, 2, code)
			require.Contains(t, stderr, c.want)
			require.Empty(t, stdout)
		})
	}
}

func TestASecretInTheSettingsIsNotRepeated(t *testing.T) {
	t.Setenv("PARLEY_DATABASE_URL", "mysql://u:canary@h/d")
	t.Setenv("PARLEY_KEYS_DATABASE_URL", "canary")
	code, _, stderr := runWith(t, "migrate")
	require.Equal(t, 2, code)
	require.Contains(t, stderr, "database_url: must be a URL of the form postgres://")
	require.NotContains(t, stderr, "canary")
}

func TestHelpListsCommandsAndSettings(t *testing.T) {
	code, stdout, _ := runWith(t, "help")
	require.Equal(t, 0, code)
	for _, name := range []string{"api", "worker", "migrate", "flow", "connector", "bench", "version"} {
		require.Contains(t, stdout, "\n  "+name+" ")
	}
	code, stdout, _ = runWith(t, "help", "config")
	require.Equal(t, 0, code)
	require.Contains(t, stdout, "`PARLEY_WORKER_ADDR`")
}

func TestVersion(t *testing.T) {
	code, stdout, _ := runWith(t, "version")
	require.Equal(t, 0, code)
	require.True(t, strings.HasPrefix(stdout, "parley "))

	released := &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}
	require.Contains(t, version(released), "parley v1.2.3 (go")
	commit := &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}}}
	require.Contains(t, version(commit), "parley abc with changes (go")
	require.Contains(t, version(nil), "parley (unknown)")
}
