package classify

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
)

// magic begins a model's bytes; its last character is the version of the format
// and of how texts are cut into features, so that a model is never asked in
// another way than it was trained.
const magic = "parley.classify.1"

// encode writes the model: names, calibration, biases and units, then for each
// feature its hash as the difference to the one before, in how many texts it
// was, and its weights as (difference of class, quantum). Numbers are varints
// and little-endian float32.
func (m *Model) encode() []byte {
	b := []byte(magic)
	b = binary.AppendUvarint(b, uint64(len(m.names)))
	for _, n := range m.names {
		b = binary.AppendUvarint(b, uint64(len(n)))
		b = append(b, n...)
	}
	c := m.calibration
	for _, f := range slices.Concat([]float32{c.Threshold, c.Slope, c.Offset, c.Sharpness}, m.bias, m.units) {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
	}
	v := m.vocabulary
	b = binary.AppendUvarint(b, uint64(v.texts))
	b = binary.AppendUvarint(b, uint64(len(v.hashes)))
	before := uint32(0)
	for f, h := range v.hashes {
		b = binary.AppendUvarint(b, uint64(h-before))
		before = h
		b = binary.AppendUvarint(b, uint64(v.in[f]))
		cells := m.cells[m.start[f]:m.start[f+1]]
		b = binary.AppendUvarint(b, uint64(len(cells)))
		class := uint16(0)
		for _, c := range cells {
			b = binary.AppendUvarint(b, uint64(c.class-class))
			class = c.class
			b = append(b, byte(c.quantum))
		}
	}
	return b
}

var errModel = errors.New("this is no model of this version of the classifier: train it anew")

// Load reads a model's bytes, which it keeps and which must not be changed.
func Load(b []byte) (*Model, error) {
	if len(b) < len(magic) || string(b[:len(magic)]) != magic {
		return nil, errModel
	}
	r := &reader{rest: b[len(magic):]}
	m := &Model{bytes: b, vocabulary: &vocabulary{}}
	for range r.count(MostLabels) {
		m.names = append(m.names, string(r.take(r.count(1<<16))))
	}
	c := &m.calibration
	for _, f := range []*float32{&c.Threshold, &c.Slope, &c.Offset, &c.Sharpness} {
		*f = r.float()
	}
	for range m.names {
		m.bias = append(m.bias, r.float())
	}
	for range m.names {
		m.units = append(m.units, r.float())
	}
	m.readFeatures(r)
	if r.err != nil || len(r.rest) > 0 || len(m.names) == 0 {
		return nil, errModel
	}
	m.vocabulary.index()
	m.complete()
	return m, nil
}

func (m *Model) readFeatures(r *reader) {
	v := m.vocabulary
	v.texts = r.count(math.MaxInt32)
	n := r.count(len(r.rest))
	m.start = append(m.start, 0)
	hash := uint64(0)
	for i := 0; i < n && r.err == nil; i++ {
		d := r.uvarint()
		hash += d
		if hash > math.MaxUint32 || d == 0 && i > 0 {
			r.err = errModel
			return
		}
		v.hashes = append(v.hashes, uint32(hash))
		v.in = append(v.in, r.count(v.texts))
		class := 0
		for range r.count(len(m.names)) {
			if class += r.count(len(m.names)); class >= len(m.names) {
				r.err = errModel
				return
			}
			q := r.take(1)
			if r.err != nil {
				return
			}
			m.cells = append(m.cells, cell{class: uint16(class), quantum: int8(q[0])})
		}
		m.start = append(m.start, uint32(len(m.cells)))
	}
}

// reader takes numbers off bytes; after an error it gives zeros.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) uvarint() uint64 {
	x, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.err, r.rest = io.ErrUnexpectedEOF, nil
		return 0
	}
	r.rest = r.rest[n:]
	return x
}

// count reads a number that is at most most.
func (r *reader) count(most int) int {
	x := r.uvarint()
	if x > uint64(most) {
		r.err = errModel
		return 0
	}
	return int(x)
}

func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.err, r.rest = io.ErrUnexpectedEOF, nil
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) float() float32 {
	b := r.take(4)
	if b == nil {
		return 0
	}
	f := math.Float32frombits(binary.LittleEndian.Uint32(b))
	if f != f || math.IsInf(float64(f), 0) {
		r.err = errModel
	}
	return f
}
