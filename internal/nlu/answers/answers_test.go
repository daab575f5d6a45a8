package answers_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/internal/nlu/answers"
	"parley/internal/nlu/evaluate"
)

var desk = []answers.Entry{
	{ID: "hours", Questions: []string{"When are you open?", "What are your opening hours?", "आप कब खुले हैं"}, Answer: "9 to 6."},
	{ID: "parking", Questions: []string{"Where can I park?", "Is there parking nearby?"}, Answer: "Behind the house."},
	{ID: "passport", Questions: []string{"How do I renew my passport?", "¿Cómo renuevo mi pasaporte?"}, Answer: "Online."},
}

func TestAnswers(t *testing.T) {
	x := answers.Build(desk)
	for question, want := range map[string]string{
		"what are the opening hours": "hours",
		"when do you open?":          "hours",
		"is there any parking":       "parking",
		"renewing my passport":       "passport",
		"como renuevo el pasaporte":  "passport",
		"आप कब खुले":                 "hours",
		"do you sell ice cream":      "",
		"":                           "",
		"???":                        "",
	} {
		got, err := x.Understand(t.Context(), sdk.Utterance{Text: question})
		require.NoError(t, err)
		require.Equal(t, want, got.AnswerID, question)
	}
	require.Empty(t, answers.Build(nil).Search("anything", 3))
}

// generated makes a desk of n questions over made-up subjects.
func generated(n int) []answers.Entry {
	r := rand.New(rand.NewPCG(1, 2))
	syllables := []string{"ba", "ko", "mi", "tu", "re", "sal", "ven", "dor", "pik", "lam", "zo", "chi"}
	name := func() string { return syllables[r.IntN(12)] + syllables[r.IntN(12)] + syllables[r.IntN(12)] }
	forms := []string{"How do I get a %s for my %s?", "What does the %s of a %s cost?", "Where is the office for %s and %s?", "Can I change the %s of my %s online?"}
	var out []answers.Entry
	for i := range n {
		id := fmt.Sprint(i)
		out = append(out, answers.Entry{ID: id, Questions: []string{fmt.Sprintf(forms[r.IntN(4)], name(), name())}, Answer: "answer " + id})
	}
	return out
}

func TestTenThousandQuestions(t *testing.T) {
	entries := generated(10_000)
	x := answers.Build(entries)
	var took []time.Duration
	right := 0
	for i := 0; i < len(entries); i += 25 {
		// As people ask: without the first words, with a slip of the keys.
		asked := entries[i].Questions[0]
		fields := strings.Fields(asked)
		fields[len(fields)-1] = slip(fields[len(fields)-1])
		asked = strings.Join(fields[2:], " ")
		began := time.Now()
		hits := x.Search(asked, 3)
		took = append(took, time.Since(began))
		if len(hits) > 0 && hits[0].ID == entries[i].ID {
			right++
		}
	}
	slices.Sort(took)
	t.Logf("right %d of %d, p50 %v, p99 %v", right, len(took), took[len(took)/2], took[len(took)*99/100])
	require.GreaterOrEqual(t, right, len(took)*95/100)
}

// slip swaps two letters.
func slip(word string) string {
	b := []byte(word)
	b[2], b[3] = b[3], b[2]
	return string(b)
}

// TestParaphrases takes the training questions of CLINC150 for those of a desk
// whose answers are the intents, and asks those of the validation set.
func TestParaphrases(t *testing.T) {
	data := os.Getenv("PARLEY_DATA")
	if data == "" {
		t.Skip("PARLEY_DATA is not set: it names a folder with nlu/clinc150-train.csv and others")
	}
	entries := map[string]answers.Entry{}
	read := func(name string, each func(text, label string)) {
		f, err := os.Open(filepath.Join(data, "nlu", name))
		require.NoError(t, err)
		defer f.Close()
		examples, err := evaluate.ReadCSV(f)
		require.NoError(t, err)
		for _, e := range examples {
			each(e.Text, e.Label)
		}
	}
	read("clinc150-train.csv", func(text, label string) {
		if label != sdk.OutOfScope {
			e := entries[label]
			e.ID, e.Questions = label, append(e.Questions, text)
			entries[label] = e
		}
	})
	var list []answers.Entry
	for _, e := range entries {
		list = append(list, e)
	}
	x := answers.Build(list)
	var in, first, third, given, givenRight, out, refused float64
	read("clinc150-val.csv", func(text, label string) {
		hits := x.Search(text, 3)
		_, answer := x.Answer(text)
		if label == sdk.OutOfScope {
			out++
			if !answer {
				refused++
			}
			return
		}
		in++
		if hits[0].ID == label {
			first++
		}
		if slices.ContainsFunc(hits, func(h answers.Hit) bool { return h.ID == label }) {
			third++
		}
		if answer {
			given++
			if hits[0].ID == label {
				givenRight++
			}
		}
	})
	t.Logf("recall@1 %.3f, recall@3 %.3f, answered %.3f of which right %.3f, out of scope refused %.3f",
		first/in, third/in, given/in, givenRight/given, refused/out)
	require.Greater(t, first/in, 0.80)
	require.Greater(t, third/in, 0.90)
	require.Greater(t, given/in, 0.60)
	require.Greater(t, givenRight/given, 0.90)
	require.Greater(t, refused/out, 0.80)
}

func BenchmarkSearch(b *testing.B) {
	entries := generated(10_000)
	x := answers.Build(entries)
	b.ReportAllocs()
	for b.Loop() {
		x.Search(entries[77].Questions[0], 3)
	}
}
