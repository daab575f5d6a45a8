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

// FuzzStep: no state, of whatever document, and no event make Step panic.
func FuzzStep(f *testing.F) {
	p := compile(f, commerceSource(f))
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
		in := Input{State: s, Events: events, Now: testNow}
		out := p.Step(in)
		require.Equal(t, out, p.Step(in))
		_, err := json.Marshal(out)
		require.NoError(t, err)
	})
}
