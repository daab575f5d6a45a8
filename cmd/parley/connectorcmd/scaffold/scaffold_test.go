package scaffold_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/cmd/parley/connectorcmd/scaffold"
)

// TestWhatIsWrittenPassesTheKit: both shapes compile and conform as they are.
func TestWhatIsWrittenPassesTheKit(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles a module")
	}
	parley, err := filepath.Abs(filepath.Join("..", "..", "..", ".."))
	require.NoError(t, err)
	for name, channel := range map[string]bool{"acme": false, "chatty": true} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), name)
			require.NoError(t, scaffold.Write(dir, scaffold.Options{Name: name, Module: "example.com/" + name, Channel: channel, Parley: parley, Go: "1.26"}))
			for _, args := range [][]string{{"vet", "./..."}, {"test", "./...", "-update"}, {"test", "./..."}} {
				cmd := exec.Command("go", args...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
				out, err := cmd.CombinedOutput()
				if strings.Contains(string(out), "module lookup disabled by GOPROXY=off") {
					t.Skip("the module cache lacks a module that a connector needs")
				}
				require.NoError(t, err, "go %v: %s", args, out)
			}
		})
	}
}

func TestWhatIsRefused(t *testing.T) {
	full := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(full, "here"), nil, 0o600))
	for name, test := range map[string]struct {
		dir string
		o   scaffold.Options
		why string
	}{
		"a name with capitals":   {"", scaffold.Options{Name: "Acme", Module: "example.com/Acme"}, "lower case"},
		"a path that is none":    {"", scaffold.Options{Name: "acme", Module: "example com/acme"}, "the module's path"},
		"a path of another name": {"", scaffold.Options{Name: "acme", Module: "example.com/connector"}, "must end in the connector's name"},
		"a folder in use":        {full, scaffold.Options{Name: "acme", Module: "example.com/acme"}, "is not empty"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := test.dir
			if dir == "" {
				dir = filepath.Join(t.TempDir(), "new")
			}
			require.ErrorContains(t, scaffold.Write(dir, test.o), test.why)
			require.NoFileExists(t, filepath.Join(dir, "go.mod"))
		})
	}
}
