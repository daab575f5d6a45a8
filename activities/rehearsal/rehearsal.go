// Package rehearsal runs a new version of a flow over the recorded conversations of
// a workspace. It opens them within the engine, and tells of them in counts and
// names of blocks; what was said is in the examples only, for those who may read
// it. Nothing is sent or called, and nothing is changed.
package rehearsal

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/errgroup"
	"parley/activities"
	"parley/internal/bus"
	"parley/internal/conversations"
	"parley/internal/flows"
	"parley/workflows/flow"
	"parley/workflows/flow/rehearse"
)

// Example is a conversation that goes otherwise.
type Example struct {
	Conversation uuid.UUID
	Turn         int
	// Said, Answered and Answers are personal: what the customer wrote, what was
	// said, what would be.
	Said, Answered, Answers []string
}

// Place is where conversations go otherwise, or are not decided.
type Place struct {
	Kind string
	// Block is where they stood, Before and After where the ways part.
	Block, Before, After string
	Why                  string
	Count                int
	// Examples, 5 at most.
	Examples []Example
}

const mostExamples = 5

// atOnce is how many conversations are read at once: they share transactions.
const atOnce = 32

// Report is what became of some conversations. Kinds counts outcomes.
type Report struct {
	Conversations int
	Kinds         map[string]int
	Places        []Place
}

func (r *Report) add(id uuid.UUID, o rehearse.Outcome) {
	r.Conversations++
	r.Kinds[o.Kind]++
	if o.Kind == rehearse.Same {
		return
	}
	at := -1
	for i, p := range r.Places {
		if p.Kind == o.Kind && p.Block == o.Block && p.Before == o.Before && p.After == o.After && p.Why == o.Why {
			at = i
		}
	}
	if at < 0 {
		at = len(r.Places)
		r.Places = append(r.Places, Place{Kind: o.Kind, Block: o.Block, Before: o.Before, After: o.After, Why: o.Why})
	}
	p := &r.Places[at]
	if p.Count++; len(p.Examples) < mostExamples {
		p.Examples = append(p.Examples, Example{id, o.Turn, o.Said, o.Answered, o.Answers})
	}
}

// Rehearser is safe for concurrent use.
type Rehearser struct {
	Flows         *flows.Flows
	Conversations *conversations.Conversations
}

// Run rehearses up to limit conversations of a flow, by ID, after the one given.
// renamed are blocks that are called otherwise in the new version. It returns the
// last one, and whether there are more.
func (h *Rehearser) Run(ctx context.Context, ws uuid.UUID, name string, program *flow.Program, renamed map[string]string, after uuid.UUID, limit int) (Report, uuid.UUID, bool, error) {
	r := Report{Kinds: map[string]int{}}
	ids, err := h.Conversations.OfFlow(ctx, ws, name, after, limit)
	if err != nil {
		return r, after, false, err
	}
	programs, err := lru.New[string, *flow.Program](50) // of the versions of that time
	if err != nil {
		return r, after, false, err
	}
	outcomes := make([]rehearse.Outcome, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, id := range ids {
		group.Go(func() (err error) {
			outcomes[i], err = h.one(ctx, conversations.Key{Workspace: ws, ID: id}, name, program, renamed, programs)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return r, after, false, err
	}
	for i, id := range ids {
		r.add(id, outcomes[i])
		after = id
	}
	return r, after, len(ids) == limit, nil
}

func (h *Rehearser) one(ctx context.Context, k conversations.Key, name string, program *flow.Program, renamed map[string]string, programs *lru.Cache[string, *flow.Program]) (rehearse.Outcome, error) {
	s, err := h.Conversations.Load(ctx, k)
	if err != nil {
		return rehearse.Outcome{}, err
	}
	turns, events, err := h.Conversations.Recorded(ctx, k)
	if err != nil {
		return rehearse.Outcome{}, err
	}
	rec := rehearse.Recording{Conversation: k.ID.String(), Person: s.Contact.String(), Channel: s.Connector, Contact: activities.Facts(s)}
	for _, t := range turns {
		if t.Hash == "" {
			continue // no flow answered
		}
		p, ok := programs.Get(t.Hash)
		if !ok {
			v, err := h.Flows.Get(ctx, k.Workspace, t.Hash)
			if err != nil {
				return rehearse.Outcome{}, err
			}
			if v.Name != name {
				return unrepeatable("another flow answered then"), nil
			}
			if p, err = (flow.Source{File: name + ".yaml", Text: []byte(v.Document)}).Compile(); err != nil {
				return rehearse.Outcome{}, err
			}
			programs.Add(t.Hash, p)
		}
		of := between(events, t.First, t.Last)
		if int64(len(of)) != t.Last-t.First+1 {
			return unrepeatable("its events are not all kept, or are too many"), nil
		}
		turn := rehearse.Turn{Program: p, At: t.At, Entered: t.Entered, Missed: t.Missed}
		for _, e := range of {
			ev, heard, err := decode(e)
			if err != nil {
				return rehearse.Outcome{}, err
			}
			if ev.Kind == erased {
				return unrepeatable("it was erased"), nil
			}
			if heard {
				turn.Events = append(turn.Events, ev)
			}
		}
		rec.Turns = append(rec.Turns, turn)
	}
	return rehearse.Run(program, renamed, rec), nil
}

func unrepeatable(why string) rehearse.Outcome {
	return rehearse.Outcome{Kind: rehearse.Unrepeatable, Why: why}
}

func between(events []conversations.Event, first, last int64) []conversations.Event {
	var out []conversations.Event
	for _, e := range events {
		if e.Number >= first && e.Number <= last {
			out = append(out, e)
		}
	}
	return out
}

const erased flow.EventKind = "erased"

// decode reads an event as the flow heard it; reactions it did not hear. What people
// and cases said, and messages that had their answer with them, part a turn.
func decode(e conversations.Event) (ev flow.Event, heard bool, err error) {
	switch {
	case e.Body == nil:
		return flow.Event{Kind: erased}, false, nil
	case e.Kind == bus.KindTell, e.Kind == bus.KindAgent:
		return flow.Event{Kind: rehearse.EventApart}, true, nil
	case e.Kind == bus.KindTaken:
		return flow.Event{Kind: rehearse.EventTaken}, true, nil
	}
	ev.Kind = flow.EventKind(e.Kind)
	if err := json.Unmarshal(e.Body, &ev); err != nil {
		return ev, false, fmt.Errorf("event %d is not readable: %w", e.Number, err)
	}
	ev.Number, ev.At = e.Number, e.At
	if ev.Message != nil && ev.Message.Reply != nil {
		ev = flow.Event{Kind: rehearse.EventApart}
	}
	return ev, ev.Message == nil || ev.Message.Reaction == "", nil
}
