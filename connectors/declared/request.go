package declared

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"parley/connectors/declared/template"
	"parley/connectors/sdk"
)

// Message is one request to a provider, beneath the connection's address.
type Message struct {
	// Operation names the call in traces and metrics.
	Operation string
	Method    string
	// Path begins with / and is escaped.
	Path   string
	Query  url.Values
	Header http.Header
	Body   []byte
}

// message makes the request of an operation.
func (o *operation) message(s template.Scope, call sdk.Call, input map[string]any) (Message, error) {
	m := Message{Operation: o.name, Method: o.d.Method, Header: http.Header{}}
	var err error
	if m.Path, err = path(o.path, s); err != nil {
		return m, err
	}
	if m.Query, err = query(o.query, s); err != nil {
		return m, err
	}
	for _, p := range o.headers {
		v, ok := p.value.Value(s)
		if !ok || v == nil {
			continue
		}
		text := headerText(v, p.style)
		if strings.ContainsAny(text, "\r\n\x00") {
			return m, sdk.Invalidf("what goes into the header %s must be one line", p.name)
		}
		m.Header.Set(p.name, text)
	}
	if name := o.d.Effect.KeyHeader; name != "" && call.Key != "" {
		m.Header.Set(name, call.Key)
	}
	if o.d.Body != nil {
		m.Body, err = o.payload(s, input, m.Header)
	}
	return m, err
}

// path fills in a path. A value never leaves its segment.
func path(t template.Template, s template.Scope) (string, error) {
	text, ok := t.Text(func(name string) (any, bool) {
		v, ok := s(name)
		if !ok || v == nil {
			return nil, false
		}
		text := headerText(v, "comma")
		if text == "" {
			return nil, false
		}
		return url.PathEscape(text), true
	})
	if !ok {
		return "", sdk.Invalidf("a part of the path is missing or empty: one of %s", strings.Join(t.Paths(), ", "))
	}
	for segment := range strings.SplitSeq(text, "/") {
		if segment == "." || segment == ".." {
			return "", sdk.Invalidf("a part of the path must not be a dot: one of %s", strings.Join(t.Paths(), ", "))
		}
	}
	return text, nil
}

func headerText(v any, style string) string {
	if list, ok := v.([]any); ok && style != "json" {
		return joined(list, ",")
	}
	return template.Text(v)
}

func joined(list []any, separator string) string {
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = template.Text(item)
	}
	return strings.Join(texts, separator)
}

func query(params []param, s template.Scope) (url.Values, error) {
	out := url.Values{}
	for _, p := range params {
		v, ok := p.value.Value(s)
		if !ok || v == nil {
			continue
		}
		write(out, p.name, v, p.style)
	}
	return out, nil
}

// write puts one value into a query or form, by the styles of OpenAPI 3
// (Parameter Object, "Style Values").
func write(out url.Values, name string, v any, style string) {
	separators := map[string]string{"comma": ",", "space": " ", "pipe": "|"}
	switch v := v.(type) {
	case []any:
		if sep, ok := separators[style]; ok {
			out.Add(name, joined(v, sep))
			return
		}
		if style == "json" {
			break
		}
		if style == "brackets" {
			name += "[]"
		}
		for _, item := range v {
			write(out, name, item, "deep")
		}
		return
	case map[string]any:
		if style == "json" {
			break
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			switch style {
			case "deep", "brackets":
				write(out, name+"["+key+"]", v[key], style)
			case "comma", "space", "pipe":
				out.Add(name, key+separators[style]+template.Text(v[key]))
			default:
				write(out, key, v[key], "deep")
			}
		}
		return
	}
	out.Add(name, template.Text(v))
}

// payload makes the body and sets its type.
func (o *operation) payload(s template.Scope, input map[string]any, header http.Header) ([]byte, error) {
	b := o.d.Body
	var v any
	var have bool
	if b.Rest {
		rest := map[string]any{}
		for name, value := range input {
			if !o.used[name] {
				rest[name] = value
			}
		}
		v, have = rest, len(rest) > 0 || b.Required
	} else {
		v, have = o.body.Value(s)
	}
	if !have {
		return nil, nil
	}
	body, kind, err := encode(b, v)
	if err == nil && header.Get("Content-Type") == "" {
		header.Set("Content-Type", kind)
	}
	return body, err
}

// encode writes a value as a body of the type.
func encode(b *Body, v any) (body []byte, contentType string, err error) {
	contentType = b.ContentType
	usual := func(kind string) string {
		if contentType != "" {
			return contentType
		}
		return kind
	}
	switch b.Type {
	case "json":
		body, err = json.Marshal(v)
		if err != nil {
			return nil, "", sdk.Invalidf("the body cannot be JSON")
		}
		return body, usual("application/json"), nil
	case "text":
		return []byte(template.Text(v)), usual("text/plain; charset=utf-8"), nil
	case "binary":
		body, err := base64.StdEncoding.DecodeString(template.Text(v))
		if err != nil {
			return nil, "", sdk.Invalidf("the body must be base64")
		}
		return body, usual("application/octet-stream"), nil
	}
	fields, ok := v.(map[string]any)
	if !ok {
		return nil, "", sdk.Invalidf("the body of a form must be an object")
	}
	if b.Type == "form" {
		form := url.Values{}
		for name, field := range fields {
			style := "deep"
			if b.Brackets {
				style = "brackets"
			}
			if field != nil {
				write(form, name, field, style)
			}
		}
		return []byte(form.Encode()), usual("application/x-www-form-urlencoded"), nil
	}
	return parts(b, fields)
}

// parts writes a multipart body (RFC 7578). Lists are repeated, objects are JSON.
func parts(b *Body, fields map[string]any) ([]byte, string, error) {
	var buffer bytes.Buffer
	w := multipart.NewWriter(&buffer)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		items, several := fields[name].([]any)
		if !several {
			items = []any{fields[name]}
		}
		for _, item := range items {
			if item == nil {
				continue
			}
			if err := part(w, name, item, slices.Contains(b.Files, name)); err != nil {
				return nil, "", err
			}
		}
	}
	if err := w.Close(); err != nil {
		return nil, "", fmt.Errorf("declared: %w", err)
	}
	return buffer.Bytes(), w.FormDataContentType(), nil
}

func part(w *multipart.Writer, name string, item any, file bool) error {
	content := []byte(template.Text(item))
	header := textproto.MIMEHeader{}
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", "%0D", "\n", "%0A").Replace(name)
	disposition := `form-data; name="` + quoted + `"`
	if file {
		raw, err := base64.StdEncoding.DecodeString(template.Text(item))
		if err != nil {
			return sdk.Invalidf("field %q must be base64", name)
		}
		content, disposition = raw, disposition+`; filename="`+quoted+`"`
		header.Set("Content-Type", "application/octet-stream")
	} else if _, object := item.(map[string]any); object {
		header.Set("Content-Type", "application/json")
	}
	header.Set("Content-Disposition", disposition)
	p, err := w.CreatePart(header)
	if err == nil {
		_, err = p.Write(content)
	}
	if err != nil {
		return fmt.Errorf("declared: %w", err)
	}
	return nil
}
