package connectorcmd_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

// bank authorises itself, and tells whether it can.
type bank struct{ sdk.TokenSource }

func (b bank) Check(ctx context.Context) error {
	_, err := b.Token(ctx)
	return err
}

func TestCheck(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.FormValue("client_secret") != "right" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error":"invalid_client"}`))
			return
		}
		_, _ = w.Write([]byte(`{"access_token":"a","token_type":"Bearer"}`))
	}))
	defer server.Close()
	list := []sdk.Connector{{Name: "bank", OAuth: &sdk.OAuth{TokenURL: "{base_url}/token"}, Open: func(raw json.RawMessage, h sdk.Host) (any, error) {
		var c struct {
			ClientID string `json:"client_id"`
		}
		if json.Unmarshal(raw, &c) != nil || c.ClientID == "" {
			return nil, sdk.Invalidf("client_id is missing")
		}
		return bank{h.Tokens}, nil
	}}}
	for secret, want := range map[string]string{
		"right": `{"ok":true,"findings":[{"what":"configuration","state":"ok"},{"what":"credentials","state":"ok"}]}`,
		"wrong": "",
	} {
		code, out, message := run(list, "check", "bank", "--config", file(t, "c.json", `{"base_url":"`+server.URL+`","client_id":"app","client_secret":"`+secret+`"}`))
		if want != "" {
			require.Zero(t, code, message)
			require.JSONEq(t, want, out)
			continue
		}
		require.Equal(t, 1, code)
		require.Contains(t, out, `{"what":"credentials","state":"failed","code":"invalid_client"`)
		require.NotContains(t, out, "wrong")
	}
	code, out, _ := run(list, "check", "bank", "--config", file(t, "c.json", `{}`))
	require.Equal(t, 1, code)
	require.JSONEq(t, `{"ok":false,"findings":[{"what":"configuration","state":"missing","code":"invalid","detail":"client_id is missing"}]}`, out)
	code, _, _ = run(list, "check", "none", "--config", "x")
	require.Equal(t, 2, code)
}
