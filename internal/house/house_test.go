// Package house holds the rules of the house: which way imports point, what
// every package says of itself, and how large a file may become. It has tests
// only.
package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "parley"

// unit is one package as the go command lists it. Import paths of this module are
// without its name.
type unit struct {
	Path, Name, Dir string
	// Files are those of the program, Tests those of its tests, as full paths.
	Files, Tests []string
	// Imports are direct, Deps all that is linked. TestImports are what the tests
	// import directly, in and out of the package.
	Imports, Deps, TestImports []string
}

// listed is the part of `go list -json` that is read.
type listed struct {
	ImportPath, Name, Dir                    string
	GoFiles, TestGoFiles, XTestGoFiles       []string
	Imports, Deps, TestImports, XTestImports []string
}

var list = sync.OnceValues(func() ([]unit, error) {
	if err := look(); err != nil {
		return nil, err
	}
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Dir,GoFiles,TestGoFiles,XTestGoFiles,Imports,Deps,TestImports,XTestImports", "./...")
	cmd.Dir = filepath.Join("..", "..")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, errors.New("go list: " + stderr.String())
	}
	var all []unit
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, l.unit())
	}
})

func (l listed) unit() unit {
	in := func(names []string) (files []string) {
		for _, n := range names {
			files = append(files, filepath.Join(l.Dir, n))
		}
		return files
	}
	return unit{Path: local(l.ImportPath), Name: l.Name, Dir: l.Dir,
		Files: in(l.GoFiles), Tests: in(slices.Concat(l.TestGoFiles, l.XTestGoFiles)),
		Imports: locals(l.Imports), Deps: locals(l.Deps), TestImports: locals(slices.Concat(l.TestImports, l.XTestImports))}
}

// look reads the folders of the module, which makes go test's cache of results
// depend on them: what the go command reads for list, it does not notice.
func look() error {
	return filepath.WalkDir(filepath.Join("..", ".."), func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != ".." {
			return filepath.SkipDir
		}
		return err
	})
}

// local takes this module's name off an import path. The module has no package at
// its root.
func local(p string) string {
	if rest, ours := strings.CutPrefix(p, module+"/"); ours {
		return "./" + rest
	}
	return p
}

func locals(paths []string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = local(p)
	}
	return out
}

// under tells whether p is one of the roots or beneath one. A root may hold the
// patterns of [path.Match]; * stands for one part of the path.
func under(p string, roots ...string) bool {
	parts := strings.Split(p, "/")
	for _, root := range roots {
		n := strings.Count(root, "/") + 1
		if n > len(parts) {
			continue
		}
		if ok, err := path.Match(root, strings.Join(parts[:n], "/")); err == nil && ok {
			return true
		}
	}
	return false
}

func packages(t *testing.T) []unit {
	t.Helper()
	all, err := list()
	require.NoError(t, err)
	require.NotEmpty(t, all)
	return all
}

// report fails the test with all findings.
func report(t *testing.T, findings []string) {
	t.Helper()
	slices.Sort(findings)
	for _, f := range findings {
		t.Error(f)
	}
}
