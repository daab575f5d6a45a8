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
	live        bool
	sandbox     string
	out         io.Writer
	ctx         context.Context
	// engine is the one whose sandbox answers, where one is named.
	engine *engine
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

With --sandbox, calls that no reply answers go to the fakes of a running parley-dev:
by the connectors themselves, past the engine. With --live, all of it is played on
that parley-dev: the flow is published and bound to the account demo of the
transcript's channel, which it goes on to answer; customers are phones of the
sandbox, and what is called is answered by the fakes. What a running engine cannot do
(time that is skipped, replies) is refused, and what it does not show is not looked
at; both are said.

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
	f.BoolVar(&t.live, "live", false, "play on a running parley-dev, by its API and the sandbox's phones")
	f.StringVar(&t.sandbox, "sandbox", "", "data folder of a running parley-dev, whose fakes answer what no reply does")
	f.Float64Var(&t.minCoverage, "min-coverage", 0, "fail if less than this share, in percent, is covered")
	return cmd
}

func (t *rehearsing) run(ctx context.Context, paths []string) error {
	t.ctx = ctx
	if t.sandbox != "" {
		var err error
		if t.engine, err = openEngine(t.sandbox); err != nil {
			return err
		}
	} else if t.live {
		return exit.Misused("--live needs --sandbox: the data folder of the parley-dev to play on")
	}
	if t.live && (t.coverage || t.minCoverage > 0) {
		return exit.Misused("a running engine does not tell what of a flow it goes through: leave out --coverage, or --live")
	}
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
	text    string
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
		failure, err := t.one(o, one, script, *ch)
		if err != nil {
			return err
		}
		o.results = append(o.results, transcript.Result{Transcript: script, Flow: path, Failure: failure, Took: time.Since(began)})
	}
	return nil
}

// one plays one transcript, on the interpreter or on a running engine.
func (t *rehearsing) one(o *outcome, f *rehearsed, script *transcript.Transcript, ch sdk.Channel) (*transcript.Failure, error) {
	if t.live {
		return t.engine.play(t.ctx, t.out, f, script)
	}
	stage := transcript.NewRehearsal(f.doc, f.program, ch, script.Setting)
	if t.engine != nil {
		stage.Ask = func(connector, operation string, input json.RawMessage) transcript.Answer {
			return t.engine.ask(t.ctx, t.list, connector, operation, input)
		}
	}
	failure := transcript.Run(script, stage)
	o.coverage[f.file].Add(stage.Passed)
	return failure, nil
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
	flows[path] = &rehearsed{file: path, text: src.text, doc: doc, program: program}
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
			switch {
			case err != nil:
				return err
			case d.IsDir() && p != path && strings.HasPrefix(d.Name(), "."):
				return filepath.SkipDir // what is hidden is not the author's
			case !d.IsDir() && isTranscript(p):
				out = append(out, p)
			}
			return nil
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
	return strings.HasSuffix(path, "_test.yaml") || strings.HasSuffix(path, "_test.yml")
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
