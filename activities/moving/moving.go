// Package moving takes conversations that wait in one version of a flow to another
// one, in batches, and back. What becomes of a conversation is decided by
// [flow.Migration]; this package reads and writes. It is safe beside running turns.
package moving

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"parley/internal/conversations"
	"parley/internal/flows"
	"parley/workflows/flow"
)

// Reasons of the engine, beside those of [flow.Reason].
const (
	// TurnUnderWay: replies are on their way, or a turn was faster. Move again later.
	TurnUnderWay = "turn_under_way"
	// Erased: the key of the conversation was destroyed.
	Erased = "erased"
)

// Landing is how many go on in which block.
type Landing struct {
	From, To string
	Count    int
}

// Staying is how many stay in the old version, and why.
type Staying struct {
	flow.Reason
	Count int
	// Examples are some of the conversations, 10 at most.
	Examples []uuid.UUID
}

// Report is what becomes of conversations, in no order.
type Report struct {
	Landing []Landing
	Staying []Staying
}

// most examples of one reason.
const most = 10

func (r *Report) land(from, to string) {
	i := slices.IndexFunc(r.Landing, func(l Landing) bool { return l.From == from && l.To == to })
	if i < 0 {
		i = len(r.Landing)
		r.Landing = append(r.Landing, Landing{From: from, To: to})
	}
	r.Landing[i].Count++
}

func (r *Report) stay(id uuid.UUID, why flow.Reason) {
	i := slices.IndexFunc(r.Staying, func(s Staying) bool { return s.Reason == why })
	if i < 0 {
		i = len(r.Staying)
		r.Staying = append(r.Staying, Staying{Reason: why})
	}
	r.Staying[i].Count++
	if len(r.Staying[i].Examples) < most {
		r.Staying[i].Examples = append(r.Staying[i].Examples, id)
	}
}

// Mover is safe for concurrent use.
type Mover struct {
	Flows         *flows.Flows
	Conversations *conversations.Conversations
	// Batch is how many conversations are looked at in one go; 500 if 0.
	Batch int
}

// Plan is which conversations are to go where.
type Plan struct {
	Name, From, To string
	// Mapping is YAML; see [flow.ParseMapping].
	Mapping string
}

// InvalidError tells that a plan cannot be: what is wrong with the mapping.
type InvalidError struct{ Reason string }

func (e *InvalidError) Error() string { return e.Reason }

func (m *Mover) migration(ctx context.Context, ws uuid.UUID, p Plan) (*flow.Migration, error) {
	mapping, err := flow.ParseMapping([]byte(p.Mapping))
	if err != nil {
		return nil, &InvalidError{err.Error()}
	}
	old, err := m.program(ctx, ws, p.Name, p.From)
	if err != nil {
		return nil, err
	}
	now, err := m.program(ctx, ws, p.Name, p.To)
	if err != nil {
		return nil, err
	}
	g, err := flow.NewMigration(old, now, mapping)
	if err != nil {
		return nil, &InvalidError{err.Error()}
	}
	return g, nil
}

func (m *Mover) program(ctx context.Context, ws uuid.UUID, name, hash string) (*flow.Program, error) {
	v, err := m.Flows.Get(ctx, ws, hash)
	if err != nil {
		return nil, err
	}
	if v.Name != name {
		return nil, flows.ErrNotFound
	}
	return flow.Source{File: name + ".yaml", Text: []byte(v.Document)}.Compile()
}

// batch is what becomes of some conversations.
type batch struct {
	report Report
	moved  []conversations.Moved
	// places are the blocks of those moved, before and after.
	places [][2]string
	last   uuid.UUID
	more   bool
}

func (m *Mover) decide(ctx context.Context, ws uuid.UUID, g *flow.Migration, from string, after uuid.UUID) (batch, error) {
	limit := m.Batch
	if limit == 0 {
		limit = 500
	}
	parked, err := m.Conversations.Parked(ctx, ws, from, after, limit)
	b := batch{last: after, more: len(parked) == limit}
	if err != nil {
		return b, err
	}
	for _, p := range parked {
		b.last = p.ID
		if p.State == nil {
			b.report.stay(p.ID, flow.Reason{Code: Erased})
			continue
		}
		var before flow.State
		if err := json.Unmarshal(p.State, &before); err != nil {
			return b, fmt.Errorf("the state of conversation %s is not readable: %w", p.ID, err)
		}
		state, why := g.Move(before)
		if why == nil && p.Busy {
			why = []flow.Reason{{Code: TurnUnderWay, Block: before.Block, Detail: busy}}
		}
		if why != nil {
			b.report.stay(p.ID, all(why))
			continue
		}
		raw, err := json.Marshal(state)
		if err != nil {
			return b, err
		}
		b.moved = append(b.moved, conversations.Moved{Parked: p, State: raw})
		b.places = append(b.places, [2]string{before.Block, state.Block})
	}
	return b, nil
}

