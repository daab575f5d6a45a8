// Package openapi makes declared connectors of OpenAPI documents, 3.0 and 3.1.
//
// A document is read as a plain tree: what a connector needs of it is little, and
// real documents break rules that do not matter here. What matters and is not
// understood is left out and reported, operation by operation. References are
// followed within the document, into which Bundle puts what files beside it
// describe; schemas keep theirs, so that recursion costs nothing.
package openapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

type object = map[string]any

// document is a parsed OpenAPI document.
type document struct {
	root object
	// old tells that it is 3.0, whose schemas are not quite JSON Schema.
	old bool
}

var unslash = strings.NewReplacer("~1", "/", "~0", "~")

func parse(raw []byte) (*document, error) {
	root, err := decode(raw)
	if err != nil {
		return nil, err
	}
	version, _ := root["openapi"].(string)
	switch {
	case root["swagger"] != nil:
		return nil, errors.New("this is a Swagger 2.0 document; convert it to OpenAPI 3 first, for example with swagger2openapi")
	case root["openapi"] == nil:
		return nil, errors.New("this is no OpenAPI document: it has no \"openapi\" at its top")
	case strings.HasPrefix(version, "3.0"), strings.HasPrefix(version, "3.1"), strings.HasPrefix(version, "3.2"):
	default:
		return nil, errors.New("this version of OpenAPI is not known; 3.0 and 3.1 are")
	}
	return &document{root: root, old: strings.HasPrefix(version, "3.0")}, nil
}

// decode reads an object of JSON or YAML.
func decode(raw []byte) (root object, err error) {
	defer func() { // a parser's bug with a stranger's file is no reason to fall
		if r := recover(); r != nil {
			root, err = nil, errors.New("the document cannot be read")
		}
	}()
	if json.Valid(raw) {
		err = json.Unmarshal(raw, &root)
	} else if err = yaml.Unmarshal(raw, &root); err != nil {
		err = errors.New(yaml.FormatError(err, false, false))
	}
	if err != nil {
		return nil, fmt.Errorf("the document is neither JSON nor YAML of an object: %w", err)
	}
	return root, nil
}

// errExternal is a reference that leaves the document.
type errExternal struct{ ref string }

func (e errExternal) Error() string {
	return fmt.Sprintf("it refers to %q, outside of the document and of the files beside it", e.ref)
}

// deref follows references to an object. What is none gives an empty one.
func (d *document) deref(v any) (object, error) {
	for range 32 {
		o, _ := v.(object)
		ref, ok := o["$ref"].(string)
		if !ok {
			if o == nil {
				o = object{}
			}
			return o, nil
		}
		next, err := d.at(ref)
		if err != nil {
			return nil, err
		}
		v = next
	}
	return nil, errors.New("it refers to itself")
}

// at is what a local reference names.
func (d *document) at(ref string) (any, error) {
	pointer, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil, errExternal{ref}
	}
	var v any = d.root
	for part := range strings.SplitSeq(pointer, "/") {
		if u, err := url.PathUnescape(part); err == nil {
			part = u
		}
		part = unslash.Replace(part)
		switch parent := v.(type) {
		case object:
			v, ok = parent[part]
		case []any:
			i, err := strconv.Atoi(part)
			if ok = err == nil && i >= 0 && i < len(parent); ok {
				v = parent[i]
			}
		default:
			ok = false
		}
		if !ok {
			return nil, fmt.Errorf("it refers to %q, which is not there", ref)
		}
	}
	return v, nil
}

// sub is a child object, or an empty one.
func sub(o object, names ...string) object {
	for _, name := range names {
		o, _ = o[name].(object)
	}
	if o == nil {
		return object{}
	}
	return o
}

func text(o object, name string) string {
	s, _ := o[name].(string)
	return s
}

func list(o object, name string) []any {
	l, _ := o[name].([]any)
	return l
}
