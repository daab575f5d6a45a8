package openapi

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"parley/connectors/declared"
	"parley/connectors/sdk"
)

// keyHeader are headers that carry an idempotency key.
var keyHeader = regexp.MustCompile(`(?i)^(x-)?(idempotency|idempotent|idempotence)([-_]?(key|token|id))?$|^paypal-request-id$|^x-request-idempotency.*$`)

// guessLifetime is how long a key is taken to be remembered where the document
// does not tell.
const guessLifetime = "1h"

// effect proposes what a repeat does. keyParam is the header that carries a key, nil
// where there is none.
func effect(method string, keyParam object) (declared.Effect, string) {
	switch {
	case method == "GET" || method == "HEAD":
		return declared.Effect{Kind: sdk.Read}, ""
	case keyParam != nil:
		lifetime, note := guessLifetime, "The document does not say how long the key is remembered: "+guessLifetime+" is a guess."
		if told := lifetimeIn(text(keyParam, "description")); told != "" {
			lifetime, note = told, "The document says how long the key is remembered."
		}
		return declared.Effect{Kind: sdk.Keyed, KeyHeader: text(keyParam, "name"), KeyLifetime: lifetime}, note
	case method == "PUT" || method == "DELETE":
		return declared.Effect{Kind: sdk.Keyed, KeyLifetime: "15m"}, method + " is idempotent (RFC 9110, 9.2.2), so a repeat within 15 minutes is taken as harmless. " +
			"It undoes what somebody else changed in between; where that matters, make it once."
	}
	return declared.Effect{Kind: sdk.Once}, "No idempotency key is documented: if the outcome of a call is unknown, it is not repeated."
}

var lifetime = regexp.MustCompile(`(?i)\b(\d{1,3})\s*[- ]?(hour|day|minute)s?\b`)

func lifetimeIn(description string) string {
	m := lifetime.FindStringSubmatch(description)
	if m == nil {
		return ""
	}
	n, _ := strconv.Atoi(m[1])
	if strings.EqualFold(m[2], "minute") {
		return strconv.Itoa(n) + "m"
	}
	if strings.EqualFold(m[2], "day") {
		n *= 24
	}
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n) + "h"
}

// cursors are the names of parameters that take a cursor, and where answers have
// the next one.
var (
	cursors = []string{"cursor", "after", "page[after]", "starting_after", "pagination_token", "next_token", "page_token", "pageToken", "continuation_token", "next_cursor", "nextToken"}
	nexts   = []string{"next_cursor", "nextCursor", "next_page_token", "nextPageToken", "meta.next_token", "meta.next_cursor", "meta.after_cursor",
		"paging.next.after", "paging.cursors.after", "pagination.next_cursor", "response_metadata.next_cursor", "cursor.next", "after_cursor", "last_id", "nextToken"}
	addresses = []string{"next_page_uri", "next_page_url", "meta.next_page_url", "links.next", "next_page", "next"}
	lists     = []string{"data", "items", "results", "records", "objects"}
)

// pages guesses how a list goes on. It is only called for GET.
func (c *converter) pages(params map[string]object, answer any, headers object) *declared.Pages {
	items, found := c.itemsOf(answer)
	if !found {
		return nil
	}
	p := &declared.Pages{Items: items}
	if c.at(answer, "has_more") != nil {
		p.More = "has_more"
	}
	for _, param := range cursors {
		if params[param] == nil {
			continue
		}
		for _, next := range nexts {
			if c.at(answer, next) != nil {
				p.Kind, p.Param, p.Next = "cursor", param, next
				return p
			}
		}
	}
	for name := range headers {
		if strings.EqualFold(name, "Link") {
			p.Kind = "link"
			return p
		}
	}
	for _, next := range addresses {
		if s, ok := c.at(answer, next).(object); ok && c.isText(s) {
			p.Kind, p.Next = "url", next
			return p
		}
	}
	for _, kind := range []string{"page", "offset"} {
		param := params[kind]
		if param == nil {
			continue
		}
		schema, _ := c.doc.deref(param["schema"])
		if t := schema["type"]; t != "integer" && t != "number" {
			continue
		}
		p.Kind, p.Param = kind, kind
		if kind == "page" && (isZero(schema["minimum"]) || isZero(schema["default"])) {
			p.First = new(int)
		}
		return p
	}
	return nil
}

func isZero(v any) bool {
	switch v := v.(type) {
	case float64:
		return v == 0
	case uint64:
		return v == 0
	case int64:
		return v == 0
	case int:
		return v == 0
	}
	return false
}

// itemsOf finds the list in an answer.
func (c *converter) itemsOf(answer any) (path string, ok bool) {
	if c.isList(answer) {
		return "", true
	}
	flat, ok := c.flat(answer, 0)
	if !ok {
		return "", false
	}
	properties := sub(flat, "properties")
	var found []string
	for name, s := range properties {
		if c.isList(s) {
			found = append(found, name)
		}
	}
	for _, usual := range lists {
		if slices.Contains(found, usual) {
			return usual, true
		}
	}
	if len(found) == 1 {
		return found[0], true
	}
	return "", false
}

func (c *converter) isList(v any) bool { return c.resolve(v)["type"] == "array" }

// isText tells whether a schema is a text, or null.
func (c *converter) isText(s object) bool {
	switch t := c.resolve(s)["type"].(type) {
	case string:
		return t == "string"
	case []any:
		return slices.Contains(t, any("string")) && len(t) == 2
	}
	return false
}

// resolve follows the references of a converted schema.
func (c *converter) resolve(v any) object {
	for range 32 {
		s, _ := v.(object)
		ref, ok := s["$ref"].(string)
		if !ok {
			return s
		}
		v = c.defs[strings.TrimPrefix(ref, "#/$defs/")]
	}
	return nil
}

// at is the schema at a dotted path of a converted schema, nil if there is none.
func (c *converter) at(v any, path string) any {
	for part := range strings.SplitSeq(path, ".") {
		flat, ok := c.flat(v, 0)
		if !ok {
			return nil
		}
		if v, ok = sub(flat, "properties")[part]; !ok {
			return nil
		}
	}
	return v
}
