package classify

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
)

// matrix is examples as sparse rows.
type matrix struct {
	start []int
	cells []value
	// features is the number of columns.
	features int
}

func (m *matrix) row(i int) []value { return m.cells[m.start[i]:m.start[i+1]] }
func (m *matrix) rows() int         { return len(m.start) - 1 }

const (
	// softness is the C of the support vector machines.
	softness = 1.0
	// rounds and accuracy end the training of one of them.
	rounds   = 30
	accuracy = 0.1
)

// separate trains one linear support vector machine for each class against all
// others, and returns the weights by class: one for each feature and, last, the
// bias. The classes are spread over the processors; each is the same whatever
// the number of processors is. When ctx ends, the rest is left out.
func separate(ctx context.Context, m *matrix, labels []int, classes int) [][]float32 {
	squares := make([]float32, m.rows())
	for i := range squares {
		squares[i] = 1
		for _, c := range m.row(i) {
			squares[i] += float32(c.x * c.x)
		}
	}
	out := make([][]float32, classes)
	next := make(chan int)
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), classes) {
		wait.Go(func() {
			for class := range next {
				if ctx.Err() != nil {
					out[class] = make([]float32, m.features+1)
					continue
				}
				out[class] = separateOne(m, squares, labels, class)
			}
		})
	}
	for class := range classes {
		next <- class
	}
	close(next)
	wait.Wait()
	return out
}

// separateOne solves the dual of the support vector machine with squared hinge
// loss by coordinate descent with shrinking: Hsieh, Chang, Lin, Keerthi,
// Sundararajan, "A Dual Coordinate Descent Method for Large-scale Linear SVM"
// (ICML 2008), algorithm 3, as liblinear's solver 1 does.
func separateOne(m *matrix, squares []float32, labels []int, class int) []float32 {
	const diagonal = 0.5 / softness
	w := make([]float32, m.features+1)
	alpha := make([]float32, m.rows())
	active := make([]int, m.rows())
	for i := range active {
		active[i] = i
	}
	random := rand.New(rand.NewPCG(1, uint64(class)))
	n, highest := len(active), float32(0)
	bounded := false // whether highest is known
	for round := 0; round < rounds; round++ {
		most, least := float32(-1e30), float32(1e30)
		random.Shuffle(n, func(i, j int) { active[i], active[j] = active[j], active[i] })
		for s := 0; s < n; s++ {
			i := active[s]
			row := m.row(i)
			y := float32(-1)
			if labels[i] == class {
				y = 1
			}
			g := float32(y*dot(w, row)) - 1 + float32(alpha[i]*diagonal)
			if alpha[i] == 0 {
				if bounded && g > highest {
					n--
					active[s], active[n] = active[n], active[s]
					s--
					continue
				}
				if g > 0 {
					most = max(most, 0)
					least = min(least, 0)
					continue
				}
			}
			most, least = max(most, g), min(least, g)
			if g > 1e-12 || g < -1e-12 {
				old := alpha[i]
				alpha[i] = max(old-float32(g/(squares[i]+diagonal)), 0)
				add(w, row, float32((alpha[i]-old)*y))
			}
		}
		if most-least <= accuracy {
			if n == len(active) {
				break
			}
			n, bounded = len(active), false
			continue
		}
		highest, bounded = most, most > 0
	}
	return w
}

func dot(w []float32, row []value) float32 {
	sum := w[len(w)-1]
	for _, c := range row {
		sum += float32(w[c.feature] * c.x)
	}
	return sum
}

func add(w []float32, row []value, d float32) {
	for _, c := range row {
		w[c.feature] += float32(d * c.x)
	}
	w[len(w)-1] += d
}
