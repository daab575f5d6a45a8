package telegramfake_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/connectors/telegram"
	"parley/connectors/telegram/telegramfake"
)

const from = "15550001111"

type bench struct {
	env     *fake.Memory
	account fake.Account
	phone   fake.Messaging
	conn    interface {
		sdk.Sender
		sdk.Receiver
		sdk.Subscriber
		sdk.Checker
	}
}

func newBench(t *testing.T) *bench {
	b := &bench{env: fake.NewMemory("")}
	handler := telegramfake.Provider.New(b.env)
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	b.env.SetBase(srv.URL)
	b.account = fake.Account{Account: "demo", Hook: "https://parley.example/hooks/telegram/demo",
		Config: telegramfake.Provider.Account(srv.URL, func(name string) string { return "secret-of-" + name })}
	b.env.SetAccounts(b.account)
	conn, err := telegram.Connector.Open(b.account.Config, sdk.Host{})
	require.NoError(t, err)
	b.phone = handler.(fake.Messaging)
	b.conn = conn.(interface {
		sdk.Sender
		sdk.Receiver
		sdk.Subscriber
		sdk.Checker
	})
	return b
}

// hear lets the customer speak and reads what arrives.
func (b *bench) hear(t *testing.T, u fake.Utterance) *sdk.Incoming {
	require.NoError(t, b.phone.Say(t.Context(), b.account, from, u))
	all := b.env.Deliveries()
	d := all[len(all)-1]
	req := sdk.WebhookRequest{Method: "POST", URL: d.URL, Header: d.Header, Body: d.Body}
	require.NoError(t, b.conn.Verify(req, time.Now()))
	events, err := b.conn.Parse(req)
	require.NoError(t, err)
	return events[0].Message
}

func (b *bench) send(t *testing.T, c sdk.Content) error {
	_, err := b.conn.Send(t.Context(), sdk.Outgoing{Key: "k", To: sdk.Address{Kind: "user", Value: from}, Content: c})
	return err
}

func TestAConversationOnTelegram(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.conn.Check(t.Context()))
	require.NoError(t, b.conn.Subscribe(t.Context(), b.account.Hook))
	require.Equal(t, sdk.NotFound, sdk.AsError(b.send(t, sdk.Content{Text: "hello"})).Class, "a bot cannot write first")

	require.Equal(t, "hi", b.hear(t, fake.Utterance{Text: "hi"}).Text)
	for _, c := range []sdk.Content{
		{Text: "Choose *now*", Choices: []sdk.Choice{{ID: "a", Label: "A"}}},
		{Text: "Pay", Link: &sdk.Link{URL: "https://pay.example", Label: "Pay"}},
		{Media: &sdk.Media{Kind: "image", URL: "https://cdn.example/a", Caption: "C"}},
		{Location: &sdk.Location{Latitude: 1, Longitude: 2, Name: "HQ", Address: "1 Way"}},
		{Contact: &sdk.ContactCard{Name: "Ann", Phones: []string{"4412"}}},
	} {
		require.NoError(t, b.send(t, c))
		shown := b.phone.Phone(from)
		last := shown[len(shown)-1]
		require.Equal(t, c, sdk.Content{Text: last.Text, Choices: last.Choices, Link: last.Link, Media: last.Media, Location: last.Location, Contact: last.Contact})
	}
	tap := b.hear(t, fake.Utterance{Tap: "a"})
	require.Equal(t, []string{"a", "A"}, []string{tap.Tap, tap.Text})
	require.Equal(t, b.phone.Phone(from)[1].ID, tap.ReplyTo)
	require.Equal(t, "image", b.hear(t, fake.Utterance{File: &sdk.Media{Kind: "image", Caption: "C"}}).Media.Kind)
	require.Equal(t, "HQ", b.hear(t, fake.Utterance{Location: &sdk.Location{Latitude: 1, Longitude: 2, Name: "HQ"}}).Location.Name)
	require.Error(t, b.phone.Say(t.Context(), b.account, from, fake.Utterance{Tap: "z"}))

	require.Nil(t, b.hear(t, fake.Utterance{Raw: json.RawMessage(`{"my_chat_member":{"new_chat_member":{"status":"kicked"}}}`)}))
	require.Equal(t, "blocked", sdk.AsError(b.send(t, sdk.Content{Text: "hello"})).Code)
}
