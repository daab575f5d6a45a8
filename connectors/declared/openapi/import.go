package openapi

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"parley/connectors/declared"
	"parley/connectors/sdk"
)

// Options say what becomes of a document.
type Options struct {
	// Name is the connector's: lower case letters and digits.
	Name string
}

// Result is a connector made of a document.
type Result struct {
	Definition declared.Definition
	// Schemas is what schemas.json holds: input, output and samples by operation,
	// and the definitions that they share.
	Schemas object
	Report  Report
}

// Report tells what was made of a document.
type Report struct {
	// Operations are those that were imported.
	Operations []string
	// Skipped tells why others were not, by method and path.
	Skipped []Note
	// Notes are what to look at.
	Notes []Note
	// NoSample are operations for which no input could be made up.
	NoSample []string
}

// Note is something to know of a part of the document.
type Note struct{ Where, Why string }

var methods = []string{"get", "head", "post", "put", "patch", "delete"}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// Import makes a connector of a document. Operations that cannot be expressed are
// skipped and reported; it fails for a document of which nothing is left.
func Import(raw []byte, o Options) (*Result, error) {
	if !nameForm.MatchString(o.Name) {
		return nil, errors.New("the name of a connector is made of lower case letters and digits, and begins with a letter")
	}
	doc, err := parse(raw)
	if err != nil {
		return nil, err
	}
	i := &importer{doc: doc, c: newConverter(doc), names: map[string]bool{}, input: object{}, output: object{}, samples: object{}}
	info := sub(doc.root, "info")
	i.d = declared.Definition{Name: o.Name, Title: text(info, "title"), Docs: text(sub(doc.root, "externalDocs"), "url"), Operations: map[string]declared.Operation{}}
	if i.d.Title == "" {
		i.d.Title = o.Name
	}
	i.address()
	var why string
	if i.d.Auth, why = doc.auth(); why != "" {
		i.note("security", why)
	} else if i.d.Auth == nil {
		i.note("security", "the document does not say how callers authenticate; add auth to "+declared.OverridesFile)
	}
	i.settings()
	paths := sub(doc.root, "paths")
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		i.path(path, paths[path])
	}
	for _, why := range slices.Sorted(maps.Keys(i.c.contradictions)) {
		i.note("schemas", why)
	}
	if len(i.report.Operations) == 0 {
		if len(i.report.Skipped) > 0 {
			first := i.report.Skipped[0]
			return nil, fmt.Errorf("none of the document's %d operations can be imported; of %s: %s", len(i.report.Skipped), first.Where, first.Why)
		}
		return nil, errors.New("the document has no operations: its paths are empty")
	}
	defs := object{}
	for _, part := range []object{i.input, i.output} {
		maps.Copy(defs, i.c.reached(part))
	}
	return &Result{Definition: i.d, Report: i.report,
		Schemas: object{"input": i.input, "output": i.output, "samples": i.samples, "$defs": defs}}, nil
}

type importer struct {
	doc                    *document
	c                      *converter
	d                      declared.Definition
	names                  map[string]bool
	input, output, samples object
	report                 Report
}

func (i *importer) note(where, why string) { i.report.Notes = append(i.report.Notes, Note{where, why}) }

// address finds where the provider is: in the document, or where its paths say.
func (i *importer) address() {
	servers := list(i.doc.root, "servers")
	if len(servers) == 0 {
		paths := sub(i.doc.root, "paths")
		for _, path := range slices.Sorted(maps.Keys(paths)) {
			if servers = list(sub(paths, path), "servers"); len(servers) > 0 {
				break
			}
		}
	}
	var settings map[string]declared.Setting
	if i.d.BaseURL, settings = server(servers); i.d.BaseURL == "" {
		i.note("servers", "the document names no absolute address; every connection needs base_url")
	}
	if len(settings) > 0 {
		i.d.Settings = settings
	}
}

// settings declares what the addresses of OAuth name beside the usual.
func (i *importer) settings() {
	for n, a := range i.d.Auth {
		for _, address := range []*string{&i.d.Auth[n].TokenURL, &i.d.Auth[n].AuthorizeURL} {
			*address = variable.ReplaceAllStringFunc(*address, func(m string) string {
				name := setting(m[1 : len(m)-1])
				if _, ok := i.d.Settings[name]; !ok && name != "base_url" {
					if i.d.Settings == nil {
						i.d.Settings = map[string]declared.Setting{}
					}
					i.d.Settings[name] = declared.Setting{Required: true, Doc: "Part of the address of the token endpoint: " + name + "."}
				}
				return "{" + name + "}"
			})
		}
		if a.Type == "oauth2" && a.AuthorizeURL != "" {
			i.note("security", "connections are authorised by a person (OAuth 2.0 authorization code); add the scopes that you need to "+declared.OverridesFile)
		}
	}
}

