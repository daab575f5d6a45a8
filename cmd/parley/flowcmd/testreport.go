package flowcmd

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"parley/internal/transcript"
	"parley/workflows/flow"
)

// passed tells whether everything is as wanted.
func (t *rehearsing) passed(o *outcome) bool {
	for _, r := range o.results {
		if r.Failure != nil {
			return false
		}
	}
	return t.minCoverage == 0 || o.percent() >= t.minCoverage
}

// percent is the share that is covered of all flows together.
func (o *outcome) percent() float64 {
	covered, total := 0, 0
	for _, c := range o.coverage {
		for _, kind := range wayKinds {
			n, all := c.Count(kind)
			covered, total = covered+n, total+all
		}
	}
	if total == 0 {
		return 100
	}
	return 100 * float64(covered) / float64(total)
}

var wayKinds = []flow.WayKind{flow.WayBlock, flow.WayStep, flow.WayBranch, flow.WayError}

// text prints the outcome for people.
func (t *rehearsing) text(o *outcome) error {
	failed := 0
	var took time.Duration
	for _, r := range o.results {
		took += r.Took
		if r.Failure == nil {
			continue
		}
		failed++
		r.Failure.Write(t.out, r.Transcript.Name, func(line, col int) string { return o.place(r.Flow, line, col) })
	}
	if t.coverage {
		o.uncovered(t.out)
	}
	if t.live {
		_, err := fmt.Fprintf(t.out, "%d passed, %d failed in %s on the running engine\n", len(o.results)-failed, failed, took.Round(time.Millisecond))
		return err
	}
	blocks, allBlocks := o.count(flow.WayBlock)
	_, err := fmt.Fprintf(t.out, "%d passed, %d failed in %s; %d of %d blocks, %.1f%% of all ways\n",
		len(o.results)-failed, failed, took.Round(10*time.Microsecond), blocks, allBlocks, o.percent())
	if t.minCoverage > 0 && o.percent() < t.minCoverage {
		_, err = fmt.Fprintf(t.out, "less than %.1f%% is covered\n", t.minCoverage)
	}
	return err
}

// place writes where a step stands, in the file that holds it.
func (o *outcome) place(file string, line, col int) string {
	p := o.sources[file].place(flow.Problem{File: file, Line: line, Col: col})
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

func (o *outcome) count(kind flow.WayKind) (covered, total int) {
	for _, c := range o.coverage {
		n, all := c.Count(kind)
		covered, total = covered+n, total+all
	}
	return covered, total
}

// uncovered lists what no transcript reached.
func (o *outcome) uncovered(w io.Writer) {
	for _, file := range sortedFiles(o.coverage) {
		lost := map[string]bool{}
		for _, m := range o.coverage[file].Missed() {
			if lost[m.Block] && m.Kind != flow.WayBlock {
				continue // none of a block that is not reached
			}
			lost[m.Block] = lost[m.Block] || m.Kind == flow.WayBlock
			fmt.Fprintf(w, "%s: not reached: %s\n", o.place(file, m.Line, m.Col), describe(m))
		}
	}
}

func sortedFiles(coverage map[string]*transcript.Coverage) []string {
	var out []string
	for file := range coverage {
		out = append(out, file)
	}
	slices.Sort(out)
	return out
}

// describe names a way for people.
func describe(w flow.Way) string {
	switch w.Kind {
	case flow.WayBlock:
		return "the block " + w.Name
	case flow.WayStep:
		return fmt.Sprintf("a step %q of %s", w.Name, w.Block)
	}
	what := "the branch "
	if w.Kind == flow.WayError {
		what = "the error branch "
	}
	if w.Block == "" {
		return what + w.Name
	}
	return what + w.Name + " of " + w.Block
}

// json prints the outcome for programs.
func (t *rehearsing) json(o *outcome) error {
	out := report{Passed: 0, Transcripts: []reported{}, Uncovered: []uncoveredWay{}, Coverage: o.percent()}
	out.BlocksCovered, out.BlocksTotal = o.count(flow.WayBlock)
	out.StepsCovered, out.StepsTotal = o.count(flow.WayStep)
	out.BranchesCovered, out.BranchesTotal = o.count(flow.WayBranch)
	out.ErrorsCovered, out.ErrorsTotal = o.count(flow.WayError)
	for _, r := range o.results {
		one := reported{Name: r.Transcript.Name, File: r.Transcript.File, Line: r.Transcript.Line, Passed: r.Failure == nil, Seconds: r.Took.Seconds()}
		if f := r.Failure; f != nil {
			out.Failed++
			one.Failure = &reportedFailure{File: f.File, Line: f.Line, Col: f.Col, Message: f.Message, Expected: f.Expected, Got: f.Got, Block: f.Block}
			if f.AtLine > 0 {
				one.Failure.Step = o.place(r.Flow, f.AtLine, f.AtCol)
			}
		} else {
			out.Passed++
		}
		out.Transcripts = append(out.Transcripts, one)
	}
	for _, file := range sortedFiles(o.coverage) {
		for _, m := range o.coverage[file].Missed() {
			out.Uncovered = append(out.Uncovered, uncoveredWay{o.place(file, m.Line, m.Col), string(m.Kind), m.Block, m.Name})
		}
	}
	enc := json.NewEncoder(t.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

// report is what --json prints.
type report struct {
	Passed          int            `json:"passed"`
	Failed          int            `json:"failed"`
	Coverage        float64        `json:"coverage_percent"`
	BlocksCovered   int            `json:"blocks_covered"`
	BlocksTotal     int            `json:"blocks_total"`
	StepsCovered    int            `json:"steps_covered"`
	StepsTotal      int            `json:"steps_total"`
	BranchesCovered int            `json:"branches_covered"`
	BranchesTotal   int            `json:"branches_total"`
	ErrorsCovered   int            `json:"error_branches_covered"`
	ErrorsTotal     int            `json:"error_branches_total"`
	Transcripts     []reported     `json:"transcripts"`
	Uncovered       []uncoveredWay `json:"uncovered"`
}

type reported struct {
	Name    string           `json:"name"`
	File    string           `json:"file"`
	Line    int              `json:"line"`
	Passed  bool             `json:"passed"`
	Seconds float64          `json:"seconds"`
	Failure *reportedFailure `json:"failure,omitempty"`
}

type reportedFailure struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Col      int      `json:"col"`
	Message  string   `json:"message"`
	Expected []string `json:"expected,omitempty"`
	Got      []string `json:"got,omitempty"`
	Block    string   `json:"block,omitempty"`
	Step     string   `json:"step,omitempty"`
}

type uncoveredWay struct {
	At    string `json:"at"`
	Kind  string `json:"kind"`
	Block string `json:"block,omitempty"`
	Name  string `json:"name"`
}
