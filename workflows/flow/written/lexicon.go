package written

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

//go:embed lexicon/*.txt
var files embed.FS

// kind is what a word or phrase does.
type kind string

const (
	unit     kind = "n"        // a number below a hundred, or one that stands by itself
	scale    kind = "x"        // multiplies what stands before it
	teen     kind = "teen"     // adds ten to what stands before it
	minus    kind = "minus"    // the number is negative
	point    kind = "point"    // digits after it are decimals
	and      kind = "and"      // joins the parts of a number
	half     kind = "half"     // adds a half, or is one
	quarter  kind = "quarter"  // adds a quarter, or is one
	plus     kind = "plus"     // stands before a number and adds to it
	currency kind = "currency" // an ISO 4217 code, or a family of them
	cents    kind = "cents"    // hundredths of a currency
	day      kind = "day"      // so many days from today
	month    kind = "month"
	weekday  kind = "weekday" // 0 is Sunday
	span     kind = "span"    // a unit of time: d, w, m, y
	twoOf    kind = "two"     // two of that unit, in a word
	in       kind = "in"      // so much later; before or after the span
	next     kind = "next"
	this     kind = "this"
	ordinal  kind = "ordinal" // st, 1er, or a word that says that a day's number follows
	part     kind = "part"    // of the day: am, noon, pm, night
	fixed    kind = "fixed"   // a time of day by name, as its hour
	at       kind = "at"      // an hour follows, or is named before it
	hours    kind = "hours"   // stands between hours and minutes, or behind hours
	past     kind = "past"
	to       kind = "to"
	yesWord  kind = "yes"
	noWord   kind = "no"
	skipped  kind = "skip" // means nothing
)

// meaning of a phrase. A value that is no number is in text.
type meaning struct {
	kind kind
	v    float64
	text string
}

// lexicon is what the words of a language mean.
type lexicon struct {
	language string
	phrases  map[string]meaning
	// longest is the most words that a phrase has.
	longest int
	// comma tells that a comma parts the decimals.
	comma bool
	// onesFirst tells that five-and-twenty is said.
	onesFirst bool
	// halfBefore tells that "half nine" is half an hour before nine.
	halfBefore bool
}

var (
	loading  sync.Mutex
	lexicons = map[string]*lexicon{}
)

// Languages are those that have a lexicon.
var Languages = []string{"ar", "en", "es", "fr", "hi", "id", "pt"}

func base(language string) string {
	b, _, _ := strings.Cut(strings.ToLower(language), "-")
	return b
}

// of returns a language's lexicon; that of English for languages without one.
func of(language string) *lexicon {
	name := base(language)
	loading.Lock()
	defer loading.Unlock()
	if l := lexicons[name]; l != nil {
		return l
	}
	raw, err := files.ReadFile("lexicon/" + name + ".txt")
	if err != nil {
		name = "en"
		if l := lexicons[name]; l != nil {
			return l
		}
		raw, _ = files.ReadFile("lexicon/en.txt")
	}
	l, err := parse(name, string(raw))
	if err != nil {
		panic(err) // the files are tested
	}
	lexicons[name] = l
	return l
}

// parse reads a lexicon: lines of KIND [VALUE]: phrase | phrase, and lines of
// "option NAME". What stands after # is a comment.
func parse(name, text string) (*lexicon, error) {
	l := &lexicon{language: name, phrases: map[string]meaning{}}
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		head, phrases, found := strings.Cut(line, ":")
		switch {
		case line == "":
			continue
		case strings.HasPrefix(line, "option "):
			l.set(strings.TrimPrefix(line, "option "))
			continue
		case !found:
			return nil, fmt.Errorf("written: %s:%d: a line is KIND [VALUE]: phrase | phrase", name, i+1)
		}
		k, value, _ := strings.Cut(strings.TrimSpace(head), " ")
		m := meaning{kind: kind(k), text: value}
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			m.v = v
		}
		for phrase := range strings.SplitSeq(phrases, "|") {
			w := words(phrase)
			if strings.TrimSpace(phrase) == "-" { // no word unless a digit follows
				w = []string{"-"}
			}
			joined := strings.Join(w, " ")
			if before, taken := l.phrases[joined]; joined == "" || taken && before != m {
				return nil, fmt.Errorf("written: %s:%d: %q is empty or stands for something else already", name, i+1, joined)
			}
			l.phrases[joined] = m
			l.longest = max(l.longest, len(w))
		}
	}
	return l, nil
}

func (l *lexicon) set(option string) {
	switch option {
	case "comma":
		l.comma = true
	case "ones-first":
		l.onesFirst = true
	case "half-before":
		l.halfBefore = true
	}
}
