// Package livechat connects Parley to LiveChat: a conversation becomes a chat in
// which an agent of LiveChat answers, both ways, until one of them ends it.
//
// LiveChat's documentation recommends the agent token grant to back ends that speak
// for customers of other channels: with an agent's token the connection makes a
// customer for each chat and writes as that customer through the Customer Chat API
// (platform.text.com, "Customer authorization", agent token grant). What an agent
// does is asked for through the Agent Chat API, and what agents say comes by
// webhooks. A personal access token cannot have customers' tokens issued, so a
// connection is authorised by OAuth.
//
// Facts of LiveChat's are those of its documentation of version 3.6.
package livechat

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

const (
	// settle is how long a search may lag behind a write. LiveChat names no lag;
	// this is a cautious guess.
	settle = time.Minute
	// unlimited is the key lifetime of an operation whose repeat changes nothing.
	unlimited = 10 * 365 * 24 * time.Hour
)

var (
	read     = sdk.Effect{Kind: sdk.Read}
	harmless = sdk.Effect{Kind: sdk.Keyed, KeyLifetime: unlimited}
)

// Connector is LiveChat's manifest.
var Connector = sdk.Connector{
	Name:       "livechat",
	Title:      "LiveChat",
	Docs:       "https://platform.text.com/docs",
	Config:     &Config{},
	Operations: operations,
	Triggers:   triggers,
	OAuth: &sdk.OAuth{
		AuthorizeURL: "https://accounts.livechat.com/",
		TokenURL:     "https://accounts.livechat.com/v2/token",
		BaseURL:      defaultBase,
	},
	Open: open,
}

var operations = []sdk.Operation{
	sdk.LookupOp("chat_start", "Brings in an agent, who sees what was said so far.", settle, (*connection).startChat, (*connection).findChat).
		Sample(`{"customer":{"name":"Ana","external_id":"c-17"},"transcript":[{"from":"customer","text":"Where is my parcel?"},{"from":"bot","text":"One moment."}]}`),
	sdk.LookupOp("chat_say", "Says in a chat what the customer writes.", settle, (*connection).say, (*connection).findLine).
		Sample(`{"id":"{{chat_start.id}}","text":"Are you there?"}`).
		Sample(`{"id":"{{chat_start.id}}","text":"This one.","file":"https://files.example/photo.jpg"}`),
	sdk.Op("chat_typing", "Shows the agent that the customer is writing. LiveChat takes no sign of it but a preview of the text, which is an ellipsis.",
		harmless, (*connection).typing).
		Sample(`{"id":"{{chat_start.id}}","typing":true}`),
	sdk.LookupOp("chat_transfer", "Hands a chat to another group, where it waits in the queue if nobody is free.", settle, (*connection).transfer, (*connection).findTransfer).
		Sample(`{"id":"{{chat_start.id}}","group":"1"}`),
	sdk.Op("chat_close", "Ends a chat. One that has ended already is left as it is.", harmless, (*connection).closeChat).
		Sample(`{"id":"{{chat_start.id}}"}`),
	sdk.Op("agents_available", "Tells whether an agent accepts chats now.", read, (*connection).available).
		Sample(`{}`).Sample(`{"group":"0"}`),
}

var triggers = []sdk.Trigger{
	{Name: role.AgentSaid, Source: []string{"incoming_event"}, Summary: "An agent wrote to the customer.", Payload: role.Said{}},
	{Name: role.ChatClosed, Source: []string{"chat_deactivated"}, Summary: "The chat is over.", Payload: role.ChatEnded{}},
	{Name: "chat.transferred", Source: []string{"chat_transferred"}, Summary: "The chat was given to another group or agent.", Payload: Transferred{}},
}

// connection is one organisation's LiveChat as a workspace has configured it. It is
// safe for concurrent use.
type connection struct {
	settings
	http      *http.Client
	tokens    sdk.TokenSource
	customers customers
}

// Authorized implements [sdk.Authorized]: a token in the configuration needs no
// consent while it is good.
func (c *connection) Authorized() bool { return c.AccessToken != "" }

func open(raw json.RawMessage, host sdk.Host) (any, error) {
	s, err := readConfig(raw)
	if err != nil {
		return nil, err
	}
	client := host.HTTP
	if client == nil {
		client = sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: explicitHost(s.BaseURL)})
	}
	c := &connection{settings: s, http: client, tokens: host.Tokens}
	if s.AccessToken != "" {
		c.tokens = fixed(s.AccessToken)
	}
	return c, nil
}

func explicitHost(baseURL string) string {
	u, err := url.Parse(baseURL)
	if err != nil {
		return ""
	}
	return u.Host
}

// fixed is an access token that was given with the configuration.
type fixed string

func (f fixed) Token(context.Context) (string, error) { return string(f), nil }
func (fixed) Refused(string)                          {}

// Check asks which agents accept chats, and says what else is missing.
func (c *connection) Check(ctx context.Context) error {
	if _, err := c.available(ctx, sdk.Call{}, role.Group{}); err != nil {
		return err
	}
	if c.WebhookSecret == "" {
		return sdk.Invalidf("webhook_secret is missing: without it nothing that an agent says arrives")
	}
	return nil
}
