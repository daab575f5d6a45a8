// Package classify is the built-in engine that tells what an utterance asks for:
// a linear model over words and parts of words, trained from examples in any
// language, without a service. It says how sure it is and refuses what is out of
// scope.
package classify

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"sync"

	"parley/connectors/sdk"
)

// Model tells intents apart. It is immutable and safe for concurrent use.
type Model struct {
	names       []string
	oos         int // index in names, or -1
	vocabulary  *vocabulary
	calibration calibration
	// The weights by feature: those of feature f are cells[start[f]:start[f+1]].
	// A weight is its quantum times its class's unit.
	start []uint32
	cells []cell
	bias  []float32
	units []float32
	bytes []byte
	name  string
}

type cell struct {
	class   uint16
	quantum int8
}

// Verdict is what a model thinks that an utterance asks for.
type Verdict struct {
	// Intent is one of the labels, or [sdk.OutOfScope].
	Intent string
	// Nearest is the most likely intent even if the utterance was refused.
	Nearest string
	// Confidence is the probability that the verdict is right, from 0 to 1, as
	// cross-validation had it.
	Confidence float64
	// Margin is the probability of the nearest intent less that of the second.
	Margin float64
}

// quanta is the largest quantum; faint ones are left out.
const (
	quanta = 127
	faint  = 1
)

func newModel(names []string, v *vocabulary, weights [][]float32, c calibration) *Model {
	m := &Model{names: names, vocabulary: v, calibration: c, start: make([]uint32, 1, len(v.hashes)+1)}
	for _, w := range weights {
		last := len(w) - 1
		m.bias = append(m.bias, w[last])
		var most float32
		for _, x := range w[:last] {
			most = max(most, x, -x)
		}
		m.units = append(m.units, most/quanta)
	}
	for f := range v.hashes {
		for class, w := range weights {
			if m.units[class] == 0 {
				continue
			}
			q := math.RoundToEven(float64(w[f] / m.units[class]))
			if math.Abs(q) > faint {
				m.cells = append(m.cells, cell{class: uint16(class), quantum: int8(q)})
			}
		}
		m.start = append(m.start, uint32(len(m.cells)))
	}
	m.bytes = m.encode()
	m.complete()
	return m
}

// complete sets what follows from the rest.
func (m *Model) complete() {
	m.oos = slices.Index(m.names, sdk.OutOfScope)
	sum := sha256.Sum256(m.bytes)
	m.name = hex.EncodeToString(sum[:])
}

// Name is the hash of the model's bytes (SHA-256, hexadecimal).
func (m *Model) Name() string { return m.name }

// Bytes is the model for [Load]. It must not be changed.
func (m *Model) Bytes() []byte { return m.bytes }

// Labels are what the model tells apart, in ascending order.
func (m *Model) Labels() []string { return slices.Clone(m.names) }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// Classify tells what an utterance asks for. It takes some tens of microseconds.
func (m *Model) Classify(text string) Verdict {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	var known float32
	s.values, known = m.vocabulary.weigh(s.Cut(text), s.values[:0])
	s.scores = m.score(s.values, s.scores[:0])
	r := rank(s.scores, m.oos, known)
	c := m.calibration
	right := 1 / (1 + math.Exp(-float64(c.Slope*r.ease+c.Offset)))
	if r.best < 0 {
		return Verdict{Intent: sdk.OutOfScope, Confidence: 1}
	}
	v := Verdict{Intent: m.names[r.best], Nearest: m.names[r.best], Confidence: right, Margin: m.margin(s.scores, r)}
	if r.ease < c.Threshold || known == 0 {
		v.Intent, v.Confidence = sdk.OutOfScope, 1-right
	}
	return v
}

func (m *Model) score(values []value, dst []float32) []float32 {
	dst = append(dst, m.bias...)
	sums := dst[len(dst)-len(m.bias):]
	for i := range sums {
		sums[i] = 0
	}
	for _, v := range values {
		for _, c := range m.cells[m.start[v.feature]:m.start[v.feature+1]] {
			sums[c.class] += float32(v.x * float32(c.quantum))
		}
	}
	for i := range sums {
		sums[i] = m.bias[i] + float32(sums[i]*m.units[i])
	}
	return dst
}

func (m *Model) margin(scores []float32, r ranking) float64 {
	best, sum, second := scores[r.best], 0.0, 0.0
	for class, s := range scores {
		p := math.Exp(float64(m.calibration.Sharpness * (s - best)))
		sum += p
		if class == r.second {
			second = p
		}
	}
	return (1 - second) / sum
}
