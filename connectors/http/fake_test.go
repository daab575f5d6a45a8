package http_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	connector "parley/connectors/http"
	"parley/connectors/http/httpfake"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

// TestAgainstTheFake makes, reads, changes and deletes a thing, and takes the
// webhook that tells of it.
func TestAgainstTheFake(t *testing.T) {
	env := fake.NewMemory("")
	server := httptest.NewServer(httpfake.Provider.New(env))
	t.Cleanup(server.Close)
	config := httpfake.Provider.Account(server.URL, func(name string) string { return "the " + name })
	env.SetAccounts(fake.Account{Account: "demo", Hook: "https://h.test/hooks/http/demo", Config: config})
	conn, err := connector.Connector.Open(config, sdk.Host{})
	require.NoError(t, err)

	var first, second connector.Answer
	for _, into := range []*connector.Answer{&first, &second} {
		out, err := run(t, conn, "send_keyed", `{"method":"POST","path":"/things","json":{"name":"x"}}`)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal([]byte(out), into))
	}
	require.Equal(t, 201, first.Status)
	require.Equal(t, first.Body, second.Body, "the same key is the same thing")
	id := first.Body.(map[string]any)["id"].(string)

	_, err = run(t, conn, "send", `{"method":"PATCH","path":"/things/`+id+`","json":{"colour":"red"}}`)
	require.NoError(t, err)
	out, err := run(t, conn, "get", `{"path":"/things","take":"items.0"}`)
	require.NoError(t, err)
	require.JSONEq(t, `{"status":200,"body":{"id":"`+id+`","name":"x","colour":"red"}}`, out)
	_, err = run(t, conn, "send", `{"method":"DELETE","path":"/things/`+id+`"}`)
	require.NoError(t, err)
	_, err = run(t, conn, "get", `{"path":"/things/`+id+`"}`)
	require.Equal(t, sdk.NotFound, sdk.AsError(err).Class)

	deliveries := env.Deliveries()
	require.Len(t, deliveries, 1)
	req := sdk.WebhookRequest{Method: "POST", URL: deliveries[0].URL, Header: deliveries[0].Header, Body: deliveries[0].Body}
	require.NoError(t, conn.(sdk.Receiver).Verify(req, time.Now()))
	events, err := conn.(sdk.Receiver).Parse(req)
	require.NoError(t, err)
	require.Equal(t, "things.created", events[0].Type)
}
