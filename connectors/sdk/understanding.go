package sdk

import "context"

// Utterance is something that a customer said, for an engine that understands
// language. It holds nothing of the customer but what the flow names.
type Utterance struct {
	Text string `json:"text"`
	// Language is a BCP 47 tag, "" if unknown.
	Language string `json:"language,omitempty"`
	// Intents are what the flow can be asked for, in its order.
	Intents []Intent `json:"intents,omitempty"`
	// Facts are what the flow lets the engine know of the contact and the case.
	Facts map[string]string `json:"facts,omitempty"`
	// Session is an opaque ID of the conversation, for engines that keep context.
	Session string `json:"session,omitempty"`
}

// Intent is something that customers can want.
type Intent struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Examples    []string `json:"examples,omitempty"`
	// Entities are the parameters that go with it, name to kind ("date",
	// "number", "text" …).
	Entities map[string]string `json:"entities,omitempty"`
}

// OutOfScope is the intent of what is none of those on offer.
const OutOfScope = "oos"

// Sentiments of an utterance.
const (
	Positive = "positive"
	Neutral  = "neutral"
	Negative = "negative"
)

// Understanding is what an engine made of an utterance. Every field may be empty:
// a pipeline asks the next engine for what is missing.
type Understanding struct {
	Language string `json:"language,omitempty"`
	// Intent is a name from Utterance.Intents, or [OutOfScope].
	Intent string `json:"intent,omitempty"`
	// Confidence in the intent, from 0 to 1; Margin is its lead over the second.
	Confidence float64 `json:"confidence,omitempty"`
	Margin     float64 `json:"margin,omitempty"`
	// Entities are the parameters found, as JSON values.
	Entities  map[string]any `json:"entities,omitempty"`
	Sentiment string         `json:"sentiment,omitempty"`
	// Answer is a reply that the engine found, with the ID of its source.
	Answer   string `json:"answer,omitempty"`
	AnswerID string `json:"answer_id,omitempty"`
	// Engine names who understood it, for statistics.
	Engine string `json:"engine,omitempty"`
}

// Understander is implemented by connections that understand language.
type Understander interface {
	// Understand never guesses: what it is not sure of it leaves empty. Errors
	// are *Error; the caller asks another engine then.
	Understand(ctx context.Context, u Utterance) (Understanding, error)
}
