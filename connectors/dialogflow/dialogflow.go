// Package dialogflow is the connector for Dialogflow CX (Conversational Agents): an
// agent's own understanding of what a customer writes, and conversations that the
// agent itself leads.
//
// It calls the API v3 by Google's client library, over REST.
package dialogflow

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"

	cx "cloud.google.com/go/dialogflow/cx/apiv3"
	"google.golang.org/api/option"

	"parley/connectors/sdk"
)

// Connector is the manifest. The limit is the quota of text requests of a project
// ("Quotas and limits", Dialogflow CX): 1,200 a minute unless more was granted.
var Connector = sdk.Connector{
	Name:        "dialogflow",
	Title:       "Dialogflow CX",
	Docs:        "https://cloud.google.com/dialogflow/cx/docs/reference/rest/v3-overview",
	Config:      &Config{},
	Operations:  operations,
	Understands: true,
	Limits:      sdk.Limits{PerSecond: 20, Burst: 20},
	Open:        open,
}

var operations = []sdk.Operation{
	sdk.Op("detect_intent",
		"Tells the agent what the customer wrote, in a conversation that the agent leads, and gives its answer. A repeat would move the conversation on, and may fulfil an intent once more.",
		sdk.Effect{Kind: sdk.Once}, (*connection).detect).
		Sample(`{"text":"Where is my order A1042?","session":"sample-1","analyze_sentiment":true}`),
	sdk.Op("match_intent",
		"Tells which of the agent's intents a text is likely to be, in the conversation's present state, which stays as it is.",
		sdk.Effect{Kind: sdk.Read}, (*connection).match).
		Sample(`{"text":"Where is my order A1042?","session":"sample-1"}`),
}

// connection is one agent. It is immutable and safe for concurrent use.
type connection struct {
	settings
	sessions *cx.SessionsClient
}

func open(raw json.RawMessage, host sdk.Host) (any, error) {
	s, err := readConfig(raw)
	if err != nil {
		return nil, err
	}
	client := host.HTTP
	if client == nil {
		client = sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: s.allowHost})
	}
	own := &http.Client{Transport: carrier{http: client, tokens: s.tokens},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	sessions, err := cx.NewSessionsRESTClient(context.Background(), option.WithHTTPClient(own), option.WithEndpoint(s.base),
		option.WithLogger(slog.New(slog.DiscardHandler))) // it would log what customers write
	if err != nil {
		return nil, sdk.Invalidf("base_url is not an address that Google's library takes")
	}
	// The library would repeat what was answered with 503, and wait for minutes. Both
	// are the engine's.
	*sessions.CallOptions = cx.SessionsCallOptions{}
	return &connection{settings: s, sessions: sessions}, nil
}

// Check has the agent match a word, which changes nothing.
func (c *connection) Check(ctx context.Context) error {
	_, err := c.matches(ctx, "check", question{text: "hello", session: sessionID("")})
	return err
}
