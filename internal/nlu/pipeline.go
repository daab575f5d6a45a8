// Package nlu understands what customers write: a pipeline of stages, each of
// which is an [sdk.Understander] of its own and can be replaced. A stage is asked
// for what is still missing; one that fails, is too slow or is not sure is passed
// over for the next.
package nlu

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/sony/gobreaker/v2"

	"parley/connectors/sdk"
)

// Gives are the parts of an understanding that a stage can give.
type Gives uint8

// The parts.
const (
	Language Gives = 1 << iota
	Intent
	Entities
	Sentiment
	Answer
)

// Stage is one step of a pipeline.
type Stage struct {
	// Name is of low cardinality; it becomes Understanding.Engine of an intent.
	Name   string
	Engine sdk.Understander
	// Gives is what it is asked for; May what is taken as well where nobody before
	// gave it.
	Gives, May Gives
	// Confidence and Margin are the least with which its intent is taken, from 0
	// to 1. What is below is left to the next stage that gives intents.
	Confidence, Margin float64
	// Budget is how long a Remote stage may take.
	Budget time.Duration
	// Remote says that it is a service: it is left behind when its budget is over,
	// and after repeated failures not asked for a while. It needs a Budget.
	Remote bool
}

const (
	// trips is how many failures in a row open a breaker, rest how long it stays open.
	trips = 5
	rest  = 30 * time.Second
)

// Pipeline runs stages in order. It is safe for concurrent use if its engines are.
type Pipeline struct{ stages []stage }

type stage struct {
	Stage
	breaker *gobreaker.CircuitBreaker[sdk.Understanding]
}

// New checks the stages and makes a pipeline of them.
func New(stages ...Stage) (*Pipeline, error) {
	p := &Pipeline{}
	names := map[string]bool{}
	for i, s := range stages {
		switch {
		case s.Name == "" || names[s.Name]:
			return nil, fmt.Errorf("stage %d needs a name of its own", i+1)
		case s.Engine == nil || s.Gives == 0:
			return nil, fmt.Errorf("stage %q needs an engine and something that it gives", s.Name)
		case s.Remote && s.Budget <= 0:
			return nil, fmt.Errorf("stage %q is remote and needs a budget", s.Name)
		case s.Confidence < 0 || s.Confidence > 1 || s.Margin < 0 || s.Margin > 1:
			return nil, fmt.Errorf("stage %q: confidence and margin are from 0 to 1", s.Name)
		}
		names[s.Name] = true
		next := stage{Stage: s}
		if s.Remote {
			next.breaker = breaker(s.Name)
		}
		p.stages = append(p.stages, next)
	}
	return p, nil
}

func breaker(name string) *gobreaker.CircuitBreaker[sdk.Understanding] {
	return gobreaker.NewCircuitBreaker[sdk.Understanding](gobreaker.Settings{
		Name: name, Timeout: rest,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= trips },
		// The service is not to blame for what it answers of one utterance, nor for
		// a caller who went away.
		IsSuccessful: func(err error) bool {
			class := sdk.AsError(err).Class
			return err == nil || class == sdk.Invalid || class == sdk.Rejected
		},
		IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) && !errors.Is(err, errBudget) },
	})
}

// Failure is a stage that did not do its part.
type Failure struct {
	Stage string
	// Err is an *[sdk.Error].
	Err error
}

// Result is what a pipeline made of an utterance.
type Result struct {
	sdk.Understanding
	// Failures are the stages that failed, in order; the rest stands without them.
	Failures []Failure
	// Asked tells that a service was asked, and Spent how long services took: its
	// answer may be another the next time.
	Asked bool
	Spent time.Duration
}

// Unlimited lets services take as long as the budget of each.
const Unlimited = time.Duration(math.MaxInt64)

