package webchat_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/webchat"
)

const secret = "an-example-secret-of-enough-length"

func connect(t *testing.T, config string) *webchat.Connection {
	t.Helper()
	conn, err := webchat.Connector.Open(json.RawMessage(config), sdk.Host{})
	require.NoError(t, err)
	return conn.(*webchat.Connection)
}

func TestOpenRefusesWhatCannotWork(t *testing.T) {
	for name, c := range map[string]struct{ config, says string }{
		"no secret":       {`{}`, "webhook_secret is missing"},
		"short secret":    {`{"webhook_secret":"hunter2"}`, "secret 1 of those"},
		"short second":    {`{"webhook_secret":"` + secret + `,hunter2"}`, "secret 2 of those"},
		"secret type":     {`{"webhook_secret":7}`, "webhook_secret"},
		"unknown setting": {`{"webhook_secret":"` + secret + `","colour":"#ffffff"}`, "colour"},
		"colour":          {`{"webhook_secret":"` + secret + `","color":"red"}`, "color must be"},
		"origin path":     {`{"webhook_secret":"` + secret + `","allowed_origins":["https://a.example/x"]}`, "allowed_origins[0]"},
		"origin scheme":   {`{"webhook_secret":"` + secret + `","allowed_origins":["*","a.example"]}`, "allowed_origins[1]"},
		"origin stars":    {`{"webhook_secret":"` + secret + `","allowed_origins":["https://a.*.example"]}`, "allowed_origins[0]"},
		"long title":      {`{"webhook_secret":"` + secret + `","title":"` + strings.Repeat("é", 61) + `"}`, "title is longer"},
		"suggestions":     {`{"webhook_secret":"` + secret + `","suggestions":["a",""]}`, "suggestions[1]"},
		"base url":        {`{"webhook_secret":"` + secret + `","base_url":"chat"}`, "base_url"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := webchat.Connector.Open(json.RawMessage(c.config), sdk.Host{})
			require.ErrorContains(t, err, c.says)
			require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
			require.NotContains(t, err.Error(), "hunter2", "an error must not show a secret")
		})
	}
}

func TestOpenFillsIn(t *testing.T) {
	conn := connect(t, `{"webhook_secret":"`+secret+`, `+secret+`2"}`)
	require.Equal(t, [][]byte{[]byte(secret), []byte(secret + "2")}, conn.SigningKeys())
	s := conn.Settings()
	require.NotEmpty(t, s.Title)
	require.NotEmpty(t, s.Greeting)
	require.NotEmpty(t, s.Placeholder)
	require.Regexp(t, `^#[0-9a-f]{6}$`, s.Color)
	require.NotNil(t, s.Suggestions, "the widget reads a list, not null")
}

func TestAllows(t *testing.T) {
	own := `{"webhook_secret":"` + secret + `"}`
	listed := `{"webhook_secret":"` + secret + `","allowed_origins":["https://shop.example","https://*.chain.example","http://localhost:3000"]}`
	for _, c := range []struct {
		config, origin string
		want           bool
	}{
		{own, "", true},
		{own, "https://chat.example", true},
		{own, "https://CHAT.example", true},
		{own, "https://chat.example:8443", false},
		{own, "https://shop.example", false},
		{own, "null", false},
		{listed, "https://chat.example", true},
		{listed, "https://shop.example", true},
		{listed, "HTTPS://Shop.example", true},
		{listed, "http://shop.example", false},
		{listed, "https://shop.example.evil.example", false},
		{listed, "https://evilshop.example", false},
		{listed, "https://north.chain.example", true},
		{listed, "https://a.north.chain.example", true},
		{listed, "https://chain.example", false},
		{listed, "https://evilchain.example", false},
		{listed, "http://north.chain.example", false},
		{listed, "http://localhost:3000", true},
		{listed, "null", false},
		{`{"webhook_secret":"` + secret + `","allowed_origins":["*"]}`, "https://any.example", true},
		{`{"webhook_secret":"` + secret + `","base_url":"https://public.example/x"}`, "https://public.example", true},
	} {
		require.Equal(t, c.want, connect(t, c.config).Allows(c.origin, "chat.example"), "%s on %s", c.origin, c.config)
	}
}

func TestChannelKeepsWhatFlowsCount(t *testing.T) {
	ch := webchat.Connector.Channel
	require.True(t, ch.Hosted)
	require.Equal(t, sdk.Keyed, ch.Effect.Kind)
	require.Zero(t, ch.Window)
	conn := connect(t, `{"webhook_secret":"`+secret+`"}`)
	_, sends := any(conn).(sdk.Sender)
	require.False(t, sends, "a hosted channel delivers by storing")
}
