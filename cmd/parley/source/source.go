// Package source finds Parley's own source on this machine, which those who build
// on it need: Parley is no module that can be downloaded.
package source

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
)

// Module is the module path of Parley.
const Module = "parley"

// Find finds the folder of Parley's source: given if it is not empty, else where
// a replace directive of the module around the current folder, or of one of the
// other folders, puts it, else the current folder or one above it.
func Find(given string, folders ...string) (string, error) {
	if given != "" {
		folder, err := filepath.Abs(given)
		if err != nil || !isParley(folder) {
			return "", fmt.Errorf("there is no source of Parley in %s", given)
		}
		return folder, nil
	}
	for folder, err := os.Getwd(); err == nil; folder = filepath.Dir(folder) {
		folders = append(folders, folder)
		if folder == filepath.Dir(folder) {
			break
		}
	}
	for _, folder := range folders {
		if isParley(folder) {
			return folder, nil
		}
		if replaced := replacement(folder); replaced != "" {
			return replaced, nil
		}
	}
	return "", errors.New("Parley's source is not found: name its folder with --parley")
}

// ReadModule reads the go.mod of a folder.
func ReadModule(folder string) (*modfile.File, error) {
	file := filepath.Join(folder, "go.mod")
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	mod, err := modfile.Parse(file, text, nil)
	if err == nil && mod.Module == nil {
		err = fmt.Errorf("%s names no module", file)
	}
	return mod, err
}

func isParley(folder string) bool {
	mod, err := ReadModule(folder)
	return err == nil && mod.Module.Mod.Path == Module
}

// replacement is where a module's go.mod puts Parley, "" if nowhere.
func replacement(folder string) string {
	mod, err := ReadModule(folder)
	if err != nil {
		return ""
	}
	for _, r := range mod.Replace {
		if r.Old.Path != Module || r.New.Version != "" {
			continue
		}
		at := r.New.Path
		if !filepath.IsAbs(at) {
			at = filepath.Join(folder, at)
		}
		if isParley(at) {
			return at
		}
	}
	return ""
}
