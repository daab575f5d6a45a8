package classify

import (
	"math"

	"parley/internal/nlu/grams"
)

// shares are the lengths of the parts of a vector, words and characters, so that
// many n-grams do not drown few words; their squares add up to 1.
// Cross-validation is flat around these.
var shares = [grams.Kinds]float32{0.7, 0.714}

// scratch is the memory that judging one text needs, used again and again.
type scratch struct {
	grams.Cutter
	values []value
	scores []float32
}

// value is a feature that a model knows, and its weight in the text.
type value struct {
	feature uint32
	x       float32
}

// weigh turns counts into a vector of length one: (1 + ln n) · idf, each kind
// scaled to its share. known is the share of the text's weight that the
// vocabulary knows, 0 to 1: what is new to it counts with the rarest idf.
func (v *vocabulary) weigh(counts []grams.Count, dst []value) (out []value, known float32) {
	var squares, unknown [grams.Kinds]float32
	from := len(dst)
	for _, c := range counts {
		tf := float32(1)
		if c.N > 1 {
			tf += float32(math.Log(float64(c.N)))
		}
		f, ok := v.find(c.Hash)
		if !ok {
			x := float32(tf * v.rarest)
			unknown[c.Kind] += float32(x * x)
			continue
		}
		x := float32(tf * v.idf[f])
		squares[c.Kind] += float32(x * x)
		dst = append(dst, value{feature: f | uint32(c.Kind)<<kindShift, x: x})
	}
	var scale [grams.Kinds]float32
	for k := range grams.Kinds {
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
