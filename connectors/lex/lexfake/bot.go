package lexfake

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

var sessionForm = regexp.MustCompile(`^[0-9a-zA-Z._:-]{2,100}$`)

// intents of the bot, with their examples and slots.
var intents = []struct {
	name, examples string
	slots          map[string]*regexp.Regexp
	asks, says     string
}{
	{"order_status", "where is my order parcel package delivery track dónde está mi pedido",
		map[string]*regexp.Regexp{"order_number": regexp.MustCompile(`\b[A-Z]?[0-9]{3,10}\b`)}, "What is the order's number?", "I look it up."},
	{"refund", "i want a refund money back return reembolso",
		map[string]*regexp.Regexp{"amount": regexp.MustCompile(`\b[0-9]+(\.[0-9]{2})?\b`)}, "How much?", "I start the refund."},
	{"greet", "hello hi good morning hola", nil, "", "Hello!"},
}

// threshold is Lex's default for the score below which the fallback comes first.
const threshold = 0.4

var word = regexp.MustCompile(`[\p{L}\p{M}\p{N}]+`)

func split(text string) []string { return word.FindAllString(strings.ToLower(text), -1) }

// score is the share of the utterance's words that an intent knows, 0.95 at most.
func score(examples string, words []string) float64 {
	known := split(examples)
	common := 0
	for _, w := range words {
		if slices.Contains(known, w) {
			common++
		}
	}
	return min(float64(common)/float64(max(len(words), 1)), 0.95)
}

// interpretations are those of a text, the most likely first, as Lex lists them.
func interpretations(text string) []object {
	type scored struct {
		at    int
		score float64
	}
	words := split(text)
	var order []scored
	for i, in := range intents {
		order = append(order, scored{i, score(in.examples, words)})
	}
	slices.SortStableFunc(order, func(a, b scored) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return 0
	})
	var out []object
	for _, s := range order {
		slots := object{}
		for name, form := range intents[s.at].slots {
			slots[name] = nil
			if found := form.FindString(text); found != "" {
				slots[name] = slotOf(found)
			}
		}
		out = append(out, object{"nluConfidence": object{"score": s.score}, "interpretationSource": "Lex",
			"intent": object{"name": intents[s.at].name, "slots": slots, "state": "InProgress", "confirmationState": "None"}})
	}
	none := object{"interpretationSource": "Lex", "intent": object{"name": "FallbackIntent", "slots": object{}, "state": "InProgress", "confirmationState": "None"}}
	if order[0].score < threshold {
		out = append([]object{none}, out...)
	} else {
		out = append(out, none)
	}
	out[0]["sentimentResponse"] = sentiment(words)
	return out[:min(len(out), 5)]
}

func slotOf(text string) object {
	return object{"shape": "Scalar", "value": object{"originalValue": text, "interpretedValue": text, "resolvedValues": []string{text}}}
}

func sentiment(words []string) object {
	has := func(list ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(list, w) })
	}
	good, bad := has("great", "thanks", "gracias", "love"), has("bad", "angry", "terrible", "mal")
	name := "NEUTRAL"
	switch {
	case good && bad:
		name = "MIXED"
	case good:
		name = "POSITIVE"
	case bad:
		name = "NEGATIVE"
	}
	scores := object{"positive": 0.01, "negative": 0.01, "neutral": 0.01, "mixed": 0.01}
	scores[strings.ToLower(name)] = 0.97
	return object{"sentiment": name, "sentimentScore": scores}
}

// session is what the bot keeps of a conversation.
type session struct {
	// Intent and Slots are of what is in progress; Slot is what the bot asks for.
	Intent     string         `json:"intent,omitempty"`
	Slots      map[string]any `json:"slots,omitempty"`
	Slot       string         `json:"slot,omitempty"`
	Attributes map[string]any `json:"attributes,omitempty"`
	Last       object         `json:"last"`
}

