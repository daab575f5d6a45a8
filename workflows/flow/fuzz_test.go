package flow

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

// FuzzParse: no document makes Parse or Check panic, problems have places, and
// whatever compiles can be stepped.
func FuzzParse(f *testing.F) {
	for _, s := range []string{shop, payer, flowOf(fruit), flowOf(caller), commerceSource(f), "", "{", "[[[[", "a: !!x &y *z", "? ? ?"} {
		f.Add([]byte(s))
	}
	files, err := filepath.Glob("testdata/problems/*.yaml")
	require.NoError(f, err)
	for _, file := range files {
		src, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		doc, _ := Parse("fuzz.yaml", src)
		for _, p := range Check(doc, nil) {
			require.Positive(t, p.Line)
			require.Positive(t, p.Col)
			require.NotEmpty(t, p.Message)
		}
		p, err := Compile(doc)
		if err != nil {
			return
		}
		k := &talk{t: t, program: p, now: testNow}
		for _, text := range []string{"hi", "1", "yes", "x"} {
			k.say(text)
			if k.state.Pending != "" {
				k.result(`{"url":"https://pay.test/1"}`)
			}
			if k.state.Wait != nil {
				k.timeUp()
			}
		}
	})
}

// everything has a step of each sort at which a flow can be parked.
const everything = "name: everything\nagent_queue: desk\nvars: {v: 1, l: [1, {a: 2}], s: text}\n" + randomHead + `
blocks:
  start:
    - ask: Amount?
      kind: amount
      currency: EUR
      save: v
      skip: true
    - form: Tell me.
      save: v
      fields:
        a: {ask: A?}
        b: {ask: B?, kind: yesno, skip: true}
    - each: l
      as: v
      do:
        - ask: More?
          save: s
    - choices: Some?
      from: l
      label: "{{ item }}"
      many: {min: 0, max: 2}
      save: v
      empty: start
    - otp: Code?
      call: any.send
      with: {code: "{{ code }}"}
      failed: start
    - sign: Agree?
      save: v
      declined: start
    - schedule: Later.
      after: 1h
    - wait: 1h
      event: order.fulfilled
      late: start
    - pay: Something
      amount: 100
      currency: EUR
      expired: start
      failed: start
    - sub: part
      with: {p: =v}
      save: v
    - say: "{{ hours.shop.next }}"
`

// FuzzStep: no state, of whatever document, and no event make Step panic.
func FuzzStep(f *testing.F) {
	programs := []*Program{compile(f, commerceSource(f)), compile(f, everything)}
	f.Add([]byte(`{"block":"part/start","step":0,"stack":[{"sub":"part","block":"start","step":9,"saved":{"p":1}},{"sub":"gone","block":"x","step":-1}],"loops":[{"block":"start","step":2,"index":-7}]}`), "message", "", "back", []byte(`{}`))
	f.Add([]byte(`{"block":"start","step":1,"asked":{"field":-3,"picked":["x"],"code":"x"},"trail":[{"block":"start","step":99}],"scheduled":[{"token":"t1"}],"held":{}}`), "timer", "t1", "change a", []byte(`{}`))
	f.Add([]byte(`{"block":"products","step":0,"pending":"e3","seq":3}`), "call_result", "e3", "", []byte(outputs[8]))
	f.Add([]byte(`{"block":"quantity","step":0,"vars":{"cart":[1],"variant":null}}`), "message", "", "3", []byte(`{}`))
	f.Add([]byte(`{"payments":[{"ref":"e1","block":"menu","step":-1,"status":""}],"wait":{"token":"t1"}}`), "provider", "e1", "payment.paid", []byte(`{}`))
	f.Add([]byte(`{"block":"person","step":1,"handed":true,"choices":[{"id":"a","label":"b"}]}`), "returned", "", "", []byte(`{}`))
	f.Fuzz(func(t *testing.T, state []byte, kind, ref, text string, output []byte) {
		var s State
		if json.Unmarshal(state, &s) != nil || !utf8.Valid(state) {
			t.Skip("not a state")
		}
		events := []Event{
			{Kind: EventKind(kind), Ref: ref, Name: text, Output: output, Message: &sdk.Incoming{Text: text}},
			message(text),
		}
		in := Input{State: s, Events: events, Now: testNow, Entropy: []byte("0123456789abcdef")}
		for _, p := range programs {
			out := p.Step(in)
			require.Equal(t, out, p.Step(in))
			_, err := json.Marshal(out)
			require.NoError(t, err)
		}
	})
}
