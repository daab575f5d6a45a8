package transcript_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"parley/internal/transcript"
	"parley/workflows/flow"
)

const (
	docsFile    = "../../docs/transcripts.md"
	schemaFile  = "../../docs/transcript.schema.json"
	beginMarker = "<!-- reference: made by go test ./internal/transcript -run TestDocs -update -->\n"
	endMarker   = "<!-- end of reference -->\n"
)

// TestDocsAreMadeOfTheTables holds the reference and the schema to what is read.
func TestDocsAreMadeOfTheTables(t *testing.T) {
	text, err := os.ReadFile(docsFile)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), beginMarker)
	require.True(t, ok, "docs/transcripts.md has lost the place of its reference")
	_, after, ok := strings.Cut(rest, endMarker)
	require.True(t, ok)
	want := before + beginMarker + transcript.Reference() + endMarker + after
	if *update {
		require.NoError(t, os.WriteFile(docsFile, []byte(want), 0o644))
		require.NoError(t, os.WriteFile(schemaFile, transcript.Schema(), 0o644))
		text = []byte(want)
	}
	require.Equal(t, want, string(text), "run go test ./internal/transcript -run TestDocs -update")
	schema, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	require.Equal(t, string(transcript.Schema()), string(schema), "run go test ./internal/transcript -run TestDocs -update")
}

var example = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// TestExamplesOfTheDocsPass plays every example of docs/transcripts.md against the
// flow that stands before it.
func TestExamplesOfTheDocsPass(t *testing.T) {
	text, err := os.ReadFile(docsFile)
	require.NoError(t, err)
	var h house
	played := 0
	for _, e := range example.FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains(e[1], "transcripts:") {
			doc, _ := flow.Parse("docs.yaml", []byte(e[1]))
			require.Empty(t, flow.Check(doc, nil))
			program, err := flow.Compile(doc)
			require.NoError(t, err)
			h = house{doc: doc, program: program}
			continue
		}
		file, problems := transcript.Parse("docs_test.yaml", []byte(e[1]))
		require.Empty(t, problems)
		for _, one := range file.Transcripts {
			_, failure := h.play(t, one)
			require.Nil(t, failure, "%v", failure)
			played++
		}
	}
	require.GreaterOrEqual(t, played, 5)
}

// TestTheSchemaTakesWhatIsRead holds the schema to real files, and to wrong ones.
func TestTheSchemaTakesWhatIsRead(t *testing.T) {
	var raw any
	require.NoError(t, json.Unmarshal(transcript.Schema(), &raw))
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("transcript.json", raw))
	schema, err := c.Compile("transcript.json")
	require.NoError(t, err)
	for _, file := range []string{"testdata/every_test.yaml", "../../stacks/commerce/commerce_test.yaml"} {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		root, problems := flow.ReadYAML(file, source)
		require.Empty(t, problems)
		require.NoError(t, schema.Validate(root.Value()), file)
	}
	for _, wrong := range []string{
		"transcripts: {a: [{custmer: hi}]}", "transcripts: {a: [{customer: hi, intents: x}]}", "transcripts: {a: []}",
		"channel: whatsapp", "transcripts: {a: [{call: a.b, error: broken}]}",
	} {
		root, problems := flow.ReadYAML("wrong.yaml", []byte(wrong))
		require.Empty(t, problems)
		require.Error(t, schema.Validate(root.Value()), wrong)
		_, problems = transcript.Parse("wrong.yaml", []byte(wrong))
		require.NotEmpty(t, problems, wrong)
	}
}
