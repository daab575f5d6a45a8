package nlu

import (
	"context"
	"time"

	"parley/connectors/sdk"
	"parley/internal/nlu/answers"
	"parley/internal/nlu/classify"
	"parley/internal/nlu/entities"
	"parley/internal/nlu/keywords"
	"parley/internal/nlu/language"
	"parley/internal/nlu/sentiment"
)

// Bot is what the built-in stages of one bot are made of. What is nil is left out.
type Bot struct {
	Rules    *keywords.Rules
	Model    *classify.Model
	Entities entities.Engine
	Answers  *answers.Index
	// Remotes are asked, in order, for an intent that the model is not sure of.
	Remotes []Remote
}

// Remote is a service that understands, such as a connection of the openai
// connector.
type Remote struct {
	Name   string
	Engine sdk.Understander
	// Confidence is the least with which it is believed.
	Confidence float64
	Budget     time.Duration
}

// The least with which the built-in model is believed. Its confidence is
// calibrated, so half means as likely right as wrong.
const leastConfidence, leastMargin = 0.5, 0.05

// Stages are the usual pipeline: language, rules, the model, remote engines for
// what is left, entities, sentiment, answers.
func (b Bot) Stages() []Stage {
	out := []Stage{{Name: "language", Engine: language.Engine{}, Gives: Language}}
	if b.Rules != nil {
		out = append(out, Stage{Name: "rules", Engine: b.Rules, Gives: Intent | Entities})
	}
	if b.Model != nil {
		out = append(out, Stage{Name: "builtin", Engine: trained{b.Model}, Gives: Intent, Confidence: leastConfidence, Margin: leastMargin})
	}
	for _, r := range b.Remotes {
		out = append(out, Stage{Name: r.Name, Engine: r.Engine, Gives: Intent | Entities, Confidence: r.Confidence, Budget: r.Budget, Remote: true})
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

// trained is a model as a stage. It keeps to the intents that the utterance may
// have, if it names any.
type trained struct{ model *classify.Model }

func (t trained) Understand(_ context.Context, u sdk.Utterance) (sdk.Understanding, error) {
	v := t.model.Classify(u.Text)
	if len(u.Intents) > 0 && v.Intent != sdk.OutOfScope && !offered(u.Intents, v.Intent) {
		return sdk.Understanding{}, nil
	}
	return sdk.Understanding{Intent: v.Intent, Confidence: v.Confidence, Margin: v.Margin}, nil
}

func offered(intents []sdk.Intent, name string) bool {
	for _, i := range intents {
		if i.Name == name {
			return true
		}
	}
	return false
}

// Train makes the model of the intents of a flow, from their examples. It is nil
// where no intent has any.
func Train(intents []sdk.Intent) (*classify.Model, error) {
	var examples []classify.Example
	for _, i := range intents {
		for _, text := range i.Examples {
			examples = append(examples, classify.Example{Text: text, Label: i.Name})
		}
	}
	if len(examples) == 0 {
		return nil, nil
	}
	return classify.Train(examples)
}
