package transcript

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"parley/connectors/sdk"
)

// Disguise puts invented data in the place of a person's own: names, phone numbers,
// long numbers, e-mail addresses, postal addresses, places and files. The same real
// value is the same invented one everywhere, so that what hangs together still does.
// Amounts and short numbers stay. It is not safe for concurrent use.
type Disguise struct {
	names, numbers, emails, whole map[string]string
	// known are the names and whole values that are looked for in all texts, the
	// longest first.
	known []string
}

// NewDisguise has invented nothing yet.
func NewDisguise() *Disguise {
	return &Disguise{names: map[string]string{}, numbers: map[string]string{}, emails: map[string]string{}, whole: map[string]string{}}
}

// inventedNames are taken in their order, and numbered after that.
var inventedNames = []string{"Alex", "Robin", "Sam", "Kim", "Jo", "Charlie", "Dana", "Eli", "Noa", "Luca", "Max", "Toni"}

// Name makes a person's name known, word by word: from now on each is replaced
// wherever it stands as a word. Words of fewer than 2 letters stay.
func (d *Disguise) Name(name string) {
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' && r != '-' }) {
		key := strings.ToLower(word)
		if len([]rune(word)) < 2 || d.names[key] != "" || slices.ContainsFunc(inventedNames, func(n string) bool { return strings.EqualFold(n, word) }) {
			continue
		}
		n := len(d.names)
		d.names[key] = inventedNames[n%len(inventedNames)]
		if n >= len(inventedNames) {
			d.names[key] += fmt.Sprint(n / len(inventedNames))
		}
		d.learn(key)
	}
}

// Whole makes a value known that is replaced as a whole, such as a postal address.
func (d *Disguise) Whole(value, sort string) {
	key := strings.ToLower(strings.TrimSpace(value))
	if len([]rune(key)) < 3 || d.whole[key] != "" {
		return
	}
	n := len(d.whole) + 1
	d.whole[key] = fmt.Sprintf("%s %d", sort, n)
	if sort == "address" {
		d.whole[key] = fmt.Sprintf("%d Example Street, Sampletown", n)
	}
	d.learn(key)
}

func (d *Disguise) learn(key string) {
	d.known = append(d.known, key)
	slices.SortStableFunc(d.known, func(a, b string) int { return len(b) - len(a) })
}

var (
	emailForm = regexp.MustCompile(`[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+`)
	// numberForm is a phone number or another long one: 8 digits and more, perhaps
	// with a sign and gaps; times and dates are left out by timeForm.
	numberForm = regexp.MustCompile(`\+?\(?\d(?:[ ()./-]{0,2}\d){7,}`)
	timeForm   = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}`)
)

// Text replaces what it finds in a text.
func (d *Disguise) Text(s string) string {
	s = emailForm.ReplaceAllStringFunc(s, d.email)
	for _, key := range d.known {
		fake := d.whole[key]
		if fake == "" {
			fake = d.names[key]
		}
		s = replaceWord(s, key, fake)
	}
	return numberForm.ReplaceAllStringFunc(s, func(n string) string {
		if timeForm.MatchString(n) {
			return n
		}
		return d.number(n)
	})
}

func (d *Disguise) email(real string) string {
	key := strings.ToLower(real)
	if strings.HasSuffix(key, "@example.com") {
		return real // invented already
	}
	if d.emails[key] == "" {
		d.emails[key] = fmt.Sprintf("person%d@example.com", len(d.emails)+1)
	}
	return d.emails[key]
}

// number invents as many digits, and keeps what stands between them. Numbers that
// differ in their last 8 digits only by what stands before are the same.
func (d *Disguise) number(real string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, real)
	tail := digits[len(digits)-8:]
	if d.numbers[tail] == "" {
		d.numbers[tail] = fmt.Sprintf("555%05d", len(d.numbers)+1)
	}
	invented := strings.Repeat("1", len(digits)-8) + d.numbers[tail]
	i := 0
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return r
		}
		i++
		return rune(invented[i-1])
	}, real)
}

// replaceWord puts fake wherever key stands as a word of its own, in any case.
func replaceWord(s, key, fake string) string {
	var out strings.Builder
	runes, word := []rune(s), []rune(key)
	inWord := func(i int) bool {
		return i >= 0 && i < len(runes) && (unicode.IsLetter(runes[i]) || unicode.IsDigit(runes[i]))
	}
	for i := 0; i < len(runes); {
		end := i + len(word)
		if end <= len(runes) && !inWord(i-1) && !inWord(end) && strings.ToLower(string(runes[i:end])) == key {
			out.WriteString(fake)
			i = end
			continue
		}
		out.WriteRune(runes[i])
		i++
	}
	return out.String()
}

// personal are the keys of values that are replaced whatever they hold, with the
// sort of what they are.
var personal = []struct{ part, sort string }{{"address", "address"}, {"street", "address"}, {"name", "name"}, {"birth", ""}, {"passport", "document"}}

// private tells what sort of personal data a key holds, if it says so.
func private(key string) (string, bool) {
	key = strings.ToLower(key)
	for _, p := range personal {
		if strings.Contains(key, p.part) && !strings.Contains(key, "file") && !strings.Contains(key, "display") {
			return p.sort, p.sort != ""
		}
	}
	return "", false
}

// Value replaces what it finds in all texts of a value.
func (d *Disguise) Value(v any) any {
	switch v := v.(type) {
	case string:
		return d.Text(v)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = d.Value(item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, item := range v {
			out[k] = d.Value(item)
		}
		return out
	}
	return v
}

// Answer makes known what an answer to a question tells, by the kind of answer and
// the variable that takes it.
func (d *Disguise) Answer(text, variable, kind string) {
	sort, is := private(variable)
	switch {
	case kind == "address", is && sort == "address":
		d.Whole(text, "address")
	case is && sort == "name":
		d.Name(text)
	case is:
		d.Whole(text, sort)
	}
}

// Incoming replaces what a customer's message tells of them.
func (d *Disguise) Incoming(m sdk.Incoming) sdk.Incoming {
	out := sdk.Incoming{Text: d.Text(m.Text), Tap: d.Text(m.Tap)}
	if m.Media != nil {
		out.Media = &sdk.Media{Kind: m.Media.Kind, MIME: m.Media.MIME, URL: "https://example.com/" + m.Media.Kind, Caption: d.Text(m.Media.Caption)}
	}
	if m.Location != nil {
		out.Location = &sdk.Location{Latitude: 40.4155, Longitude: -3.7074, Name: "A place", Address: "1 Example Street, Sampletown"}
	}
	return out
}
