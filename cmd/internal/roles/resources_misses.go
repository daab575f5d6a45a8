package roles

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"parley/activities/hearing"
	"parley/api"
	"parley/api/problem"
	"parley/connectors/sdk"
	"parley/internal/misses"
	"parley/internal/models"
	"parley/internal/observe"
	"parley/workflows/flow"
)

// learn trains the model of a flow that has use for one, before the flow is
// published: conversations never wait for it.
func (r flowResource) learn(ctx context.Context, ws uuid.UUID, p *flow.Program) error {
	if p.Wanted() == nil {
		return nil
	}
	if _, err := hearing.New(p, nil, func(string) sdk.Understander { return unasked{} }); err != nil {
		return notLearnt(err.Error())
	}
	examples := hearing.Examples(p)
	if len(examples) == 0 {
		return nil
	}
	_, err := r.models.Train(ctx, ws, examples)
	if errors.Is(err, models.ErrTraining) {
		p := problem.Unavailable.New("The flow has so many examples that its model is still being trained. Publish it again in a moment; until then the version that is live stays so.")
		p.RetryAfter = 10 * time.Second
		return p
	}
	if refused, ok := errors.AsType[*models.Refusal](err); ok {
		return notLearnt(refused.Why)
	}
	return err
}

// unasked stands for services where a flow is only looked at.
type unasked struct{}

// Understand implements [sdk.Understander].
func (unasked) Understand(context.Context, sdk.Utterance) (sdk.Understanding, error) {
	return sdk.Understanding{}, nil
}

func notLearnt(why string) error {
	p := problem.Invalid.New("The flow's intents cannot be learnt; errors says why. The version that is live stays so.")
	p.Errors = []problem.Field{{Pointer: "/document", Detail: why}}
	return p
}

// missResource implements api.Misses.
type missResource struct{ misses *misses.Misses }

func (r missResource) List(ctx context.Context, ws uuid.UUID, f api.MissFilter, q api.PageQuery) ([]api.Miss, string, error) {
	before, err := cursorID(q.After)
	if err != nil {
		return nil, "", err
	}
	got, last, more, err := r.misses.List(ctx, ws, misses.Filter{Flow: f.Flow, Guess: f.Guess, Language: f.Language, Before: before}, q.Limit)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if more {
		next = last.String()
	}
	out := make([]api.Miss, len(got))
	for i, m := range got {
		out[i] = api.Miss{ID: m.ID, Conversation: m.Conversation, Flow: m.Flow, FlowHash: m.FlowHash, Block: m.Block, Language: m.Language,
			Guess: m.Guess, Confidence: m.Confidence, Text: m.Text, At: m.At}
	}
	return out, next, nil
}

func (r missResource) Remove(ctx context.Context, ws, id uuid.UUID) error {
	err := r.misses.Remove(ctx, ws, id)
	if errors.Is(err, misses.ErrNotFound) {
		return problem.NotFound.New("There is no such miss; somebody may have dealt with it, or its time is over.")
	}
	return err
}

// forgetMisses removes what nobody has looked at for too long, once an hour.
func (e *Engine) forgetMisses(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if _, err := e.Misses.Forget(ctx, misses.Kept); err != nil && ctx.Err() == nil {
			e.Log.WarnContext(ctx, "old misses could not be forgotten", "error", observe.ErrText(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
