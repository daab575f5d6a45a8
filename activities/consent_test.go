package activities

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/conversations"
	"parley/workflows/flow"
	"parley/workflows/process"
)

func TestWordsOfConsent(t *testing.T) {
	anywhere, sms := &sdk.Channel{}, &sdk.Channel{OptOutWords: true}
	said := func(m sdk.Incoming) conversations.Event {
		raw, err := json.Marshal(flow.Event{Kind: flow.EventMessage, Message: &m})
		require.NoError(t, err)
		return conversations.Event{Kind: bus.KindMessage, Body: raw}
	}
	for text, want := range map[string][2]conversations.Consent{
		" stop ":          {"out", "out"},
		"Unsubscribe":     {"out", "out"},
		"/stop":           {"out", "out"},
		"STOPALL":         {"", "out"},
		"cancel":          {"", "out"},
		"End":             {"", "out"},
		"quit":            {"", "out"},
		"START":           {"in", "in"},
		"unstop":          {"in", "in"},
		"please stop":     {"", ""},
		"stop it":         {"", ""},
		"cancel my order": {"", ""},
		"":                {"", ""},
	} {
		e := said(sdk.Incoming{Text: text})
		require.Equal(t, want, [2]conversations.Consent{consentWord(anywhere, e), consentWord(sms, e)}, text)
	}
	require.Empty(t, consentWord(sms, said(sdk.Incoming{Text: "Stop", Tap: "stop"})), "a tap answers a question")
	require.Empty(t, consentWord(sms, conversations.Event{Kind: bus.KindMessage}), "erased")
}

func TestNothingIsSentAfterAnOptOut(t *testing.T) {
	k := setUp(t, greeting).talk()
	k.says("hi")
	k.says("STOP")
	require.EqualValues(t, 2, k.turn().Handled)
	require.Equal(t, []string{optedOutText}, k.phone.texts(), "not even what was said before is answered")

	k.says("hi")
	k.says("stop")
	k.turn()
	require.Len(t, k.phone.shown, 1, "one confirmation, and nothing after it")
	require.NoError(t, k.TellContact(t.Context(), process.TellInput{Case: process.Ref{Workspace: k.ws, ID: uuid.New(), Conversation: k.ID},
		Key: "case-1-left", Content: sdk.Content{Text: "your order has left"}}))
	k.turn()
	require.Len(t, k.phone.shown, 1)
	require.Positive(t, one[int](k.engine, `SELECT count(*) FROM events WHERE type = 'message.refused' AND data->>'why' = 'opted_out'`), "the refusal is recorded")
	c, err := k.Conversations.Get(t.Context(), conversations.Key{Workspace: k.ws, ID: k.ID})
	require.NoError(t, err)
	require.NotNil(t, c.OptedOutAt, "and the conversation says so")

	k.says("start")
	k.turn()
	require.Equal(t, []string{optedOutText, optedInText}, k.phone.texts())
	k.says("hi")
	k.turn()
	require.Len(t, k.phone.shown, 5)
}

func TestTheLastWordOfConsentCounts(t *testing.T) {
	k := setUp(t, greeting).talk()
	k.says("stop")
	k.says("start")
	k.turn()
	require.Equal(t, []string{optedOutText, optedInText}, k.phone.texts())
	k.says("stop")
	k.turn()
	k.says("start")
	k.says("stop")
	k.turn()
	require.Equal(t, []string{optedOutText, optedInText, optedOutText}, k.phone.texts())
}

// A reply that waits for its channel is not sent once the customer has opted out.
func TestAnOptOutOvertakesWhatWaits(t *testing.T) {
	k := setUp(t, greeting).talk()
	k.phone.next(fails(&sdk.Error{Class: sdk.Throttled}))
	k.says("hi")
	k.turn()
	k.says("stop")
	k.turn()
	require.Equal(t, []string{optedOutText}, k.phone.texts())
}

func TestWhatAConnectionAnswersItself(t *testing.T) {
	k := setUp(t, greeting).talk()
	k.hears(sdk.Incoming{Reply: &sdk.Content{Text: "We missed your call"}})
	k.turn()
	require.Equal(t, []string{"We missed your call"}, k.phone.texts())
	k.hears(sdk.Incoming{Reaction: "👍", Text: "👍"})
	k.turn()
	require.Len(t, k.phone.shown, 1, "a reaction asks for no answer")
}

// On a channel with a longer window for people, an agent's message is marked as one.
func TestAnAgentAnswersAfterTheWindow(t *testing.T) {
	k := setUp(t, greeting).talk()
	k.channel.Window, k.channel.AgentWindow = 24*time.Hour, 7*24*time.Hour
	ann := conversations.Agent{ID: "ann"}
	key := conversations.Key{Workspace: k.ws, ID: k.ID}
	_, err := k.Conversations.Take(t.Context(), key, ann)
	require.NoError(t, err)
	k.turn()
	k.exec(`UPDATE conversations SET inbound_at = now() - interval '3 days'`)
	_, err = k.Conversations.Say(t.Context(), key, ann, uuid.New(), sdk.Content{Text: "sorry for the wait"})
	require.NoError(t, err)
	k.turn()
	require.Equal(t, []string{"sorry for the wait"}, k.phone.texts())
	require.True(t, k.phone.shown[0].Agent)
}
