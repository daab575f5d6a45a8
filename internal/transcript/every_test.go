package transcript_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors"
	"parley/internal/transcript"
	"parley/workflows/flow"
)

// house is a flow with its transcripts.
type house struct {
	doc     *flow.Document
	program *flow.Program
	file    *transcript.File
}

func load(t testing.TB, name string) house {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("testdata", name+".yaml"))
	require.NoError(t, err)
	doc, problems := flow.Parse(name+".yaml", source)
	require.Empty(t, problems)
	program, err := flow.Compile(doc)
	require.NoError(t, err)
	source, err = os.ReadFile(filepath.Join("testdata", name+"_test.yaml"))
	require.NoError(t, err)
	file, problems := transcript.Parse(name+"_test.yaml", source)
	require.Empty(t, problems)
	return house{doc, program, file}
}

// play plays one transcript.
func (h house) play(t testing.TB, one *transcript.Transcript) (*transcript.Rehearsal, *transcript.Failure) {
	t.Helper()
	connector, ok := connectors.Get(one.Channel)
	require.True(t, ok)
	stage := transcript.NewRehearsal(h.doc, h.program, *connector.Channel, one.Setting)
	return stage, transcript.Run(one, stage)
}

// TestEveryVerb holds the language to the flow that uses all of it: each way
// through it, error branches too, is gone by a transcript.
func TestEveryVerb(t *testing.T) {
	h := load(t, "every")
	require.Empty(t, flow.Check(h.doc, nil))
	used := map[string]bool{}
	for _, w := range h.doc.Ways() {
		if w.Kind == flow.WayStep {
			used[w.Name] = true
		}
	}
	for _, verb := range flow.Verbs() {
		require.True(t, used[verb], "testdata/every.yaml does not use the verb %q", verb)
	}
	covered := transcript.NewCoverage(h.doc)
	for _, one := range h.file.Transcripts {
		t.Run(one.Name, func(t *testing.T) {
			stage, failure := h.play(t, one)
			if failure != nil {
				t.Errorf("%v\nexpected %q\ngot      %q", failure, failure.Expected, failure.Got)
			}
			again, _ := h.play(t, one)
			require.Equal(t, stage.Seen(), again.Seen(), "the same transcript is played the same way")
			covered.Add(stage.Passed)
		})
	}
	for _, w := range covered.Missed() {
		t.Errorf("every.yaml:%d:%d: no transcript reaches the %s %s %s", w.Line, w.Col, w.Kind, w.Name, w.Block)
	}
	require.InDelta(t, 100, covered.Percent(), 1e-9)
}

// BenchmarkAMonth is what a conversation costs in which a month passes.
func BenchmarkAMonth(b *testing.B) {
	h := load(b, "every")
	i := slices.IndexFunc(h.file.Transcripts, func(one *transcript.Transcript) bool { return one.Name == "Time" })
	for b.Loop() {
		if _, failure := h.play(b, h.file.Transcripts[i]); failure != nil {
			b.Fatal(failure)
		}
	}
}

func BenchmarkTranscripts(b *testing.B) {
	h := load(b, "every")
	for i := 0; b.Loop(); i++ {
		if _, failure := h.play(b, h.file.Transcripts[i%len(h.file.Transcripts)]); failure != nil {
			b.Fatal(failure)
		}
	}
}
