// Package hearing understands what the customers of one flow write, as the flow
// wants it: by its rules, its trained model, the services that it names, and its
// information desk.
package hearing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/connectors/sdk"
	"parley/internal/nlu"
	"parley/internal/nlu/answers"
	"parley/internal/nlu/classify"
	"parley/internal/nlu/entities"
	"parley/internal/nlu/keywords"
	"parley/workflows/flow"
)

// maxHeard bounds the text that is understood, in bytes; the rest of a longer one
// is left aside.
const maxHeard = 4000

// Bot understands for one version of a flow. It is safe for concurrent use.
type Bot struct {
	program  *flow.Program
	model    *classify.Model
	pipeline *nlu.Pipeline
	services bool
}

// Examples are what the model of a flow is trained from; none if it has no use for
// one.
func Examples(p *flow.Program) []classify.Example {
	w := p.Wanted()
	if w == nil || !slices.ContainsFunc(w.Engines, func(e flow.Engine) bool { return e.Name == flow.Builtin }) {
		return nil
	}
	return nlu.Examples(p.Intents())
}

// New makes the bot of a program that wants something understood. The model may be
// nil; service gives the engine of a connector. An error says what is wrong with the
// flow.
func New(p *flow.Program, model *classify.Model, service func(connector string) sdk.Understander) (*Bot, error) {
	w := p.Wanted()
	bot := nlu.Bot{Entities: entities.Engine{}}
	out := &Bot{program: p, model: model}
	var rules []keywords.Rule
	for _, r := range w.Rules {
		rules = append(rules, keywords.Rule(r))
	}
	var err error
	if len(rules) > 0 {
		if bot.Rules, err = keywords.Compile(rules); err != nil {
			return nil, err
		}
	}
	for variable, f := range w.Finders {
		if f.Pattern == "" {
			bot.Entities[variable] = entities.List(f.Values)
		} else if bot.Entities[variable], err = entities.Pattern(f.Pattern); err != nil {
			return nil, fmt.Errorf("%q: %w", variable, err)
		}
	}
	for _, e := range w.Engines {
		engine := nlu.Engine{Name: e.Name, Confidence: e.Confidence, Margin: e.Margin}
		switch {
		case len(p.Intents()) == 0:
			continue
		case e.Name != flow.Builtin:
			engine.Engine, engine.Remote, engine.Budget = service(e.Name), true, e.Budget
			out.services = true
		case model != nil:
			engine.Engine = nlu.Trained(model)
		default:
			continue
		}
		bot.Engines = append(bot.Engines, engine)
	}
	if len(w.Answers) > 0 {
		bot.Answers = desk(w.Answers)
	}
	out.pipeline, err = nlu.New(bot.Stages()...)
	return out, err
}

func desk(all []flow.Answer) *answers.Index {
	entries := make([]answers.Entry, len(all))
	for i, a := range all {
		entries[i] = answers.Entry{ID: a.ID, Questions: a.Questions}
	}
	return answers.Build(entries)
}

// Guess is the intent that comes nearest to a text that was not understood, and how
// sure the model is of it; "" without a model.
func (b *Bot) Guess(text string) (intent string, confidence float64) {
	if b.model == nil {
		return "", 0
	}
	v := b.model.Classify(text)
	if v.Intent == sdk.OutOfScope && v.Nearest != "" {
		return v.Nearest, 1 - v.Confidence
	}
	return v.Nearest, v.Confidence
}

// Turn understands the messages of one turn, in order. It is for one goroutine.
type Turn struct {
	bot *Bot
	// in is where the flow stands, as far as services are concerned.
	in   flow.Input
	left time.Duration
}

// Turn begins one. The input has no events.
func (b *Bot) Turn(in flow.Input) *Turn {
	return &Turn{bot: b, in: in, left: b.program.Wanted().Budget}
}

// Hear understands an event, if it is a text: it sets Understood, unless that was
// done before. It fails only when ctx ends. What services said is to be recorded if
// the result was Asked.
func (t *Turn) Hear(ctx context.Context, ev *flow.Event) (nlu.Result, error) {
	var r nlu.Result
	if ev.Understood == nil && isText(ev) {
		var err error
		if r, err = t.understand(ctx, ev); err != nil {
			return r, err
		}
		ev.Understood = &r.Understanding
	}
	if t.bot.services { // the next message may be an answer to what this one leads to
		t.in.Events = []flow.Event{*ev}
		t.in.State = t.bot.program.Step(t.in).State
	}
	return r, nil
}

func (t *Turn) understand(ctx context.Context, ev *flow.Event) (nlu.Result, error) {
	text := ev.Message.Text
	u := sdk.Utterance{Text: strings.ToValidUTF8(text[:min(len(text), maxHeard)], ""), Intents: t.bot.program.Intents()}
	var services time.Duration
	if t.bot.services && t.left > 0 {
		t.in.Events = []flow.Event{*ev}
		if t.bot.program.Wants(t.in) {
			services = t.left
			u.Session, u.Facts = t.in.Conversation, t.bot.program.Facts(t.in)
		}
	}
	r, err := t.bot.pipeline.Understand(ctx, u, services)
	t.left -= r.Spent
	return r, err
}

// isText tells whether an event is something that a customer wrote.
func isText(ev *flow.Event) bool {
	return ev.Kind == flow.EventMessage && ev.Message != nil && ev.Message.Text != "" && ev.Message.Tap == "" && ev.Message.Reaction == ""
}
