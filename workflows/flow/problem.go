package flow

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Problem is one thing that is wrong with a document, and where.
type Problem struct {
	File string `json:"file"`
	// Line and Col count from 1; Col in characters.
	Line    int    `json:"line"`
	Col     int    `json:"col"`
	Message string `json:"message"`
}

// String gives the form that editors understand: "file:line:col: message".
func (p Problem) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Col, p.Message)
}

// Problems is an error that lists all that is wrong with a document.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// pos is a place in the source; both count from 1.
type pos struct{ line, col int }

func (p pos) problem(format string, args ...any) Problem {
	return Problem{Line: p.line, Col: p.col, Message: fmt.Sprintf(format, args...)}
}

// sorted names the file in each problem, puts them in the order of the source
// and leaves out repeats.
func sorted(file string, ps []Problem) []Problem {
	for i := range ps {
		ps[i].File = file
	}
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(ps)
}

// didYouMean gives `; did you mean "x"?` for the known name nearest to a
// mistyped one, or nothing.
func didYouMean(name string, known []string) string {
	best, distance := "", max(2, len(name)/3)+1
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(k)); d < distance && d < len(k) {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}
