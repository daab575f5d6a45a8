package classify_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/internal/nlu/classify"
	"parley/internal/nlu/evaluate"
)

// shop is a small set as a designer of a flow writes one.
var shop = map[string][]string{
	"track_order": {"where is my order", "track my package", "when will my parcel arrive", "mera order kahan hai", "मेरा ऑर्डर कहाँ है", "has it been shipped yet"},
	"refund":      {"i want my money back", "refund please", "how do i get a refund", "paisa wapas chahiye", "मुझे पैसे वापस चाहिए", "return the amount to my card"},
	"cancel":      {"cancel my order", "please cancel it", "i do not want it any more", "order cancel karo", "cancelar mi pedido", "stop the order"},
	"hours":       {"when are you open", "opening hours", "are you open on sunday", "what time do you close", "a que hora abren", "store timings"},
	"agent":       {"talk to a person", "i want a human", "connect me to an agent", "hablar con una persona", "أريد التحدث مع موظف", "customer care please"},
}

func examples(set map[string][]string) (out []classify.Example) {
	for label, texts := range set {
		for _, text := range texts {
			out = append(out, classify.Example{Text: text, Label: label})
		}
	}
	return out
}

func train(t *testing.T, e []classify.Example) *classify.Model {
	t.Helper()
	m, err := classify.Train(t.Context(), e)
	require.NoError(t, err)
	return m
}

func TestASmallSetUnderstandsWhatIsNear(t *testing.T) {
	m := train(t, examples(shop))
	for text, want := range map[string]string{
		"Where's my parcel?":     "track_order",
		"track order":            "track_order",
		"MERA ORDER KAHAN HAI??": "track_order",
		"मेरा पैकेज कहाँ है": "track_order",
		"can i get a refund":             "refund",
		"pls cancel my order":            "cancel",
		"are you open today":             "hours",
		"quiero hablar con una persona":  "agent",
		"اريد التحدث":                    "agent",
		"could I talk to a human please": "agent",
		"¿A qué hora abren?":             "hours",
	} {
		got := m.Classify(text)
		require.Equal(t, want, got.Intent, "%s: %+v", text, got)
		require.InDelta(t, 0.5, got.Confidence, 0.5)
		require.Positive(t, got.Margin)
	}
	for _, text := range []string{"", "?!", "zxqv bnmkl", "цена на нефть"} {
		require.Equal(t, sdk.OutOfScope, m.Classify(text).Intent, text)
	}
}

func TestTheSameExamplesGiveTheSameModel(t *testing.T) {
	e := examples(shop)
	slices.Reverse(e)
	a, b := train(t, e), train(t, examples(shop))
	require.Equal(t, a.Name(), b.Name())
	require.Equal(t, a.Bytes(), b.Bytes())

	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	require.Equal(t, a.Name(), train(t, e).Name(), "whatever the number of processors")

	more := append(e, classify.Example{Text: "one more", Label: "hours"})
	require.NotEqual(t, a.Name(), train(t, more).Name())
}

func TestAFingerprintNamesTheExamples(t *testing.T) {
	e := examples(shop)
	name := classify.Fingerprint(e)
	slices.Reverse(e)
	require.Equal(t, name, classify.Fingerprint(append(e, e[0])), "in any order, and repeats do not count")
	require.NotEqual(t, name, classify.Fingerprint(e[1:]))
	require.NotEqual(t, classify.Fingerprint([]classify.Example{{Text: "a b", Label: "c"}}), classify.Fingerprint([]classify.Example{{Text: "a", Label: "b c"}}))
}

func TestTrainingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := classify.Train(ctx, examples(shop))
	require.ErrorIs(t, err, context.Canceled)
}

func TestALoadedModelIsTheModel(t *testing.T) {
	m := train(t, examples(shop))
	back, err := classify.Load(m.Bytes())
	require.NoError(t, err)
	require.Equal(t, m.Name(), back.Name())
	require.Equal(t, m.Labels(), back.Labels())
	for _, e := range examples(shop) {
		require.Equal(t, m.Classify(e.Text), back.Classify(e.Text))
	}
	for n := range len(m.Bytes()) {
		_, err := classify.Load(m.Bytes()[:n])
		require.Error(t, err, "cut off after %d bytes", n)
	}
}

