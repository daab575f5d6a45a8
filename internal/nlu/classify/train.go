package classify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"parley/connectors/sdk"
	"parley/internal/nlu/grams"
	"parley/internal/nlu/words"
)

// Example is an utterance and what it asks for: an intent's name, or
// [sdk.OutOfScope].
type Example struct{ Text, Label string }

// MostLabels is how many intents one model can tell apart.
const MostLabels = 1 << 10

const (
	// manyTexts is from how many examples on a feature must be in two of them: it
	// halves the model and costs nothing. In a small set each counts.
	manyTexts = 2000
	// Parts of the cross-validation that confidence is measured by: fewer where
	// there is much to learn from.
	fewFolds, manyFolds = 3, 5
)

// Fingerprint names a set of examples together with the version of the classifier:
// sets of the same examples, in any order, have the same one and give models of the
// same worth. It is hexadecimal.
func Fingerprint(examples []Example) string {
	h := sha256.New()
	io.WriteString(h, magic)
	for _, e := range ordered(examples) {
		fmt.Fprintf(h, "%d %s %d %s\n", len(e.Label), e.Label, len(e.Text), e.Text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// ordered are the examples in an order of their own, each once.
func ordered(examples []Example) []Example {
	sorted := slices.Clone(examples)
	slices.SortFunc(sorted, func(a, b Example) int {
		return cmp.Or(strings.Compare(a.Label, b.Label), strings.Compare(a.Text, b.Text))
	})
	return slices.Compact(sorted)
}

// Train makes a model of examples. The order of the examples does not matter,
// and the same examples give the same model, byte for byte, on machines of one
// architecture. It uses all processors that the process may. It fails if there
// are no examples, more than [MostLabels] labels, or an example without words or
// label, and with ctx's error when that ends.
func Train(ctx context.Context, examples []Example) (*Model, error) {
	set, err := read(examples)
	if err != nil {
		return nil, err
	}
	folds := manyFolds
	if len(set.labels) >= manyTexts {
		folds = fewFolds
	}
	calibration := calibrate(set.judge(ctx, folds))
	all := make([]int, len(set.labels))
	for i := range all {
		all[i] = i
	}
	v, weights := set.fit(ctx, all)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return newModel(set.names, v, weights, calibration), nil
}

// set is examples cut into features, in an order of their own.
type set struct {
	names  []string
	texts  [][]grams.Count
	labels []int
	least  int
}

func read(examples []Example) (*set, error) {
	if len(examples) == 0 {
		return nil, errors.New("there are no examples to learn from")
	}
	sorted := ordered(examples)
	s := &set{least: 1}
	if len(sorted) >= manyTexts {
		s.least = 2
	}
	var cut grams.Cutter
	for _, e := range sorted {
		if e.Label == "" {
			return nil, errors.New("an example has no label")
		}
		if len(s.names) == 0 || s.names[len(s.names)-1] != e.Label {
			s.names = append(s.names, e.Label)
		}
		counts := cut.Cut(e.Text)
		if len(counts) == 0 {
			return nil, fmt.Errorf("an example of %q has no words", e.Label)
		}
		s.texts = append(s.texts, slices.Clone(counts))
		s.labels = append(s.labels, len(s.names)-1)
	}
	if len(s.names) > MostLabels {
		return nil, fmt.Errorf("%d labels are more than the %d that a model can hold", len(s.names), MostLabels)
	}
	return s, nil
}

// Readable tells whether a text has anything to learn from or to judge by.
func Readable(text string) bool { return len(words.List(text)) > 0 }

// fit trains on some of the examples. When ctx ends, its weights are worth nothing.
func (s *set) fit(ctx context.Context, of []int) (*vocabulary, [][]float32) {
	texts, labels := make([][]grams.Count, len(of)), make([]int, len(of))
	for i, n := range of {
		texts[i], labels[i] = s.texts[n], s.labels[n]
	}
	v := newVocabulary(texts, s.least)
	m := &matrix{start: make([]int, 1, len(of)+1), features: len(v.hashes)}
	for _, counts := range texts {
		m.cells, _ = v.weigh(counts, m.cells)
		m.start = append(m.start, len(m.cells))
	}
	return v, separate(ctx, m, labels, len(s.names))
}

// judge scores each example by a model that has not seen it. The examples of a
// label are dealt to the folds in turn.
func (s *set) judge(ctx context.Context, folds int) []trial {
	out := make([]trial, 0, len(s.labels))
	oos := slices.Index(s.names, sdk.OutOfScope)
	for fold := range folds {
		var train, test []int
		for i := range s.labels {
			if i%folds == fold {
				test = append(test, i)
			} else {
				train = append(train, i)
			}
		}
		if len(train) == 0 || ctx.Err() != nil {
			continue
		}
		v, weights := s.fit(ctx, train)
		scores, cells := make([]float32, len(s.names)), []value(nil)
		for _, i := range test {
			var known float32
			cells, known = v.weigh(s.texts[i], cells[:0])
			for class, w := range weights {
				scores[class] = dot(w, cells)
			}
			out = append(out, trial{
				ranking: rank(scores, oos, known), scores: slices.Clone(scores),
				label: s.labels[i], oos: s.labels[i] == oos,
			})
		}
	}
	return out
}
