package proofs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"parley/proofs/judge"
	"parley/proofs/stack"
)

// TestKilledAtRandomMomentsNothingIsLostNorDoubled lets many customers talk and
// buy at once while the parts of the system are killed with -9, one or all, each
// time in the midst of the conversations.
func TestKilledAtRandomMomentsNothingIsLostNorDoubled(t *testing.T) {
	long(t)
	customers, kills, seed := number(t, "PARLEY_KILL_CUSTOMERS", 8), number(t, "PARLEY_KILLS", 5), seed(t)
	s := stack.Start(t)
	k := &killer{t: t, s: s, db: s.Database(), rand: rand.New(rand.NewPCG(seed, 1<<32)), killed: map[string]int{}}
	crowd := shoppers(t, s, customers, seed)
	var enough atomic.Bool
	group, ctx := errgroup.WithContext(t.Context())
	for _, c := range crowd {
		c.Chatter, c.Decline, c.Patience = 0.5, 0.15, 4*time.Minute
		c.OnReply = k.replied
		group.Go(func() error {
			for first := true; first || !enough.Load(); first = false {
				if err := c.Buy(ctx); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for range kills {
		k.strike(ctx)
	}
	enough.Store(true)
	require.NoError(t, group.Wait())

	r := judge.Judge(t, s, crowd)
	r.Count("kills", k.table())
	r.Count("messages in flight at the kills", k.inFlight)
	r.Count("answers, the slowest after", fmt.Sprintf("%d, %s", len(k.took), slices.Max(k.took).Round(time.Millisecond)))
	if r.Uncertain > k.inFlight {
		r.Problems = append(r.Problems, fmt.Sprintf("%d messages were uncertain, but only %d were in flight at the kills", r.Uncertain, k.inFlight))
	}
	if r.SlowestSettled > time.Minute {
		r.Problems = append(r.Problems, fmt.Sprintf("an uncertain message was settled only after %s", r.SlowestSettled))
	}
	r.Check(t)
}

// killer kills parts of the system.
type killer struct {
	t    *testing.T
	s    *stack.System
	db   *pgxpool.Pool
	rand *rand.Rand

	inFlight int
	killed   map[string]int

	mu   sync.Mutex
	took []time.Duration
}

func (k *killer) replied(d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.took = append(k.took, d)
}

func (k *killer) answers() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.took)
}

func (k *killer) table() string {
	var out []string
	for what, n := range k.killed {
		out = append(out, fmt.Sprintf("%s %d", what, n))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// victims are what is killed at once. "supervisor" is parley-dev itself, with
// which all but PostgreSQL and the sandbox go down.
var victims = [][]string{
	{"worker"}, {"postgres"}, {"temporal"}, {"api"}, {"worker", "api", "temporal", "postgres"}, {"worker"}, {"worker", "postgres"},
	{"supervisor"}, {"api", "worker"}, {"postgres"}, {"temporal", "postgres"},
}

// strike waits until the system works again, then for a random moment, and kills.
func (k *killer) strike(ctx context.Context) {
	k.t.Helper()
	before := k.answers()
	k.s.Eventually("customers are answered again", 4*time.Minute, func() error {
		if k.answers() > before+1 || ctx.Err() != nil {
			return nil
		}
		return errors.New("no answers")
	})
	pause(ctx, time.Duration(k.rand.Int64N(int64(4*time.Second))))
	n := 0
	for _, times := range k.killed {
		n += times
	}
	what := victims[n%len(victims)]
	k.kill(what)
	k.killed[strings.Join(what, "+")]++
}

// kill counts what is in flight while the worker stands still, and kills.
func (k *killer) kill(what []string) {
	k.t.Helper()
	stopped := k.s.Signal("worker", syscall.SIGSTOP)
	k.inFlight += k.attempting()
	for _, role := range what {
		if role == "supervisor" {
			k.s.KillSupervisor()
			k.s.Relaunch()
			k.s.AwaitReady()
			return
		}
		k.s.Signal(role, syscall.SIGKILL) // a role that is dead already is being started again
	}
	if stopped && !slices.Contains(what, "worker") {
		k.s.Signal("worker", syscall.SIGCONT)
	}
}

// attempting counts the messages whose request may be on its way, when the
// transactions that were under way have ended.
func (k *killer) attempting() (n int) {
	k.t.Helper()
	k.s.Eventually("the transactions of a stopped worker end", 30*time.Second, func() error {
		var active int
		if err := k.db.QueryRow(k.t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = 'parley' AND state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid()`).Scan(&active); err != nil {
			return err
		}
		if active > 0 {
			return fmt.Errorf("%d are under way", active)
		}
		return k.db.QueryRow(k.t.Context(), `SELECT count(*) FROM effects WHERE operation = 'send' AND state = 'attempting'`).Scan(&n)
	})
	return n
}
