package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"

	"parley/connectors/declared"
)

// SchemasFile is the file beside connector.yaml that holds the schemas.
const SchemasFile = "schemas.json"

const heading = `# Made by "parley connector import". What you change here is lost with the next
# import: write changes into ` + declared.OverridesFile + ` beside it, which stays.
`

const overrides = `# Laid over connector.yaml, key by key; null removes a key. It is never written
# again. For example:
#
# title: Our Name for It
# operations:
#   order_create:
#     effect: {kind: keyed, key_header: Idempotency-Key, key_lifetime: 24h}
#   internal_report: null        # not for us
# errors:
#   code: error.code
# triggers:
#   - {name: order.paid, summary: An order was paid., from: [order_paid]}
# webhook:
#   signature: {header: X-Signature}
#   events: {id: "{id}", type: "{type}"}
`

// Write puts the connector into a folder, which is made if missing: connector.yaml
// and schemas.json anew, overrides.yaml only if there is none. Then it reads the
// folder as the programs will, so that overrides that no longer fit are told at once.
func (r *Result) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, write := range map[string]func() ([]byte, error){
		declared.File: r.YAML, SchemasFile: r.JSON,
	} {
		raw, err := write()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o644); err != nil {
			return err
		}
	}
	path := filepath.Join(dir, declared.OverridesFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(path, []byte(overrides), 0o644); err != nil {
			return err
		}
	}
	if _, err := declared.Read(os.DirFS(dir)); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return nil
}

// YAML is connector.yaml.
func (r *Result) YAML() ([]byte, error) {
	raw, err := yaml.MarshalWithOptions(r.Definition, yaml.Indent(2), yaml.IndentSequence(true))
	return append([]byte(heading), raw...), err
}

// JSON is schemas.json.
func (r *Result) JSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	err := enc.Encode(r.Schemas)
	return b.Bytes(), err
}

// Print tells a person what was made of the document.
func (r Report) Print(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "imported %d operations, skipped %d\n", len(r.Operations), len(r.Skipped))
	section := func(title string, notes []Note) {
		if len(notes) > 0 {
			fmt.Fprintf(&b, "\n%s:\n", title)
		}
		for _, n := range notes {
			fmt.Fprintf(&b, "  %s: %s\n", n.Where, n.Why)
		}
	}
	section("skipped", r.Skipped)
	section("look at", r.Notes)
	if len(r.NoSample) > 0 {
		fmt.Fprintf(&b, "\nno sample input could be made for:\n")
		for _, name := range r.NoSample {
			fmt.Fprintf(&b, "  %s\n", name)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}
