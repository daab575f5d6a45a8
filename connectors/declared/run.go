package declared

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"parley/connectors/declared/template"
	"parley/connectors/sdk"
)

// owner lets operations find the connection beneath what it can receive.
type owner interface{ connection() *Connection }

func (k *Connection) connection() *Connection { return k }

// Run performs an operation. Its output is always an object: a list stands in
// "items", any other value in "value", a text in "text".
func (k *Connection) Run(ctx context.Context, name string, call sdk.Call, raw json.RawMessage) (json.RawMessage, error) {
	o := k.c.operations[name]
	input, err := o.check.Object(raw)
	if err != nil {
		return nil, err
	}
	m, err := o.message(k.scope(call, input), call, input)
	if err != nil {
		return nil, err
	}
	limit, _ := input[maxItems].(json.Number)
	n, _ := limit.Int64()
	if o.d.Pages != nil && n > 0 {
		body, status, err := k.pages(ctx, o, m, int(n))
		if err != nil {
			return nil, err
		}
		return o.output(body, &sdk.Response{Status: status, Header: http.Header{}})
	}
	resp, err := k.Send(ctx, m)
	if err != nil {
		return nil, err
	}
	// Of a repeated deletion, an earlier attempt may have done the work.
	if call.Attempt > 1 && o.d.Method == http.MethodDelete && (resp.Status == http.StatusNotFound || resp.Status == http.StatusGone) {
		return json.RawMessage("{}"), nil
	}
	if err := k.Judge(resp, o.d.Response, o.d.Errors); err != nil {
		return nil, err
	}
	body, err := Decode(resp)
	if err != nil {
		return nil, err
	}
	return o.output(body, resp)
}

// Send makes one request with the connection's headers and credentials. Any status
// is an answer. A token that the provider refuses is replaced, and the request,
// which was not acted on, sent once more.
func (k *Connection) Send(ctx context.Context, m Message) (*sdk.Response, error) {
	for again := false; ; again = true {
		header, params := m.Header.Clone(), url.Values{}
		for name, values := range m.Query {
			params[name] = slices.Clone(values)
		}
		if header == nil {
			header = http.Header{}
		}
		for name, t := range k.c.headers {
			if v, ok := t.Text(k.scope(sdk.Call{}, nil)); ok && header.Get(name) == "" {
				header.Set(name, v)
			}
		}
		if header.Get("Accept") == "" {
			header.Set("Accept", "application/json")
		}
		token, err := k.authorise(ctx, header, params)
		if err != nil {
			return nil, err
		}
		address := k.base + m.Path
		if len(params) > 0 {
			address += "?" + params.Encode()
		}
		resp, err := sdk.Do(ctx, k.client, sdk.Request{Method: m.Method, URL: address, Header: header, Body: m.Body, Operation: m.Operation})
		if err != nil || resp.Status != http.StatusUnauthorized || again || token == "" || k.tokens == nil || token == k.setting("access_token") {
			return resp, err
		}
		k.tokens.Refused(token)
	}
}

// mostPages bounds how often one call may read on.
const mostPages = 100

// pages reads pages until there are n items, and gives the first page's body with
// all of them.
func (k *Connection) pages(ctx context.Context, o *operation, m Message, n int) (any, int, error) {
	p := o.d.Pages
	var first any
	all := []any{}
	number := 1
	if p.First != nil {
		number = *p.First
	}
	status := 0
	seen := map[string]bool{}
	for range mostPages {
		resp, err := k.Send(ctx, m)
		if err != nil {
			return nil, 0, err
		}
		if err := k.Judge(resp, o.d.Response, o.d.Errors); err != nil {
			return nil, 0, err
		}
		body, err := Decode(resp)
		if err != nil {
			return nil, 0, err
		}
		if status = resp.Status; first == nil {
			first = body
		}
		v, _ := template.Lookup(body, p.Items)
		items, _ := v.([]any)
		all = append(all, items...)
		number++
		next, ok := k.next(p, resp, body, items, number, len(all))
		if len(all) >= n || len(items) == 0 || !ok || seen[next] {
			break
		}
		seen[next] = true
		if m, ok = k.follow(p, m, next); !ok {
			return nil, 0, &sdk.Error{Class: sdk.Rejected, Code: "foreign_page", Message: "the provider's next page is at another address than base_url; it is not read"}
		}
	}
	return place(first, p.Items, all[:min(n, len(all))]), status, nil
}

