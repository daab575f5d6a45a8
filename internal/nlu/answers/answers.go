// Package answers finds the answer to a question among those of an information
// desk: an inverted index over words and parts of words, ranked by BM25, that
// says how well a question is covered and refuses the rest.
package answers

import (
	"context"
	"math"
	"slices"
	"sync"

	"parley/connectors/sdk"
	"parley/internal/nlu/grams"
)

// Entry is an answer and the questions that it is for.
type Entry struct {
	ID        string   `json:"id"`
	Questions []string `json:"questions"`
	Answer    string   `json:"answer"`
}

// Hit is an entry that was found.
type Hit struct {
	ID     string
	Answer string
	// Score is how much of the question's weight the entry's nearest question
	// has, from 0 to 1.
	Score float64
}

// Index is a desk's answers. It is immutable and safe for concurrent use.
type Index struct {
	entries []Entry
	owner   []uint32 // question → entry
	terms   map[uint32]term
	// rarest is the weight of what no question has, by kind.
	rarest [grams.Kinds]float32
	pool   sync.Pool
}

type term struct {
	weight   float32
	postings []posting
}

type posting struct {
	question uint32
	// tf is BM25's part of frequency and length, at most 1.
	tf float32
}

// The usual parameters of BM25 (Robertson and Zaragoza, "The Probabilistic
// Relevance Framework", 2009, section 3.4): how fast repetition saturates, and how
// much length counts.
const (
	saturation = 1.2
	length     = 0.5
	// fragment is what a part of a word weighs beside a whole one.
	fragment = 0.35
	// An answer is given from the score enough and with a lead over the next
	// entry, which near-duplicates of the question need not have from sure.
	enough, lead = 0.35, 0.04
	sure         = 0.9
)

// Build makes the index. 10,000 questions take about half a second and 30 MB.
func Build(entries []Entry) *Index {
	x := &Index{entries: slices.Clone(entries), terms: map[uint32]term{}}
	var cut grams.Cutter
	var cuts [][]grams.Count
	var sizes []float32
	var total float64
	for i, e := range entries {
		for _, q := range e.Questions {
			counts := slices.Clone(cut.Cut(q))
			if len(counts) == 0 {
				continue
			}
			cuts = append(cuts, counts)
			x.owner = append(x.owner, uint32(i))
			sizes = append(sizes, float32(len(counts)))
			total += float64(len(counts))
		}
	}
	mean := float32(total / max(float64(len(cuts)), 1))
	for q, counts := range cuts {
		norm := saturation * (1 - length + length*sizes[q]/mean)
		for _, c := range counts {
			t := x.terms[c.Hash]
			t.weight = kindWeight(c.Kind)
			n := float32(c.N)
			t.postings = append(t.postings, posting{uint32(q), min(n*(saturation+1)/(n+norm), 1)})
			x.terms[c.Hash] = t
		}
	}
	for h, t := range x.terms {
		t.weight *= idf(len(t.postings), len(cuts))
		x.terms[h] = t
	}
	for k := range x.rarest {
		x.rarest[k] = kindWeight(uint8(k)) * idf(1, len(cuts))
	}
	x.pool.New = func() any { return &work{scores: make([]float32, len(cuts))} }
	return x
}

func kindWeight(kind uint8) float32 {
	if kind == grams.Chars {
		return fragment
	}
	return 1
}

func idf(in, of int) float32 {
	return float32(math.Log(1 + (float64(of-in)+0.5)/(float64(in)+0.5)))
}

// work is what one search needs.
type work struct {
	cut    grams.Cutter
	scores []float32
	found  []uint32
}

// Search returns at most n entries, the best first, whatever their scores.
func (x *Index) Search(question string, n int) []Hit {
	w := x.pool.Get().(*work)
	defer x.pool.Put(w)
	whole := float32(0)
	for _, c := range w.cut.Cut(question) {
		t, ok := x.terms[c.Hash]
		if !ok {
			whole += x.rarest[c.Kind]
			continue
		}
		whole += t.weight
		for _, p := range t.postings {
			if w.scores[p.question] == 0 {
				w.found = append(w.found, p.question)
			}
			w.scores[p.question] += t.weight * p.tf
		}
	}
	best := map[uint32]float32{}
	floor := float32(0)
	for _, q := range w.found {
		s := w.scores[q]
		w.scores[q] = 0
		// Only what may be among the best is looked at closer.
		if owner := x.owner[q]; s > floor && s > best[owner] {
			best[owner] = s
			if len(best) > 4*n {
				floor = trim(best, n)
			}
		}
	}
	w.found = w.found[:0]
	return x.hits(best, whole, n)
}

// trim leaves the n best and returns the score of the last.
func trim(best map[uint32]float32, n int) float32 {
	scores := make([]float32, 0, len(best))
	for _, s := range best {
		scores = append(scores, s)
	}
	slices.Sort(scores)
	floor := scores[len(scores)-n]
	for owner, s := range best {
		if s < floor {
			delete(best, owner)
		}
	}
	return floor
}

func (x *Index) hits(best map[uint32]float32, whole float32, n int) []Hit {
	owners := make([]uint32, 0, len(best))
	for owner := range best {
		owners = append(owners, owner)
	}
	slices.SortFunc(owners, func(a, b uint32) int {
		switch {
		case best[a] > best[b]:
			return -1
		case best[a] < best[b]:
			return 1
		}
		return int(a) - int(b)
	})
	var out []Hit
	for _, o := range owners[:min(n, len(owners))] {
		e := x.entries[o]
		out = append(out, Hit{ID: e.ID, Answer: e.Answer, Score: float64(min(best[o]/whole, 1))})
	}
	return out
}

var _ sdk.Understander = (*Index)(nil)

// Answer returns the entry that answers the question, or false if none covers
// enough of it or two do it alike.
func (x *Index) Answer(question string) (Hit, bool) {
	hits := x.Search(question, 2)
	if len(hits) == 0 || hits[0].Score < enough {
		return Hit{}, false
	}
	if len(hits) > 1 && hits[0].Score < sure && hits[0].Score-hits[1].Score < lead {
		return Hit{}, false
	}
	return hits[0], true
}

// Understand implements [sdk.Understander]: it gives the answer to the utterance.
func (x *Index) Understand(_ context.Context, u sdk.Utterance) (sdk.Understanding, error) {
	hit, ok := x.Answer(u.Text)
	if !ok {
		return sdk.Understanding{}, nil
	}
	return sdk.Understanding{Answer: hit.Answer, AnswerID: hit.ID}, nil
}
