package evaluate_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/internal/nlu/classify"
	"parley/internal/nlu/evaluate"
)

func TestReadCSV(t *testing.T) {
	got, err := evaluate.ReadCSV(strings.NewReader("\ufeffid,label,text\n1,refund,\"give it back,\nplease\"\n"))
	require.NoError(t, err)
	require.Equal(t, []classify.Example{{Text: "give it back,\nplease", Label: "refund"}}, got)
}

func TestReadCSVNamesTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "line 1: the file is empty",
		"a,b\n":                       "line 1: the header must be text,label",
		"text,label\n":                "line 2: there are no examples",
		"text,label\nhi,greet\nhi,\n": "line 3: the label is missing",
		"text,label\n\"a\nb\",x\n?,x": "line 4: the text has no words",
		"text,label\nhi,greet,more\n": "line 2: wrong number of fields",
		"text,label\n\"hi,greet\n":    "line 2: extraneous or missing",
	} {
		_, err := evaluate.ReadCSV(strings.NewReader(text))
		require.ErrorContains(t, err, want, "%q", text)
	}
}

func TestFigures(t *testing.T) {
	train := []classify.Example{
		{Text: "where is my order", Label: "track"}, {Text: "track my parcel", Label: "track"},
		{Text: "money back", Label: "refund"}, {Text: "refund please", Label: "refund"},
	}
	r, _, err := evaluate.Run(t.Context(), train, []classify.Example{
		{Text: "track my parcel", Label: "track"}, {Text: "refund please", Label: "refund"},
		{Text: "where is my order", Label: "refund"}, // said: track
		{Text: "qqq zzz", Label: "oos"},
	})
	require.NoError(t, err)
	require.InDelta(t, 0.75, r.Accuracy, 1e-9)
	require.InDelta(t, 2.0/3, r.InScopeAccuracy, 1e-9)
	require.InDelta(t, 1, *r.OOSRecall, 1e-9)
	require.InDelta(t, (2.0/3+2.0/3+1)/3, r.MacroF1, 1e-9)
	require.Positive(t, r.ClassifyP99)

	r, _, err = evaluate.Run(t.Context(), train, train)
	require.NoError(t, err)
	require.Nil(t, r.OOSRecall)
}
