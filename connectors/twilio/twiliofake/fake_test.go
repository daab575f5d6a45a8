package twiliofake_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/connectors/twilio"
	"parley/connectors/twilio/twiliofake"
)

const (
	from = "15550001111"
	hook = "https://parley.example/hooks/twilio/demo"
)

func TestAConversationBySMS(t *testing.T) {
	env := fake.NewMemory("")
	handler := twiliofake.Provider.New(env)
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	env.SetBase(srv.URL)
	account := fake.Account{Account: "demo", Hook: hook, Config: twiliofake.Provider.Account(srv.URL, func(name string) string { return "secret-of-" + name })}
	env.SetAccounts(account)
	conn, err := twilio.Connector.Open(account.Config, sdk.Host{Hook: hook})
	require.NoError(t, err)
	phone, seen := handler.(fake.Messaging), 0
	news := func() []sdk.Event {
		var out []sdk.Event
		all := env.Deliveries()
		for _, d := range all[seen:] {
			req := sdk.WebhookRequest{Method: "POST", URL: d.URL, Header: d.Header, Body: d.Body}
			require.NoError(t, conn.(sdk.Receiver).Verify(req, time.Now()))
			events, err := conn.(sdk.Receiver).Parse(req)
			require.NoError(t, err)
			out = append(out, events...)
		}
		seen = len(all)
		return out
	}
	say := func(u fake.Utterance) *sdk.Incoming {
		require.NoError(t, phone.Say(t.Context(), account, from, u))
		return news()[0].Message
	}
	send := func(c sdk.Content) error {
		_, err := conn.(sdk.Sender).Send(t.Context(), sdk.Outgoing{Key: "k-1", To: sdk.Address{Kind: "phone", Value: from}, Content: c})
		return err
	}
	require.NoError(t, conn.(sdk.Checker).Check(t.Context()))
	for range 2 {
		require.NoError(t, conn.(sdk.Subscriber).Subscribe(t.Context(), hook))
	}
	require.Equal(t, "hi", say(fake.Utterance{Text: "hi"}).Text)
	require.NoError(t, send(sdk.Content{Text: "1. A\n2. B"}))
	fates := news()
	require.Equal(t, []any{sdk.StatusSent, sdk.StatusDelivered, "k-1"}, []any{fates[0].Status.Status, fates[1].Status.Status, fates[1].Status.EffectKey})
	require.NoError(t, send(sdk.Content{Media: &sdk.Media{Kind: "image", URL: "https://cdn.example/a", Caption: "C"}}))
	shown := phone.Phone(from)
	require.Equal(t, []string{"1. A\n2. B", "C"}, []string{shown[1].Text, shown[2].Media.Caption})
	news()

	require.Equal(t, "image", say(fake.Utterance{File: &sdk.Media{Kind: "image", Caption: "C"}}).Media.Kind)
	require.Equal(t, "HQ", say(fake.Utterance{Location: &sdk.Location{Latitude: 1, Longitude: 2, Name: "HQ"}}).Location.Name)
	require.True(t, strings.Contains(say(fake.Utterance{Raw: json.RawMessage(`{"call":true}`)}).Reply.Text, "https://"), "a caller gets the link")
	require.Equal(t, "STOP", say(fake.Utterance{Text: "STOP"}).Text)
	require.Equal(t, "21610", sdk.AsError(send(sdk.Content{Text: "T"})).Code)
	say(fake.Utterance{Text: "start"})
	require.NoError(t, send(sdk.Content{Text: "T"}))
}
