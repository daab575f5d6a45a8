package transcript

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Result is how one transcript ended.
type Result struct {
	Transcript *Transcript
	// Flow is the file of the flow, for the places of its steps.
	Flow    string
	Failure *Failure
	Took    time.Duration
}

// width of one side of a difference, in characters.
const width = 44

// Write prints a failure for people: where, what, and what was expected beside what
// was. place gives the file and line of a step of the flow.
func (f *Failure) Write(w io.Writer, name string, place func(line, col int) string) {
	fmt.Fprintf(w, "%s:%d:%d: %s\n    %s\n", f.File, f.Line, f.Col, name, f.Message)
	if f.AtLine > 0 {
		fmt.Fprintf(w, "    said by the block %s, %s\n", f.Block, place(f.AtLine, f.AtCol))
	}
	if len(f.Expected)+len(f.Got) == 0 {
		return
	}
	fmt.Fprintf(w, "\n    %s   %s\n", padded("expected"), "got")
	for _, row := range f.rows() {
		fmt.Fprintf(w, "    %s %s %s\n", padded(row[0]), row[1], row[2])
	}
	fmt.Fprintln(w)
}

// rows sets both sides beside each other; a mark stands where they differ.
func (f *Failure) rows() (out [][3]string) {
	left, right := wrap(f.Expected), wrap(f.Got)
	for i := range max(len(left), len(right)) {
		var row [3]string
		if i < len(left) {
			row[0] = left[i]
		}
		if i < len(right) {
			row[2] = right[i]
		}
		row[1] = " "
		if row[0] != row[2] {
			row[1] = "|"
		}
		out = append(out, row)
	}
	return out
}

func wrap(lines []string) (out []string) {
	for _, l := range lines {
		runes := []rune(l)
		for len(runes) > width {
			out = append(out, string(runes[:width]))
			runes = runes[width:]
		}
		out = append(out, string(runes))
	}
	return out
}

func padded(s string) string { return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s))) }

// JUnit writes results in the form that build servers read: one test suite for each
// file of transcripts.
func JUnit(w io.Writer, results []Result) error {
	type failure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	type testcase struct {
		Name      string   `xml:"name,attr"`
		Classname string   `xml:"classname,attr"`
		File      string   `xml:"file,attr"`
		Line      int      `xml:"line,attr"`
		Time      string   `xml:"time,attr"`
		Failure   *failure `xml:"failure,omitempty"`
	}
	type suite struct {
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Cases    []testcase `xml:"testcase"`
	}
	type suites struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []*suite `xml:"testsuite"`
	}
	var all suites
	for _, r := range results {
		if n := len(all.Suites); n == 0 || all.Suites[n-1].Name != r.Transcript.File {
			all.Suites = append(all.Suites, &suite{Name: r.Transcript.File})
		}
		s := all.Suites[len(all.Suites)-1]
		one := testcase{Name: r.Transcript.Name, Classname: r.Transcript.File, File: r.Transcript.File, Line: r.Transcript.Line,
			Time: fmt.Sprintf("%.6f", r.Took.Seconds())}
		s.Tests++
		if r.Failure != nil {
			s.Failures++
			var text strings.Builder
			r.Failure.Write(&text, r.Transcript.Name, func(line, col int) string { return fmt.Sprintf("%s:%d:%d", r.Flow, line, col) })
			one.Failure = &failure{r.Failure.Message, text.String()}
		}
		s.Cases = append(s.Cases, one)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
