package shopifyfake

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// object is a GraphQL object with all the fields that the fake knows of it.
type object map[string]any

// request is one root field being resolved.
type request struct {
	op   string // the operation's name in snake case
	args map[string]any
	// key is the argument of @idempotent.
	key string
}

// roots resolve root fields. What they return is cut down to the fields asked for.
type roots map[string]func(request) (any, error)

// graphqlError is an error with Shopify's code.
type graphqlError struct{ message, code string }

func (e *graphqlError) Error() string { return e.message }

// graphql serves an endpoint: token, parsing, execution, Shopify's cost figures.
func (s *shop) graphql(fields roots, accepted func(http.Header) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !accepted(r.Header) {
			writeJSON(w, http.StatusUnauthorized, object{
				"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"})
			return
		}
		var req struct {
			Query         string         `json:"query"`
			Variables     map[string]any `json:"variables"`
			OperationName string         `json:"operationName"`
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&req); err != nil {
			writeJSON(w, http.StatusBadRequest, object{"errors": "the body is not a GraphQL request"})
			return
		}
		answer := object{"extensions": object{"cost": object{
			"requestedQueryCost": 10, "actualQueryCost": 10,
			"throttleStatus": object{"maximumAvailable": 2000, "currentlyAvailable": 1990, "restoreRate": 100},
		}}}
		data, err := execute(req.Query, req.OperationName, req.Variables, fields)
		if err != nil {
			code := "GRAPHQL_PARSE_FAILED"
			if e, ok := err.(*graphqlError); ok {
				code = e.code
			}
			answer["errors"] = []object{{"message": err.Error(), "extensions": object{"code": code}}}
		} else {
			answer["data"] = data
		}
		writeJSON(w, http.StatusOK, answer)
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}

func execute(query, name string, vars map[string]any, fields roots) (object, error) {
	doc, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		return nil, err
	}
	op := doc.Operations.ForName(name)
	if op == nil {
		return nil, &graphqlError{"No operation named that", "missingOperation"}
	}
	for _, v := range op.VariableDefinitions {
		if _, given := vars[v.Variable]; !given && v.Type.NonNull && v.DefaultValue == nil {
			return nil, &graphqlError{"Variable $" + v.Variable + " was not provided", "INVALID_VARIABLE"}
		}
	}
	out := object{}
	for _, sel := range op.SelectionSet {
		field, ok := sel.(*ast.Field)
		if !ok || fields[field.Name] == nil {
			return nil, undefined(op.Name, fmt.Sprintf("%T", sel))
		}
		req := request{op: snake(name), args: arguments(field.Arguments, vars)}
		if d := field.Directives.ForName("idempotent"); d != nil {
			req.key, _ = arguments(d.Arguments, vars)["key"].(string)
		}
		value, err := fields[field.Name](req)
		if err != nil {
			return nil, err
		}
		if out[field.Alias], err = project(field.SelectionSet, value, doc.Fragments); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func arguments(list ast.ArgumentList, vars map[string]any) map[string]any {
	out := map[string]any{}
	for _, a := range list {
		if v, err := a.Value.Value(vars); err == nil {
			out[a.Name] = v
		}
	}
	return out
}

// project cuts a value down to a selection.
func project(sel ast.SelectionSet, value any, fragments ast.FragmentDefinitionList) (any, error) {
	switch v := value.(type) {
	case []object:
		out := make([]any, len(v))
		for i, item := range v {
			var err error
			if out[i], err = project(sel, item, fragments); err != nil {
				return nil, err
			}
		}
		return out, nil
	case object:
		if v == nil {
			return nil, nil
		}
		out := object{}
		return out, projectInto(out, sel, v, fragments)
	}
	return value, nil
}

func projectInto(out object, sel ast.SelectionSet, from object, fragments ast.FragmentDefinitionList) error {
	for _, s := range sel {
		switch s := s.(type) {
		case *ast.Field:
			value, known := from[s.Name]
			if !known {
				return undefined(fmt.Sprint(from["__typename"]), s.Name)
			}
			var err error
			if out[s.Alias], err = project(s.SelectionSet, value, fragments); err != nil {
				return err
			}
		case *ast.InlineFragment:
			if s.TypeCondition != "" && s.TypeCondition != from["__typename"] {
				continue
			}
			if err := projectInto(out, s.SelectionSet, from, fragments); err != nil {
				return err
			}
		case *ast.FragmentSpread:
			f := fragments.ForName(s.Name)
			if f == nil {
				return undefined("fragment", s.Name)
			}
			if err := projectInto(out, f.SelectionSet, from, fragments); err != nil {
				return err
			}
		}
	}
	return nil
}

func undefined(on, field string) error {
	return &graphqlError{fmt.Sprintf("Field '%s' doesn't exist on type '%s'", field, on), "undefinedField"}
}

// decode reads an argument into a struct.
func decode(arg, into any) error {
	raw, err := json.Marshal(arg)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		return &graphqlError{"Variable of an input type was provided an invalid value", "INVALID_VARIABLE"}
	}
	return nil
}

func (r request) text(arg string) string { s, _ := r.args[arg].(string); return s }

func (r request) flag(arg string) bool { b, _ := r.args[arg].(bool); return b }

// first is the size of the page asked for.
func (r request) first() int {
	switch n := r.args["first"].(type) {
	case float64:
		return int(n)
	case int64:
		return int(n)
	}
	return 50
}

// connection wraps nodes as Shopify pages them; the fake has one page only.
func connection(nodes []object) object {
	edges := make([]object, len(nodes))
	for i, n := range nodes {
		edges[i] = object{"node": n, "cursor": fmt.Sprint(i)}
	}
	return object{"nodes": nodes, "edges": edges, "pageInfo": object{"hasNextPage": false, "hasPreviousPage": false}}
}

// userErrors is a mutation's payload that says why nothing was done.
func userErrors(list string, field []string, message, code string) object {
	e := object{"field": field, "message": message, "code": nil}
	if code != "" {
		e["code"] = code
	}
	return object{list: []object{e}}
}

// with adds a field to a payload.
func (o object) with(field string, value any) object {
	o[field] = value
	return o
}
