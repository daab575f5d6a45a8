package metafake_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/instagram"
	"parley/connectors/instagram/instagramfake"
	"parley/connectors/messenger"
	"parley/connectors/messenger/messengerfake"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

const from = "15550001111"

type bench struct {
	env     *fake.Memory
	now     time.Time
	account fake.Account
	phone   fake.Messaging
	conn    connection
}

type connection interface {
	sdk.Sender
	sdk.Receiver
	sdk.Subscriber
	sdk.Checker
}

func newBench(t *testing.T, c sdk.Connector, p fake.Provider) *bench {
	b := &bench{env: fake.NewMemory(""), now: time.Unix(1_700_000_000, 0)}
	b.env.Clock = func() time.Time { return b.now }
	handler := p.New(b.env)
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	b.env.SetBase(srv.URL)
	b.account = fake.Account{Account: "demo", Hook: "https://parley.example/hook", Config: p.Account(srv.URL, func(name string) string { return "secret-of-" + name })}
	b.env.SetAccounts(b.account)
	conn, err := c.Open(b.account.Config, sdk.Host{})
	require.NoError(t, err)
	b.phone, b.conn = handler.(fake.Messaging), conn.(connection)
	return b
}

// news is what the fake has pushed since the last call.
func (b *bench) news(t *testing.T, seen *int) []sdk.Event {
	var out []sdk.Event
	all := b.env.Deliveries()
	for _, d := range all[*seen:] {
		req := sdk.WebhookRequest{Method: "POST", URL: d.URL, Header: d.Header, Body: d.Body}
		require.NoError(t, b.conn.Verify(req, time.Now()))
		events, err := b.conn.Parse(req)
		require.NoError(t, err)
		out = append(out, events...)
	}
	*seen = len(all)
	return out
}

func TestAConversation(t *testing.T) {
	for _, p := range []struct {
		connector sdk.Connector
		fake      fake.Provider
		echoes    bool
	}{{messenger.Connector, messengerfake.Provider, true}, {instagram.Connector, instagramfake.Provider, false}} {
		t.Run(p.connector.Name, func(t *testing.T) {
			b, seen := newBench(t, p.connector, p.fake), 0
			send := func(out sdk.Outgoing) error {
				out.Key, out.To = "k-1", sdk.Address{Kind: "user", Value: from}
				_, err := b.conn.Send(t.Context(), out)
				return err
			}
			say := func(u fake.Utterance) *sdk.Incoming {
				require.NoError(t, b.phone.Say(t.Context(), b.account, from, u))
				events := b.news(t, &seen)
				return events[len(events)-1].Message
			}
			require.NoError(t, b.conn.Check(t.Context()))
			require.NoError(t, b.conn.Subscribe(t.Context(), ""))
			require.Equal(t, sdk.NotFound, sdk.AsError(send(sdk.Outgoing{Content: sdk.Content{Text: "first"}})).Class)
			require.Equal(t, "hi", say(fake.Utterance{Text: "hi"}).Text)

			require.NoError(t, send(sdk.Outgoing{Content: sdk.Content{Text: "hello"}}))
			fates := b.news(t, &seen)
			require.Len(t, fates, 2)
			require.Equal(t, p.echoes, fates[0].Status != nil, "the echo carries our key")
			require.Equal(t, sdk.StatusDelivered, fates[1].Status.Status)

			card := sdk.Card{Title: "T", Subtitle: "S", Choices: []sdk.Choice{{ID: "card", Label: "C"}}, Link: &sdk.Link{URL: "https://shop.example", Label: "See"}}
			for _, c := range []sdk.Content{
				{Text: "T", Choices: []sdk.Choice{{ID: "a", Label: "A"}}},
				{Text: "T", Choices: []sdk.Choice{{ID: "1", Label: "1"}, {ID: "2", Label: "2"}, {ID: "3", Label: "3"}, {ID: "4", Label: "4"}}},
				{Text: "T", Link: &sdk.Link{URL: "https://pay.example", Label: "Pay"}},
				{Media: &sdk.Media{Kind: "image", URL: "https://cdn.example/a"}},
				{Cards: []sdk.Card{card}},
			} {
				require.NoError(t, send(sdk.Outgoing{Content: c}))
				shown := b.phone.Phone(from)
				last := shown[len(shown)-1]
				require.Equal(t, c, sdk.Content{Text: last.Text, Choices: last.Choices, Link: last.Link, Media: last.Media, Cards: last.Cards})
			}
			for tap, label := range map[string]string{"a": "A", "3": "3", "card": "C"} {
				got := say(fake.Utterance{Tap: tap})
				require.Equal(t, []string{tap, label}, []string{got.Tap, got.Text})
			}
			require.NotNil(t, say(fake.Utterance{Location: &sdk.Location{Latitude: 1, Longitude: 2}}).Location)
			require.Equal(t, "image", say(fake.Utterance{File: &sdk.Media{Kind: "image"}}).Media.Kind)
			require.Equal(t, "promo", say(fake.Utterance{Raw: json.RawMessage(`{"referral":{"ref":"promo"}}`)}).Ref)

			b.now = b.now.Add(25 * time.Hour)
			require.Equal(t, p.connector.Channel.WindowClosedCode, sdk.AsError(send(sdk.Outgoing{Content: sdk.Content{Text: "late"}})).Code)
			require.NoError(t, send(sdk.Outgoing{Agent: true, Content: sdk.Content{Text: "a person"}}))
			b.now = b.now.Add(7 * 24 * time.Hour)
			require.Error(t, send(sdk.Outgoing{Agent: true, Content: sdk.Content{Text: "too late for a person too"}}))
			require.NoError(t, b.phone.Say(t.Context(), b.account, from, fake.Utterance{Raw: json.RawMessage(`{"blocked":true}`)}))
			require.Equal(t, "551", sdk.AsError(send(sdk.Outgoing{Content: sdk.Content{Text: "away"}})).Code)
		})
	}
}
