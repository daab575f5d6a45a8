// Package pages writes the documentation of connectors out of their manifests: a
// page of Markdown for each, and an index that says what each was checked
// against. The output depends on nothing but the manifests and the evidence.
package pages

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"text/template"

	"parley/connectors/sdk"
	"parley/connectors/sdk/manifest"
)

//go:embed *.tmpl
var sources embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"fields": fields, "indent": indented, "cell": cell, "limits": channelLimits, "join": strings.Join, "effect": effect,
}).ParseFS(sources, "*.tmpl"))

// Evidence is what a connector was checked against and what could not be, as
// evidence.json in its folder says.
type Evidence struct {
	Checked   []string `json:"checked"`
	Unchecked []string `json:"unchecked"`
}

// ReadEvidence reads FOLDER/NAME/evidence.json; without such a file there is none.
func ReadEvidence(folder, name string) (Evidence, error) {
	var e Evidence
	raw, err := os.ReadFile(filepath.Join(folder, name, "evidence.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return e, nil
	}
	if err == nil {
		err = sdk.DecodeStrict(raw, &e)
	}
	if err != nil {
		return e, fmt.Errorf("the evidence of %s: %w", name, err)
	}
	return e, nil
}

type page struct {
	manifest.Manifest
	Evidence
}

// All renders every page by file name, README.md among them. Evidence is read
// from the folder.
func All(list []sdk.Connector, folder string) (map[string][]byte, error) {
	out := map[string][]byte{}
	var index []page
	for _, c := range list {
		e, err := ReadEvidence(folder, c.Name)
		if err != nil {
			return nil, err
		}
		p := page{manifest.Of(c), e}
		index = append(index, p)
		if out[c.Name+".md"], err = render("page.md.tmpl", p); err != nil {
			return nil, err
		}
	}
	var err error
	out["README.md"], err = render("index.md.tmpl", index)
	return out, err
}

func render(name string, data any) ([]byte, error) {
	var b bytes.Buffer
	err := templates.ExecuteTemplate(&b, name, data)
	return b.Bytes(), err
}

// field is a row of a table of a schema's fields.
type field struct{ Name, Type, Required, Description string }

// schema is what is read of a JSON Schema.
type schema struct {
	Type        string             `json:"type"`
	Format      string             `json:"format"`
	Description string             `json:"description"`
	Properties  map[string]*schema `json:"properties"`
	Required    []string           `json:"required"`
	Items       *schema            `json:"items"`
	WriteOnly   bool               `json:"writeOnly"`
}

// UnmarshalJSON reads true, the schema of anything.
func (s *schema) UnmarshalJSON(raw []byte) error {
	type plain schema
	if string(raw) == "true" {
		return nil
	}
	return json.Unmarshal(raw, (*plain)(s))
}

// fields lists a schema's fields, those within others by their path, sorted.
func fields(raw json.RawMessage) ([]field, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var s schema
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, err
	}
	return s.list(""), nil
}

func (s *schema) list(at string) (out []field) {
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		f := field{Name: at + name, Type: p.kind(), Description: p.Description}
		if slices.Contains(s.Required, name) {
			f.Required = "yes"
		}
		out = append(out, f)
		out = append(out, p.list(at+name+".")...)
		if p.Items != nil {
			out = append(out, p.Items.list(at+name+"[].")...)
		}
	}
	return out
}

func (s *schema) kind() string {
	switch {
	case s.WriteOnly:
		return "secret"
	case s.Format != "":
		return s.Format
	case s.Type == "array" && s.Items != nil && s.Items.Type != "":
		return "list of " + s.Items.Type
	case s.Type == "":
		return "any"
	}
	return s.Type
}

// cell makes a text fit into a cell of a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}

func indented(raw json.RawMessage) (string, error) {
	var b bytes.Buffer
	err := json.Indent(&b, raw, "", "  ")
	return b.String(), err
}

func effect(e manifest.Effect) string {
	switch {
	case e.Kind == sdk.Read:
		return "changes nothing; may be repeated"
	case e.Kind == sdk.Keyed:
		return "the provider recognises a repeat by its key for " + tidy(e.KeyLifetime)
	case e.Kind == sdk.Lookup && e.Settle != "":
		return "searched for by its key before it is repeated, at the earliest after " + tidy(e.Settle)
	case e.Kind == sdk.Lookup:
		return "looked for before it is repeated"
	}
	return "attempted once; a lost answer leaves it uncertain"
}

// tidy writes 24h0m0s as 24h.
func tidy(duration string) string {
	for _, none := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(duration, none) {
			duration = strings.TrimSuffix(duration, none[1:])
		}
	}
	return duration
}

// channelLimits are the rows of a channel's table: every field of the manifest
// that is set, by its name there.
func channelLimits(c *manifest.Channel) (rows []field) {
	v := reflect.ValueOf(*c)
	for i, f := range reflect.VisibleFields(v.Type()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		value := v.Field(i)
		if name == "effect" || value.IsZero() {
			continue
		}
		text := fmt.Sprint(value.Interface())
		if m, ok := value.Interface().(map[string]int64); ok {
			text = sizes(m)
		}
		if value.Kind() == reflect.Int && value.Int() < 0 {
			text = "not at all"
		}
		if f.Type.Kind() == reflect.String {
			text = tidy(text)
		}
		if text == "true" {
			text = "yes"
		}
		rows = append(rows, field{Name: strings.ReplaceAll(name, "_", " "), Description: text})
	}
	return rows
}

func sizes(media map[string]int64) string {
	var out []string
	for _, kind := range slices.Sorted(maps.Keys(media)) {
		out = append(out, fmt.Sprintf("%s %d KiB", kind, media[kind]>>10))
	}
	return strings.Join(out, ", ")
}
