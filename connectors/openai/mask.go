package openai

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// masking is a text whose personal parts are placeholders, and what they stand for.
type masking struct {
	text string
	// pairs are placeholder, original, placeholder, original …
	pairs []string
}

var personal = []struct {
	name    string
	pattern *regexp.Regexp
}{
	{"email", regexp.MustCompile(`[\p{L}\p{N}._%+\-]+@[\p{L}\p{N}\-]+(?:\.[\p{L}\p{N}\-]+)+`)},
	// A phone number has at most 15 digits (ITU-T E.164). With a plus it is no card.
	{"phone", regexp.MustCompile(`\+[ (]?\p{Nd}(?:[ \-.()/]{0,2}\p{Nd}){6,14}`)},
	// Card numbers have 12 to 19 digits (ISO/IEC 7812-1), typed in groups or not;
	// account and identity numbers that are as long are no one's business either.
	{"card", regexp.MustCompile(`\p{Nd}(?:[ \-.]?\p{Nd}){11,18}`)},
	// What is shorter than 7 digits is an order number or an amount, which the flow
	// needs.
	{"phone", regexp.MustCompile(`\(?\p{Nd}(?:[ \-.()/]{0,2}\p{Nd}){6,14}`)},
}

// mask replaces e-mail addresses, card numbers and phone numbers. ISO dates are
// left alone.
func mask(text string) masking {
	m := masking{text: text}
	seen := map[string]int{}
	for _, p := range personal {
		m.text = p.pattern.ReplaceAllStringFunc(m.text, func(found string) string {
			if isoDate.MatchString(found) {
				return found
			}
			seen[p.name]++
			placeholder := fmt.Sprintf("[%s %d]", p.name, seen[p.name])
			m.pairs = append(m.pairs, placeholder, found)
			return placeholder
		})
	}
	return m
}

var isoDate = regexp.MustCompile(`^(?:19|20)\d\d-[01]\d-[0-3]\d$`)

// restore puts the originals back into what the model made of the text.
func (m masking) restore(text string) string {
	return strings.NewReplacer(m.pairs...).Replace(text)
}

// restoreJSON does so within a JSON value.
func (m masking) restoreJSON(raw json.RawMessage) json.RawMessage {
	quoted := make([]string, len(m.pairs))
	for i, s := range m.pairs {
		b, err := json.Marshal(s)
		if err != nil {
			return raw
		}
		quoted[i] = string(b[1 : len(b)-1])
	}
	return json.RawMessage(strings.NewReplacer(quoted...).Replace(string(raw)))
}
