package openapi

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"parley/connectors/declared"
)

// builder makes the request and the input of one operation.
type builder struct {
	i          *importer
	op         *declared.Operation
	properties object
	required   []any
	additional any
	// wire maps places of the request ("path id") to fields of the input.
	wire map[string]string
	// query are the parameters of the query, by name.
	query map[string]object
	// contentType is what an operation wants to be told, even without a body.
	contentType string
	// key is the header that carries an idempotency key.
	key object
}

// params reads the parameters of the path item and the operation, which wins.
func (b *builder) params(path string, item, op object) error {
	all := map[string]object{}
	var order []string
	for _, v := range append(slices.Clone(list(item, "parameters")), list(op, "parameters")...) {
		p, err := b.i.doc.deref(v)
		if err != nil {
			return err
		}
		id := text(p, "in") + " " + text(p, "name")
		if all[id] == nil {
			order = append(order, id)
		}
		all[id] = p
	}
	for _, m := range variable.FindAllStringSubmatch(path, -1) {
		if id := "path " + m[1]; all[id] == nil {
			all[id] = object{"name": m[1], "in": "path", "schema": object{"type": "string"}}
			order = append(order, id)
		}
	}
	for _, id := range order {
		if err := b.param(all[id]); err != nil {
			return err
		}
	}
	return b.path(path)
}

var ignored = []string{"accept", "content-type", "authorization"} // OpenAPI 3.1, Parameter Object

func (b *builder) param(p object) error {
	name, in := text(p, "name"), text(p, "in")
	must := p["required"] == true
	switch in {
	case "path":
		if style := text(p, "style"); style != "" && style != "simple" {
			return fmt.Errorf("its parameter %s has the style %s, which is not supported in a path", name, style)
		}
		must = true
	case "query":
		b.query[name] = p
	case "header":
		if slices.Contains(ignored, strings.ToLower(name)) {
			if must && strings.EqualFold(name, "Content-Type") {
				b.contentType = contentType(b.i.doc, p)
			}
			return nil
		}
		if keyHeader.MatchString(name) {
			b.key = p
			return nil
		}
	case "cookie":
		if must {
			return fmt.Errorf("its parameter %s is a cookie", name)
		}
		return nil
	default:
		return fmt.Errorf("its parameter %q is in %q", name, in)
	}
	for _, a := range b.i.d.Auth { // credentials are the connection's
		if a.Type == in && strings.EqualFold(a.Name, name) {
			return nil
		}
	}
	schema, style := p["schema"], style(p)
	for kind, content := range sub(p, "content") {
		if !isJSON(kind) {
			return fmt.Errorf("its parameter %s is %s", name, kind)
		}
		c, _ := content.(object)
		schema, style = c["schema"], "json"
	}
	field := b.field(name, in)
	b.wire[in+" "+name] = field
	converted := b.i.c.schema(schema)
	if s, ok := converted.(object); ok {
		if d := firstSentence(text(p, "description")); d != "" && s["description"] == nil {
			s = maps.Clone(s)
			s["description"] = d
			converted = s
		}
		if in == "path" && s["$ref"] == nil && s["minLength"] == nil && s["type"] == "string" {
			s = maps.Clone(s)
			s["minLength"] = 1
			converted = s
		}
	}
	if must && in == "query" { // an empty list cannot be written
		if s := b.i.c.resolve(converted); s["type"] == "array" && s["minItems"] == nil {
			s = maps.Clone(s)
			s["minItems"] = 1
			converted = s
		}
	}
	b.properties[field] = converted
	if must {
		b.required = append(b.required, field)
	}
	value := declared.Value{Value: "{" + field + "}", Style: style}
	switch in {
	case "query":
		if b.op.Query == nil {
			b.op.Query = map[string]declared.Value{}
		}
		b.op.Query[name] = value
	case "header":
		if b.op.Headers == nil {
			b.op.Headers = map[string]declared.Value{}
		}
		b.op.Headers[name] = value
	}
	return nil
}

// contentType is the first that a header's schema names.
func contentType(d *document, p object) string {
	s, _ := d.deref(p["schema"])
	for _, v := range append(slices.Clone(list(s, "enum")), s["const"], s["default"], p["example"], s["example"]) {
		if t, ok := v.(string); ok && strings.Contains(t, "/") {
			return t
		}
	}
	return "application/json"
}

// style is how lists and objects of a parameter are written.
func style(p object) string {
	explode, told := p["explode"].(bool)
	switch text(p, "style") {
	case "deepObject":
		return "deep"
	case "spaceDelimited":
		return "space"
	case "pipeDelimited":
		return "pipe"
	}
	if told && !explode && text(p, "in") == "query" {
		return "comma"
	}
	return ""
}

var word = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// field is a free name in the input.
func (b *builder) field(name, in string) string {
	base := strings.Trim(word.ReplaceAllString(name, "_"), "_")
	if base == "" {
		base = in
	}
	if b.properties[base] != nil {
		base += "_" + in
	}
	field := base
	for n := 2; b.properties[field] != nil; n++ {
		field = fmt.Sprintf("%s_%d", base, n)
	}
	return field
}

