package dialogflowfake

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"cloud.google.com/go/dialogflow/cx/apiv3/cxpb"
	"google.golang.org/protobuf/types/known/structpb"
)

type intent struct {
	name, phrases string
	parameters    map[string]*regexp.Regexp
	asks, says    string
}

// intents of the agent, with their training phrases and parameters.
var intents = []intent{
	{"order_status", "where is my order parcel package delivery track dónde está mi pedido",
		map[string]*regexp.Regexp{"order_number": regexp.MustCompile(`\b[A-Z]?[0-9]{3,10}\b`)}, "What is the order's number?", "I look it up."},
	{"refund", "i want a refund money back return reembolso",
		map[string]*regexp.Regexp{"amount": regexp.MustCompile(`\b[0-9]+(\.[0-9]{2})?\b`)}, "How much?", "I start the refund."},
	{"greet", "hello hi good morning hola", nil, "", "Hello!"},
}

// threshold is Dialogflow's default classification threshold.
const threshold = 0.3

var word = regexp.MustCompile(`[\p{L}\p{M}\p{N}]+`)

func split(text string) []string { return word.FindAllString(strings.ToLower(text), -1) }

// matches are those of a text for a new conversation, the most likely first.
func matches(text string) []*cxpb.Match {
	words := split(text)
	var out []*cxpb.Match
	for i, in := range intents {
		known, common := split(in.phrases), 0
		for _, w := range words {
			if slices.Contains(known, w) {
				common++
			}
		}
		score := min(float32(common)/float32(max(len(words), 1)), 0.95)
		if score < threshold {
			continue
		}
		found := map[string]any{}
		for name, form := range in.parameters {
			if v := form.FindString(text); v != "" {
				found[name] = v
			}
		}
		out = append(out, &cxpb.Match{Intent: intentNamed(i), MatchType: cxpb.Match_INTENT, Confidence: score, ResolvedInput: text, Parameters: values(found)})
	}
	if len(out) == 0 {
		return []*cxpb.Match{{MatchType: cxpb.Match_NO_MATCH, Event: "sys.no-match-default", Confidence: threshold, ResolvedInput: text}}
	}
	slices.SortStableFunc(out, func(a, b *cxpb.Match) int { return cmp.Compare(b.GetConfidence(), a.GetConfidence()) })
	return out
}

func intentNamed(i int) *cxpb.Intent {
	return &cxpb.Intent{Name: agent + "/intents/00000000-0000-4000-8000-00000000000" + string(rune('1'+i)), DisplayName: intents[i].name}
}

func values(m map[string]any) *structpb.Struct {
	s, err := structpb.NewStruct(m)
	if err != nil {
		panic(err) // texts under names
	}
	return s
}

// session is what the agent keeps of a conversation: its parameters, the intent in
// progress (counted from 1) and the parameter that it asks for.
type session struct {
	Parameters map[string]any `json:"parameters"`
	Intent     int            `json:"intent"`
	Asks       string         `json:"asks"`
}

func (s *server) match(w http.ResponseWriter, id string, body []byte) {
	var in cxpb.MatchIntentRequest
	if !read(w, body, &in) {
		return
	}
	said, ok := text(w, in.GetQueryInput())
	if !ok {
		return
	}
	var kept session
	s.env.State().Get("sessions", id, &kept)
	answer(w, &cxpb.MatchIntentResponse{Query: &cxpb.MatchIntentResponse_Text{Text: said}, Matches: kept.matches(said), CurrentPage: kept.page()})
}

// matches of a conversation that is waiting for a parameter are that parameter.
func (k session) matches(said string) []*cxpb.Match {
	if k.Asks == "" {
		return matches(said)
	}
	return []*cxpb.Match{{MatchType: cxpb.Match_PARAMETER_FILLING, Confidence: 1, ResolvedInput: said, Parameters: values(map[string]any{k.Asks: said})}}
}

