package buildcmd

import (
	"bytes"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"parley/cmd/parley/exit"
	"parley/cmd/parley/source"
)

// wish is one --with: a package, and either the version or the folder of its module.
type wish struct {
	pkg, version string
	// folder is the root of the module, whose path is module; both "" with a version.
	folder, module string
}

func failed(format string, args ...any) error {
	return &exit.Error{Code: exit.Failure, Message: fmt.Sprintf(format, args...)}
}

func parseAll(with []string) ([]wish, error) {
	if len(with) == 0 {
		return nil, exit.Misused("--with is missing: name at least one connector's module")
	}
	var list []wish
	for _, text := range with {
		w, err := parse(text)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(list, func(o wish) bool { return o.pkg == w.pkg }) {
			return nil, exit.Misused("--with names %s twice", w.pkg)
		}
		list = append(list, w)
	}
	return list, nil
}

// parse reads MODULE[@VERSION|=PATH]; without either the latest version is meant.
func parse(text string) (wish, error) {
	if pkg, folder, ok := strings.Cut(text, "="); ok {
		return fromFolder(pkg, folder)
	}
	pkg, version, _ := strings.Cut(text, "@")
	if err := module.CheckImportPath(pkg); err != nil {
		return wish{}, exit.Misused("--with %s: %v", text, err)
	}
	if version == "" {
		version = "latest"
	}
	return wish{pkg: pkg, version: version}, nil
}

func fromFolder(pkg, folder string) (wish, error) {
	if err := module.CheckImportPath(pkg); err != nil {
		return wish{}, exit.Misused("--with %s=%s: %v", pkg, folder, err)
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return wish{}, exit.Misused("--with %s: %v", pkg, err)
	}
	mod, err := source.ReadModule(folder)
	if err != nil {
		return wish{}, exit.Misused("--with %s: the folder holds no module: %v", pkg, err)
	}
	name := mod.Module.Mod.Path
	if pkg != name && !strings.HasPrefix(pkg, name+"/") {
		return wish{}, exit.Misused("--with %s: the folder holds the module %s; the package must be in it", pkg, name)
	}
	return wish{pkg: pkg, folder: folder, module: name}, nil
}

// findSource finds the folder with Parley's source, as [source.Find] does.
func findSource(given string, wishes []wish) (string, error) {
	var folders []string
	for _, w := range wishes {
		if w.folder != "" {
			folders = append(folders, w.folder)
		}
	}
	folder, err := source.Find(given, folders...)
	if err != nil {
		return "", exit.Misused("%v", err)
	}
	return folder, nil
}

// writeModule writes a module that is Parley's own go.mod, so that every library
// has the version that Parley was tested with, plus what is to be built in.
func writeModule(dir, parley string, wishes []wish) error {
	mod, err := source.ReadModule(parley)
	if err != nil {
		return failed("Parley's go.mod cannot be read: %v", err)
	}
	sums, err := os.ReadFile(filepath.Join(parley, "go.sum"))
	if err != nil {
		return failed("Parley's go.sum cannot be read: %v", err)
	}
	if err := mod.AddModuleStmt("parley-build"); err != nil {
		return failed("go.mod: %v", err)
	}
	replace := func(path, folder string) error {
		if err := mod.AddRequire(path, "v0.0.0"); err != nil {
			return err
		}
		return mod.AddReplace(path, "", folder, "")
	}
	err = replace(source.Module, parley)
	for _, w := range wishes {
		if err == nil && w.folder != "" {
			err = replace(w.module, w.folder)
			if more, rerr := os.ReadFile(filepath.Join(w.folder, "go.sum")); rerr == nil {
				sums = append(append(sums, '\n'), more...)
			}
		}
	}
	if err != nil {
		return failed("go.mod: %v", err)
	}
	text, err := mod.Format()
	if err != nil {
		return failed("go.mod: %v", err)
	}
	program, err := mainSource(wishes)
	if err != nil {
		return failed("the generated main: %v", err)
	}
	for name, content := range map[string][]byte{"go.mod": text, "go.sum": sums, "main.go": program} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return failed("%v", err)
		}
	}
	return nil
}

func mainSource(wishes []wish) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("// Command parley is parley with more connectors, as `parley build` made it.\npackage main\n\nimport (\n\t\"parley/cmd/parley/program\"\n\n")
	for i, w := range wishes {
		fmt.Fprintf(&b, "\tc%d %q\n", i, w.pkg)
	}
	b.WriteString(")\n\nfunc main() {\n\tprogram.Main(")
	for i := range wishes {
		fmt.Fprintf(&b, "c%d.Connector, ", i)
	}
	b.WriteString(")\n}\n")
	return format.Source(b.Bytes())
}
