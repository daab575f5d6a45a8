// Package connected is how parley's commands use a connector by themselves, without
// an engine: they open a connection and run one operation.
package connected

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/google/uuid"

	"parley/connectors/sdk"
	"parley/internal/connections"
	"parley/internal/oauth"
)

// Perform makes the one attempt. What is found by its key is done before it is
// done again, as the engine does for a second attempt.
func Perform(ctx context.Context, op sdk.Operation, conn any, key string, input json.RawMessage) (json.RawMessage, error) {
	call := sdk.Call{Key: key, Attempt: 1}
	if key != "" && op.Effect.Kind == sdk.Lookup {
		if out, found, err := op.Find(ctx, conn, call, input); err != nil || found {
			return out, err
		}
	}
	if key == "" && op.Effect.Kind != sdk.Read {
		call.Key = uuid.NewString()
	}
	out, err := op.Run(sdk.WithOperation(ctx, op.Name), conn, call, input)
	if err == nil {
		return out, nil
	}
	e := sdk.AsError(err)
	if op.Effect.Kind == sdk.Once && e.Class == sdk.Unavailable && e.Wrote {
		uncertain := *e // nothing tells a repeat from the first attempt
		uncertain.Class = sdk.Uncertain
		return nil, &uncertain
	}
	return nil, e
}

// Open opens a connection whose HTTP client may call the host of an explicit
// base_url, and otherwise no internal one.
func Open(c sdk.Connector, settings json.RawMessage) (any, error) {
	return c.Open(settings, Host(c, settings))
}

// Host is what a connection with these settings is given.
func Host(c sdk.Connector, settings json.RawMessage) sdk.Host {
	var known struct {
		BaseURL string `json:"base_url"`
	}
	_ = json.Unmarshal(settings, &known) // a base_url that is no string is refused by Open
	var host string
	if u, err := url.Parse(known.BaseURL); err == nil {
		host = u.Host
	}
	h := sdk.Host{HTTP: sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: host})}
	if c.OAuth != nil {
		h.Tokens = oauth.Direct(connections.TokenFor{Connector: c, Config: settings, HTTP: h.HTTP})
	}
	return h
}
