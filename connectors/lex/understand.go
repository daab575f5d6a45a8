package lex

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"parley/connectors/sdk"
	"parley/connectors/sdk/mask"
)

var _ sdk.Understander = (*connection)(nil)

// Understand implements [sdk.Understander]. The bot's intents count as far as the
// flow has them, by their own names or by the setting intents. Each utterance is
// read for itself: the bot is told to expect an intent, whatever was said before.
//
// The text leaves, masked unless the connection says otherwise, and the facts, as
// attributes of the one request. A text that is longer than Lex reads, or empty, is
// not understood.
func (c *connection) Understand(ctx context.Context, u sdk.Utterance) (sdk.Understanding, error) {
	masked := mask.Masked{Text: u.Text}
	if !c.Unmasked {
		masked = mask.Text(u.Text)
	}
	out := sdk.Understanding{Engine: "lex"}
	if strings.TrimSpace(masked.Text) == "" || utf8.RuneCountInString(masked.Text) > maxText {
		return out, nil
	}
	request := textRequest{Text: masked.Text, State: &state{Action: &action{Type: "ElicitIntent"}}}
	for name, value := range u.Facts {
		if name != "" && !strings.HasPrefix(name, reserved) {
			if request.Attributes == nil {
				request.Attributes = map[string]string{}
			}
			request.Attributes[name] = value
		}
	}
	var got answer
	if err := c.call(ctx, http.MethodPost, c.localeOf(u.Language), sessionID(u.Session), "/text", "understand", request, &got); err != nil {
		return sdk.Understanding{}, err
	}
	if got.Session == "" {
		return sdk.Understanding{}, unreadable(nil)
	}
	c.read(got.Interpretations, u, masked, &out)
	return out, nil
}

// Lex's own intents, which stand for none of the bot's (Amazon Lex V2 Developer
// Guide, "Built-in intents").
var fallback = []string{"FallbackIntent", "AMAZON.FallbackIntent", "KendraSearchIntent", "AMAZON.KendraSearchIntent", "AMAZON.QnAIntent"}

// read takes the best interpretation. They are in the order of their confidence; the
// fallback stands first where Lex is not sure of any other.
func (c *connection) read(list []interpretation, u sdk.Utterance, masked mask.Masked, out *sdk.Understanding) {
	if len(list) == 0 {
		return
	}
	best := list[0]
	if best.Sentiment != nil {
		out.Sentiment = sentiments[best.Sentiment.Sentiment]
	}
	if slices.Contains(fallback, best.Intent.Name) {
		out.Intent = sdk.OutOfScope
		return
	}
	ours := c.Intents[best.Intent.Name]
	if ours == "" {
		ours = best.Intent.Name
	}
	i := slices.IndexFunc(u.Intents, func(i sdk.Intent) bool { return i.Name == ours })
	if i < 0 || best.Confidence == nil {
		return
	}
	out.Intent, out.Confidence = ours, bounded(best.Confidence.Score)
	out.Margin = out.Confidence
	if len(list) > 1 && list[1].Confidence != nil {
		out.Margin = max(out.Confidence-bounded(list[1].Confidence.Score), 0)
	}
	for name, kind := range u.Intents[i].Entities {
		value := typed(best.Intent.Slots[name].value(), kind, masked)
		if value == nil {
			continue
		}
		if out.Entities == nil {
			out.Entities = map[string]any{}
		}
		out.Entities[name] = value
	}
}

func bounded(score float64) float64 { return min(max(score, 0), 1) }

// typed is a slot's value as the flow's kind has it. All that Lex gives is text.
func typed(value any, kind string, masked mask.Masked) any {
	text, ok := value.(string)
	if !ok {
		return value
	}
	text = masked.Restore(text)
	if kind == "number" || kind == "amount" {
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return n
		}
	}
	return text
}
