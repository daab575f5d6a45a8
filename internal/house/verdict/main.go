// Command verdict reads what `go test -json` prints and says how it went: a line
// for each package, the output of what failed, and every skipped test with its
// reason. A test that was skipped proves nothing, so it counts as a failure unless
// its reason is one of those that are allowed.
//
//	go test -json ./... | verdict -allow REGEXP -allow REGEXP
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

func main() {
	var allowed []*regexp.Regexp
	flag.Func("allow", "reason for which a test may be skipped, as a regular expression; may be repeated", func(s string) error {
		re, err := regexp.Compile(s)
		allowed = append(allowed, re)
		return err
	})
	flag.Parse()
	if err := judge(os.Stdin, os.Stdout, allowed); err != nil {
		fmt.Fprintln(os.Stderr, "verdict:", err)
		os.Exit(1)
	}
}

// event is one line of the stream (go doc test2json).
type event struct {
	Action, Package, Test, Output string
	// ImportPath stands for Package while something is built.
	ImportPath string
	Elapsed    float64 // seconds
}

// run is what one test or, with an empty name, one package did.
type run struct{ pkg, test string }

type verdict struct {
	out     io.Writer
	allowed []*regexp.Regexp
	open    map[string]bool     // packages that have begun and not ended
	output  map[run][]string    // of tests under way
	built   map[string][]string // output of builds, by import path
	passed  int
	failed  []string
	skipped map[string]bool // "package.test: reason", and whether it is allowed
}

// judge prints the verdict on a stream. An error means that the code did not prove
// itself.
func judge(in io.Reader, out io.Writer, allowed []*regexp.Regexp) error {
	v := &verdict{out: out, allowed: allowed, open: map[string]bool{}, output: map[run][]string{},
		built: map[string][]string{}, skipped: map[string]bool{}}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(out, lines.Text())
			continue
		}
		v.take(e)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	return v.say()
}

func (v *verdict) take(e event) {
	at := run{e.Package, e.Test}
	switch e.Action {
	case "start":
		v.open[e.Package] = true
	case "output":
		v.output[at] = append(v.output[at], e.Output)
	case "build-output":
		v.built[e.ImportPath] = append(v.built[e.ImportPath], e.Output)
	case "build-fail":
		v.fail(e.ImportPath+" does not build", v.built[e.ImportPath])
	case "pass", "fail", "skip":
		v.end(e)
		delete(v.output, at)
	}
}

func (v *verdict) end(e event) {
	name := e.Package
	if e.Test != "" {
		name += "." + e.Test
	} else {
		delete(v.open, e.Package)
		fmt.Fprintf(v.out, "%-4s %7.1fs  %s\n", e.Action, e.Elapsed, e.Package)
	}
	output := v.output[run{e.Package, e.Test}]
	switch {
	case e.Action == "fail":
		v.fail(name, output)
	case e.Action == "skip" && e.Test != "": // a package is skipped if it has no tests
		reason := why(output)
		v.skipped[name+": "+reason] = slices.ContainsFunc(v.allowed, func(re *regexp.Regexp) bool { return re.MatchString(reason) })
	case e.Test != "":
		v.passed++
	}
}

func (v *verdict) fail(name string, output []string) {
	v.failed = append(v.failed, name)
	fmt.Fprintf(v.out, "FAILED %s\n%s", name, strings.Join(output, ""))
}

// why finds a skipped test's reason in its output.
func why(output []string) string {
	var reasons []string
	for _, line := range output {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		reasons = append(reasons, line)
	}
	return strings.Join(reasons, " ")
}

func (v *verdict) say() error {
	for _, p := range slices.Sorted(maps.Keys(v.open)) {
		v.fail(p+" did not end", nil)
	}
	refused := 0
	for _, what := range slices.Sorted(maps.Keys(v.skipped)) {
		word := "skipped, as allowed:"
		if !v.skipped[what] {
			refused++
			word = "SKIPPED:"
		}
		fmt.Fprintln(v.out, word, what)
	}
	fmt.Fprintf(v.out, "%d passed, %d failed, %d skipped\n", v.passed, len(v.failed), len(v.skipped))
	switch {
	case len(v.failed) > 0:
		slices.Sort(v.failed)
		return fmt.Errorf("failed:\n  %s", strings.Join(v.failed, "\n  "))
	case refused > 0:
		return fmt.Errorf("%d tests were skipped for reasons that are not allowed", refused)
	case v.passed == 0:
		return errors.New("no test ran")
	}
	return nil
}
