package commerce_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors"
	"parley/internal/transcript"
	"parley/stacks/commerce"
	"parley/workflows/flow"
)

// TestTranscripts plays commerce_test.yaml, which says what the shop must do. It
// must leave no block and no branch out.
func TestTranscripts(t *testing.T) {
	doc, problems := flow.Parse("commerce.yaml", commerce.Flow)
	require.Empty(t, problems)
	program, err := flow.Compile(doc)
	require.NoError(t, err)
	source, err := os.ReadFile("commerce_test.yaml")
	require.NoError(t, err)
	file, problems := transcript.Parse("commerce_test.yaml", source)
	require.Empty(t, problems)

	covered := transcript.NewCoverage(doc)
	for _, one := range file.Transcripts {
		t.Run(one.Name, func(t *testing.T) {
			connector, ok := connectors.Get(one.Channel)
			require.True(t, ok)
			stage := transcript.NewRehearsal(doc, program, *connector.Channel, one.Setting)
			if f := transcript.Run(one, stage); f != nil {
				t.Errorf("%v\nexpected %q\ngot      %q", f, f.Expected, f.Got)
			}
			covered.Add(stage.Passed)
		})
	}
	require.Empty(t, covered.Missed(), "no transcript reaches this")
}
