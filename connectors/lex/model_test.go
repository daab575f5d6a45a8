package lex

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

// shape is one of AWS's Smithy model (Smithy 2.0, "JSON AST").
type shape struct {
	Type    string            `json:"type"`
	Members map[string]member `json:"members"`
	Member  member            `json:"member"`
	Key     member            `json:"key"`
	Value   member            `json:"value"`
	Input   member            `json:"input"`
	Output  member            `json:"output"`
	Traits  traits            `json:"traits"`
}

type member struct {
	Target string `json:"target"`
	Traits traits `json:"traits"`
}

type traits struct {
	Required *struct{} `json:"smithy.api#required"`
	Label    *struct{} `json:"smithy.api#httpLabel"`
	Pattern  string    `json:"smithy.api#pattern"`
	Enum     string    `json:"smithy.api#enumValue"`
	Length   *struct{ Min, Max int }
	HTTP     struct{ Method, URI string } `json:"smithy.api#http"`
}

func (t *traits) UnmarshalJSON(raw []byte) error {
	type plain traits
	if err := json.Unmarshal(raw, (*plain)(t)); err != nil {
		return err
	}
	var length struct {
		Length *struct{ Min, Max int } `json:"smithy.api#length"`
	}
	err := json.Unmarshal(raw, &length)
	t.Length = length.Length
	return err
}

type model map[string]shape

func readModel(t *testing.T) model {
	specs := os.Getenv("PARLEY_SPECS")
	if specs == "" {
		t.Skip("PARLEY_SPECS is not set: it names the folder with lex/lex-runtime-v2-2020-08-07.json")
	}
	raw, err := os.ReadFile(filepath.Join(specs, "lex", "lex-runtime-v2-2020-08-07.json"))
	require.NoError(t, err)
	var doc struct{ Shapes model }
	require.NoError(t, json.Unmarshal(raw, &doc))
	return doc.Shapes
}

func (m model) named(name string) shape { return m["com.amazonaws.lexruntimev2#"+name] }

// fits tells what is wrong with a value of a shape. Members that travel in the
// address are looked at by path.
func (m model) fits(target string, v any, at string) error {
	s := m[target]
	switch s.Type {
	case "structure":
		o, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("%s must be an object", at)
		}
		for name, value := range o {
			field, known := s.Members[name]
			if !known || field.Traits.Label != nil {
				return fmt.Errorf("%s has no member %s", at, name)
			}
			if value == nil && field.Traits.Required == nil {
				continue
			}
			if err := m.fits(field.Target, value, at+"."+name); err != nil {
				return err
			}
		}
		for name, field := range s.Members {
			if _, ok := o[name]; !ok && field.Traits.Required != nil && field.Traits.Label == nil {
				return fmt.Errorf("%s.%s is missing", at, name)
			}
		}
	case "list", "map":
		return m.fitsMany(s, v, at)
	case "string", "enum":
		text, ok := v.(string)
		if !ok {
			return fmt.Errorf("%s must be a text", at)
		}
		return s.holds(text, at)
	case "double", "":
		if _, number := v.(float64); target == "smithy.api#String" || strings.HasSuffix(target, "#String") {
			if _, ok := v.(string); !ok {
				return fmt.Errorf("%s must be a text", at)
			}
		} else if !number {
			return fmt.Errorf("%s (%s) must be a number", at, target)
		}
	default:
		return fmt.Errorf("%s is of the type %s, which is not looked at", at, s.Type)
	}
	return nil
}

func (m model) fitsMany(s shape, v any, at string) error {
	list, isList := v.([]any)
	entries, isMap := v.(map[string]any)
	if isList != (s.Type == "list") || isMap != (s.Type == "map") {
		return fmt.Errorf("%s must be a %s", at, s.Type)
	}
	if l := s.Traits.Length; isList && l != nil && l.Max > 0 && len(list) > l.Max {
		return fmt.Errorf("%s has more than %d items", at, l.Max)
	}
	for i, item := range list {
		if err := m.fits(s.Member.Target, item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
			return err
		}
	}
	for _, k := range slices.Sorted(maps.Keys(entries)) {
		if err := m.fits(s.Key.Target, k, at+" key"); err != nil {
			return err
		}
		if entries[k] == nil {
			continue // sparse by what the service does: an empty slot is null
		}
		if err := m.fits(s.Value.Target, entries[k], at+"."+k); err != nil {
			return err
		}
	}
	return nil
}