func key(r *http.Request) string { return r.PathValue("locale") + "/" + r.PathValue("session") }

func (s *server) recognize(w http.ResponseWriter, r *http.Request, body []byte) {
	var in struct {
		Text  string `json:"text"`
		State struct {
			Action     map[string]any `json:"dialogAction"`
			Attributes map[string]any `json:"sessionAttributes"`
		} `json:"sessionState"`
		Attributes map[string]any `json:"requestAttributes"`
	}
	if json.Unmarshal(body, &in) != nil || in.Text == "" || utf8.RuneCountInString(in.Text) > 1024 {
		fail(w, http.StatusBadRequest, "ValidationException", "Value at 'text' failed to satisfy constraint: Member must have length less than or equal to 1024")
		return
	}
	var kept session
	s.env.State().Get("sessions", key(r), &kept)
	if in.State.Action["type"] == "ElicitIntent" {
		kept.Intent, kept.Slots, kept.Slot = "", nil, ""
	}
	if in.State.Attributes != nil {
		kept.Attributes = in.State.Attributes
	}
	out := kept.hear(in.Text)
	out["sessionId"] = r.PathValue("session")
	if in.Attributes != nil {
		out["requestAttributes"] = in.Attributes
	}
	kept.Last = out
	s.env.State().Put("sessions", key(r), kept)
	answer(w, out)
}

// hear moves a conversation on by one text: it answers what the bot asked for, or is
// an intent of its own.
func (k *session) hear(text string) object {
	list := interpretations(text)
	if k.Slot != "" {
		k.Slots[k.Slot] = slotOf(text)
		k.Slot = ""
		list = []object{{"intent": object{"name": k.Intent, "slots": k.Slots, "state": "InProgress", "confirmationState": "None"},
			"interpretationSource": "Lex", "sentimentResponse": sentiment(split(text))}}
	} else {
		first := list[0]["intent"].(object)
		k.Intent, k.Slots = first["name"].(string), first["slots"].(object)
	}
	says, action := "Sorry, what?", object{"type": "ElicitIntent"}
	state := "Failed"
	for _, in := range intents {
		if in.name != k.Intent {
			continue
		}
		says, action, state = in.says, object{"type": "Close"}, "ReadyForFulfillment"
		for name := range in.slots {
			if k.Slots[name] == nil {
				k.Slot, says, action, state = name, in.asks, object{"type": "ElicitSlot", "slotToElicit": name}, "InProgress"
			}
		}
	}
	current := object{"name": k.Intent, "slots": k.Slots, "state": state, "confirmationState": "None"}
	list[0]["intent"] = current
	if k.Attributes == nil {
		k.Attributes = map[string]any{}
	}
	return object{"messages": []object{{"content": says, "contentType": "PlainText"}}, "interpretations": list,
		"sessionState": object{"dialogAction": action, "intent": current, "sessionAttributes": k.Attributes, "originatingRequestId": "sandbox"}}
}

func (s *server) getSession(w http.ResponseWriter, r *http.Request, _ []byte) {
	var kept session
	if !s.env.State().Get("sessions", key(r), &kept) {
		fail(w, http.StatusNotFound, "ResourceNotFoundException", "The session was not found.")
		return
	}
	answer(w, object{"sessionId": r.PathValue("session"), "messages": kept.Last["messages"], "interpretations": kept.Last["interpretations"],
		"sessionState": kept.Last["sessionState"]})
}

func (s *server) deleteSession(w http.ResponseWriter, r *http.Request, _ []byte) {
	var kept session
	if !s.env.State().Get("sessions", key(r), &kept) {
		fail(w, http.StatusNotFound, "ResourceNotFoundException", "The session was not found.")
		return
	}
	s.env.State().Delete("sessions", key(r))
	answer(w, object{"botId": r.PathValue("bot"), "botAliasId": r.PathValue("alias"), "localeId": r.PathValue("locale"), "sessionId": r.PathValue("session")})
}
