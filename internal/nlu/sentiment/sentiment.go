// Package sentiment tells whether a customer is content or cross: a small lexicon
// for seven languages with negation, emphasis and emoji. It knows no irony, and
// what it has no word for is neutral; docs/understanding.md has its figures.
package sentiment

import (
	"context"
	"strings"

	"parley/connectors/sdk"
	"parley/internal/nlu/words"
)

const (
	// reach is how many words a negation looks ahead.
	reach = 3
	// most is how many words are looked at.
	most = 300
)

// Of returns sdk.Positive, sdk.Neutral or sdk.Negative.
func Of(text string) string {
	list := words.List(text)
	list = list[:min(len(list), most)]
	score, denied := 0, 0
	for i, w := range list {
		value := lexicon[w]
		if i > 0 {
			// A phrase of two words says more than its words.
			if v, ok := lexicon[list[i-1]+" "+w]; ok {
				score -= spoken(lexicon[list[i-1]], denied)
				value = v
			}
		}
		switch {
		case before[w]:
			denied = reach
			continue
		case after[w] && i > 0 && lexicon[list[i-1]] != 0:
			// Hindi denies after the word: "accha nahi".
			score -= 2 * lexicon[list[i-1]]
		}
		score += spoken(value, denied)
		denied = max(denied-1, 0)
	}
	score += marks(text)
	switch {
	case score > 0:
		return sdk.Positive
	case score < 0:
		return sdk.Negative
	}
	return sdk.Neutral
}

// spoken is a word's value after a negation: "not good" is bad, while "no
// problem" is a relief rather than praise.
func spoken(value, denied int) int {
	if denied == 0 {
		return value
	}
	if value < 0 {
		return 0
	}
	return -value
}

// marks reads what letters do not tell.
func marks(text string) int {
	score := 0
	for _, face := range []string{":)", ":-)", ":D", "<3", ";)"} {
		score += strings.Count(text, face)
	}
	for _, face := range []string{":(", ":-(", ":'(", ">:("} {
		score -= strings.Count(text, face)
	}
	if strings.Contains(text, "!!!") || strings.Contains(text, "???") {
		score--
	}
	return score
}

// Engine is the lexicon as a stage of a pipeline.
type Engine struct{}

// Understand implements [sdk.Understander]: it gives the sentiment.
func (Engine) Understand(_ context.Context, u sdk.Utterance) (sdk.Understanding, error) {
	return sdk.Understanding{Sentiment: Of(u.Text)}, nil
}
