package conversations

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// BlockStats is what happened in one block of a flow.
type BlockStats struct {
	Block string
	// Entered and Left count how often the flow came to the block and went on from
	// it; Missed messages that were not understood there.
	Entered, Left, Missed int
	// Waiting are conversations that stood there at the end; Silent those of them
	// with no turn for a while: where people drop off.
	Waiting, Silent int
}

// FlowStats is what happened in a flow.
type FlowStats struct {
	Conversations, Turns int
	// Blocks, the most entered first.
	Blocks []BlockStats
}

// Stats tells what happened in versions of a flow from a time on, from the turns
// that were recorded. A conversation counts as silent if its last turn was before
// silentBefore. It reads every turn since then once.
func (c *Conversations) Stats(ctx context.Context, ws uuid.UUID, hashes []string, since, silentBefore time.Time) (FlowStats, error) {
	t := tally{silentBefore: silentBefore, blocks: map[string]*BlockStats{}}
	err := c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT conversation_id, coalesce(entered, '{}'), missed, stood, created_at FROM turns
			WHERE workspace_id = $1 AND created_at >= $2 AND flow_hash = ANY($3) ORDER BY conversation_id, first_number`, ws, since, hashes)
		if err != nil {
			return err
		}
		var id uuid.UUID
		var one step
		_, err = pgx.ForEachRow(r, []any{&id, &one.entered, &one.missed, &one.stood, &one.at}, func() error {
			t.turn(id, one)
			one.entered = nil
			return nil
		})
		return err
	})
	if err != nil {
		return FlowStats{}, fmt.Errorf("conversations: stats: %w", err)
	}
	return t.sum(), nil
}

// step is what one turn did.
type step struct {
	entered []string
	missed  bool
	stood   string
	at      time.Time
}

// tally counts turns that come in the order of conversations, and within them in
// that of time.
type tally struct {
	silentBefore time.Time
	out          FlowStats
	blocks       map[string]*BlockStats
	// of the conversation at hand
	id       uuid.UUID
	standing string
	last     time.Time
}

func (t *tally) block(name string) *BlockStats {
	b := t.blocks[name]
	if b == nil {
		b = &BlockStats{Block: name}
		t.blocks[name] = b
	}
	return b
}

func (t *tally) turn(id uuid.UUID, s step) {
	if id != t.id {
		t.close()
		t.id, t.standing = id, ""
		t.out.Conversations++
	}
	t.out.Turns++
	t.last = s.at
	if s.missed {
		where := t.standing
		if where == "" {
			where = s.stood // it stood there before the time looked at
		}
		if where != "" {
			t.block(where).Missed++
		}
	}
	for _, b := range s.entered {
		t.leave()
		t.block(b).Entered++
		t.standing = b
	}
	if t.standing != s.stood {
		t.leave()
		t.standing = s.stood
	}
}

func (t *tally) leave() {
	if t.standing != "" {
		t.block(t.standing).Left++
	}
}

// close counts where the conversation at hand stands.
func (t *tally) close() {
	if t.standing == "" {
		return
	}
	b := t.block(t.standing)
	b.Waiting++
	if t.last.Before(t.silentBefore) {
		b.Silent++
	}
}

func (t *tally) sum() FlowStats {
	t.close()
	for _, b := range t.blocks {
		t.out.Blocks = append(t.out.Blocks, *b)
	}
	slices.SortFunc(t.out.Blocks, func(a, b BlockStats) int {
		if a.Entered != b.Entered {
			return b.Entered - a.Entered
		}
		return strings.Compare(a.Block, b.Block)
	})
	return t.out
}
