package manifest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Breaks lists what in a later manifest would break those who use the earlier
// one: what is gone, and input that has become stricter. Nothing in it is the
// order of things.
func Breaks(before, after Manifest) (broken []string) {
	add := func(where string, list []string) {
		for _, b := range list {
			broken = append(broken, where+": "+b)
		}
	}
	if before.Name != after.Name {
		return []string{fmt.Sprintf("the connector is renamed from %s to %s", before.Name, after.Name)}
	}
	add("settings", stricter(before.Config, after.Config))
	for _, b := range before.Operations {
		i := slices.IndexFunc(after.Operations, func(a Operation) bool { return a.Name == b.Name })
		if i < 0 {
			broken = append(broken, "the operation "+b.Name+" is gone")
			continue
		}
		add("input of "+b.Name, stricter(b.Input, after.Operations[i].Input))
		add("output of "+b.Name, gone(b.Output, after.Operations[i].Output))
	}
	for _, b := range before.Triggers {
		i := slices.IndexFunc(after.Triggers, func(a Trigger) bool { return a.Name == b.Name })
		if i < 0 {
			broken = append(broken, "the trigger "+b.Name+" is gone")
			continue
		}
		add("payload of "+b.Name, gone(b.Payload, after.Triggers[i].Payload))
	}
	if before.Channel != nil && after.Channel == nil {
		broken = append(broken, "the channel is gone")
	}
	if before.Understands && !after.Understands {
		broken = append(broken, "it does not understand language any more")
	}
	return broken
}

// schema is the part of JSON Schema that [Schema] writes and that can be compared.
type schema struct {
	Type       string             `json:"type"`
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
	Items      *schema            `json:"items"`
	Enum       []any              `json:"enum"`
}

// UnmarshalJSON reads true, the schema of anything, as an empty one.
func (s *schema) UnmarshalJSON(raw []byte) error {
	if string(raw) == "true" || string(raw) == "null" {
		return nil
	}
	type plain schema
	return json.Unmarshal(raw, (*plain)(s))
}

func read(raw json.RawMessage) *schema {
	s := &schema{}
	if len(raw) == 0 || json.Unmarshal(raw, s) != nil {
		return nil
	}
	return s
}

// stricter lists what an input accepted before and does not now.
func stricter(before, after json.RawMessage) []string {
	return compare("", read(before), read(after), true)
}

// gone lists what was given before and is not now.
func gone(before, after json.RawMessage) []string {
	return compare("", read(before), read(after), false)
}

func compare(at string, before, after *schema, input bool) (broken []string) {
	switch {
	case before == nil:
		return nil
	case after == nil:
		return []string{named(at) + " is gone"}
	case input && after.Type == "":
		return nil // it takes anything
	case before.Type != after.Type:
		return []string{fmt.Sprintf("%s was of type %s and is now %s", named(at), orAny(before.Type), orAny(after.Type))}
	}
	for _, name := range slices.Sorted(maps.Keys(before.Properties)) {
		broken = append(broken, compare(at+"."+name, before.Properties[name], after.Properties[name], input)...)
	}
	for _, name := range after.Required {
		if input && !slices.Contains(before.Required, name) {
			broken = append(broken, named(at+"."+name)+" is now required")
		}
	}
	for _, v := range before.Enum {
		if input && len(after.Enum) > 0 && !slices.Contains(after.Enum, v) {
			broken = append(broken, fmt.Sprintf("%s no longer accepts %v", named(at), v))
		}
	}
	if input && len(before.Enum) == 0 && len(after.Enum) > 0 {
		broken = append(broken, named(at)+" now accepts a few values only")
	}
	if before.Items != nil {
		broken = append(broken, compare(at+"[]", before.Items, after.Items, input)...)
	}
	return broken
}

func named(at string) string {
	if at == "" {
		return "it"
	}
	return at[1:]
}

func orAny(t string) string {
	if t == "" {
		return "any"
	}
	return t
}
