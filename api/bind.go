package api

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"parley/api/problem"
	"parley/connectors/sdk"
)

// binder reads a request into an input struct. Fields tagged path or query come
// from there; the others are the JSON body. Everything is checked against the
// schemas of the OpenAPI document itself, so what the document says is what holds.
type binder struct {
	params  []param
	hasBody bool
	maxBody int64
	body    *jsonschema.Schema
}

type param struct {
	in, name string
	index    []int
	required bool
	schema   *jsonschema.Schema
}

func newBinder(in reflect.Type, maxBody int64) *binder {
	b := &binder{maxBody: maxBody}
	for _, f := range reflect.VisibleFields(in) {
		if f.Anonymous {
			continue
		}
		if name := f.Tag.Get("path"); name != "" {
			b.params = append(b.params, param{in: "path", name: name, index: f.Index})
		} else if name := f.Tag.Get("query"); name != "" {
			b.params = append(b.params, param{in: "query", name: name, index: f.Index, required: f.Tag.Get("required") == "true"})
		} else if f.IsExported() && f.Tag.Get("json") != "-" {
			b.hasBody = true
		}
	}
	return b
}

// compile takes the schemas from the document.
func (b *binder) compile(d *openDoc, r route) (err error) {
	for i, p := range b.params {
		if b.params[i].schema, err = d.paramSchema(r, p.in, p.name); err != nil {
			return err
		}
	}
	if b.hasBody {
		b.body, err = d.bodySchema(r)
	}
	return err
}

// read fills in, a pointer to the input struct.
func (b *binder) read(c *gin.Context, in any) error {
	v := reflect.ValueOf(in).Elem()
	fields := b.readParams(c, v)
	if len(fields) == 0 && b.hasBody {
		var err error
		if fields, err = b.readBody(c, in); err != nil {
			return err
		}
	}
	if len(fields) > 0 {
		p := problem.Invalid.New("Some of the input is not valid; errors says what.")
		p.Errors = fields
		return p
	}
	return nil
}

func (b *binder) readParams(c *gin.Context, v reflect.Value) (fields []problem.Field) {
	query := c.Request.URL.Query()
	for _, p := range b.params {
		text, given := c.Param(p.name), true
		if p.in == "query" {
			text, given = query.Get(p.name), query.Has(p.name)
			query.Del(p.name)
		}
		at := p.in + "/" + p.name
		if !given {
			if p.required {
				fields = append(fields, problem.Field{Pointer: at, Detail: "is required"})
			}
			continue
		}
		value, why := setText(v.FieldByIndex(p.index), text)
		if why != "" {
			fields = append(fields, problem.Field{Pointer: at, Detail: why})
			continue
		}
		fields = append(fields, check(p.schema, value, at)...)
	}
	for name := range query {
		fields = append(fields, problem.Field{Pointer: "query/" + showName(name), Detail: "there is no such parameter"})
	}
	return fields
}

// setText stores a parameter's text and returns it as JSON knows it, or why not.
func setText(field reflect.Value, text string) (value any, why string) {
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	if u, ok := field.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(text)); err != nil {
			return nil, "must be " + formOf(field.Type())
		}
		return text, ""
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString(text)
		return text, ""
	case reflect.Bool:
		is, err := strconv.ParseBool(text)
		if err != nil {
			return nil, "must be true or false"
		}
		field.SetBool(is)
		return is, ""
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, "must be a whole number"
		}
		field.SetInt(n)
		return n, ""
	}
	panic(fmt.Sprintf("api: a parameter cannot be of type %s", field.Type()))
}

func formOf(t reflect.Type) string {
	if t.Name() == "Time" {
		return "a time such as 2026-11-23T08:00:00Z"
	}
	return "a UUID"
}

// readBody reads the JSON body. First the schema is asked, since it finds all that
// is wrong at once, then the types.
func (b *binder) readBody(c *gin.Context, in any) ([]problem.Field, error) {
	if kind := c.GetHeader("Content-Type"); kind != "" {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != "application/json" && !strings.HasSuffix(media, "+json") {
			return nil, problem.MediaType.New("Send the header Content-Type: application/json.")
		}
	}
	raw, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, b.maxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, problem.TooLarge.New("The body is larger than is allowed here; the limit is set by api.body_limit.")
		}
		return nil, problem.Malformed.New("The body broke off before its end.")
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = []byte("{}")
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, notJSON(raw)
	}
	if fields := check(b.body, value, ""); len(fields) > 0 {
		return fields, nil
	}
	if err := sdk.DecodeStrict(raw, in); err != nil {
		return []problem.Field{{Detail: sdk.AsError(err).Message}}, nil
	}
	return nil, nil
}

func notJSON(raw []byte) *problem.Problem {
	detail := "The body is not JSON."
	var syntax *json.SyntaxError
	if errors.As(json.Unmarshal(raw, new(any)), &syntax) {
		detail = fmt.Sprintf("The body is not JSON: it cannot be read from byte %d on.", syntax.Offset)
	}
	return problem.Malformed.New(detail)
}
