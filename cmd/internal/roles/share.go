package roles

import (
	"context"
	"time"

	"github.com/google/uuid"
	"parley/internal/observe"
)

// How workers tell that they are alive.
const (
	beatEvery = 10 * time.Second
	// silent is after which one is taken for dead: its part of the limits is then
	// the others'.
	silent = 35 * time.Second
)

// beatSQL says that a worker is alive, forgets those that have been silent for a
// day, and counts the living.
const beatSQL = `WITH mine AS (
	INSERT INTO workers (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET seen_at = now()
), gone AS (
	DELETE FROM workers WHERE seen_at < now() - interval '1 day'
)
SELECT count(*) FILTER (WHERE id <> $1 AND seen_at > now() - $2::interval) + 1 FROM workers`

// shareLimits divides what connections may do among the workers that are alive, so
// that two of them do not call a provider twice as fast as it allows.
func (e *Engine) shareLimits(ctx context.Context) {
	id := uuid.New()
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		if err := e.beat(ctx, id); err != nil && ctx.Err() == nil {
			e.Log.WarnContext(ctx, "a worker could not tell that it is alive", "error", observe.ErrText(err))
		}
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_, _ = e.DB.Pool.Exec(last, `DELETE FROM workers WHERE id = $1`, id) // else the others learn of it by silence
			return
		case <-tick.C:
		}
	}
}

func (e *Engine) beat(ctx context.Context, id uuid.UUID) error {
	var alive int
	if err := e.DB.Pool.QueryRow(ctx, beatSQL, id, silent).Scan(&alive); err != nil {
		return err
	}
	e.Outbound.Share(alive)
	return nil
}