func (i *importer) path(path string, v any) {
	item, err := i.doc.deref(v)
	if err != nil {
		i.skip("", path, err)
		return
	}
	for _, method := range methods {
		op, ok := item[method].(object)
		if !ok {
			continue
		}
		if err := i.operation(path, strings.ToUpper(method), item, op); err != nil {
			i.skip(strings.ToUpper(method), path, err)
		}
	}
}

func (i *importer) skip(method, path string, err error) {
	i.report.Skipped = append(i.report.Skipped, Note{strings.TrimSpace(method + " " + path), err.Error()})
}

// operation imports one operation, or says why not.
func (i *importer) operation(path, method string, item, op object) error {
	if base, _ := server(append(slices.Clone(list(op, "servers")), list(item, "servers")...)); base != "" && i.d.BaseURL != "" && base != i.d.BaseURL {
		return errors.New("it is at another address than the rest of the document; import it with a document of its own")
	}
	d := declared.Operation{Summary: summary(op, method, path), Method: method}
	b := &builder{i: i, op: &d, properties: object{}, wire: map[string]string{}, query: map[string]object{}}
	i.c.err = nil
	if err := b.params(path, item, op); err != nil {
		return err
	}
	if err := b.body(op); err != nil {
		return err
	}
	if i.c.err != nil {
		return i.c.err
	}
	if b.contentType != "" && (d.Body == nil || d.Body.Type == "json") && !strings.ContainsAny(b.contentType, "{}") {
		if d.Headers == nil {
			d.Headers = map[string]declared.Value{}
		}
		d.Headers["Content-Type"] = declared.Value{Value: b.contentType}
	}
	answer, headers := i.answer(op)
	d.Effect, d.Note = effect(method, b.key)
	if b.key == nil && method == "GET" && b.properties["max_items"] == nil && answer != nil {
		d.Pages = i.c.pages(b.query, answer, headers)
	}
	name := i.name(text(op, "operationId"), method, path)
	input := b.schema()
	check := declared.NewCheck(sdk.JSONBody(i.c.alone(input)))
	if err := check.Usable(); err != nil {
		delete(i.names, name)
		return fmt.Errorf("its input's schema is not valid: %s", firstSentence(err.Error()))
	}
	i.input[name], d.Input = input, "schemas.json#/input/"+name
	if answer != nil {
		i.output[name], d.Output = i.c.output(answer), "schemas.json#/output/"+name
	}
	if sample, ok := i.c.sample(input); ok {
		if _, err := check.Object(sdk.JSONBody(sample)); err == nil {
			i.samples[name], d.Samples = []any{sample}, "schemas.json#/samples/"+name
		}
	}
	if d.Samples == nil {
		i.report.NoSample = append(i.report.NoSample, name)
	}
	i.d.Operations[name] = d
	i.report.Operations = append(i.report.Operations, name)
	return nil
}

func summary(op object, method, path string) string {
	for _, s := range []string{text(op, "summary"), text(op, "description")} {
		if s = firstSentence(s); s != "" {
			return s
		}
	}
	return method + " " + path
}

var camel = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// mostName is how long the name of an operation may be.
const mostName = 64

// name is the operation's own, cleaned, or made of its method and path; unique.
func (i *importer) name(id, method, path string) string {
	if id == "" {
		id = method + "_" + path
	}
	base := camel.ReplaceAllString(id, "${1}_${2}")
	base = strings.Trim(notWord.ReplaceAllString(strings.ToLower(base), "_"), "_")
	if base == "" || base[0] >= '0' && base[0] <= '9' {
		base = "op_" + base
	}
	if len(base) > mostName {
		base = strings.TrimRight(base[:mostName], "_")
	}
	name := base
	for n := 2; i.names[name]; n++ {
		name = fmt.Sprintf("%s_%d", base, n)
	}
	i.names[name] = true
	return name
}

// answer is the converted schema of success, nil where nothing is told, and the
// headers beside it.
func (i *importer) answer(op object) (schema any, headers object) {
	responses := sub(op, "responses")
	for _, status := range []string{"200", "201", "202", "203", "2XX", "2xx", "default"} {
		r, err := i.doc.deref(responses[status])
		if err != nil || len(r) == 0 {
			continue
		}
		headers = sub(r, "headers")
		for _, kind := range slices.Sorted(maps.Keys(sub(r, "content"))) {
			if isJSON(kind) {
				i.c.err = nil // what refers outside is open in an answer
				schema = i.c.schema(sub(r, "content", kind)["schema"])
				i.c.err = nil
				return schema, headers
			}
		}
		return nil, headers
	}
	return nil, object{}
}

func isJSON(kind string) bool {
	kind, _, _ = strings.Cut(kind, ";")
	kind = strings.TrimSpace(strings.ToLower(kind))
	return kind == "application/json" || strings.HasSuffix(kind, "+json") || kind == "text/json"
}
