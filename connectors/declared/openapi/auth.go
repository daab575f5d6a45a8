package openapi

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"parley/connectors/declared"
)

// auth chooses one of the ways in which the document lets callers in. why tells
// what was left out.
func (d *document) auth() (chosen []declared.Auth, why string) {
	best := 0
	for _, alternative := range d.alternatives() {
		var all []declared.Auth
		rank := 100
		for _, name := range slices.Sorted(maps.Keys(alternative)) {
			a, r, err := d.scheme(name)
			if err != nil {
				why, rank = fmt.Sprintf("the security scheme %s was left out: %v", name, err), 0
				break
			}
			all, rank = append(all, a), min(rank, r)
		}
		if len(all) > 0 && rank > best {
			chosen, best = distinct(all), rank
		}
	}
	if chosen != nil {
		why = ""
	}
	return chosen, why
}

// alternatives are the requirements of the document and of its operations.
func (d *document) alternatives() []object {
	var out []object
	add := func(l []any) {
		for _, v := range l {
			if o, ok := v.(object); ok && len(o) > 0 {
				out = append(out, o)
			}
		}
	}
	add(list(d.root, "security"))
	paths := sub(d.root, "paths")
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		for _, method := range methods {
			add(list(sub(paths, path, method), "security"))
		}
	}
	if len(out) == 0 { // schemes that nothing asks for are still how to get in
		for _, name := range slices.Sorted(maps.Keys(sub(d.root, "components", "securitySchemes"))) {
			out = append(out, object{name: []any{}})
		}
	}
	return out
}

// scheme reads a security scheme and how well it suits a program.
func (d *document) scheme(name string) (declared.Auth, int, error) {
	s, err := d.deref(sub(d.root, "components", "securitySchemes")[name])
	if err != nil {
		return declared.Auth{}, 0, err
	}
	scheme := strings.TrimSuffix(strings.ToLower(text(s, "scheme")), "auth") // some write BasicAuth
	switch kind, in := strings.ToLower(text(s, "type")), text(s, "in"); {
	case kind == "http" && scheme == "bearer":
		return declared.Auth{Type: "bearer"}, 9, nil
	case kind == "http" && scheme == "basic":
		return declared.Auth{Type: "basic"}, 7, nil
	case kind == "apikey" && (in == "header" || in == "query") && text(s, "name") != "":
		rank := map[string]int{"header": 6, "query": 3}[in]
		return declared.Auth{Type: in, Name: text(s, "name"), Setting: setting(text(s, "name"))}, rank, nil
	case kind == "oauth2":
		for flow, rank := range map[string]int{"clientCredentials": 8, "authorizationCode": 5} {
			f := sub(s, "flows", flow)
			if text(f, "tokenUrl") == "" || flow == "authorizationCode" && text(sub(s, "flows", "clientCredentials"), "tokenUrl") != "" {
				continue
			}
			return declared.Auth{Type: "oauth2", TokenURL: absolute(text(f, "tokenUrl")), AuthorizeURL: absolute(text(f, "authorizationUrl"))}, rank, nil
		}
	}
	return declared.Auth{}, 0, fmt.Errorf("%s %s is not supported", text(s, "type"), text(s, "scheme"))
}

func absolute(address string) string {
	if strings.HasPrefix(address, "/") {
		return "{base_url}" + address
	}
	return address
}

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

// setting names the setting of an API key by its header or parameter.
func setting(name string) string {
	s := strings.Trim(notWord.ReplaceAllString(strings.ToLower(name), "_"), "_")
	if s == "" || s == "authorization" || s[0] >= '0' && s[0] <= '9' {
		return "api_key"
	}
	return s
}

func distinct(all []declared.Auth) []declared.Auth {
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(a declared.Auth) bool {
		id := a.Type + " " + a.Name
		twice := seen[id]
		seen[id] = true
		return twice
	})
}

var variable = regexp.MustCompile(`\{([^{}]+)\}`)

// server gives the address and the settings in it. A relative address has no
// meaning without the place that the document came from: "" then.
func server(servers []any) (base string, settings map[string]declared.Setting) {
	var chosen object
	for _, v := range servers {
		s, ok := v.(object)
		u := text(s, "url")
		if !ok || !strings.HasPrefix(u, "https://") && !strings.HasPrefix(u, "http://") {
			continue
		}
		// Trial systems come first in some documents.
		trial := strings.Contains(u, "sandbox") || strings.Contains(u, "staging") || strings.Contains(u, "://test")
		if chosen == nil || !trial && strings.Contains(text(chosen, "url"), "sandbox") {
			chosen = s
		}
	}
	if chosen == nil {
		return "", nil
	}
	settings = map[string]declared.Setting{}
	base = variable.ReplaceAllStringFunc(strings.TrimRight(text(chosen, "url"), "/"), func(m string) string {
		name := m[1 : len(m)-1]
		v := sub(chosen, "variables", name)
		s := declared.Setting{Default: text(v, "default"), Doc: firstSentence(text(v, "description"))}
		if s.Doc == "" {
			s.Doc = "Part of the provider's address: " + name + "."
		}
		s.Required = s.Default == ""
		settings[setting(name)] = s
		return "{$settings." + setting(name) + "}"
	})
	return base, settings
}
