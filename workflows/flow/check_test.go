package flow

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

var update = flag.Bool("update", false, "write the golden files anew")

var testCatalogue = Catalogue{
	"shop": {
		"find": {Effect: sdk.Read, Input: json.RawMessage(`{"$ref":"#/$defs/Find","$defs":{"Find":{"properties":{"words":{},"limit":{}},"required":["words"],"additionalProperties":false}}}`)},
		"sell": {Effect: sdk.Once},
	},
	"http": {"get": {Effect: sdk.Read}},
}

// TestProblems compares the problems of each file in testdata/problems with the
// golden file beside it.
func TestProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/problems/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			require.NoError(t, err)
			doc, parsed := Parse(filepath.Base(file), src)
			problems := Check(doc, testCatalogue)
			require.NotEmpty(t, problems)
			for _, p := range parsed {
				require.Contains(t, problems, p, "Check gives what Parse gives, and more")
			}
			got := Problems(problems).Error() + "\n"
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
			require.NotContains(t, got, "hunter2", "a secret is not quoted")

			_, err = Compile(doc)
			if strings.Contains(file, "unset") { // may have been published before this was looked for
				require.NoError(t, err)
				return
			}
			if !strings.Contains(file, "calls") { // those need the catalogue in part
				require.EqualError(t, err, Problems(Check(doc, nil)).Error())
			}
			require.Error(t, err)
		})
	}
}

func TestGoodDocumentsHaveNoProblems(t *testing.T) {
	for _, source := range []string{shop, payer, flowOf(fruit), flowOf(caller)} {
		doc, problems := Parse("good.yaml", []byte(source))
		require.Empty(t, problems)
		require.Empty(t, Check(doc, nil))
	}
}

func TestJSONIsADocumentToo(t *testing.T) {
	doc, _ := Parse("f.json", []byte(`{"name": "j", "blocks": {"start": [{"say": "Hello {{ 1 + 1 }}"}, "end"]}}`))
	p, err := Compile(doc)
	require.NoError(t, err)
	require.Equal(t, []string{"Hello 2"}, shown(p.Step(Input{Events: []Event{message("x")}, Now: testNow}).Effects))
}

func TestHash(t *testing.T) {
	hash := func(s string) string { return compile(t, s).Hash() }
	base := hash("name: a\nblocks:\n  start:\n    - say: Hello\n    - end\n")
	require.Len(t, base, 64)
	require.Equal(t, base, hash("# A comment.\nname:   \"a\"\nblocks: {start: [{say: 'Hello'}, end]} # another\n"))
	require.NotEqual(t, base, hash("name: a\nblocks:\n  start:\n    - say: Hello!\n    - end\n"))
	require.NotEqual(t, base, hash("blocks:\n  start:\n    - say: Hello\n    - end\nname: a\n"), "the order is content")
	require.NotEqual(t, hash("name: a\nvars: {v: 1}\nblocks: {start: [end]}"), hash("name: a\nvars: {v: '1'}\nblocks: {start: [end]}"))
}

func TestProgramTellsAboutItself(t *testing.T) {
	p := compile(t, "title: T\n"+flowOf(caller))
	require.Equal(t, "test", p.Name())
	require.Equal(t, "T", p.Title())
	require.Equal(t, []string{"shop"}, p.Connectors())
}

// manyBlocks makes a document of n blocks with a question, a branch and a call.
func manyBlocks(n int) []byte {
	var b strings.Builder
	b.WriteString("name: big\nagent_queue: desk\nblocks:\n  start:\n    - go: b0\n")
	for i := range n {
		fmt.Fprintf(&b, "  b%d:\n    - ask: Question %d, {{ contact.name }}?\n      kind: integer\n      min: 1\n      save: v%d\n", i, i, i)
		fmt.Fprintf(&b, "    - call: shop.find\n      with: {words: \"{{ v%d }}\"}\n      save: found\n      errors: b%d\n", i, (i+1)%n)
		fmt.Fprintf(&b, "    - if: v%d > 10\n      go: b%d\n      else: b%d\n", i, (i+1)%n, (i+2)%n)
	}
	return []byte(b.String())
}

// BenchmarkCheck parses and checks 1,000 blocks.
func BenchmarkCheck(b *testing.B) {
	src := manyBlocks(1000)
	b.ReportAllocs()
	for b.Loop() {
		doc, _ := Parse("big.yaml", src)
		if len(Check(doc, testCatalogue)) > 0 {
			b.Fatal("problems")
		}
	}
}
