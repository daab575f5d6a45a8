package flow

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	docsFile    = "../../docs/flows.md"
	schemaFile  = "../../docs/flow.schema.json"
	beginMarker = "<!-- reference: made by go test ./workflows/flow -run TestDocs -update -->\n"
	endMarker   = "<!-- end of reference -->\n"
)

// TestDocsAreMadeOfTheLanguage holds the reference and the schema to the structs
// that read documents.
func TestDocsAreMadeOfTheLanguage(t *testing.T) {
	text, err := os.ReadFile(docsFile)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), beginMarker)
	require.True(t, ok, "docs/flows.md has lost the place of its reference")
	_, after, ok := strings.Cut(rest, endMarker)
	require.True(t, ok)
	want := before + beginMarker + Reference() + endMarker + after
	if *update {
		require.NoError(t, os.WriteFile(docsFile, []byte(want), 0o644))
		require.NoError(t, os.WriteFile(schemaFile, Schema(), 0o644))
		text = []byte(want)
	}
	require.Equal(t, want, string(text), "run go test ./workflows/flow -run TestDocs -update")
	schema, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	require.Equal(t, string(Schema()), string(schema), "run go test ./workflows/flow -run TestDocs -update")
	require.True(t, json.Valid(schema))
}

func TestEveryKeyIsExplained(t *testing.T) {
	for _, line := range strings.Split(Reference(), "\n") {
		require.NotRegexp(t, "^\\| `[a-z_]+`( \\(needed\\))? \\|  \\|$", line)
	}
}

var example = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// TestExamplesOfTheDocsRun checks every example of docs/flows.md, and talks to it.
func TestExamplesOfTheDocsRun(t *testing.T) {
	text, err := os.ReadFile(docsFile)
	require.NoError(t, err)
	examples := example.FindAllStringSubmatch(string(text), -1)
	require.GreaterOrEqual(t, len(examples), 8)
	for _, e := range examples {
		source := e[1]
		doc, _ := Parse("docs.yaml", []byte(source))
		require.Empty(t, Check(doc, nil), source)
		k := newTalk(t, source)
		require.NotEmpty(t, k.say("hello"), source)
		for _, answer := range []string{"1", "Ana", "yes", "ana@example.org", "2", "back", "menu"} {
			if k.state.Pending != "" {
				k.result(`{"products":[{"id":"p1","title":"Tea"}],"url":"https://pay.test/1","slots":["9:00","10:00"]}`)
			}
			k.say(answer)
			require.Empty(t, k.out.Faults, source)
		}
	}
}
