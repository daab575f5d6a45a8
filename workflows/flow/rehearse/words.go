package rehearse

import (
	"encoding/json"
	"slices"
	"strings"

	"parley/connectors/sdk"
	"parley/workflows/flow"
)

// sameWords compares what is said, but for the IDs of choices, which name steps.
func sameWords(old, now []flow.Effect) bool {
	return slices.Equal(shown(old), shown(now))
}

func shown(effects []flow.Effect) []string {
	var out []string
	for _, e := range effects {
		if e.Kind != flow.EffectSend || e.Content == nil {
			continue
		}
		raw, err := json.Marshal(e.Content)
		var tree any
		if err == nil {
			err = json.Unmarshal(raw, &tree)
		}
		if err == nil {
			raw, err = json.Marshal(withoutIDs(tree))
		}
		if err != nil {
			raw = []byte(e.Content.Text)
		}
		out = append(out, string(raw))
	}
	return out
}

func withoutIDs(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "id")
		for k, item := range v {
			v[k] = withoutIDs(item)
		}
	case []any:
		for i := range v {
			v[i] = withoutIDs(v[i])
		}
	}
	return v
}

// said is what effects say, for people.
func said(effects []flow.Effect) []string {
	var out []string
	for _, e := range effects {
		if e.Kind == flow.EffectSend && e.Content != nil {
			out = append(out, text(e.Content))
		}
	}
	return out
}

func text(c *sdk.Content) string {
	s := c.Text
	var labels []string
	for _, choice := range c.Choices {
		labels = append(labels, choice.Label)
	}
	if labels != nil {
		s += " [" + strings.Join(labels, " | ") + "]"
	}
	return s
}

// written is what the customer wrote.
func written(events []flow.Event) []string {
	var out []string
	for _, e := range events {
		if e.Kind == flow.EventMessage && e.Message != nil {
			out = append(out, e.Message.Text)
		}
	}
	return out
}
