package conversations

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/internal/bus"
	"parley/internal/store"
)

// Mark moves one send of a pending turn forward.
type Mark struct {
	Key
	Effect string
	// Attempt that is being marked; a later one is not touched.
	Attempt int
	// State to move to: attempting, done, failed, not_sent or uncertain.
	State    string
	Receipt  []byte // plain JSON, sealed by Settle
	RefIndex []byte
	Class    string
	Code     string
	// Next is the send that is attempted straight after this one, or "".
	Next string
	// Finished clears the pending turn, if it still is Turn.
	Finished bool
	Turn     int64
	// Contact whose key seals the receipt.
	Contact uuid.UUID

	sealed []byte
}

// Settle records the outcome of an attempt, and starts the next send of the
// turn or finishes it. It reports false if the effect had already moved on
// (another run took over, or the provider's echo was first).
func (c *Conversations) Settle(ctx context.Context, m Mark) (bool, error) {
	if m.Receipt != nil {
		sealed, err := c.vault.Seal(ctx, bus.ConversationKey(m.Workspace, m.Contact), PlaceReceipt, m.Receipt)
		if err != nil {
			return false, err
		}
		m.sealed = sealed
	}
	ok, err := c.marks.Do(ctx, m)
	if err != nil {
		return false, fmt.Errorf("conversations: settle: %w", err)
	}
	return ok, nil
}

// A send may be marked by the attempt that made it, also after it was taken for
// uncertain. attempting follows planned, not_sent and (after the silence that
// proves it never arrived) uncertain. A turn is finished only when all of its
// sends are settled.
// What is marked uncertain although the provider's echo has come is settled by it.
const markSQL = `
WITH input AS (
    SELECT * FROM unnest($2::text[], $3::int[], $4::text[], $5::bytea[], $6::bytea[], $7::text[], $8::text[], $9::text[], $10::uuid[], $11::boolean[], $12::bigint[])
        AS t(key, attempt, state, receipt, ref, class, code, next, conversation, finished, turn)
), moved AS (
    UPDATE effects e SET state = CASE WHEN i.state <> 'uncertain' OR e.delivery = '' THEN i.state WHEN e.delivery = 'failed' THEN 'failed' ELSE 'done' END,
        attempt = e.attempt + (i.state = 'attempting')::int,
        first_attempt_at = coalesce(e.first_attempt_at, CASE WHEN i.state = 'attempting' THEN now() END),
        attempted_at = CASE WHEN i.state = 'attempting' THEN now() ELSE e.attempted_at END,
        settled_at = CASE WHEN i.state IN ('done', 'failed') OR i.state = 'uncertain' AND e.delivery <> '' THEN now() END,
        receipt = coalesce(i.receipt, e.receipt), ref_index = coalesce(i.ref, e.ref_index),
        error_class = i.class, error_code = i.code,
        was_uncertain = e.was_uncertain OR i.state = 'uncertain' AND e.delivery = '',
        delivery = CASE WHEN i.state = 'done' AND e.delivery = '' THEN 'accepted' WHEN i.state = 'failed' THEN 'failed' ELSE e.delivery END
    FROM input i
    WHERE e.workspace_id = $1 AND e.key = i.key AND e.attempt = i.attempt AND e.state NOT IN ('done', 'failed')
        AND e.state <> i.state AND (e.state <> 'planned' OR i.state = 'attempting')
    RETURNING e.key, e.subject_id, e.state
), following AS (
    UPDATE effects e SET state = 'attempting', attempt = e.attempt + 1,
        first_attempt_at = coalesce(e.first_attempt_at, now()), attempted_at = now()
    FROM input i JOIN moved m ON m.key = i.key
    WHERE i.next <> '' AND e.workspace_id = $1 AND e.key = i.next AND e.state IN ('planned', 'not_sent')
    RETURNING e.key
), settled AS (
    SELECT v.id, i.turn FROM conversations v JOIN input i ON i.finished AND v.id = i.conversation AND v.pending_turn = i.turn
    WHERE v.workspace_id = $1 AND NOT EXISTS (SELECT FROM effects e
        WHERE e.workspace_id = $1 AND e.subject_id = v.id AND e.turn = i.turn AND e.operation = 'send' AND e.state NOT IN ('done', 'failed')
            AND NOT EXISTS (SELECT FROM moved m WHERE m.key = e.key AND m.state IN ('done', 'failed')))
    ORDER BY v.id FOR UPDATE OF v
), finished AS (
    UPDATE conversations v SET pending_turn = NULL FROM settled s
    WHERE v.workspace_id = $1 AND v.id = s.id AND v.pending_turn = s.turn
), noted AS (
    INSERT INTO events (workspace_id, type, subject, data)
    SELECT $1, 'message.' || CASE m.state WHEN 'done' THEN 'sent' ELSE m.state END, 'conversation/' || m.subject_id, jsonb_build_object('key', m.key)
    FROM moved m WHERE m.state IN ('done', 'failed', 'uncertain')
)
SELECT key FROM moved`

// mark applies marks in rounds, since one statement moves an effect only once:
// marks of two runs of the same turn may have come together.
func (c *Conversations) mark(ctx context.Context, ws uuid.UUID, items []Mark) ([]bool, error) {
	out := make([]bool, len(items))
	round := make([]int, len(items))
	for i := range round {
		round[i] = i
	}
	for len(round) > 0 {
		var later []int
		seen := make(map[string]bool, len(round))
		now := round[:0]
		for _, i := range round {
			effect := items[i].Effect
			if seen[effect] && effect != "" {
				later = append(later, i)
				continue
			}
			seen[effect] = true
			now = append(now, i)
		}
		if err := c.markOnce(ctx, ws, items, now, out); err != nil {
			return out, err
		}
		round = later
	}
	return out, nil
}

// markOnce applies the marks at the given places, each of an effect of its own,
// and notes which moved.
func (c *Conversations) markOnce(ctx context.Context, ws uuid.UUID, items []Mark, places []int, out []bool) error {
	n := len(places)
	keys, states, classes, codes, nexts := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	attempts, finished := make([]int, n), make([]bool, n)
	receipts, refs := make([][]byte, n), make([][]byte, n)
	convs, turns := make([]uuid.UUID, n), make([]int64, n)
	at := make(map[string]int, n)
	for i, place := range places {
		m := items[place]
		keys[i], attempts[i], states[i], receipts[i], refs[i] = m.Effect, m.Attempt, m.State, m.sealed, m.RefIndex
		classes[i], codes[i], nexts[i], convs[i], finished[i], turns[i] = m.Class, m.Code, m.Next, m.ID, m.Finished, m.Turn
		at[m.Effect] = place
	}
	write := func() error {
		return c.db.Pipeline(ctx, ws, func(b *pgx.Batch) {
			b.Queue(markSQL, ws, keys, attempts, states, receipts, refs, classes, codes, nexts, convs, finished, turns).
				Query(func(r pgx.Rows) error {
					moved, err := pgx.CollectRows(r, pgx.RowTo[string])
					for _, k := range moved {
						out[at[k]] = true
					}
					return err
				})
		})
	}
	err := write()
	for i := 0; i < 3 && store.Retryable(err); i++ {
		err = write()
	}
	return err
}
