package dialogflow

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"cloud.google.com/go/dialogflow/cx/apiv3/cxpb"

	"parley/connectors/sdk"
	"parley/connectors/sdk/mask"
)

var _ sdk.Understander = (*connection)(nil)

// Understand implements [sdk.Understander]. The agent's intents count as far as the
// flow has them, by their display names or by the setting intents. It asks by
// MatchIntent, which changes no session and calls no fulfilment, so that each
// utterance is read for itself, by the routes of the page where sessions begin.
// MatchIntent tells no sentiment.
//
// The text leaves, masked unless the connection says otherwise, and the facts, as
// session parameters of the one request. What is empty or longer than 4,096
// characters is not understood.
func (c *connection) Understand(ctx context.Context, u sdk.Utterance) (sdk.Understanding, error) {
	masked := mask.Masked{Text: u.Text}
	if !c.Unmasked {
		masked = mask.Text(u.Text)
	}
	out := sdk.Understanding{Engine: "dialogflow"}
	if strings.TrimSpace(masked.Text) == "" || utf8.RuneCountInString(masked.Text) > maxText {
		return out, nil
	}
	q := question{text: masked.Text, session: sessionID(u.Session), language: u.Language}
	for name, value := range u.Facts {
		if q.parameters == nil {
			q.parameters = map[string]any{}
		}
		q.parameters[name] = value
	}
	list, err := c.matches(ctx, "understand", q)
	if err != nil {
		return sdk.Understanding{}, err
	}
	c.read(list, u, masked, &out)
	return out, nil
}

// read takes the best match.
func (c *connection) read(list []*cxpb.Match, u sdk.Utterance, masked mask.Masked, out *sdk.Understanding) {
	best := list[0]
	switch best.GetMatchType() {
	case cxpb.Match_NO_MATCH:
		out.Intent = sdk.OutOfScope
		return
	case cxpb.Match_INTENT, cxpb.Match_DIRECT_INTENT:
	default:
		return // an answer to a question of the agent's, an event, a playbook: no intent
	}
	theirs := best.GetIntent().GetDisplayName()
	ours := c.Intents[theirs]
	if ours == "" {
		ours = theirs
	}
	i := slices.IndexFunc(u.Intents, func(i sdk.Intent) bool { return i.Name == ours })
	if i < 0 {
		return
	}
	out.Intent, out.Confidence = ours, bounded(best.GetConfidence())
	out.Margin = out.Confidence
	if len(list) > 1 {
		out.Margin = bounded(best.GetConfidence() - list[1].GetConfidence())
	}
	found := best.GetParameters().AsMap()
	for name, kind := range u.Intents[i].Entities {
		value := typed(found[name], kind, masked)
		if value == nil || value == "" {
			continue
		}
		if out.Entities == nil {
			out.Entities = map[string]any{}
		}
		out.Entities[name] = value
	}
}

func bounded(score float32) float64 {
	// float32's 0.9 is no 0.9 of float64: what comes as a few digits stays a few.
	return min(max(math.Round(float64(score)*1e6)/1e6, 0), 1)
}

// typed is a parameter's value as the flow's kind has it. Dialogflow gives dates and
// amounts as objects ("System entities": sys.date, sys.unit-currency).
func typed(value any, kind string, masked mask.Masked) any {
	switch v := value.(type) {
	case string:
		text := masked.Restore(v)
		if n, err := strconv.ParseFloat(text, 64); err == nil && (kind == "number" || kind == "amount") {
			return n
		}
		return text
	case map[string]any:
		year, y := v["year"].(float64)
		month, m := v["month"].(float64)
		day, d := v["day"].(float64)
		if kind == "date" && y && m && d {
			return fmt.Sprintf("%04d-%02d-%02d", int(year), int(month), int(day))
		}
		if n, ok := v["amount"].(float64); ok && (kind == "number" || kind == "amount") {
			return n
		}
	}
	return value
}
