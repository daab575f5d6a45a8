package api

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"parley/api/problem"
)

// check validates a value against its schema. The findings name places, never
// values; at is where the value stands.
func check(schema *jsonschema.Schema, value any, at string) []problem.Field {
	if schema == nil {
		return nil
	}
	err, ok := schema.Validate(value).(*jsonschema.ValidationError)
	if !ok {
		return nil
	}
	var fields []problem.Field
	collect(err, at, &fields)
	return fields
}

func collect(err *jsonschema.ValidationError, at string, fields *[]problem.Field) {
	if len(err.Causes) > 0 {
		for _, c := range err.Causes {
			collect(c, at, fields)
		}
		return
	}
	place := at
	for _, part := range err.InstanceLocation {
		place += "/" + pointerEscape.Replace(showName(part))
	}
	switch k := err.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			*fields = append(*fields, problem.Field{Pointer: place + "/" + name, Detail: "is required"})
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			*fields = append(*fields, problem.Field{Pointer: place + "/" + pointerEscape.Replace(showName(name)), Detail: "there is no such field"})
		}
	default:
		*fields = append(*fields, problem.Field{Pointer: place, Detail: why(err.ErrorKind)})
	}
}

// why words a finding without the value that it is about.
func why(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return "must be " + strings.Join(k.Want, " or ") + ", not " + k.Got
	case *kind.Enum:
		return "must be one of " + strings.Trim(fmt.Sprint(k.Want), "[]")
	case *kind.Format:
		return "must be a " + k.Want
	case *kind.Pattern:
		return "must match " + k.Want
	case *kind.MinLength:
		return fmt.Sprintf("must have at least %d characters", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("must have at most %d characters", k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("must have at least %d items", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("must have at most %d items", k.Want)
	case *kind.Minimum:
		return "must be at least " + k.Want.RatString()
	case *kind.Maximum:
		return "must be at most " + k.Want.RatString()
	}
	return "is not valid"
}

var (
	pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")
	nameForm      = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,39}$|^[0-9]{1,4}$`)
)

// showName keeps what looks like the name of a field; a request's own names could
// be anything.
func showName(name string) string {
	if nameForm.MatchString(name) {
		return name
	}
	return "(name)"
}
