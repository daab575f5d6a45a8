package transcript_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors"
	"parley/internal/transcript"
)

// TestWhatIsRecordedPasses plays what is done in every transcript, writes it down,
// and plays what was written.
func TestWhatIsRecordedPasses(t *testing.T) {
	h := load(t, "every")
	for _, one := range h.file.Transcripts {
		t.Run(one.Name, func(t *testing.T) {
			connector, ok := connectors.Get(one.Channel)
			require.True(t, ok)
			recorder := transcript.NewRecorder(transcript.NewRehearsal(h.doc, h.program, *connector.Channel, one.Setting))
			for _, l := range one.Lines {
				switch l.Verb {
				case "customer", "tap", "enter", "send", "location", "skip", "agent", "news":
					if l.Skip != nil {
						l = transcript.Passes(l.Skip.Span(recorder.Now(), one.Zone))
					}
					_ = recorder.Do(l) // what needs an answer that only a line gives cannot be done here
				}
			}
			var out strings.Builder
			require.NoError(t, recorder.Write(&out, "every.yaml", one.Name))
			file, problems := transcript.Parse("recorded_test.yaml", []byte(out.String()))
			require.Empty(t, problems, out.String())
			require.Len(t, file.Transcripts, 1)
			_, failure := h.play(t, file.Transcripts[0])
			require.Nil(t, failure, "%v\n%s", failure, out.String())
		})
	}
}