// next is the cursor, number or address of the next page, if there is one.
func (k *Connection) next(p *Pages, resp *sdk.Response, body any, items []any, number, have int) (string, bool) {
	if p.More != "" {
		if more, ok := template.Lookup(body, p.More); ok && more != true {
			return "", false
		}
	}
	switch p.Kind {
	case "page":
		return template.Text(number), true
	case "offset":
		return template.Text(have), true
	case "link":
		return nextLink(resp.Header)
	}
	if p.LastID != "" {
		if len(items) == 0 {
			return "", false
		}
		id, ok := template.Lookup(items[len(items)-1], p.LastID)
		return template.Text(id), ok
	}
	v, ok := template.Lookup(body, p.Next)
	if !ok || v == nil || v == "" {
		return "", false
	}
	return template.Text(v), true
}

// follow makes the request of the next page. Credentials go to base_url only.
func (k *Connection) follow(p *Pages, m Message, next string) (Message, bool) {
	if p.Kind != "link" && p.Kind != "url" {
		m.Query.Set(p.Param, next)
		return m, true
	}
	base, err1 := url.Parse(k.base + m.Path)
	u, err2 := url.Parse(next)
	if err1 != nil || err2 != nil {
		return m, false
	}
	u = base.ResolveReference(u)
	root, err := url.Parse(k.base)
	rest, beneath := strings.CutPrefix(u.EscapedPath(), root.EscapedPath())
	if err != nil || u.Scheme != root.Scheme || u.Host != root.Host || !beneath || !strings.HasPrefix(rest, "/") {
		return m, false
	}
	m.Path, m.Query = rest, u.Query()
	return m, true
}

// nextLink reads the target of rel="next" (RFC 8288, section 3).
func nextLink(h http.Header) (string, bool) {
	for _, line := range h.Values("Link") {
		for line != "" {
			_, rest, ok := strings.Cut(line, "<")
			if !ok {
				break
			}
			target, params, ok := strings.Cut(rest, ">")
			if !ok {
				break
			}
			params, line, _ = strings.Cut(params, ",")
			for param := range strings.SplitSeq(params, ";") {
				name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
				if strings.EqualFold(name, "rel") && slices.Contains(strings.Fields(strings.Trim(value, `"`)), "next") {
					return target, true
				}
			}
		}
	}
	return "", false
}

// place puts the items where the page had its own.
func place(body any, at string, items []any) any {
	if at == "" {
		return items
	}
	object, ok := body.(map[string]any)
	if !ok {
		return body
	}
	if _, whole := object[at]; whole {
		object[at] = items
		return object
	}
	if first, rest, dotted := strings.Cut(at, "."); dotted {
		object[first] = place(object[first], rest, items)
	}
	return object
}

// find runs the search of a lookup.
func (k *Connection) find(ctx context.Context, o *operation, call sdk.Call, raw json.RawMessage) (json.RawMessage, bool, error) {
	input, err := o.check.Object(raw)
	if err != nil {
		return nil, false, err
	}
	s := k.scope(call, input)
	m := Message{Operation: o.name, Method: http.MethodGet, Header: http.Header{}}
	if m.Path, err = path(o.find.path, s); err != nil {
		return nil, false, err
	}
	if m.Query, err = query(o.find.query, s); err != nil {
		return nil, false, err
	}
	resp, err := k.Send(ctx, m)
	if err != nil {
		return nil, false, err
	}
	if resp.Status == http.StatusNotFound {
		return nil, false, nil
	}
	if err := k.Judge(resp, Response{}, o.d.Errors); err != nil {
		return nil, false, err
	}
	body, err := Decode(resp)
	if err != nil {
		return nil, false, err
	}
	found, ok := template.Lookup(body, o.d.Find.Items)
	if !ok {
		return nil, false, nil
	}
	list, several := found.([]any)
	if !several {
		list = []any{found}
	}
	for _, item := range list {
		if v, ok := template.Lookup(item, o.d.Find.Match); ok && call.Key != "" && template.Text(v) == call.Key {
			out, err := o.shape(item, resp)
			return out, err == nil, err
		}
	}
	return nil, false, nil
}
