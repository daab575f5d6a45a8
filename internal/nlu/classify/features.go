package classify

import (
	"math"
	"slices"

	"parley/internal/nlu/words"
)

// The kinds of features. Each kind has a share in the length of an example's
// vector, so that many character n-grams do not drown few words.
const (
	wordKind = iota
	charKind
	kinds
)

// shares are the lengths of the two parts of a vector; their squares add up to 1.
// Cross-validation is flat around these.
var shares = [kinds]float32{0.7, 0.714}

// Lengths of character n-grams. A word of one or two letters is one with its
// boundaries.
const (
	leastChars = 3
	mostChars  = 4
)

// count is one feature of a text: its hash, and how often it is there.
type count struct {
	hash uint32
	kind uint8
	n    uint16
}

// scratch is the memory that reading one text needs, used again and again.
type scratch struct {
	folded []rune
	spans  []words.Span
	hashes []uint64 // kind<<32 | hash
	counts []count
	values []value
	scores []float32
}

// value is a feature that a model knows, and its weight in the text.
type value struct {
	feature uint32
	x       float32
}

// count cuts a text into features: words, pairs of neighbours, pairs with one
// word between, and the character n-grams of each word with its boundaries. They
// are hashed to 32 bits (FNV-1a); among the few tens of thousands that a model
// knows, an unknown one is taken for a known one once in fifty thousand times.
func (s *scratch) count(text string) []count {
	s.folded = words.AppendFold(s.folded[:0], text)
	s.spans = words.AppendSpans(s.spans[:0], s.folded)
	s.hashes = s.hashes[:0]
	for i, w := range s.spans {
		own := hashRunes(seed, s.folded[w.Start:w.End])
		s.add(wordKind, own)
		if i == 0 {
			s.add(wordKind, hashRunes(hashRune(seed, '^'), s.folded[w.Start:w.End]))
		} else {
			s.add(wordKind, s.pair(s.spans[i-1], ' ', w))
		}
		if i > 1 {
			s.add(wordKind, s.pair(s.spans[i-2], '*', w))
		}
		s.chars(s.folded[w.Start:w.End])
	}
	return s.collect()
}

func (s *scratch) pair(a words.Span, between rune, b words.Span) uint32 {
	h := hashRunes(seed, s.folded[a.Start:a.End])
	return hashRunes(hashRune(h, between), s.folded[b.Start:b.End])
}

func (s *scratch) chars(word []rune) {
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
				s.add(charKind, h^charMark)
			}
		}
	}
}

func (s *scratch) add(kind uint64, hash uint32) {
	s.hashes = append(s.hashes, kind<<32|uint64(hash))
}

// collect counts equal hashes, in ascending order of kind and hash.
func (s *scratch) collect() []count {
	slices.Sort(s.hashes)
	s.counts = s.counts[:0]
	for i := 0; i < len(s.hashes); {
		j := i
		for j < len(s.hashes) && s.hashes[j] == s.hashes[i] {
			j++
		}
		s.counts = append(s.counts, count{hash: uint32(s.hashes[i]), kind: uint8(s.hashes[i] >> 32), n: uint16(j - i)})
		i = j
	}
	return s.counts
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

// weigh turns counts into a vector of length one: (1 + ln n) · idf, each kind
// scaled to its share. known is the share of the text's weight that the
// vocabulary knows, 0 to 1: what is new to it counts with the rarest idf.
func (v *vocabulary) weigh(counts []count, dst []value) (out []value, known float32) {
	var squares, unknown [kinds]float32
	from := len(dst)
	for _, c := range counts {
		tf := float32(1)
		if c.n > 1 {
			tf += float32(math.Log(float64(c.n)))
		}
		f, ok := v.find(c.hash)
		if !ok {
			x := float32(tf * v.rarest)
			unknown[c.kind] += float32(x * x)
			continue
		}
		x := float32(tf * v.idf[f])
		squares[c.kind] += float32(x * x)
		dst = append(dst, value{feature: f | uint32(c.kind)<<kindShift, x: x})
	}
	var scale [kinds]float32
	for k := range kinds {
		if squares[k] > 0 {
			scale[k] = shares[k] / float32(math.Sqrt(float64(squares[k])))
			known += float32(shares[k] * shares[k] * squares[k] / (squares[k] + unknown[k]))
		}
	}
	for i := from; i < len(dst); i++ {
		k := dst[i].feature >> kindShift
		dst[i].feature &= 1<<kindShift - 1
		dst[i].x *= scale[k]
	}
	return dst, known
}

const kindShift = 31
