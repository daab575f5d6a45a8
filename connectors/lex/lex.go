// Package lex is the connector for Amazon Lex V2: a bot's own understanding of what
// a customer writes, and conversations that the bot itself leads.
//
// Requests and answers are those of the Lex Runtime V2 model of 2020-08-07
// (aws/api-models-aws). They are signed by Signature Version 4.
package lex

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"parley/connectors/sdk"
)

// Connector is the manifest. It states no limits: AWS's quotas are those of the
// account and the alias, and its answers say nothing of them but that they are used
// up.
var Connector = sdk.Connector{
	Name:        "lex",
	Title:       "Amazon Lex V2",
	Docs:        "https://docs.aws.amazon.com/lexv2/latest/APIReference/API_Operations_Amazon_Lex_Runtime_V2.html",
	Config:      &Config{},
	Operations:  operations,
	Understands: true,
	Open:        open,
}

var operations = []sdk.Operation{
	sdk.Op("recognize_text",
		"Tells the bot what the customer wrote, in a conversation that the bot leads, and gives its answer. A repeat would move the conversation on, and may fulfil an intent once more.",
		sdk.Effect{Kind: sdk.Once}, (*connection).recognize).
		Sample(`{"text":"Where is my order A1042?","session":"sample-1"}`),
	sdk.LookupOp("session_delete", "Makes the bot forget a conversation. A repeat is noticed by looking whether it is gone.",
		0, (*connection).deleteSession, (*connection).findDeleted).
		Sample(`{"session":"{{recognize_text.session}}"}`),
}

// connection is one bot's alias. It is immutable and safe for concurrent use.
type connection struct {
	settings
	http *http.Client
	now  func() time.Time
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
	return &connection{settings: s, http: client, now: time.Now}, nil
}

// Check has the bot read a word, as every use of it does: credentials that may do
// that and nothing else are enough, so that nothing else can be asked.
func (c *connection) Check(ctx context.Context) error {
	var got answer
	request := textRequest{Text: "hello", State: &state{Action: &action{Type: "ElicitIntent"}}}
	return c.call(ctx, http.MethodPost, c.locales[0], sessionID("check"), "/text", "check", request, &got)
}