// holds checks a text's length, pattern and choices.
func (s shape) holds(text, at string) error {
	if l := s.Traits.Length; l != nil {
		if n := utf8.RuneCountInString(text); n < l.Min || l.Max > 0 && n > l.Max {
			return fmt.Errorf("%s has %d characters", at, n)
		}
	}
	if p := s.Traits.Pattern; p != "" && !regexp.MustCompile(p).MatchString(text) {
		return fmt.Errorf("%s does not match %s", at, p)
	}
	if s.Type != "enum" {
		return nil
	}
	for _, choice := range s.Members {
		if choice.Traits.Enum == text {
			return nil
		}
	}
	return fmt.Errorf("%s is none of the choices", at)
}

// binds tells whether a path is that of an operation, and its labels are as they
// should be.
func (m model) binds(operation, method, path string) error {
	op := m.named(operation)
	want, got := strings.Split(op.Traits.HTTP.URI, "/"), strings.Split(path, "/")
	if method != op.Traits.HTTP.Method || len(want) != len(got) {
		return fmt.Errorf("%s %s is not %s %s", method, path, op.Traits.HTTP.Method, op.Traits.HTTP.URI)
	}
	for i, part := range want {
		if label := strings.Trim(part, "{}"); label != part {
			if err := m[m[op.Input.Target].Members[label].Target].holds(got[i], label); err != nil {
				return err
			}
		} else if part != got[i] {
			return fmt.Errorf("%s is not %s", got[i], part)
		}
	}
	return nil
}

func decode(t *testing.T, raw []byte) any {
	var v any
	require.NoError(t, json.Unmarshal(raw, &v), "%s", raw)
	return v
}

// TestRequestsAndAnswersKeepToTheModel holds both sides of the talk against AWS's own
// model.
func TestRequestsAndAnswersKeepToTheModel(t *testing.T) {
	m := readModel(t)
	r := newRig(t)
	for _, text := range []string{"Where is my order A1042?", "nothing of the kind", "I want 20.50 back, great"} {
		_, err := r.conn.Understand(t.Context(), sdk.Utterance{Text: text, Intents: intents, Facts: map[string]string{"plan": "gold"}})
		require.NoError(t, err)
	}
	require.NoError(t, r.conn.Check(t.Context()))
	recognize(t, r, TextInput{Text: "Where is my order", Session: "c-1", Attributes: map[string]string{"plan": "gold"}})
	recognize(t, r, TextInput{Text: "A1042", Session: "c-1"})
	forget := Connector.Operations[1]
	_, _, err := forget.Find(t.Context(), r.conn, sdk.Call{}, sdk.JSONBody(SessionInput{Session: "c-1"}))
	require.NoError(t, err)
	_, err = forget.Run(t.Context(), r.conn, sdk.Call{Key: "k"}, sdk.JSONBody(SessionInput{Session: "c-1"}))
	require.NoError(t, err)
	require.Len(t, r.exchanges, 8)
	for _, e := range r.exchanges {
		operation := map[string]string{"POST": "RecognizeText", "GET": "GetSession", "DELETE": "DeleteSession"}[e.method]
		require.NoError(t, m.binds(operation, e.method, e.path))
		if len(e.body) > 0 {
			require.NoError(t, m.fits(m.named(operation).Input.Target, decode(t, e.body), "request"), "%s", e.body)
		}
		require.NoError(t, m.fits(m.named(operation).Output.Target, decode(t, e.sent), "answer"), "%s", e.sent)
	}
}

// TestTheModelIsReallyApplied: what breaks it is noticed.
func TestTheModelIsReallyApplied(t *testing.T) {
	m := readModel(t)
	input := m.named("RecognizeText").Input.Target
	for _, bad := range []string{`{}`, `{"text":""}`, `{"text":"x","more":1}`, `{"text":"x","sessionState":{"dialogAction":{"type":"Wait"}}}`, `{"text":"x","requestAttributes":{"a":1}}`} {
		require.Error(t, m.fits(input, decode(t, []byte(bad)), "request"), bad)
	}
	require.Error(t, m.binds("RecognizeText", "POST", "/bots/x/botAliases/TSTALIASID/botLocales/en_US/sessions/s1/text"))
	for _, name := range []string{"AccessDeniedException", "ConflictException", "DependencyFailedException", "ResourceNotFoundException", "ThrottlingException",
		"ValidationException", "BadGatewayException", "InternalServerException"} {
		require.Equal(t, "structure", m.named(name).Type, name)
	}
}
