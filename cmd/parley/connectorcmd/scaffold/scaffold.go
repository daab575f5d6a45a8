// Package scaffold writes a new connector as a module of its own: a manifest, two
// operations, webhooks, a fake and the conformance test, all of which work and
// wait to be filled with a provider's own names.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	"golang.org/x/mod/module"
)

//go:embed templates
var templates embed.FS

// Options say what to write.
type Options struct {
	// Name of the connector: lower case letters and digits.
	Name string
	// Module is the module's path; its last part is Name, which is the package's.
	Module string
	// Channel adds messages to it.
	Channel bool
	// Parley is the folder with Parley's source, whose checksums are taken over.
	Parley string
	// Go is the version for go.mod.
	Go string
}

// files are the templates by the path that they are written to; {} is the name.
var files = map[string]string{
	"go.mod": "go.mod", "{}.go": "connector.go", "items.go": "items.go", "webhook.go": "webhook.go",
	"{}_test.go": "test.go", "{}fake/{}fake.go": "fake.go",
}

// channelFiles are those of a channel beside them.
var channelFiles = map[string]string{"channel.go": "channel.go", "{}fake/phone.go": "phone.go"}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9]{1,30}$`)

// Write writes the module into dir, which must be empty or not exist.
func Write(dir string, o Options) error {
	if err := o.check(dir); err != nil {
		return err
	}
	if err := o.writeAll(dir, files); err != nil {
		return err
	}
	if o.Channel {
		if err := o.writeAll(dir, channelFiles); err != nil {
			return err
		}
	}
	sums, err := os.ReadFile(filepath.Join(o.Parley, "go.sum"))
	if err != nil {
		return fmt.Errorf("the checksums of Parley's libraries: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o644)
}

func (o Options) check(dir string) error {
	if !nameForm.MatchString(o.Name) {
		return fmt.Errorf("a connector's name is 2 to 31 lower case letters and digits, beginning with a letter")
	}
	if err := module.CheckImportPath(o.Module); err != nil {
		return fmt.Errorf("the module's path: %w", err)
	}
	if path.Base(o.Module) != o.Name {
		return fmt.Errorf("the module's path must end in the connector's name, as the package is named by it: %s/%s", o.Module, o.Name)
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("the folder %s is not empty", dir)
	}
	return nil
}

// Title is the provider's name as it stands until somebody writes a better one.
func (o Options) Title() string { return strings.ToUpper(o.Name[:1]) + o.Name[1:] }

func (o Options) writeAll(dir string, files map[string]string) error {
	for target, source := range files {
		text, err := o.render(source)
		if err != nil {
			return err
		}
		file := filepath.Join(dir, filepath.FromSlash(strings.ReplaceAll(target, "{}", o.Name)))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (o Options) render(name string) ([]byte, error) {
	t, err := template.New(name+".tmpl").Delims("<<", ">>").ParseFS(templates, "templates/"+name+".tmpl")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, o); err != nil {
		return nil, err
	}
	if !strings.HasSuffix(name, ".go") {
		return b.Bytes(), nil
	}
	return format.Source(b.Bytes())
}
