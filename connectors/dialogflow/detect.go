package dialogflow

import (
	"context"
	"regexp"
	"strings"
	"unicode/utf8"

	"cloud.google.com/go/dialogflow/cx/apiv3/cxpb"

	"parley/connectors/sdk"
)

// maxText is the longest text that is sent, in characters: a bound of our own, as
// long as the longest message of a channel.
const maxText = 4096

// TextInput is something said in a conversation that the agent leads.
type TextInput struct {
	Text       string         `json:"text" doc:"What the customer wrote, at most 4,096 characters. It is sent as it is."`
	Session    string         `json:"session" doc:"Opaque name of the conversation: 1 to 36 letters, digits, _ and -."`
	Language   string         `json:"language,omitempty" doc:"BCP 47 tag of the customer's language."`
	Parameters map[string]any `json:"parameters,omitempty" doc:"What the agent may know, as session parameters of its own names."`
	Sentiment  bool           `json:"analyze_sentiment,omitempty" doc:"Have the sentiment analysed, which Google charges for. Not for match_intent."`
}

var sessionForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,36}$`)

// Validate implements [sdk.Validator].
func (in TextInput) Validate() error {
	switch {
	case strings.TrimSpace(in.Text) == "" || utf8.RuneCountInString(in.Text) > maxText:
		return sdk.Invalidf("text must be 1 to %d characters", maxText)
	case !sessionForm.MatchString(in.Session):
		return sdk.Invalidf("session must be 1 to 36 letters, digits, _ and -")
	case in.Language != "" && !languageForm.MatchString(in.Language):
		return sdk.Invalidf("language must be a BCP 47 tag such as pt-BR")
	}
	return nil
}

func (in TextInput) question() question {
	return question{text: in.Text, session: in.Session, language: in.Language, parameters: in.Parameters, sentiment: in.Sentiment}
}

// TextOutput is the agent's answer.
type TextOutput struct {
	Session    string         `json:"session" doc:"The conversation's name."`
	Messages   []string       `json:"messages,omitempty" doc:"What the agent says, in order."`
	Intent     string         `json:"intent,omitempty" doc:"The agent's display name of what is wanted."`
	Confidence float64        `json:"confidence,omitempty" doc:"How sure Dialogflow is of the intent, from 0 to 1."`
	Match      string         `json:"match,omitempty" doc:"How the text was taken: INTENT, PARAMETER_FILLING, NO_MATCH …"`
	Parameters map[string]any `json:"parameters,omitempty" doc:"What is known by now, by the agent's parameters."`
	Flow       string         `json:"flow,omitempty" doc:"Display name of the agent's flow that the conversation is in."`
	Page       string         `json:"page,omitempty" doc:"Display name of the page that it is on."`
	Language   string         `json:"language,omitempty" doc:"The language in which the text was read."`
	Sentiment  string         `json:"sentiment,omitempty" doc:"positive, neutral or negative, where it was analysed."`
	Score      float64        `json:"sentiment_score,omitempty" doc:"From -1 (negative) to 1 (positive)."`
	// Ended and Handoff are what the agent asks of whoever carries the conversation.
	Ended   bool `json:"ended,omitempty" doc:"The agent has ended the conversation."`
	Handoff bool `json:"handoff,omitempty" doc:"The agent hands the conversation to a person."`
}

func (c *connection) detect(ctx context.Context, _ sdk.Call, in TextInput) (TextOutput, error) {
	q := in.question()
	input, parameters, err := c.input(q)
	if err != nil {
		return TextOutput{}, err
	}
	got, err := c.sessions.DetectIntent(sdk.WithOperation(ctx, "detect_intent"),
		&cxpb.DetectIntentRequest{Session: c.session(q.session), QueryInput: input, QueryParams: parameters})
	if err != nil {
		return TextOutput{}, failed(err)
	}
	result := got.GetQueryResult()
	if result == nil {
		return TextOutput{}, unreadable(nil)
	}
	out := TextOutput{Session: in.Session, Intent: result.GetIntent().GetDisplayName(), Confidence: bounded(result.GetIntentDetectionConfidence()),
		Match: result.GetMatch().GetMatchType().String(), Parameters: result.GetParameters().AsMap(), Flow: result.GetCurrentFlow().GetDisplayName(),
		Page: result.GetCurrentPage().GetDisplayName(), Language: result.GetLanguageCode()}
	if s := result.GetSentimentAnalysisResult(); s != nil {
		out.Sentiment, out.Score = sentiment(s.GetScore()), float64(s.GetScore())
	}
	for _, m := range result.GetResponseMessages() {
		if text := strings.Join(m.GetText().GetText(), "\n"); text != "" {
			out.Messages = append(out.Messages, text)
		}
		out.Ended = out.Ended || m.GetEndInteraction() != nil
		out.Handoff = out.Handoff || m.GetLiveAgentHandoff() != nil
	}
	return out, nil
}

// sentiment is a word for a score, from -1 to 1. The bounds are those of Google's own
// demonstration of its Natural Language API.
func sentiment(score float32) string {
	switch {
	case score >= 0.25:
		return sdk.Positive
	case score <= -0.25:
		return sdk.Negative
	}
	return sdk.Neutral
}

// MatchOutput is what a text may be.
type MatchOutput struct {
	Matches []Match `json:"matches" doc:"The likely ones, the most likely first."`
}

// Match is one of the agent's intents that a text may be.
type Match struct {
	Intent     string         `json:"intent,omitempty" doc:"The agent's display name of it."`
	Match      string         `json:"match" doc:"INTENT, NO_MATCH, PARAMETER_FILLING …"`
	Confidence float64        `json:"confidence,omitempty" doc:"How sure Dialogflow is, from 0 to 1."`
	Parameters map[string]any `json:"parameters,omitempty" doc:"What was found in the text, by the intent's parameters."`
}

func (c *connection) match(ctx context.Context, _ sdk.Call, in TextInput) (MatchOutput, error) {
	q := in.question()
	q.sentiment = false
	list, err := c.matches(ctx, "match_intent", q)
	if err != nil {
		return MatchOutput{}, err
	}
	out := MatchOutput{Matches: []Match{}}
	for _, m := range list {
		out.Matches = append(out.Matches, Match{Intent: m.GetIntent().GetDisplayName(), Match: m.GetMatchType().String(),
			Confidence: bounded(m.GetConfidence()), Parameters: m.GetParameters().AsMap()})
	}
	return out, nil
}
