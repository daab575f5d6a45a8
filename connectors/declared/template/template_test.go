package template_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/declared/template"
)

func scope(t testing.TB, doc string) template.Scope {
	var v any
	require.NoError(t, json.Unmarshal([]byte(doc), &v))
	return func(path string) (any, bool) { return template.Lookup(v, path) }
}

func TestText(t *testing.T) {
	s := scope(t, `{"id":"o 1","n":12000000,"f":1.5,"none":null,"a":{"b":[{"c":"deep"}]},"x.y":"dotted","x":{"z.w":true},"body":"héllo"}`)
	for text, want := range map[string]string{
		"":                        "",
		"plain":                   "plain",
		"/orders/{id}/lines":      "/orders/o 1/lines",
		"{n}":                     "12000000",
		"{f}{f}":                  "1.51.5",
		"{a.b.0.c}":               "deep",
		"{x.y} {x.z.w}":           "dotted true",
		"{{literal}} {id|escape}": "{literal} o+1",
		"{a}":                     `{"b":[{"c":"deep"}]}`,
		"{body|ascii}":            `h\u00e9llo`,
	} {
		parsed, err := template.Parse(text)
		require.NoError(t, err, text)
		got, ok := parsed.Text(s)
		require.True(t, ok, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"{none}", "a{missing}b", "{a.b.1.c}", "{a.b.x}"} {
		parsed, err := template.Parse(text)
		require.NoError(t, err)
		_, ok := parsed.Text(s)
		require.False(t, ok, text)
	}
}

func TestWhatCannotBeParsed(t *testing.T) {
	for text, want := range map[string]string{"{id": "without its }", "{}": "names nothing", "{id|rot13}": "no filter"} {
		_, err := template.Parse(text)
		require.ErrorContains(t, err, want, text)
	}
}

func TestTreeKeepsTypesAndLeavesOutWhatIsAbsent(t *testing.T) {
	tree, err := template.ParseTree(map[string]any{
		"n": "{n}", "list": []any{"{a}", "{gone}", 3.0}, "gone": map[string]any{"x": "{gone}"}, "fixed": true, "text": "n={n}", "null": "{none}",
	})
	require.NoError(t, err)
	got, ok := tree.Value(scope(t, `{"n":7,"a":{"b":1},"none":null}`))
	require.True(t, ok)
	raw, err := json.Marshal(got)
	require.NoError(t, err)
	require.JSONEq(t, `{"n":7,"list":[{"b":1},3],"fixed":true,"text":"n=7","null":null}`, string(raw))
	require.ElementsMatch(t, []string{"n", "a", "gone", "gone", "n", "none"}, tree.Paths())
}

func FuzzTemplate(f *testing.F) {
	f.Add("{a.b}{{x|hex}", `{"a":{"b":1}}`)
	f.Fuzz(func(t *testing.T, text, doc string) {
		var v any
		if json.Unmarshal([]byte(doc), &v) != nil {
			return
		}
		parsed, err := template.Parse(text)
		if err == nil {
			parsed.Text(func(p string) (any, bool) { return template.Lookup(v, p) })
		}
	})
}
