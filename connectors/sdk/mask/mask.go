// Package mask takes what is personal out of a text before it leaves for an engine
// that understands language, and puts it back into what the engine made of it.
// Names and street addresses in free text are not recognised.
package mask

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Masked is a text whose personal parts are placeholders, and what they stand for.
type Masked struct {
	Text string
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

// Text replaces e-mail addresses, card numbers and phone numbers. ISO dates are
// left alone.
func Text(text string) Masked {
	m := Masked{Text: text}
	seen := map[string]int{}
	for _, p := range personal {
		m.Text = p.pattern.ReplaceAllStringFunc(m.Text, func(found string) string {
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

// Restore puts the originals back into what an engine made of the text.
func (m Masked) Restore(text string) string {
	return strings.NewReplacer(m.pairs...).Replace(text)
}

// RestoreJSON does so within a JSON value.
func (m Masked) RestoreJSON(raw json.RawMessage) json.RawMessage {
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
