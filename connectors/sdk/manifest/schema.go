package manifest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"
)

// Schema is the JSON Schema (draft 2020-12) of the JSON form of a Go type, with
// everything in one tree: names from json tags, descriptions from doc tags,
// required what has no omitempty, nothing additional allowed. Fields tagged
// secret are writeOnly with the format password. The type must not contain itself.
func Schema(t reflect.Type) json.RawMessage {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	r := &jsonschema.Reflector{Anonymous: true, DoNotReference: true, ExpandedStruct: true,
		LookupComment: docTag, Mapper: ownForm}
	s := r.ReflectFromType(t)
	markSecrets(t, s)
	raw, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("manifest: the schema of %s: %v", t, err)) // a programming error
	}
	return raw
}

func docTag(t reflect.Type, field string) string {
	if t.Kind() != reflect.Struct || field == "" {
		return ""
	}
	f, _ := t.FieldByName(field)
	return f.Tag.Get("doc")
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// ownForm leaves open what a type that reads its own JSON accepts: its fields
// do not tell. The standard library's types are known by their names.
func ownForm(t reflect.Type) *jsonschema.Schema {
	first, _, _ := strings.Cut(t.PkgPath(), "/")
	ours := strings.Contains(first, ".") || first == "parley"
	if ours && reflect.PointerTo(t).Implements(unmarshaler) {
		return &jsonschema.Schema{}
	}
	return nil
}

// markSecrets follows the fields of t through its schema.
func markSecrets(t reflect.Type, s *jsonschema.Schema) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		if t.Kind() == reflect.Slice && s != nil {
			s = s.Items
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || s == nil || s.Properties == nil {
		return
	}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			markSecrets(f.Type, s)
			continue
		}
		if name == "" {
			name = f.Name
		}
		p, ok := s.Properties.Get(name)
		if !ok {
			continue
		}
		if f.Tag.Get("secret") == "true" {
			p.WriteOnly, p.Format = true, "password"
		}
		markSecrets(f.Type, p)
	}
}
