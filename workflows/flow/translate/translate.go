// Package translate takes the texts of a flow to translators and back: out of a
// document and its catalogue into PO or XLIFF, and from there into the catalogue.
// It is pure.
package translate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"parley/workflows/flow"
)

// Entry is one text and its translation.
type Entry struct {
	// Source is the text in the flow's own language, Target its translation; empty
	// if there is none.
	Source, Target string
	// Fuzzy tells that the translation is one of a text like it, Previous, which the
	// flow has no more: a translator must look at it.
	Fuzzy    bool
	Previous string
	// Block and Line are where the text stands, for translators.
	Block string
	Line  int
}

// like is how much of a text must be the same for its translation to be offered
// for another one.
const like = 0.6

// Entries are the texts of a document with what a catalogue (and the document
// itself) has of a language. What is written in several variants there is left
// out: these files cannot hold it.
func Entries(doc *flow.Document, language string, c Catalogue) []Entry {
	texts := doc.Wording()
	known := map[string]bool{}
	for _, t := range texts {
		known[t.Source] = true
	}
	var out []Entry
	for _, t := range texts {
		if t.Varied[language] || c.varied[t.Source] {
			continue
		}
		e := Entry{Source: t.Source, Target: t.Translations[language], Block: t.Block, Line: t.Line}
		if said, ok := c.texts[t.Source]; ok {
			e.Target = said
		}
		if e.Target == "" {
			e.Previous = c.closest(t.Source, known)
			e.Target, e.Fuzzy = c.texts[e.Previous], e.Previous != ""
		}
		out = append(out, e)
	}
	return out
}

// closest finds the text that the flow has no more and that is most like one of it.
func (c Catalogue) closest(source string, known map[string]bool) string {
	best, closest := like, ""
	for _, old := range c.order {
		if known[old] || c.texts[old] == "" {
			continue
		}
		longest := max(len([]rune(old)), len([]rune(source)))
		if same := 1 - float64(levenshtein.ComputeDistance(old, source))/float64(longest); same > best {
			best, closest = same, old
		}
	}
	return closest
}

// Refused is a translation that was not taken.
type Refused struct {
	Source string `json:"source"`
	Why    string `json:"why"`
}

// Report tells what became of entries that came back.
type Report struct {
	// Taken are new or changed translations, Missing texts without one, Fuzzy those
	// that a translator has not looked at.
	Taken   int `json:"taken"`
	Missing int `json:"missing"`
	Fuzzy   int `json:"fuzzy"`
	// Gone are entries of the catalogue whose text the flow has no more: they are
	// kept as comments.
	Gone    int       `json:"gone"`
	Refused []Refused `json:"refused"`
}

// Apply puts translations into a catalogue, whose comments and other entries stay
// as they are. One whose {{ expressions }} are not those of its text is refused, as
// is one whose text the flow does not have.
func Apply(doc *flow.Document, entries []Entry, c Catalogue) ([]byte, Report) {
	r := Report{Refused: []Refused{}}
	known := map[string]bool{}
	for _, t := range doc.Wording() {
		known[t.Source] = true
	}
	changed := map[string]string{}
	var order []string
	for _, e := range entries {
		switch {
		case !known[e.Source]:
			r.Refused = append(r.Refused, Refused{e.Source, "the flow has no such text"})
		case e.Target == "":
			r.Missing++
		case e.Fuzzy:
			r.Fuzzy++
		case !slices.Equal(expressions(e.Source), expressions(e.Target)):
			r.Refused = append(r.Refused, Refused{e.Source, fmt.Sprintf("the translation must hold %s as they are", listed(expressions(e.Source)))})
		case c.texts[e.Source] != e.Target:
			r.Taken++
			changed[e.Source] = e.Target
			order = append(order, e.Source)
		}
	}
	gone := map[string]bool{}
	for _, source := range c.order {
		if !known[source] {
			gone[source] = true
			r.Gone++
		}
	}
	return c.edit(changed, order, gone), r
}

var expression = regexp.MustCompile(`\{\{(?s:.*?)\}\}`)

// expressions are those of a text, sorted, without the spaces around them.
func expressions(text string) []string {
	var out []string
	for _, e := range expression.FindAllString(text, -1) {
		out = append(out, "{{ "+strings.TrimSpace(e[2:len(e)-2])+" }}")
	}
	slices.Sort(out)
	return out
}

func listed(all []string) string {
	if len(all) == 0 {
		return "no {{ expressions }}, which its text has not, and leave words"
	}
	return strings.Join(all, ", ")
}
