package openaifake

import (
	"encoding/json"
	"net/http"
	"slices"
)

// schema is the part of JSON Schema that structured output allows and that the
// fake answers by.
type schema struct {
	Type                 json.RawMessage   `json:"type"`
	Enum                 []string          `json:"enum"`
	Properties           map[string]schema `json:"properties"`
	Required             []string          `json:"required"`
	AdditionalProperties any               `json:"additionalProperties"`
	Items                *schema           `json:"items"`
}

func (s schema) types() (out []string) {
	var one string
	if json.Unmarshal(s.Type, &one) == nil {
		return []string{one}
	}
	if json.Unmarshal(s.Type, &out) != nil {
		return nil
	}
	return out
}

func (s schema) is(kind string) bool { return slices.Contains(s.types(), kind) }
func (s schema) nullable() bool      { return s.is("null") }

// closed is what structured output demands of objects: the guide "Structured
// model outputs", supported schemas.
func (s schema) closed() bool {
	if s.is("object") {
		if s.AdditionalProperties != false || len(s.Required) != len(s.Properties) {
			return false
		}
	}
	for name, p := range s.Properties {
		if !slices.Contains(s.Required, name) || !p.closed() {
			return false
		}
	}
	return s.Items == nil || s.Items.closed()
}

type object map[string]any

func encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("openaifake: an answer must be JSON") // a programming error
	}
	return raw
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encode(v))
}

func fail(w http.ResponseWriter, status int, kind, code, message string) {
	answer(w, status, object{"error": object{"message": message, "type": kind, "param": nil, "code": code}})
}
