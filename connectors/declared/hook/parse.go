package hook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/url"
	"strconv"
	"strings"

	"parley/connectors/declared/template"
	"parley/connectors/sdk"
)

// Parse gives the events of a verified request. A malformed body is an error of
// class invalid; a type of event without a trigger is ignored.
func (h *Hook) Parse(req sdk.WebhookRequest) ([]sdk.Event, error) {
	body, err := h.body(req)
	if err != nil {
		return nil, err
	}
	items, ok := template.Lookup(body, h.r.Events.At)
	if !ok {
		return nil, sdk.Invalidf("the body has no %s", h.r.Events.At)
	}
	list, several := items.([]any)
	if !several {
		list = []any{items}
	}
	r := received{req: req}
	r.url, _ = url.Parse(req.URL) // without it there is no query
	events := make([]sdk.Event, 0, len(list))
	for i, item := range list {
		events = append(events, h.event(r, body, item, i))
	}
	return events, nil
}

func (h *Hook) body(req sdk.WebhookRequest) (any, error) {
	if h.r.Events.Format == "form" {
		form, err := url.ParseQuery(string(req.Body))
		if err != nil {
			return nil, sdk.Invalidf("the body is not a form")
		}
		out := make(map[string]any, len(form))
		for name, values := range form {
			out[name] = values[0]
		}
		return out, nil
	}
	dec := json.NewDecoder(bytes.NewReader(req.Body))
	dec.UseNumber() // IDs may be larger than a float holds
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, sdk.Invalidf("the body is not JSON")
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, sdk.Invalidf("the body is more than one JSON value")
	}
	return v, nil
}

func (h *Hook) event(r received, body, item any, index int) sdk.Event {
	scope := func(path string) (any, bool) {
		switch {
		case path == "$index":
			return strconv.Itoa(index), true
		case strings.HasPrefix(path, "$body."):
			return template.Lookup(body, path[len("$body."):])
		case strings.HasPrefix(path, "$"):
			return r.whole(path[1:])
		}
		return template.Lookup(item, path)
	}
	text := func(t template.Template) string {
		s, _ := t.Text(scope)
		return s
	}
	e := sdk.Event{ID: text(h.id), Type: text(h.typ), Account: text(h.account), Kind: sdk.EventIgnored}
	if e.ID == "" {
		sum := sha256.Sum256(r.req.Body)
		e.ID = hex.EncodeToString(sum[:16]) + "-" + strconv.Itoa(index)
	}
	if at, ok := readTime(h.r.Events.TimeUnit, text(h.at)); ok {
		e.At = at.UTC()
	}
	trigger, ok := h.triggerOf[e.Type]
	if !ok {
		trigger, ok = h.triggerOf["*"]
	}
	if !ok {
		return e
	}
	e.Kind = sdk.EventProvider
	e.Provider = &sdk.ProviderEvent{Name: trigger, EffectKey: key(text(h.key))}
	for _, t := range h.refs {
		if ref := text(t); ref != "" {
			e.Provider.Refs = append(e.Provider.Refs, ref)
		}
	}
	if h.hasData {
		if v, ok := h.data.Value(scope); ok {
			e.Provider.Data, _ = json.Marshal(v) // made of decoded JSON
		}
	}
	return e
}

// key is a text that can be a key of ours, see [sdk.Call].
func key(s string) string {
	if len(s) > 64 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		return ""
	}
	return s
}
