package flow

import (
	"testing"
)

// BenchmarkStep is one turn: an answer is validated and kept, a branch taken and
// the next question put.
func BenchmarkStep(b *testing.B) {
	p := compile(b, flowOf(`
  start:
    - ask: How many would you like, {{ contact.name }}?
      kind: integer
      min: 1
      max: 20
      valid: answer != 13
      save: quantity
    - if: quantity > 10
      go: many
      else: few
  many:
    - ask: That is {{ quantity }}. Are you sure?
      save: sure
    - go: start
  few:
    - ask: Anything else?
      save: sure
    - go: start
`))
	in := Input{Events: []Event{message("hi")}, Now: testNow, Contact: map[string]any{"name": "Ana"}, Channel: "whatsapp"}
	in.State = p.Step(in).State
	in.Events = []Event{message("12")}
	b.ReportAllocs()
	for b.Loop() {
		if out := p.Step(in); out.State.Block != "many" {
			b.Fatal(out)
		}
	}
}