// path writes the path with the input's names.
func (b *builder) path(path string) error {
	if strings.ContainsAny(path, "?#") {
		return errors.New("its path has a query in it")
	}
	b.op.Path = variable.ReplaceAllStringFunc(path, func(m string) string { return "{" + b.wire["path "+m[1:len(m)-1]] + "}" })
	if !strings.HasPrefix(b.op.Path, "/") {
		b.op.Path = "/" + b.op.Path
	}
	return nil
}

// body chooses among the bodies that the operation takes.
func (b *builder) body(op object) error {
	r, err := b.i.doc.deref(op["requestBody"])
	if err != nil {
		return err
	}
	content := sub(r, "content")
	if len(content) == 0 {
		return nil
	}
	kind, typ := choose(content)
	if kind == "" {
		if r["required"] != true {
			return nil
		}
		return fmt.Errorf("its body is %s, which is not supported", slices.Sorted(maps.Keys(content))[0])
	}
	media := sub(content, kind)
	out := &declared.Body{Type: typ, Required: r["required"] == true}
	if bare, _, _ := strings.Cut(kind, ";"); typ == "json" && bare != "application/json" || typ == "text" || typ == "binary" {
		if !strings.Contains(kind, "*") {
			out.ContentType = kind
		}
	}
	b.op.Body = out
	schema := b.i.c.schema(media["schema"])
	if typ == "text" || typ == "binary" {
		b.whole(object{"type": "string"}, r["required"] == true)
		if typ == "binary" {
			b.properties[b.wire["body"]] = object{"type": "string", "contentEncoding": "base64", "description": "The bytes, in base64."}
		}
		return nil
	}
	flat, ok := b.i.c.flat(schema, 0)
	if ok && b.spread(flat, typ, r["required"] == true) {
		return nil
	}
	if typ != "json" && !ok {
		if s := b.i.c.resolve(schema); s["type"] == "array" || s["type"] == "string" {
			return errors.New("its form is not an object")
		}
	}
	b.whole(schema, r["required"] == true)
	return nil
}

// choose prefers what is easiest to write.
func choose(content object) (kind, typ string) {
	best := 0
	for _, k := range slices.Sorted(maps.Keys(content)) {
		bare, _, _ := strings.Cut(strings.ToLower(k), ";")
		t, rank := "", 0
		switch bare = strings.TrimSpace(bare); {
		case bare == "application/json":
			t, rank = "json", 9
		case isJSON(bare):
			t, rank = "json", 8
		case bare == "application/x-www-form-urlencoded":
			t, rank = "form", 7
		case bare == "multipart/form-data":
			t, rank = "multipart", 6
		case bare == "*/*":
			t, rank = "json", 5
		case bare == "text/plain":
			t, rank = "text", 3
		case bare == "application/octet-stream", strings.HasPrefix(bare, "image/"), strings.HasPrefix(bare, "audio/"), bare == "application/pdf":
			t, rank = "binary", 2
		}
		if rank > best {
			kind, typ, best = k, t, rank
		}
	}
	return kind, typ
}

// spread makes the body's fields fields of the input, where none is there already.
func (b *builder) spread(flat object, typ string, must bool) bool {
	properties := sub(flat, "properties")
	for name := range properties {
		if b.properties[name] != nil || name == "max_items" || strings.HasPrefix(name, "$") {
			return false
		}
	}
	for name, s := range properties {
		if typ == "multipart" && b.file(s) {
			b.op.Body.Files = append(b.op.Body.Files, name)
			s = object{"type": "string", "contentEncoding": "base64", "description": "A file, in base64."}
		}
		b.properties[name] = s
	}
	slices.Sort(b.op.Body.Files)
	// An optional body with required fields is nearly always a body that is needed.
	b.required = append(b.required, list(flat, "required")...)
	if a := flat["additionalProperties"]; a != nil && a != false {
		b.additional = a
	}
	b.op.Body.Rest = true
	// An empty object is never wrong where any would do, and no body often is.
	b.op.Body.Required = must || typ == "json"
	return true
}

// file tells whether a field of a multipart body is bytes.
func (b *builder) file(s any) bool {
	r := b.i.c.resolve(s)
	if r["type"] == "array" {
		r = b.i.c.resolve(r["items"])
	}
	return r["format"] == "binary" || r["contentMediaType"] == "application/octet-stream" || r["contentEncoding"] == "binary"
}

// whole makes the body one field of the input.
func (b *builder) whole(schema any, must bool) {
	field := b.field("body", "content")
	b.wire["body"] = field
	b.properties[field] = schema
	b.op.Body.Value = "{" + field + "}"
	if must {
		b.required = append(b.required, field)
	}
}

// schema is the input's schema.
func (b *builder) schema() object {
	var additional any = false
	if b.additional != nil {
		additional = b.additional
	}
	out := object{"type": "object", "properties": b.properties, "additionalProperties": additional}
	seen := map[any]bool{}
	required := []any{}
	for _, name := range b.required {
		if !seen[name] {
			required = append(required, name)
			seen[name] = true
		}
	}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}
