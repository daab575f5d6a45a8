package flowcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"parley/cmd/parley/exit"
)

// settled is how long nothing may change before it is played again: editors write a
// file in several steps.
const settled = 100 * time.Millisecond

// watching plays again whenever a YAML or JSON file of the folders concerned
// changes. It ends without an error when the context does.
func (t *rehearsing) watching(ctx context.Context, paths []string) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("files cannot be watched here: %w", err)
	}
	defer w.Close()
	for {
		if err := t.round(w, paths); err != nil {
			return err
		}
		changed, err := next(ctx, w)
		if err != nil || changed == "" {
			return err
		}
		fmt.Fprintf(t.out, "\n%s has changed\n", changed)
	}
}

// round plays once; what goes wrong is printed, since the next change may mend it.
// Only what cannot be watched at all is an error.
func (t *rehearsing) round(w *fsnotify.Watcher, paths []string) error {
	_, err := t.once(paths)
	if err != nil && err.Error() != "" {
		fmt.Fprintln(t.out, err)
	}
	// Folders, since editors replace files; anew each time, since there may be more.
	for _, folder := range t.folders(paths) {
		if err := w.Add(folder); err != nil {
			return exit.Misused("%s cannot be watched: %v", folder, err)
		}
	}
	return nil
}

// folders are those of the paths and of all files that were read.
func (t *rehearsing) folders(paths []string) []string {
	var out []string
	for _, path := range append(paths, t.read...) {
		info, err := os.Stat(path)
		if err != nil || !info.IsDir() {
			out = append(out, filepath.Dir(path))
			continue
		}
		_ = filepath.WalkDir(path, func(p string, d os.DirEntry, err error) error { // what cannot be read is not watched
			if err == nil && d.IsDir() {
				out = append(out, p)
			}
			return nil
		})
	}
	return out
}

// next waits for a change that matters, and for those that belong to it. It gives
// nothing when the context ends.
func next(ctx context.Context, w *fsnotify.Watcher) (string, error) {
	changed := ""
	var quiet <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return "", nil
		case <-quiet:
			return changed, nil
		case err, ok := <-w.Errors:
			if !ok {
				return "", errors.New("files are no longer watched")
			}
			return "", fmt.Errorf("files cannot be watched any more: %w", err)
		case e, ok := <-w.Events:
			if !ok {
				return "", errors.New("files are no longer watched")
			}
			if matters(e) {
				changed, quiet = e.Name, time.After(settled)
			}
		}
	}
}

func matters(e fsnotify.Event) bool {
	ext := strings.ToLower(filepath.Ext(e.Name))
	return (ext == ".yaml" || ext == ".yml" || ext == ".json") && !e.Op.Has(fsnotify.Chmod)
}
