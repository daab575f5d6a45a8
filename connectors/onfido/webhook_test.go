package onfido

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

func receiver(t testing.TB, secrets string) *connection {
	conn, err := Connector.Open(sdk.JSONBody(Config{WebhookSecret: secrets}), sdk.Host{})
	require.NoError(t, err)
	return conn.(*connection)
}

func signed(secret, body string) sdk.WebhookRequest {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return sdk.WebhookRequest{Method: http.MethodPost, URL: hook, Body: []byte(body),
		Header: http.Header{"X-Sha2-Signature": {hex.EncodeToString(mac.Sum(nil))}}}
}

const completed = `{"payload":{"resource_type":"check","action":"check.completed","object":{"id":"f2302f45-227d-413d-ad61-09ec077a086a","status":"complete","completed_at_iso8601":"2024-04-04T09:21:21Z"}}}`

func TestSignatures(t *testing.T) {
	c := receiver(t, "old, new")
	for _, secret := range []string{"old", "new"} {
		require.NoError(t, c.Verify(signed(secret, completed), time.Now()), "while one secret replaces another both are good")
	}
	require.Equal(t, sdk.Auth, sdk.AsError(c.Verify(signed("other", completed), time.Now())).Class)
	for _, header := range []string{"", "zz", "00"} {
		req := signed("old", completed)
		req.Header.Set("X-Sha2-Signature", header)
		require.Error(t, c.Verify(req, time.Now()))
	}
	require.Error(t, (&connection{}).Verify(signed("", completed), time.Now()), "no secret accepts nothing")
}

// TestTheLibrarysExample is the event that Onfido's own library is tested with.
func TestTheLibrarysExample(t *testing.T) {
	specs := os.Getenv("PARLEY_SPECS")
	if specs == "" {
		t.Skip("PARLEY_SPECS is not set: it names the folder with webhook-vectors.json")
	}
	raw, err := os.ReadFile(filepath.Join(specs, "webhook-vectors.json"))
	require.NoError(t, err)
	var vectors []struct {
		Provider, Secret, Body string
		HeaderValue            string `json:"header_value"`
	}
	require.NoError(t, json.Unmarshal(raw, &vectors))
	seen := 0
	for _, v := range vectors {
		if v.Provider != "onfido" {
			continue
		}
		seen++
		c := receiver(t, v.Secret)
		req := sdk.WebhookRequest{Method: http.MethodPost, Body: []byte(v.Body), Header: http.Header{"X-Sha2-Signature": {v.HeaderValue}}}
		require.NoError(t, c.Verify(req, time.Now()))
		events, err := c.Parse(req)
		require.NoError(t, err)
		require.Len(t, events, 1)
		require.Equal(t, "check.completed", events[0].Provider.Name)
		require.Equal(t, "check.completed/f2302f45-227d-413d-ad61-09ec077a086a/2024-04-04T09:21:21Z", events[0].ID)
		req.Body = append(req.Body, ' ')
		require.Error(t, c.Verify(req, time.Now()))
	}
	require.NotZero(t, seen)
}

func TestWhatIsNotUsedIsIgnored(t *testing.T) {
	c := receiver(t, "s")
	for _, action := range []string{"audit_log.created", "watchlist_monitor.matches_updated", "something.new"} {
		events, err := c.Parse(signed("s", `{"payload":{"resource_type":"x","action":"`+action+`","object":{"id":"1"}}}`))
		require.NoError(t, err)
		require.Equal(t, sdk.EventIgnored, events[0].Kind)
		require.Equal(t, action, events[0].Type)
	}
	for _, bad := range []string{``, `[]`, `{}`, `{"payload":{"action":"check.completed","object":{}}}`} {
		_, err := c.Parse(signed("s", bad))
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, bad)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(completed))
	f.Add([]byte(`{"payload":{"action":"workflow_run.completed","object":{"id":"1","status":"approved"},"resource":{"tags":["parley-effect-k"],"reasons":["x"]}}}`))
	c := receiver(f, "s")
	f.Fuzz(func(t *testing.T, body []byte) {
		req := sdk.WebhookRequest{Method: http.MethodPost, Body: body}
		events, err := c.Parse(req)
		if err != nil {
			require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
			return
		}
		again, err := c.Parse(req)
		require.NoError(t, err)
		require.Equal(t, events, again)
		for _, e := range events {
			require.Equal(t, e.Kind == sdk.EventProvider, e.Provider != nil)
		}
	})
}
