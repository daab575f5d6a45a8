package proofs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/proofs/shopper"
	"parley/proofs/stack"
)

func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }

// long marks a test that takes minutes, most of which it waits: it runs beside
// others, and not with -short.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts the whole system and takes minutes: not with -short")
	}
	t.Parallel()
}

// number reads a size from the environment.
func number(t *testing.T, name string, standard int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	return n
}

// seed is the run's, printed so that it can be given again.
func seed(t *testing.T) uint64 {
	t.Helper()
	s := uint64(number(t, "PARLEY_PROOF_SEED", int(time.Now().UnixNano()%1_000_000)))
	t.Logf("PARLEY_PROOF_SEED=%d", s)
	return s
}

// shoppers are n customers with numbers of their own.
func shoppers(t *testing.T, s *stack.System, n int, seed uint64) []*shopper.Shopper {
	t.Helper()
	talk := shopper.Talk(t)
	out := make([]*shopper.Shopper, n)
	for i := range out {
		out[i] = &shopper.Shopper{Sandbox: s.Sandbox(), From: fmt.Sprintf("49155501%04d", i), Rand: rand.New(rand.NewPCG(seed, uint64(i))), Talk: talk}
	}
	return out
}

// pause waits for a while, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
