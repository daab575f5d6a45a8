package transcript_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/internal/transcript"
	"parley/workflows/flow"
)

func TestPersonalDataIsReplacedTheSameEverywhere(t *testing.T) {
	d := transcript.NewDisguise()
	d.Name("María García-López")
	for real, want := range map[string]string{
		"I am maría":                         "I am Alex",
		"Dear María García-López, welcome":   "Dear Alex Robin, welcome",
		"Mariachi and garcía":                "Mariachi and garcía",
		"write to Maria@Example.org":         "write to person1@example.com",
		"maria@example.org, please":          "person1@example.com, please",
		"call +34 600 11 22 33":              "call +11 155 50 00 01",
		"at 2026-11-24 10:00 for 1250 € (2)": "at 2026-11-24 10:00 for 1250 € (2)",
		"$87.50 for order 1001":              "$87.50 for order 1001",
	} {
		require.Equal(t, want, d.Text(real), real)
	}
	require.True(t, strings.HasSuffix(strings.ReplaceAll(d.Text("0034600112233"), " ", ""), "55500001"), "the same number, written otherwise")
	d.Answer("Calle Mayor 1, Madrid", "where", "address")
	require.Equal(t, "to 1 Example Street, Sampletown.", d.Text("to calle mayor 1, madrid."))
	d.Answer("Ana", "first_name", "text")
	require.Equal(t, "Hello Sam", d.Text("Hello Ana"))
	require.Equal(t, map[string]any{"to": []any{"Sam", 3.0}}, d.Value(map[string]any{"to": []any{"Ana", 3.0}}))
}

// FuzzDisguise holds that the same text is the same in disguise, whatever it is.
func FuzzDisguise(f *testing.F) {
	f.Add("María", "I am María, +34 600 112 233, maria@example.org")
	f.Fuzz(func(t *testing.T, name, text string) {
		d := transcript.NewDisguise()
		d.Name(name)
		got := d.Text(text)
		require.Equal(t, d.Text(text), got)
	})
}

// counter is a flow whose conversation is recorded.
const counter = `
name: counter
agent_queue: desk
blocks:
  start:
    - ask: What is your name?
      save: customer_name
    - call: shopify.search_products
      with: {query: =customer_name, limit: 1}
      save: found
      errors: sorry
    - say: "{{ customer_name }}, write to {{ found.owner }}."
    - choices: Is that all?
      options: {Yes please: later, No: sorry}
  later:
    - wait: 30d
    - say: Hello again, {{ customer_name }}.
  sorry:
    - say: Sorry.
`

func TestARealConversationBecomesATranscript(t *testing.T) {
	doc, _ := flow.Parse("counter.yaml", []byte(counter))
	program, err := flow.Compile(doc)
	require.NoError(t, err)
	began := time.Date(2026, 11, 2, 10, 0, 0, 500, time.UTC)
	at := func(d time.Duration, turn int64, e flow.Event) transcript.Happened {
		e.Number, e.At = turn, began.Add(d)
		return transcript.Happened{Event: e, Turn: turn}
	}
	says := func(text string) flow.Event {
		return flow.Event{Kind: flow.EventMessage, Message: &sdk.Incoming{Text: text, Name: "María"}}
	}
	set := transcript.Setting{Channel: "webchat", Now: began.Truncate(time.Second), Zone: time.UTC, Seed: "x"}
	d := transcript.NewDisguise()
	recorder := transcript.NewRecorder(transcript.NewRehearsal(doc, program, whole, set))
	require.NoError(t, transcript.Rebuild(recorder, []transcript.Happened{
		at(0, 1, says("hi")),
		at(time.Second, 2, says("María García")),
		at(2*time.Second, 3, flow.Event{Kind: flow.EventCallResult, Ref: "e99"}), // of a step that was left
		at(3*time.Minute, 4, flow.Event{Kind: flow.EventCallResult, Ref: "e2", Output: json.RawMessage(`{"owner":"garcia@example.org or +34600112233","total":1250}`)}),
		at(4*time.Minute, 5, flow.Event{Kind: flow.EventMessage, Message: &sdk.Incoming{Text: "Yes please", Tap: "start/3/yes-please"}}),
		at(31*24*time.Hour, 6, flow.Event{Kind: flow.EventTimer, Ref: "t9"}),
		at(32*24*time.Hour, 7, flow.Event{Kind: "taken"}),
	}, d))
	var out strings.Builder
	require.NoError(t, recorder.Write(&out, "counter.yaml", "Recorded"))
	for _, secret := range []string{"María", "García", "garcia", "600112233"} {
		require.NotContains(t, out.String(), secret)
	}
	for _, want := range []string{"customer: Alex Robin", "- bot: Alex Robin, write to person1@example.com or +11155500001.", "tap: Yes please", "total: 1250", "skip: 30d", "- bot: Hello again, Alex Robin."} {
		require.Contains(t, out.String(), want)
	}
	file, problems := transcript.Parse("t.yaml", []byte(out.String()))
	require.Empty(t, problems, out.String())
	one := file.Transcripts[0]
	f := transcript.Run(one, transcript.NewRehearsal(doc, program, whole, one.Setting))
	require.Nil(t, f, "%v\n%s", f, out.String())
}