func (k session) page() *cxpb.Page {
	name := "Start Page"
	if k.Asks != "" {
		name = intents[k.Intent-1].name
	}
	return &cxpb.Page{Name: agent + "/flows/00000000-0000-0000-0000-000000000000/pages/" + strings.ReplaceAll(name, " ", "_"), DisplayName: name}
}

func (s *server) detect(w http.ResponseWriter, id string, body []byte) {
	var in cxpb.DetectIntentRequest
	if !read(w, body, &in) {
		return
	}
	said, ok := text(w, in.GetQueryInput())
	if !ok {
		return
	}
	var kept session
	s.env.State().Get("sessions", id, &kept)
	if kept.Parameters == nil {
		kept.Parameters = map[string]any{}
	}
	for name, v := range in.GetQueryParams().GetParameters().AsMap() {
		kept.Parameters[name] = v
	}
	best := kept.matches(said)[0]
	reply := kept.advance(best)
	s.env.State().Put("sessions", id, kept)
	result := &cxpb.QueryResult{Query: &cxpb.QueryResult_Text{Text: said}, LanguageCode: in.GetQueryInput().GetLanguageCode(), Match: best,
		Parameters: values(kept.Parameters), CurrentPage: kept.page(), CurrentFlow: &cxpb.Flow{Name: agent + "/flows/00000000-0000-0000-0000-000000000000", DisplayName: "Default Start Flow"},
		Intent: best.GetIntent(), IntentDetectionConfidence: best.GetConfidence(),
		ResponseMessages: []*cxpb.ResponseMessage{{Message: &cxpb.ResponseMessage_Text_{Text: &cxpb.ResponseMessage_Text{Text: []string{reply}}}}}}
	switch {
	case strings.Contains(strings.ToLower(said), "person"):
		result.ResponseMessages = append(result.ResponseMessages, &cxpb.ResponseMessage{Message: &cxpb.ResponseMessage_LiveAgentHandoff_{LiveAgentHandoff: &cxpb.ResponseMessage_LiveAgentHandoff{}}})
	case strings.Contains(strings.ToLower(said), "bye"):
		result.ResponseMessages = append(result.ResponseMessages, &cxpb.ResponseMessage{Message: &cxpb.ResponseMessage_EndInteraction_{EndInteraction: &cxpb.ResponseMessage_EndInteraction{}}})
	}
	if in.GetQueryParams().GetAnalyzeQueryTextSentiment() {
		result.SentimentAnalysisResult = sentiment(split(said))
	}
	answer(w, &cxpb.DetectIntentResponse{ResponseId: s.env.NextID("response-"), QueryResult: result, ResponseType: cxpb.DetectIntentResponse_FINAL})
}

// advance moves a conversation on by a match and says what the agent answers.
func (k *session) advance(m *cxpb.Match) string {
	for name, v := range m.GetParameters().AsMap() {
		k.Parameters[name] = v
	}
	k.Asks = ""
	if m.GetMatchType() == cxpb.Match_INTENT {
		k.Intent = 1 + slices.IndexFunc(intents, func(in intent) bool { return in.name == m.GetIntent().GetDisplayName() })
	}
	if m.GetMatchType() == cxpb.Match_NO_MATCH {
		return "Sorry, what?"
	}
	in := intents[k.Intent-1]
	for name := range in.parameters {
		if k.Parameters[name] == nil {
			k.Asks = name
			return in.asks
		}
	}
	return in.says
}

func sentiment(words []string) *cxpb.SentimentAnalysisResult {
	out := &cxpb.SentimentAnalysisResult{}
	for _, w := range words {
		switch w {
		case "great", "thanks", "gracias", "love":
			out.Score, out.Magnitude = out.Score+0.6, out.Magnitude+0.6
		case "bad", "angry", "terrible", "mal":
			out.Score, out.Magnitude = out.Score-0.6, out.Magnitude+0.6
		}
	}
	out.Score = max(min(out.Score, 1), -1)
	return out
}
