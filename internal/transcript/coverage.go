package transcript

import "parley/workflows/flow"

// Coverage is what transcripts went through of one flow.
type Coverage struct {
	ways   []flow.Way
	passed map[flow.Passage]bool
}

// NewCoverage begins with nothing gone through.
func NewCoverage(doc *flow.Document) *Coverage {
	return &Coverage{ways: doc.Ways(), passed: map[flow.Passage]bool{}}
}

// Add takes what a rehearsal went through.
func (c *Coverage) Add(passed map[flow.Passage]bool) {
	for p := range passed {
		c.passed[p] = true
	}
}

// Count tells how many ways of a kind there are, and how many were gone.
func (c *Coverage) Count(kind flow.WayKind) (covered, total int) {
	for _, w := range c.ways {
		if w.Kind == kind {
			total++
			if c.passed[w.Passage] {
				covered++
			}
		}
	}
	return covered, total
}

// Percent is the share of all ways that were gone, from 0 to 100.
func (c *Coverage) Percent() float64 {
	if len(c.ways) == 0 {
		return 100
	}
	return 100 * float64(len(c.ways)-len(c.Missed())) / float64(len(c.ways))
}

// Missed lists what no transcript reached, in the order of the document.
func (c *Coverage) Missed() []flow.Way {
	var out []flow.Way
	for _, w := range c.ways {
		if !c.passed[w.Passage] {
			out = append(out, w)
		}
	}
	return out
}
