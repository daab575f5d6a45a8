package connectortest

import (
	"encoding/json"
	"reflect"
	"slices"

	"parley/connectors/sdk"
	"parley/connectors/sdk/manifest"
	"parley/connectors/sdk/role"
)

// roleChecks hold a connector to the roles that it takes on.
func (s Subject) roleChecks() (list []Check) {
	for _, r := range role.Of(s.Connector) {
		list = append(list, Check{"role/" + string(r.Name), func(p *Probe) { s.plays(p, r) }})
	}
	return list
}

// plays: all operations and triggers of the role are there, with the role's fields.
func (s Subject) plays(p *Probe, r role.Role) {
	for _, want := range r.Operations {
		i := slices.IndexFunc(s.Connector.Operations, func(o sdk.Operation) bool { return o.Name == want.Name })
		if i < 0 {
			p.Errorf("the role %s has an operation %s too", r.Name, want.Name)
			continue
		}
		got := s.Connector.Operations[i]
		takes(p, want.Name+"'s input", manifest.Schema(want.Input), manifest.InputSchema(got), true)
		takes(p, want.Name+"'s output", manifest.Schema(want.Output), manifest.OutputSchema(got), false)
	}
	for _, want := range r.Triggers {
		i := slices.IndexFunc(s.Connector.Triggers, func(t sdk.Trigger) bool { return t.Name == want.Name })
		if i < 0 || s.Connector.Triggers[i].Payload == nil {
			p.Errorf("the role %s has a trigger %s too", r.Name, want.Name)
			continue
		}
		takes(p, want.Name, manifest.Schema(want.Payload), manifest.Schema(reflect.TypeOf(s.Connector.Triggers[i].Payload)), false)
	}
}

type object struct {
	Type       any
	Properties map[string]struct{ Type any }
	Required   []string
}

// takes: the fields that are wanted are there, of the same type. An input requires
// nothing that the role does not.
func takes(p *Probe, what string, want, got json.RawMessage, input bool) {
	var w, g object
	if json.Unmarshal(want, &w) != nil || json.Unmarshal(got, &g) != nil {
		p.Errorf("%s: the schema is not readable", what)
		return
	}
	for name, field := range w.Properties {
		if has, ok := g.Properties[name]; !ok {
			p.Errorf("%s has no field %s", what, name)
		} else if has.Type != field.Type {
			p.Errorf("%s: the field %s is of type %v, and the role's of %v", what, name, has.Type, field.Type)
		}
	}
	if !input {
		return
	}
	for _, name := range g.Required {
		if !slices.Contains(w.Required, name) {
			p.Errorf("%s: the field %s is required, which the role's is not", what, name)
		}
	}
}
