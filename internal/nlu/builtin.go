package nlu

import (
	"context"
	"slices"
	"time"

	"parley/connectors/sdk"
	"parley/internal/nlu/answers"
	"parley/internal/nlu/classify"
	"parley/internal/nlu/entities"
	"parley/internal/nlu/keywords"
	"parley/internal/nlu/language"
	"parley/internal/nlu/sentiment"
)

// Bot is what one bot understands with. What is nil is left out.
type Bot struct {
	Rules *keywords.Rules
	// Engines are asked for an intent, in order, until one is sure.
	Engines  []Engine
	Entities entities.Engine
	Answers  *answers.Index
}

// Engine tells intents: a [Trained] model, or a service such as a connection of
// the openai connector.
type Engine struct {
	Name   string
	Engine sdk.Understander
	// Confidence and Margin are the least with which it is believed.
	Confidence, Margin float64
	// Remote and Budget are as in [Stage].
	Remote bool
	Budget time.Duration
}

// Stages are the usual pipeline: language, rules, engines, entities, sentiment,
// answers.
func (b Bot) Stages() []Stage {
	out := []Stage{{Name: "language", Engine: language.Engine{}, Gives: Language}}
	if b.Rules != nil {
		out = append(out, Stage{Name: "rules", Engine: b.Rules, Gives: Intent, May: Entities})
	}
	for _, e := range b.Engines {
		s := Stage{Name: e.Name, Engine: e.Engine, Gives: Intent, Confidence: e.Confidence, Margin: e.Margin}
		if e.Remote {
			s.Remote, s.Budget, s.May = true, e.Budget, Entities|Answer
		}
		out = append(out, s)
	}
	if len(b.Entities) > 0 {
		out = append(out, Stage{Name: "entities", Engine: b.Entities, Gives: Entities})
	}
	out = append(out, Stage{Name: "sentiment", Engine: sentiment.Engine{}, Gives: Sentiment})
	if b.Answers != nil {
		out = append(out, Stage{Name: "answers", Engine: b.Answers, Gives: Answer})
	}
	return out
}

// Trained is a model as an engine. It keeps to the intents that the utterance may
// have, if it names any.
func Trained(m *classify.Model) sdk.Understander { return trained{m} }

type trained struct{ model *classify.Model }

func (t trained) Understand(_ context.Context, u sdk.Utterance) (sdk.Understanding, error) {
	v := t.model.Classify(u.Text)
	offered := func(i sdk.Intent) bool { return i.Name == v.Intent }
	if len(u.Intents) > 0 && v.Intent != sdk.OutOfScope && !slices.ContainsFunc(u.Intents, offered) {
		return sdk.Understanding{}, nil
	}
	return sdk.Understanding{Intent: v.Intent, Confidence: v.Confidence, Margin: v.Margin}, nil
}

// Examples are what a model learns the intents of a flow from.
func Examples(intents []sdk.Intent) []classify.Example {
	var out []classify.Example
	for _, i := range intents {
		for _, text := range i.Examples {
			out = append(out, classify.Example{Text: text, Label: i.Name})
		}
	}
	return out
}
