package house

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mostLines is how long a file of the program may be.
const mostLines = 500

// vague are names that say nothing of what is in a package.
var vague = []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "base", "lib"}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	var findings []string
	for _, u := range packages(t) {
		comments := 0
		for _, file := range slices.Concat(u.Files, u.Tests) {
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
			require.NoError(t, err)
			if f.Doc.Text() == "" || ast.IsGenerated(f) {
				continue
			}
			comments++
			if begin := opening(u); !strings.HasPrefix(f.Doc.Text(), begin) {
				findings = append(findings, fmt.Sprintf("%s: the package comment must begin with %q", file, begin))
			}
		}
		if comments == 0 {
			findings = append(findings, fmt.Sprintf("%s has no package comment", u.Path))
		}
	}
	report(t, findings)
}

// opening is how a package's comment begins.
func opening(u unit) string {
	if u.Name == "main" {
		return "Command " + path.Base(u.Path) + " "
	}
	return "Package " + u.Name + " "
}

func TestPackagesHaveTellingNames(t *testing.T) {
	for _, u := range packages(t) {
		require.NotContains(t, vague, u.Name, u.Path)
		require.NotContains(t, vague, path.Base(u.Path), u.Path)
	}
}

func TestFilesAreShort(t *testing.T) {
	for _, u := range packages(t) {
		for _, file := range u.Files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			f, err := parser.ParseFile(token.NewFileSet(), file, text, parser.PackageClauseOnly|parser.ParseComments)
			require.NoError(t, err)
			if n := bytes.Count(text, []byte("\n")); n > mostLines && !ast.IsGenerated(f) {
				t.Errorf("%s has %d lines; give a second concern a file of its own", file, n)
			}
		}
	}
}

// TestNothingIsLeftForLater finds marks of unfinished work, and tests that sleep.
func TestNothingIsLeftForLater(t *testing.T) {
	marks := []string{"TO" + "DO", "FIX" + "ME", "XX" + "X"}
	for _, u := range packages(t) {
		for _, file := range slices.Concat(u.Files, u.Tests) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for n, line := range strings.Split(string(text), "\n") {
				for _, mark := range marks {
					if _, comment, ok := strings.Cut(line, "//"); ok && strings.Contains(comment, mark) {
						t.Errorf("%s:%d: %s: do it, or leave it out", file, n+1, mark)
					}
				}
				if strings.Contains(line, "time."+"Sleep(") && slices.Contains(u.Tests, file) {
					t.Errorf("%s:%d: a test must not sleep: wait for what it needs", file, n+1)
				}
			}
		}
	}
}

// TestTheLanguageHasNoClock: a flow's step is a function of what it is given, so
// that a turn that is run again decides the same.
func TestTheLanguageHasNoClock(t *testing.T) {
	asks := []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Sleep"}
	for _, u := range packages(t) {
		if !under(u.Path, "./workflows/flow") {
			continue
		}
		for _, file := range u.Files {
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, file, nil, 0)
			require.NoError(t, err)
			ast.Inspect(f, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(asks, s.Sel.Name) {
					t.Errorf("%s asks the clock: time.%s", fset.Position(s.Pos()), s.Sel.Name)
				}
				return true
			})
		}
	}
}

// TestFoldersAreNamedAsTheirPackages lets a newcomer find a package by its name.
func TestFoldersAreNamedAsTheirPackages(t *testing.T) {
	for _, u := range packages(t) {
		if u.Name != "main" {
			require.Equal(t, filepath.Base(u.Dir), u.Name, u.Path)
		}
	}
}
