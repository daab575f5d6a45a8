// Package keywords understands by rule: a bot's own words and patterns, which win
// over everything that was learnt.
package keywords

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"parley/connectors/sdk"
	"parley/internal/nlu/words"
)

// Rule says what certain words mean.
type Rule struct {
	Intent string `json:"intent"`
	// Words are what the whole message must be, whatever its case, accents and
	// punctuation: "cancel", "talk to agent".
	Words []string `json:"words,omitempty"`
	// Patterns are regular expressions (RE2) that the folded message must match
	// somewhere; named groups become entities.
	Patterns []string `json:"patterns,omitempty"`
}

// Rules is a set of rules, ready for use. It is immutable and safe for concurrent use.
type Rules struct {
	words    map[string]string
	patterns []pattern
}

type pattern struct {
	intent string
	regexp *regexp.Regexp
}

// Compile checks rules. Two rules must not claim the same words.
func Compile(rules []Rule) (*Rules, error) {
	out := &Rules{words: map[string]string{}}
	for _, r := range rules {
		for _, w := range r.Words {
			key := whole(w)
			if key == "" {
				return nil, fmt.Errorf("intent %q: a keyword has no words", r.Intent)
			}
			if other, taken := out.words[key]; taken && other != r.Intent {
				return nil, fmt.Errorf("intents %q and %q claim the same keyword", other, r.Intent)
			}
			out.words[key] = r.Intent
		}
		for i, text := range r.Patterns {
			re, err := regexp.Compile(text)
			if err != nil {
				return nil, fmt.Errorf("intent %q, pattern %d: %w", r.Intent, i+1, err)
			}
			out.patterns = append(out.patterns, pattern{r.Intent, re})
		}
	}
	return out, nil
}

func whole(text string) string { return strings.Join(words.List(text), " ") }

// Understand implements [sdk.Understander]. A keyword wins over a pattern, a
// pattern over later ones. A rule is certain.
func (r *Rules) Understand(_ context.Context, u sdk.Utterance) (sdk.Understanding, error) {
	if intent, ok := r.words[whole(u.Text)]; ok {
		return certain(intent, nil), nil
	}
	if len(r.patterns) == 0 {
		return sdk.Understanding{}, nil
	}
	folded := words.Fold(u.Text)
	for _, p := range r.patterns {
		m := p.regexp.FindStringSubmatch(folded)
		if m == nil {
			continue
		}
		var entities map[string]any
		for i, name := range p.regexp.SubexpNames() {
			if name != "" && m[i] != "" {
				if entities == nil {
					entities = map[string]any{}
				}
				entities[name] = m[i]
			}
		}
		return certain(p.intent, entities), nil
	}
	return sdk.Understanding{}, nil
}

func certain(intent string, entities map[string]any) sdk.Understanding {
	return sdk.Understanding{Intent: intent, Confidence: 1, Margin: 1, Entities: entities}
}