// Understand asks the stages. The intent is that of the first stage that is sure
// enough; [sdk.OutOfScope] if a stage said so and none after it knew better; empty
// if none was sure. Services may take as long as services says, all together; with
// 0 none is asked. It fails only when ctx ends.
func (p *Pipeline) Understand(ctx context.Context, u sdk.Utterance, services time.Duration) (Result, error) {
	r := Result{}
	r.Language = u.Language
	for _, s := range p.stages {
		left := min(s.Budget, services-r.Spent)
		if s.Gives&missing(r.Understanding) == 0 || s.Remote && services == 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return r, err
		}
		u.Language = r.Language
		began := time.Now()
		got, err := s.ask(ctx, u, left)
		if s.Remote {
			r.Spent += time.Since(began)
			r.Asked = true
		}
		if err != nil {
			if ctx.Err() != nil {
				return r, ctx.Err()
			}
			r.Failures = append(r.Failures, Failure{s.Name, err})
			continue
		}
		s.merge(&r.Understanding, got)
	}
	return r, nil
}

// missing are the parts that nobody has given yet. An intent out of scope may yet
// be one that a later stage knows; entities may always become more.
func missing(u sdk.Understanding) Gives {
	parts := Entities
	if u.Language == "" {
		parts |= Language
	}
	if u.Intent == "" || u.Intent == sdk.OutOfScope {
		parts |= Intent
	}
	if u.Sentiment == "" {
		parts |= Sentiment
	}
	if u.Answer == "" && u.AnswerID == "" {
		parts |= Answer
	}
	return parts
}

// errBudget ends the context of an engine whose time is over. It is a cancellation,
// since the provider is not to blame for how little time it was given.
var errBudget = fmt.Errorf("its time is over: %w", context.Canceled)

func (s *stage) ask(ctx context.Context, u sdk.Utterance, left time.Duration) (sdk.Understanding, error) {
	switch {
	case !s.Remote:
		return s.Engine.Understand(ctx, u)
	case left <= 0:
		return sdk.Understanding{}, tooSlow("the time for services was used up before it was asked", errBudget)
	}
	got, err := s.breaker.Execute(func() (sdk.Understanding, error) { return s.within(ctx, u, left) })
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return got, &sdk.Error{Class: sdk.Unavailable, Code: "circuit_open",
			Message: "it failed several times in a row and is left alone for a while", Err: err}
	}
	return got, err
}

// within asks an engine and leaves it behind when its time is over, whether or not
// it ends with its context.
func (s *stage) within(ctx context.Context, u sdk.Utterance, left time.Duration) (sdk.Understanding, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer time.AfterFunc(left, func() { cancel(errBudget) }).Stop()
	type answer struct {
		sdk.Understanding
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		got, err := s.Engine.Understand(ctx, u)
		answered <- answer{got, err}
	}()
	select {
	case a := <-answered:
		if a.err != nil && context.Cause(ctx) == errBudget {
			return a.Understanding, tooSlow("it did not answer in time", errBudget)
		}
		return a.Understanding, a.err
	case <-ctx.Done():
		if context.Cause(ctx) == errBudget {
			return sdk.Understanding{}, tooSlow("it did not answer in time", errBudget)
		}
		return sdk.Understanding{}, ctx.Err()
	}
}

func tooSlow(why string, cause error) error {
	return &sdk.Error{Class: sdk.Unavailable, Code: "too_slow", Message: why, Err: cause}
}

// merge takes what the stage gives and nobody has given.
func (s *stage) merge(into *sdk.Understanding, got sdk.Understanding) {
	gives := s.Gives | s.May
	wanted := gives & missing(*into)
	if wanted&Language != 0 {
		into.Language = got.Language
	}
	if wanted&Sentiment != 0 {
		into.Sentiment = got.Sentiment
	}
	if wanted&Answer != 0 {
		into.Answer, into.AnswerID = got.Answer, got.AnswerID
	}
	taken := wanted&Intent != 0 && s.sure(got)
	if taken {
		into.Intent, into.Confidence, into.Margin, into.Engine = got.Intent, got.Confidence, got.Margin, s.Name
	}
	// Entities that came with an intent go with it.
	if gives&Entities == 0 || gives&Intent != 0 && !taken {
		return
	}
	for name, value := range got.Entities {
		if _, known := into.Entities[name]; known {
			continue
		}
		if into.Entities == nil {
			into.Entities = map[string]any{}
		}
		into.Entities[name] = value
	}
}

func (s *stage) sure(got sdk.Understanding) bool {
	switch got.Intent {
	case "":
		return false
	case sdk.OutOfScope:
		return true
	}
	return got.Confidence >= s.Confidence && got.Margin >= s.Margin
}