const busy = "a turn is under way: move again later"

// all makes one reason of several, so that a conversation counts once.
func all(why []flow.Reason) flow.Reason {
	out := why[0]
	for _, w := range why[1:] {
		if !strings.Contains(out.Detail, w.Detail) {
			out.Detail += "; " + w.Detail
		}
	}
	return out
}

// Preview tells what would become of the conversations after the given one, some
// at a time: after the last one it is asked again, while there are more. It
// changes nothing.
func (m *Mover) Preview(ctx context.Context, ws uuid.UUID, p Plan, after uuid.UUID) (r Report, last uuid.UUID, more bool, err error) {
	g, err := m.migration(ctx, ws, p)
	if err != nil {
		return r, after, false, err
	}
	b, err := m.decide(ctx, ws, g, p.From, after)
	for _, at := range b.places {
		b.report.land(at[0], at[1])
	}
	return b.report, b.last, b.more, err
}

// Begin keeps the record of a migration, whose ID the caller chooses: beginning it
// again changes nothing.
func (m *Mover) Begin(ctx context.Context, ws, id uuid.UUID, p Plan, actor string) (flows.Migration, error) {
	if _, err := m.migration(ctx, ws, p); err != nil {
		return flows.Migration{}, err
	}
	if err := m.Flows.Begin(ctx, ws, flows.Migration{ID: id, Name: p.Name, From: p.From, To: p.To, Mapping: p.Mapping, Actor: actor}); err != nil {
		return flows.Migration{}, err
	}
	return m.Flows.Migration(ctx, ws, p.Name, id)
}

// Run moves the next batch of a migration and tells what became of it; the record
// says whether it is done. Whoever runs it may stop at any time and go on later,
// also elsewhere.
func (m *Mover) Run(ctx context.Context, ws uuid.UUID, name string, id uuid.UUID) (flows.Migration, Report, error) {
	rec, err := m.Flows.Migration(ctx, ws, name, id)
	if err != nil || rec.State != flows.Moving {
		return rec, Report{}, err
	}
	g, err := m.migration(ctx, ws, Plan{rec.Name, rec.From, rec.To, rec.Mapping})
	if err != nil {
		return rec, Report{}, err
	}
	b, err := m.decide(ctx, ws, g, rec.From, rec.After)
	if err != nil {
		return rec, Report{}, err
	}
	moved, err := m.Conversations.Migrate(ctx, ws, id, rec.From, rec.To, b.moved)
	if err != nil {
		return rec, Report{}, err
	}
	n := 0
	for i, ok := range moved {
		if ok {
			n++
			b.report.land(b.places[i][0], b.places[i][1])
		} else {
			b.report.stay(b.moved[i].ID, flow.Reason{Code: TurnUnderWay, Block: b.places[i][0], Detail: busy})
		}
	}
	stayed := 0
	for _, s := range b.report.Staying {
		stayed += s.Count
	}
	state := flows.Moving
	if !b.more {
		state = flows.Done
	}
	if err := m.Flows.Progress(ctx, ws, rec, b.last, n, stayed, state); err != nil {
		return rec, b.report, err
	}
	rec, err = m.Flows.Migration(ctx, ws, name, id)
	return rec, b.report, err
}

// Undo gives conversations of a migration, some at a time after the given one,
// the state back that they had. Those that have moved on since keep what they
// have.
func (m *Mover) Undo(ctx context.Context, ws uuid.UUID, name string, id, after uuid.UUID, actor string) (back, stayed int, last uuid.UUID, more bool, err error) {
	rec, err := m.Flows.Migration(ctx, ws, name, id)
	if err != nil {
		return 0, 0, after, false, err
	}
	if err := m.Flows.Undoing(ctx, ws, rec, actor); err != nil {
		return 0, 0, after, false, err
	}
	limit := m.Batch
	if limit == 0 {
		limit = 500
	}
	return m.Conversations.Unmigrate(ctx, ws, id, rec.From, rec.To, after, limit)
}
