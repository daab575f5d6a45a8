// Package grams cuts texts into what can be counted: words, pairs of words and
// parts of words, as hashes. What is learnt from them and what is searched by them
// is independent of language and script.
package grams

import (
	"math"
	"slices"

	"parley/internal/nlu/words"
)

// The kinds of features.
const (
	// Words are single words and pairs of them.
	Words = iota
	// Chars are character n-grams.
	Chars
	// Kinds is how many there are.
	Kinds
)

// Lengths of character n-grams. A word of one or two letters is one with its
// boundaries.
const (
	leastChars = 3
	mostChars  = 4
)

// Count is one feature of a text: its hash, and how often it is there.
type Count struct {
	Hash uint32
	Kind uint8
	N    uint16
}

// Cutter cuts one text after the other with the same memory. It is not safe for
// concurrent use.
type Cutter struct {
	folded []rune
	spans  []words.Span
	hashes []uint64 // kind<<32 | hash
	counts []Count
}

// Cut returns the features of a text, valid until the next call, in ascending
// order of kind and hash: words, pairs of neighbours, pairs with one
// word between, and the character n-grams of each word with its boundaries. They
// are hashed to 32 bits (FNV-1a); among the few tens of thousands that a model
// knows, an unknown one is taken for a known one once in fifty thousand times.
func (c *Cutter) Cut(text string) []Count {
	c.folded = words.AppendFold(c.folded[:0], text)
	c.spans = words.AppendSpans(c.spans[:0], c.folded)
	c.hashes = c.hashes[:0]
	for i, w := range c.spans {
		own := hashRunes(seed, c.folded[w.Start:w.End])
		c.add(Words, own)
		if i == 0 {
			c.add(Words, hashRunes(hashRune(seed, '^'), c.folded[w.Start:w.End]))
		} else {
			c.add(Words, c.pair(c.spans[i-1], ' ', w))
		}
		if i > 1 {
			c.add(Words, c.pair(c.spans[i-2], '*', w))
		}
		c.chars(c.folded[w.Start:w.End])
	}
	return c.collect()
}

func (c *Cutter) pair(a words.Span, between rune, b words.Span) uint32 {
	h := hashRunes(seed, c.folded[a.Start:a.End])
	return hashRunes(hashRune(h, between), c.folded[b.Start:b.End])
}

func (c *Cutter) chars(word []rune) {
	at := func(i int) rune {
		if i == 0 || i == len(word)+1 {
			return ' '
		}
		return word[i-1]
	}
	padded := len(word) + 2
	for from := 0; from+leastChars <= padded; from++ {
		h := uint32(seed)
		for n := 1; n <= mostChars && from+n <= padded; n++ {
			h = hashRune(h, at(from+n-1))
			if n >= leastChars {
				c.add(Chars, h^charMark)
			}
		}
	}
}

func (c *Cutter) add(kind uint64, hash uint32) {
	c.hashes = append(c.hashes, kind<<32|uint64(hash))
}

// collect counts equal hashes, in ascending order of kind and hash.
func (c *Cutter) collect() []Count {
	slices.Sort(c.hashes)
	c.counts = c.counts[:0]
	for i := 0; i < len(c.hashes); {
		j := i
		for j < len(c.hashes) && c.hashes[j] == c.hashes[i] {
			j++
		}
		c.counts = append(c.counts, Count{Hash: uint32(c.hashes[i]), Kind: uint8(c.hashes[i] >> 32), N: uint16(min(j-i, math.MaxUint16))})
		i = j
	}
	return c.counts
}

const (
	seed     = 2166136261
	prime    = 16777619
	charMark = 0x9e3779b9
)

func hashRune(h uint32, r rune) uint32 {
	h = (h ^ uint32(r&0xff)) * prime
	if r > 0xff {
		h = (h ^ uint32(r>>8&0xff)) * prime
		h = (h ^ uint32(r>>16)) * prime
	}
	return h
}

func hashRunes(h uint32, rs []rune) uint32 {
	for _, r := range rs {
		h = hashRune(h, r)
	}
	return h
}
