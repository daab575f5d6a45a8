package http_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	connector "parley/connectors/http"
	"parley/connectors/sdk"
)

func connect(t *testing.T, more string, answer func(w http.ResponseWriter, r *http.Request, body string)) any {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		answer(w, r, string(body))
	}))
	t.Cleanup(server.Close)
	conn, err := connector.Connector.Open(json.RawMessage(`{"base_url":"`+server.URL+`/v1"`+more+`}`), sdk.Host{})
	require.NoError(t, err)
	return conn
}

func run(t *testing.T, conn any, name, input string) (string, error) {
	t.Helper()
	for _, o := range connector.Connector.Operations {
		if o.Name == name {
			out, err := o.Run(t.Context(), conn, sdk.Call{Key: "key-1", Attempt: 1}, json.RawMessage(input))
			return string(out), err
		}
	}
	t.Fatal("no such operation")
	return "", nil
}

func TestRequests(t *testing.T) {
	var seen []string
	conn := connect(t, `,"token":"t0p","headers":{"X-App":"{a}"},"key_header":"Idempotency-Key","key_lifetime":"2h"`, func(w http.ResponseWriter, r *http.Request, body string) {
		seen = []string{r.Method, r.RequestURI, body, r.Header.Get("Authorization"), r.Header.Get("X-App"), r.Header.Get("Idempotency-Key")}
		_, _ = io.WriteString(w, `{"ok":true,"data":{"id":12345678901234567890}}`)
	})
	out, err := run(t, conn, "get", `{"path":"/a b","query":{"q":"x&y"},"take":"data.id","require":[{"at":"ok","equals":true}]}`)
	require.NoError(t, err)
	require.JSONEq(t, `{"status":200,"body":12345678901234567890}`, out)
	require.Equal(t, []string{"GET", "/v1/a%20b?q=x%26y", "", "Bearer t0p", "{a}", ""}, seen)

	_, err = run(t, conn, "send", `{"method":"POST","path":"/a","form":{"x":"1 2"}}`)
	require.NoError(t, err)
	require.Equal(t, []string{"POST", "/v1/a", "x=1+2", "Bearer t0p", "{a}", ""}, seen)

	_, err = run(t, conn, "send_keyed", `{"method":"PUT","path":"/a","json":{"x":1}}`)
	require.NoError(t, err)
	require.Equal(t, []string{"PUT", "/v1/a", `{"x":1}`, "Bearer t0p", "{a}", "key-1"}, seen)
	require.Equal(t, 2*time.Hour, connector.Connector.Operations[2].EffectOn(conn).KeyLifetime)

	_, err = run(t, conn, "get", `{"path":"/a","require":[{"at":"ok","equals":false}]}`)
	require.Equal(t, sdk.Rejected, sdk.AsError(err).Class)
	_, err = run(t, conn, "get", `{"path":"/a","expect":[204]}`)
	require.Equal(t, sdk.Rejected, sdk.AsError(err).Class)
}

func TestWrongInputSendsNothing(t *testing.T) {
	conn := connect(t, "", func(http.ResponseWriter, *http.Request, string) { t.Error("a request was sent") })
	for _, c := range [][2]string{
		{"get", `{"path":"a"}`}, {"get", `{"path":"/../x"}`}, {"get", `{"path":"//evil.test"}`}, {"get", `{"path":"/a?b=c"}`}, {"get", `{"path":"/%2e%2e/x"}`},
		{"get", `{"path":"/a","headers":{"Authorization":"x"}}`}, {"get", `{"path":"/a","headers":{"X":"a\r\nb"}}`},
		{"send", `{"method":"GET","path":"/a"}`}, {"send", `{"method":"POST","path":"/a","json":1,"text":"x"}`},
		{"send_keyed", `{"method":"POST","path":"/a"}`},
	} {
		_, err := run(t, conn, c[0], c[1])
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, c[1])
	}
}

func TestWebhook(t *testing.T) {
	conn := connect(t, `,"webhook_secret":"s"`, nil).(sdk.Receiver)
	body := []byte(`{"id":"e1","type":"moved"}`)
	m := hmac.New(sha256.New, []byte("s"))
	m.Write(body)
	req := sdk.WebhookRequest{Method: "POST", URL: "https://h.test/x", Header: http.Header{"X-Signature": {hex.EncodeToString(m.Sum(nil))}}, Body: body}
	require.NoError(t, conn.Verify(req, time.Now()))
	events, err := conn.Parse(req)
	require.NoError(t, err)
	require.Equal(t, "http.received", events[0].Provider.Name)
	require.JSONEq(t, string(body), string(events[0].Provider.Data))
	req.Body = []byte(`{"id":"e2"}`)
	require.Error(t, conn.Verify(req, time.Now()))
}