func TestAModelIsSafeForConcurrentUse(t *testing.T) {
	m := train(t, examples(shop))
	want := m.Classify("where is my parcel")
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 200 {
				if got := m.Classify("where is my parcel"); got != want {
					t.Errorf("%+v", got)
					return
				}
				m.Classify("quiero hablar con una persona")
			}
		})
	}
	wait.Wait()
}

// TestClassifyAllocatesLittle has a bound above the nothing that it is, since the
// race detector drops pooled memory at random.
func TestClassifyAllocatesLittle(t *testing.T) {
	m := train(t, examples(shop))
	m.Classify("where is my parcel")
	require.LessOrEqual(t, testing.AllocsPerRun(1000, func() { m.Classify("where is my parcel") }), 15.0)
}

func TestWhatCannotBeLearntIsRefused(t *testing.T) {
	for name, e := range map[string][]classify.Example{
		"no examples": nil,
		"no label":    {{Text: "hi"}},
		"no words":    {{Text: "…", Label: "greet"}},
	} {
		_, err := classify.Train(t.Context(), e)
		require.Error(t, err, name)
	}
}

func TestOddSetsTrain(t *testing.T) {
	one := train(t, []classify.Example{{Text: "hello there", Label: "greet"}})
	require.Equal(t, "greet", one.Classify("hello there").Intent)
	require.Equal(t, sdk.OutOfScope, one.Classify("completely unrelated").Intent)

	each := train(t, []classify.Example{{Text: "hello there", Label: "greet"}, {Text: "good bye", Label: "leave"}})
	require.Equal(t, "leave", each.Classify("good bye").Intent)

	refuses := train(t, []classify.Example{{Text: "what is the weather", Label: sdk.OutOfScope}})
	require.Equal(t, sdk.OutOfScope, refuses.Classify("what is the weather").Intent)
}

// TestPublicSets holds the figures of docs/understanding.md, with room to spare.
func TestPublicSets(t *testing.T) {
	data := os.Getenv("PARLEY_DATA")
	if data == "" {
		t.Skip("PARLEY_DATA is not set: it names a folder with nlu/banking77-train.csv and others")
	}
	read := func(name string) []classify.Example {
		f, err := os.Open(filepath.Join(data, "nlu", name))
		require.NoError(t, err)
		defer f.Close()
		e, err := evaluate.ReadCSV(f)
		require.NoError(t, err)
		return e
	}
	t.Run("banking77, a tenth held out", func(t *testing.T) {
		var learn, judge []classify.Example
		for i, e := range read("banking77-train.csv") {
			if i%10 == 3 {
				judge = append(judge, e)
			} else {
				learn = append(learn, e)
			}
		}
		r, m, err := evaluate.Run(t.Context(), learn, judge)
		require.NoError(t, err)
		t.Logf("%+v, %d bytes", r, len(m.Bytes()))
		require.GreaterOrEqual(t, r.Accuracy, 0.89)
		require.Less(t, r.ClassifyP50, 2000.0)
	})
	t.Run("clinc150", func(t *testing.T) {
		r, m, err := evaluate.Run(t.Context(), read("clinc150-train.csv"), read("clinc150-val.csv"))
		require.NoError(t, err)
		t.Logf("%+v, oos %v, %d bytes", r, *r.OOSRecall, len(m.Bytes()))
		require.GreaterOrEqual(t, r.InScopeAccuracy, 0.90)
		require.GreaterOrEqual(t, *r.OOSRecall, 0.60)
	})
}

func FuzzLoad(f *testing.F) {
	m, err := classify.Train(context.Background(), []classify.Example{{Text: "a b", Label: "x"}, {Text: "c", Label: "y"}})
	require.NoError(f, err)
	f.Add(m.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := classify.Load(b); err == nil {
			m.Classify("where is my order")
		}
	})
}

func BenchmarkClassify(b *testing.B) {
	m, err := classify.Train(b.Context(), examples(shop))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		m.Classify("where is the parcel that i ordered last week")
	}
}

func ExampleModel_Classify() {
	m, _ := classify.Train(context.Background(), []classify.Example{
		{Text: "where is my order", Label: "track"}, {Text: "track my parcel", Label: "track"},
		{Text: "give me my money back", Label: "refund"}, {Text: "refund please", Label: "refund"},
	})
	fmt.Println(m.Classify("track my order").Intent)
	// Output: track
}
