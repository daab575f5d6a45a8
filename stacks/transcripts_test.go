package stacks_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors"
	"parley/internal/transcript"
	"parley/workflows/flow"
)

// TestTranscripts plays what each stack says that it must do.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("*/*_test.yaml")
	require.NoError(t, err)
	require.Len(t, files, 3, "each stack has transcripts")
	for _, path := range files {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			source, err := os.ReadFile(path)
			require.NoError(t, err)
			file, problems := transcript.Parse(path, source)
			require.Empty(t, problems)
			document, err := os.ReadFile(filepath.Join(filepath.Dir(path), file.Flow))
			require.NoError(t, err)
			doc, problems := flow.Parse(file.Flow, document)
			require.Empty(t, problems)
			program, err := flow.Compile(doc)
			require.NoError(t, err)
			for _, one := range file.Transcripts {
				connector, ok := connectors.Get(one.Channel)
				require.True(t, ok)
				stage := transcript.NewRehearsal(doc, program, *connector.Channel, one.Setting)
				if f := transcript.Run(one, stage); f != nil {
					t.Errorf("%s: %v\nexpected %q\ngot      %q", one.Name, f, f.Expected, f.Got)
				}
			}
		})
	}
}
