package bus

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"parley/internal/store"
)

// Sweeper finds what a crash, a full queue, an unreachable Temporal or a lost
// workflow left behind: events that no turn has taken, sends that were not settled,
// waits that are over, calls that were not answered, and events of cases that were
// not delivered.
type Sweeper struct {
	DB       *store.DB
	Dispatch *Dispatcher
	Log      *slog.Logger
	// Every is the pause between sweeps, 1 s by default.
	Every time.Duration
	// MinAge is how long an event may wait before it counts as left behind, 3 s by default.
	MinAge time.Duration
	// Overdue is how long after its time anything else counts as left behind, 1
	// min by default.
	Overdue time.Duration
	// Pause is the shortest time between two wakings of one conversation or case,
	// 15 s by default; it grows while it stays as it is.
	Pause time.Duration
	// OnSwept, if set, counts what was found.
	OnSwept func(conversations, cases int)
}

// SeenFor is how long the IDs of received events are kept. Meta repeats for up
// to 7 days; nobody known repeats for longer.
const SeenFor = 30 * 24 * time.Hour

// Run sweeps until ctx ends.
func (s *Sweeper) Run(ctx context.Context) {
	s.setDefaults()
	tick := time.NewTicker(s.Every)
	defer tick.Stop()
	forget := time.NewTicker(time.Hour)
	defer forget.Stop()
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "sweep failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-forget.C:
			if _, err := s.DB.Pool.Exec(ctx, `SELECT forget_seen($1)`, SeenFor); err != nil && ctx.Err() == nil {
				s.Log.WarnContext(ctx, "old event IDs could not be forgotten", "error", err)
			}
		case <-tick.C:
		}
	}
}

func (s *Sweeper) setDefaults() {
	if s.Every == 0 {
		s.Every = time.Second
	}
	if s.MinAge == 0 {
		s.MinAge = 3 * time.Second
	}
	if s.Overdue == 0 {
		s.Overdue = time.Minute
	}
	if s.Pause == 0 {
		s.Pause = 15 * time.Second
	}
}

// Sweep offers what was left behind to the dispatcher, once.
func (s *Sweeper) Sweep(ctx context.Context) error {
	const most = 500
	s.setDefaults()
	rows, err := s.DB.Pool.Query(ctx, `SELECT workspace_id, id, workflow_id, connector, last_number FROM unfinished_conversations($1, $2, $3, $4)`, s.MinAge, s.Overdue, s.Pause, most)
	if err != nil {
		return fmt.Errorf("bus: sweep: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (Target, error) {
		var t Target
		err := r.Scan(&t.Workspace, &t.ID, &t.WorkflowID, &t.Channel, &t.Number)
		return t, err
	})
	if err != nil {
		return fmt.Errorf("bus: sweep: %w", err)
	}
	conversations := len(found)
	rows, err = s.DB.Pool.Query(ctx, `SELECT workspace_id, id, workflow_id, last_number FROM undispatched_cases($1, $2, $3)`, s.MinAge, s.Pause, most)
	if err != nil {
		return fmt.Errorf("bus: sweep: %w", err)
	}
	cases, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (Target, error) {
		t := Target{Case: true}
		err := r.Scan(&t.Workspace, &t.ID, &t.WorkflowID, &t.Number)
		return t, err
	})
	if err != nil {
		return fmt.Errorf("bus: sweep: %w", err)
	}
	for _, t := range append(found, cases...) {
		s.Dispatch.Offer(t)
	}
	if s.OnSwept != nil && conversations+len(cases) > 0 {
		s.OnSwept(conversations, len(cases))
	}
	return nil
}
