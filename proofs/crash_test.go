package proofs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk/fake"
	"parley/proofs/judge"
	"parley/proofs/shopper"
	"parley/proofs/stack"
)

// bomb makes the worker kill itself at a chosen point of its work; see the
// environment variable PARLEY_DEV_CRASH of parley-dev.
type bomb struct {
	t     *testing.T
	file  string
	armed int
}

// plant starts a system with a bomb in it.
func plant(t *testing.T) (*stack.System, *bomb) {
	t.Helper()
	b := &bomb{t: t, file: filepath.Join(t.TempDir(), "crash")}
	return stack.Start(t, "PARLEY_DEV_CRASH="+b.file, "PARLEY_DEV_TASK_TIMEOUT=2s"), b
}

// never is further than any purchase goes.
const never = 1_000_000

// arm sets the worker to die at its n-th point from now on.
func (b *bomb) arm(n int) {
	b.t.Helper()
	b.remove(".log", ".struck")
	b.armed++
	fresh := b.file + ".fresh"
	require.NoError(b.t, os.WriteFile(fresh, fmt.Appendf(nil, "%d (%d)", n, b.armed), 0o600))
	require.NoError(b.t, os.Rename(fresh, b.file))
}

// disarm gives the points that were passed and whether the worker died.
func (b *bomb) disarm() (passed []string, struck bool) {
	b.t.Helper()
	_, err := os.Stat(b.file + ".struck")
	struck = err == nil
	b.remove("")
	raw, err := os.ReadFile(b.file + ".log")
	require.NoError(b.t, err)
	return strings.Split(strings.TrimSpace(string(raw)), "\n"), struck
}

func (b *bomb) remove(suffixes ...string) {
	b.t.Helper()
	for _, s := range suffixes {
		if err := os.Remove(b.file + s); err != nil && !errors.Is(err, os.ErrNotExist) {
			require.NoError(b.t, err)
		}
	}
}

// TestAWorkerThatDiesAnywhereInAPurchaseChangesNothing kills the worker once in
// each purchase: before or after one of its answers to Temporal, commits of what
// is durable, or requests to a provider, all in turn.
func TestAWorkerThatDiesAnywhereInAPurchaseChangesNothing(t *testing.T) {
	long(t)
	s, b := plant(t)
	// All walk the same way, so that the points are the same ones.
	customer := func(i int) *shopper.Shopper {
		return &shopper.Shopper{Sandbox: s.Sandbox(), From: fmt.Sprintf("49155502%04d", i), Rand: rand.New(rand.NewPCG(7, 7)), Straight: true, Patience: 3 * time.Minute}
	}
	var crowd []*shopper.Shopper
	buy := func(n int) ([]string, bool) {
		c := customer(len(crowd))
		crowd = append(crowd, c)
		b.arm(n)
		err := c.Buy(t.Context())
		passed, struck := b.disarm()
		require.NoError(t, err, "the worker died: %t, at point %d, %s", struck, n, passed[len(passed)-1])
		return passed, struck
	}
	buy(never) // what is cold at first makes other points
	all, _ := buy(never)
	points := choose(t, len(all))
	t.Logf("a purchase passes %d points; the worker dies at %d of them: %v", len(all), len(points), points)
	deaths, missed := map[string]int{}, 0
	for _, n := range points {
		passed, struck := buy(n)
		if !struck {
			missed++ // signals that came together left fewer points
			continue
		}
		deaths[passed[n-1]]++
	}
	r := judge.Judge(t, s, crowd)
	var names []string
	for name := range deaths {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		r.Count("died "+name, deaths[name])
	}
	r.Count("purchases that ended before their point", missed)
	if r.SlowestSettled > time.Minute {
		r.Problems = append(r.Problems, fmt.Sprintf("an uncertain message was settled only after %s", r.SlowestSettled))
	}
	r.Check(t)
	require.NotEmpty(t, deaths)
}

// choose gives the points at which the worker is to die: all of n or a range of
// them where PARLEY_CRASH_POINTS says so, else a sample at equal distances.
func choose(t *testing.T, n int) (points []int) {
	t.Helper()
	first, last, step := 1, n, 1
	switch wanted := os.Getenv("PARLEY_CRASH_POINTS"); wanted {
	case "all":
	case "":
		step = max(1, n/number(t, "PARLEY_CRASH_SAMPLE", 10))
		first = 1 + rand.New(rand.NewPCG(seed(t), 0)).IntN(step)
	default:
		_, err := fmt.Sscanf(wanted, "%d-%d", &first, &last)
		require.NoError(t, err, "PARLEY_CRASH_POINTS is all, or a range like 1-50")
	}
	for p := first; p <= min(last, n); p += step {
		points = append(points, p)
	}
	return points
}

// TestTheNextMessageNeverOvertakesOneWhoseTurnCrashed kills the worker in the
// turn of a customer's first message, at each of its points, while the second
// message is already there.
func TestTheNextMessageNeverOvertakesOneWhoseTurnCrashed(t *testing.T) {
	long(t)
	s, b := plant(t)
	var crowd []*shopper.Shopper
	for n := 1; n <= number(t, "PARLEY_OVERTAKE_POINTS", 6); n++ {
		c := &shopper.Shopper{Sandbox: s.Sandbox(), From: fmt.Sprintf("49155503%04d", n), Rand: rand.New(rand.NewPCG(7, 7)), Straight: true, Patience: 3 * time.Minute}
		crowd = append(crowd, c)
		b.arm(n)
		require.NoError(t, c.Speak(t.Context(), fake.Utterance{Text: "hi"}))
		s.Eventually("the worker dies in the first turn", time.Minute, func() error {
			_, err := os.Stat(b.file + ".struck")
			return err
		})
		_, err := c.Say(t.Context(), fake.Utterance{Text: "talk to a person"}, func(m fake.Shown) bool {
			return strings.Contains(m.Text, "colleague")
		})
		require.NoError(t, err)
		passed, struck := b.disarm()
		require.True(t, struck)
		shown, err := s.Sandbox().Phone(t.Context(), "whatsapp", c.From)
		require.NoError(t, err)
		var replies []string
		for _, m := range shown {
			if m.From == "business" {
				replies = append(replies, m.Text)
			}
		}
		t.Logf("died %s; the phone shows %q", passed[n-1], replies)
		require.Len(t, replies, 3)
		require.Contains(t, replies[0], "welcome")
		require.Contains(t, replies[1], "What can I do")
		require.Contains(t, replies[2], "colleague")
	}
	judge.Judge(t, s, crowd).Check(t)
}
