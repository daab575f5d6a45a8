package classify

import (
	"math"
	"slices"

	"parley/internal/nlu/grams"
)

// vocabulary is the features that a model knows, in ascending order of their
// hashes. It is immutable once built.
type vocabulary struct {
	hashes []uint32
	// in is how many of texts each is in; idf follows from it.
	in    []int
	texts int
	idf   []float32
	// rarest is the idf of what is not in the vocabulary.
	rarest float32
	// slots is an open-addressed table of index+1 into hashes.
	slots []uint32
	shift uint
}

// newVocabulary keeps the features that are in at least the given number of texts.
func newVocabulary(texts [][]grams.Count, least int) *vocabulary {
	var all []uint32
	for _, counts := range texts {
		for _, c := range counts {
			all = append(all, c.Hash)
		}
	}
	slices.Sort(all)
	v := &vocabulary{texts: len(texts)}
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j] == all[i] {
			j++
		}
		if j-i >= least {
			v.hashes = append(v.hashes, all[i])
			v.in = append(v.in, j-i)
		}
		i = j
	}
	v.index()
	return v
}

// idf is smoothed as if one more text had every feature.
func idf(in, of int) float32 {
	return float32(1 + math.Log(float64(of+1)/float64(in+1)))
}

// index makes what follows from hashes, in and texts.
func (v *vocabulary) index() {
	v.rarest = idf(1, v.texts)
	v.idf = make([]float32, len(v.in))
	for i, n := range v.in {
		v.idf[i] = idf(n, v.texts)
	}
	bits := uint(4)
	for 1<<bits < 2*len(v.hashes) {
		bits++
	}
	v.slots, v.shift = make([]uint32, 1<<bits), 32-bits
	for i, h := range v.hashes {
		at := v.slot(h)
		for v.slots[at] != 0 {
			at = (at + 1) & uint32(len(v.slots)-1)
		}
		v.slots[at] = uint32(i) + 1
	}
}

// slot spreads a hash by Fibonacci hashing.
func (v *vocabulary) slot(h uint32) uint32 { return h * 0x9e3779b1 >> v.shift }

func (v *vocabulary) find(h uint32) (uint32, bool) {
	for at := v.slot(h); ; at = (at + 1) & uint32(len(v.slots)-1) {
		i := v.slots[at]
		if i == 0 {
			return 0, false
		}
		if v.hashes[i-1] == h {
			return i - 1, true
		}
	}
}
