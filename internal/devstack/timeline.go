package devstack

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// timeline measures what a start is made of. It is safe for concurrent use.
type timeline struct {
	begin time.Time
	mu    sync.Mutex
	parts []part
}

type part struct {
	name string
	took time.Duration
}

func newTimeline() *timeline { return &timeline{begin: time.Now()} }

func (t *timeline) measure(name string, do func() error) error {
	begin := time.Now()
	err := do()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.parts = append(t.parts, part{name, time.Since(begin)})
	return err
}

// print writes a line for each part; parts that start together overlap.
func (t *timeline) print(w io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.parts {
		fmt.Fprintf(w, "%-10s %6.2f s\n", p.name, p.took.Seconds())
	}
	fmt.Fprintf(w, "%-10s %6.2f s\n", "all", time.Since(t.begin).Seconds())
}
