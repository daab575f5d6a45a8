package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// block is a fenced block of a Markdown file: its language, what follows it on
// the same line, and its text.
var block = regexp.MustCompile("(?ms)^```([a-z]+)(?: ([^\n]+))?\n(.*?)^```$")

// TestTheTutorialWorks does what docs/add-a-connector.md says, in a folder of its
// own, without the network: it writes the Go files, applies the diffs and runs the
// commands, in order. Blocks of console are for the reader only.
func TestTheTutorialWorks(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds two programs")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(root, "docs", "add-a-connector.md"))
	require.NoError(t, err)
	bin, dir := t.TempDir(), t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "parley"), ".")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)

	ran := shell(t, script(string(text)), dir, "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"), "PARLEY="+root, "GOPROXY=off", "GOFLAGS=", "GOWORK=off")
	if strings.Contains(ran.said, "module lookup disabled by GOPROXY=off") {
		t.Skip("the module cache lacks a module that the tutorial's connector needs")
	}
	require.NoError(t, ran.err, "%s", ran.said)
	require.Contains(t, ran.said, "TestConformance/cut/item_create")
	require.Contains(t, ran.said, "note_add", "the operation is in the binary that was built")
}

// script puts the tutorial's blocks into one shell script, in which a cd lasts.
func script(text string) string {
	var b strings.Builder
	b.WriteString("set -e\n")
	for _, m := range block.FindAllStringSubmatch(text, -1) {
		switch language, file, body := m[1], m[2], m[3]; language {
		case "sh":
			b.WriteString(body)
		case "go":
			b.WriteString("cat > " + file + " <<'END_OF_BLOCK'\n" + body + "END_OF_BLOCK\n")
		case "diff":
			b.WriteString("git apply - <<'END_OF_BLOCK'\n" + body + "END_OF_BLOCK\n")
		}
	}
	return b.String()
}

type result struct {
	said string
	err  error
}

func shell(t *testing.T, script, dir string, env ...string) result {
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return result{string(out), err}
}
