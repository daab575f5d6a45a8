package evaluate

import (
	"context"
	"math/rand/v2"
	"slices"

	"parley/internal/nlu/classify"
)

// parts is how many parts a cross-validation has.
const parts = 5

// Gain is what more examples are worth. Each example is judged by a model that has
// not seen it.
type Gain struct {
	// Before and After are the shares of the examples of old that are understood
	// by a model of the others among them, without and with what is new.
	Before float64 `json:"before"`
	After  float64 `json:"after"`
	// NewBefore and NewAfter are those of what is new, by a model of what is old,
	// and of that with the others of what is new.
	NewBefore float64 `json:"new_before"`
	NewAfter  float64 `json:"new_after"`
}

// Compare measures what a model gains by new examples. The examples of a label are
// dealt to the parts in turn, so the same ones give the same figures.
func Compare(ctx context.Context, old, new []classify.Example) (Gain, error) {
	var g Gain
	var err error
	share := func(judged, beside []classify.Example) float64 {
		if err != nil {
			return 0
		}
		var s float64
		s, err = cross(ctx, judged, beside)
		return s
	}
	g.Before, g.After = share(old, nil), share(old, new)
	g.NewAfter = share(new, old)
	if err != nil || len(new) == 0 {
		return g, err
	}
	model, err := classify.Train(ctx, old)
	if err != nil {
		return g, err
	}
	g.NewBefore = understood(model, new)
	return g, nil
}

// cross is the share of the judged examples that models understand which were
// trained on the rest of them and on those beside.
func cross(ctx context.Context, judged, beside []classify.Example) (float64, error) {
	right := 0.0
	for part := range parts {
		var train, test []classify.Example
		for i, e := range dealt(judged) {
			if i%parts == part {
				test = append(test, e)
			} else {
				train = append(train, e)
			}
		}
		if len(test) == 0 || len(train)+len(beside) == 0 {
			continue
		}
		model, err := classify.Train(ctx, slices.Concat(train, beside))
		if err != nil {
			return 0, err
		}
		right += understood(model, test) * float64(len(test))
	}
	return right / max(float64(len(judged)), 1), nil
}

// dealt are examples with those of a label one behind the other.
func dealt(examples []classify.Example) []classify.Example {
	out := slices.Clone(examples)
	slices.SortStableFunc(out, func(a, b classify.Example) int {
		switch {
		case a.Label < b.Label:
			return -1
		case a.Label > b.Label:
			return 1
		}
		return 0
	})
	return out
}

func understood(model *classify.Model, test []classify.Example) float64 {
	right := 0
	for _, e := range test {
		if model.Classify(e.Text).Intent == e.Label {
			right++
		}
	}
	return float64(right) / float64(len(test))
}

// Split parts examples into those to learn from and those to judge by: the share of
// each label, at random. The same seed parts the same examples alike.
func Split(examples []classify.Example, share float64, seed uint64) (train, test []classify.Example) {
	random := rand.New(rand.NewPCG(seed, 0))
	all := dealt(examples)
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Label == all[0].Label {
			n++
		}
		of := all[:n]
		all = all[n:]
		random.Shuffle(n, func(i, j int) { of[i], of[j] = of[j], of[i] })
		judged := int(share*float64(n) + 0.5)
		test, train = append(test, of[:judged]...), append(train, of[judged:]...)
	}
	return train, test
}
