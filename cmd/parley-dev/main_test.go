package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&out)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestHelpShowsTheContractsFlagsAndNoInnerCommands(t *testing.T) {
	text, err := run(t, "--help")
	require.NoError(t, err)
	for _, flag := range []string{"--data", "--config", "--stack", "--separate", "--api-addr", "--temporal-addr", "--ui-addr", "--sandbox-addr", "--verbose"} {
		require.Contains(t, text, flag)
	}
	require.NotContains(t, text, "bare-temporal")
}

func TestBadUseIsRefusedBeforeAnythingHappens(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	for want, args := range map[string][]string{
		"--config":              {"--config", filepath.Join(t.TempDir(), "missing.yaml")},
		"--stack":               {"--stack", "nonsense", "--data", dir},
		"--flow":                {"--flow", filepath.Join(t.TempDir(), "missing.yaml")},
		"unknown flag":          {"--nonsense"},
		"unknown command":       {"nonsense"},
		"no parley-dev has run": {"temporal", "--data", dir},
		`"data" not set`:        {"postgres"},
	} {
		if args[0] == "--config" || args[0] == "--flow" {
			args = append(args, "--data", dir)
		}
		_, err := run(t, args...)
		require.ErrorContains(t, err, want)
		require.NoDirExists(t, dir)
	}
}

func TestBareTemporalAsksForADatabase(t *testing.T) {
	require.NoError(t, os.Unsetenv(envDatabase))
	_, err := run(t, "bare-temporal")
	require.ErrorContains(t, err, envDatabase)
}
