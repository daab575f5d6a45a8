package flowcmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"parley/cmd/internal/catalogue"
	"parley/cmd/parley/exit"
	"parley/connectors/sdk"
	"parley/internal/transcript"
	"parley/workflows/flow"
)

// rehearsing is one call of test.
type rehearsing struct {
	list        []sdk.Connector
	only        string
	asJSON      bool
	junit       string
	coverage    bool
	minCoverage float64
	watch       bool
	out         io.Writer
	// read are the files that the last round has read.
	read []string
}

func testCommand(list []sdk.Connector) *cobra.Command {
	t := rehearsing{list: list}
	cmd := &cobra.Command{
		Use: "test [PATH…]", Short: "Play transcripts against flows",
		Long: `Plays transcripts: conversations that say what the customer writes and what the bot
must answer. A path is a file of transcripts, a flow (whose transcripts stand beside
it: shop.yaml, shop_test.yaml), or a folder, of which all files named *_test.yaml
are played; without a path it is this folder. docs/transcripts.md shows how they are
written; "parley flow schema --transcripts" prints their JSON Schema.

Nothing is called and nothing waits: connectors are answered as the transcripts say,
and time passes when they skip it.

--coverage lists the blocks, steps, branches and error branches that no transcript
reached; with --min-coverage too low a share fails.

Exit code 0: all pass. 1: some fail, or too little is covered. 2: wrong usage, or
files that cannot be read.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			t.out = cmd.OutOrStdout()
			if len(paths) == 0 {
				paths = []string{"."}
			}
			if t.minCoverage < 0 || t.minCoverage > 100 {
				return exit.Misused("--min-coverage must be from 0 to 100")
			}
			return t.run(cmd.Context(), paths)
		},
	}
	f := cmd.Flags()
	f.StringVar(&t.only, "run", "", "play only transcripts whose name contains this")
	f.BoolVar(&t.asJSON, "json", false, "print the result as JSON")
	f.StringVar(&t.junit, "junit", "", "write the result as JUnit XML into this file too")
	f.BoolVar(&t.coverage, "coverage", false, "list what no transcript reached")
	f.BoolVar(&t.watch, "watch", false, "play again whenever a file changes, until it is interrupted")
	f.Float64Var(&t.minCoverage, "min-coverage", 0, "fail if less than this share, in percent, is covered")
	return cmd
}

func (t *rehearsing) run(ctx context.Context, paths []string) error {
	if t.watch {
		return t.watching(ctx, paths)
	}
	ok, err := t.once(paths)
	if err == nil && !ok {
		err = exit.Failed()
	}
	return err
}

// outcome is everything that one round of tests found.
type outcome struct {
	results  []transcript.Result
	coverage map[string]*transcript.Coverage // by the flow's file
	sources  map[string]source
	files    []string // all that were read
	problems []flow.Problem
}

// once plays everything and prints what came of it.
func (t *rehearsing) once(paths []string) (bool, error) {
	o, err := t.play(paths)
	if err != nil {
		return false, err
	}
	if len(o.problems) > 0 {
		for _, p := range o.problems {
			fmt.Fprintln(t.out, p)
		}
		return false, &exit.Error{Code: exit.Usage}
	}
	if t.junit != "" {
		if err := writeFile(t.junit, func(w io.Writer) error { return transcript.JUnit(w, o.results) }); err != nil {
			return false, err
		}
	}
	if t.asJSON {
		return t.passed(o), t.json(o)
	}
	return t.passed(o), t.text(o)
}

// writeFile writes a file of results.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return exit.Misused("%v", err)
	}
	if err := write(f); err != nil {
		_ = f.Close() // the first error is the one to tell
		return err
	}
	return f.Close()
}

// play reads and plays all transcripts of the paths.
func (t *rehearsing) play(paths []string) (*outcome, error) {
	files, err := transcriptFiles(paths)
	if err != nil {
		return nil, err
	}
	o := &outcome{coverage: map[string]*transcript.Coverage{}, sources: map[string]source{}}
	flows := map[string]*rehearsed{}
	defer func() { t.read = o.files }()
	for _, file := range files {
		if err := t.file(o, flows, file); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// rehearsed is a flow ready to be played.
type rehearsed struct {
	file    string
	doc     *flow.Document
	program *flow.Program
}

// file plays the transcripts of one file.
func (t *rehearsing) file(o *outcome, flows map[string]*rehearsed, file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return exit.Misused("%v", err)
	}
	o.files = append(o.files, file)
	f, problems := transcript.Parse(file, raw)
	o.problems = append(o.problems, problems...)
	if len(problems) > 0 {
		return nil
	}
	path := flowOf(f)
	one, err := t.flow(o, flows, path)
	if one == nil || err != nil {
		return err
	}
	for _, script := range f.Transcripts {
		if !strings.Contains(script.Name, t.only) {
			continue
		}
		ch, err := channelOf(t.list, script.Channel)
		if err != nil {
			o.problems = append(o.problems, flow.Problem{File: file, Line: script.Line, Col: script.Col, Message: err.Error()})
			continue
		}
		began := time.Now()
		stage := transcript.NewRehearsal(one.doc, one.program, *ch, script.Setting)
		failure := transcript.Run(script, stage)
		o.coverage[path].Add(stage.Passed)
		o.results = append(o.results, transcript.Result{Transcript: script, Flow: path, Failure: failure, Took: time.Since(began)})
	}
	return nil
}

// flow reads and compiles a flow once. What is wrong with it is noted.
func (t *rehearsing) flow(o *outcome, flows map[string]*rehearsed, path string) (*rehearsed, error) {
	if one, ok := flows[path]; ok {
		return one, nil
	}
	flows[path] = nil
	src, err := read(path)
	if err != nil {
		return nil, err
	}
	o.sources[path] = src
	o.files = append(o.files, path)
	for _, c := range src.catalogues {
		o.files = append(o.files, c.file)
	}
	doc, _ := flow.Parse(path, []byte(src.text)) // Check gives the problems of reading too
	if problems := flow.Check(doc, catalogue.Of(t.list)); len(problems) > 0 {
		for _, p := range problems {
			o.problems = append(o.problems, src.place(p))
		}
		return nil, nil
	}
	program, err := flow.Compile(doc)
	if err != nil {
		return nil, err
	}
	flows[path] = &rehearsed{path, doc, program}
	o.coverage[path] = transcript.NewCoverage(doc)
	return flows[path], nil
}

// flowOf is the file of the flow that transcripts are of.
func flowOf(f *transcript.File) string {
	if f.Flow != "" {
		return filepath.Join(filepath.Dir(f.Path), filepath.FromSlash(f.Flow))
	}
	ext := filepath.Ext(f.Path)
	return strings.TrimSuffix(strings.TrimSuffix(f.Path, ext), "_test") + ext
}

func channelOf(list []sdk.Connector, name string) (*sdk.Channel, error) {
	var names []string
	for _, c := range list {
		if c.Channel == nil {
			continue
		}
		if c.Name == name {
			return c.Channel, nil
		}
		names = append(names, c.Name)
	}
	return nil, fmt.Errorf("there is no channel %q%s; there are: %s", name, flow.DidYouMean(name, names), strings.Join(names, ", "))
}

// transcriptFiles finds the files of transcripts that paths mean.
func transcriptFiles(paths []string) ([]string, error) {
	var out []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, exit.Misused("%v", err)
		}
		if !info.IsDir() {
			file, err := transcriptsOf(path)
			if err != nil {
				return nil, err
			}
			out = append(out, file)
			continue
		}
		before := len(out)
		err = filepath.WalkDir(path, func(p string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() && isTranscript(p) {
				out = append(out, p)
			}
			return err
		})
		if err != nil {
			return nil, exit.Misused("%v", err)
		}
		if len(out) == before {
			return nil, exit.Misused("%s holds no transcripts: their files are named NAME_test.yaml", path)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func isTranscript(path string) bool {
	return strings.HasSuffix(path, "_test.yaml") || strings.HasSuffix(path, "_test.yml") || strings.HasSuffix(path, "_test.json")
}

// transcriptsOf takes a file as it is, or the transcripts beside a flow.
func transcriptsOf(path string) (string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", exit.Misused("%v", err)
	}
	if root, problems := flow.ReadYAML(path, raw); len(problems) > 0 || root.Get("transcripts") != nil || root.Get("name") == nil {
		return path, nil
	}
	ext := filepath.Ext(path)
	beside := strings.TrimSuffix(path, ext) + "_test" + ext
	if _, err := os.Stat(beside); err != nil {
		return "", exit.Misused("%s is a flow without transcripts: they would stand in %s", path, beside)
	}
	return beside, nil
}

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
	blocks, allBlocks := o.count(flow.WayBlock)
	_, err := fmt.Fprintf(t.out, "%d passed, %d failed in %s; %d of %d blocks, %.1f%% of all ways\n",
		len(o.results)-failed, failed, took.Round(time.Millisecond), blocks, allBlocks, o.percent())
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
