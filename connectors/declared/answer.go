package declared

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"parley/connectors/declared/template"
	"parley/connectors/sdk"
)

// Judge tells whether an answer is success, or which error it is: by the rules
// given, then the connector's, then the status.
func (k *Connection) Judge(resp *sdk.Response, want Response, rules []ErrorRule) error {
	ok := resp.Status >= 200 && resp.Status < 300
	if len(want.Status) > 0 {
		ok = slices.Contains(want.Status, resp.Status)
	}
	if !ok {
		return k.failure(resp, rules)
	}
	if len(want.Require) == 0 {
		return nil
	}
	body, err := Decode(resp)
	if err != nil {
		return err
	}
	for _, r := range want.Require {
		v, ok := template.Lookup(body, r.At)
		if ok && (r.Equals == nil || template.Text(v) == template.Text(r.Equals)) {
			continue
		}
		class := r.Class
		if class == "" {
			class = sdk.Rejected
		}
		e := &sdk.Error{Class: class, Wrote: true, Message: fmt.Sprintf("the provider answered %d, but %q is not as the connector requires", resp.Status, r.At)}
		if v, ok := template.Lookup(body, r.Code); ok && r.Code != "" {
			e.Code = code(v)
		}
		return k.ruled(e, resp.Status, rules)
	}
	return nil
}

func (k *Connection) failure(resp *sdk.Response, rules []ErrorRule) error {
	e := sdk.StatusError(resp)
	if e == nil { // 2xx that is none of those expected
		e = &sdk.Error{Class: sdk.Rejected, Code: strconv.Itoa(resp.Status), Wrote: true,
			Message: fmt.Sprintf("the provider answered %d, which the connector does not expect", resp.Status)}
	}
	if at := k.c.d.Errors.Code; at != "" {
		if body, err := Decode(resp); err == nil {
			if v, ok := template.Lookup(body, at); ok {
				if c := code(v); c != "" {
					e.Code = c
				}
			}
		}
	}
	if r := k.c.d.Errors.RetryAfter; r != nil {
		if d := r.read(resp.Header, time.Now()); d > 0 {
			e.RetryAfter = d
		}
	}
	return k.ruled(e, resp.Status, rules)
}

// ruled applies the first rule that fits.
func (k *Connection) ruled(e *sdk.Error, status int, rules []ErrorRule) *sdk.Error {
	for _, r := range slices.Concat(rules, k.c.d.Errors.Rules) {
		if (r.Status == 0 || r.Status == status) && (r.Code == "" || r.Code == e.Code) {
			e.Class, e.Customer = r.Class, r.Customer
			e.Wrote = !r.NotDone && r.Class != sdk.Throttled
			break
		}
	}
	return e
}

var codeForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}$`)

// code is a provider's code; a sentence, which may hold anything, is none.
func code(v any) string {
	if s := template.Text(v); codeForm.MatchString(s) {
		return s
	}
	return ""
}

func (r *RetryAfter) read(h http.Header, now time.Time) time.Duration {
	n, err := strconv.ParseFloat(h.Get(r.Header), 64)
	if err != nil || n <= 0 || n > 1e13 {
		return 0
	}
	switch r.Unit {
	case "ms":
		return time.Duration(n * float64(time.Millisecond))
	case "epoch":
		return max(0, time.UnixMilli(int64(n*1000)).Sub(now))
	}
	return min(time.Duration(n)*time.Second, 30*24*time.Hour)
}

// Decode reads an answer by its content type: JSON as its value, UTF-8 text as
// {"text"}, other bytes as {"base64","content_type"}, nothing as an empty object.
func Decode(resp *sdk.Response) (any, error) {
	body := bytes.TrimSpace(resp.Body)
	if len(body) == 0 {
		return map[string]any{}, nil
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case strings.HasSuffix(kind, "json"), kind == "" && (body[0] == '{' || body[0] == '['):
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		var v any
		if err := dec.Decode(&v); err != nil {
			return nil, notJSON(resp)
		}
		if _, err := dec.Token(); err != io.EOF {
			return nil, notJSON(resp)
		}
		return v, nil
	case utf8.Valid(resp.Body):
		return map[string]any{"text": string(resp.Body)}, nil
	}
	return map[string]any{"base64": base64.StdEncoding.EncodeToString(resp.Body), "content_type": kind}, nil
}

func notJSON(resp *sdk.Response) error {
	return &sdk.Error{Class: sdk.Unavailable, Wrote: true, Message: fmt.Sprintf("the provider answered %d with JSON that cannot be read", resp.Status)}
}

// output takes and maps what an operation gives.
func (o *operation) output(body any, resp *sdk.Response) (json.RawMessage, error) {
	if at := o.d.Response.Take; at != "" {
		v, ok := template.Lookup(body, at)
		if !ok {
			return nil, &sdk.Error{Class: sdk.Unavailable, Wrote: true, Message: fmt.Sprintf("the provider's answer has no %q", at)}
		}
		body = v
	}
	return o.shape(body, resp)
}

// shape maps a value to the operation's output, which is an object.
func (o *operation) shape(body any, resp *sdk.Response) (json.RawMessage, error) {
	if o.d.Response.Map != nil {
		body, _ = o.mapping.Value(func(path string) (any, bool) {
			switch {
			case path == "$status":
				return resp.Status, true
			case strings.HasPrefix(path, "$header."):
				v := resp.Header.Get(path[len("$header."):])
				return v, v != ""
			}
			return template.Lookup(body, path)
		})
	}
	switch v := body.(type) {
	case map[string]any:
	case []any:
		body = map[string]any{"items": v}
	default:
		body = map[string]any{"value": v}
	}
	return json.Marshal(body)
}
