// Package metafake stands in for the Messenger Platform in development and tests:
// Messenger and Instagram mount it with what tells them apart. It takes messages as
// the Send API does and refuses what that refuses, keeps what each customer sees,
// and pushes signed events.
//
// It reads requests with types of its own, so that a mistake of the connectors is
// not repeated here.
package metafake

import (
	"encoding/json"
	"net/http"
	"strings"

	"parley/connectors/sdk/fake"
)

// Product is what tells the platform's products apart.
type Product struct {
	// Connector and Object are the connector's name and the webhooks' object.
	Connector, Object string
	// IDSetting names the account in a connection's configuration, ID is the demo's.
	IDSetting, ID string
	TextMax       int
	// Metadata comes back in echoes; ReadIDs name messages in read receipts, which
	// else name a time.
	Metadata, ReadIDs bool
}

// Provider returns the fake of a product for the sandbox.
func (p Product) Provider() fake.Provider {
	return fake.Provider{
		Connector: p.Connector,
		New:       func(env fake.Env) http.Handler { return newServer(p, env) },
		Operation: operation,
		Account: func(baseURL string, secret func(string) string) json.RawMessage {
			raw, err := json.Marshal(map[string]string{"base_url": baseURL, p.IDSetting: p.ID, "access_token": secret("access_token"),
				"webhook_secret": secret("webhook_secret"), "verify_token": secret("verify_token")})
			if err != nil {
				panic(err) // a map of strings
			}
			return raw
		},
	}
}

func operation(r *http.Request, body []byte) string {
	switch at := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]; {
	case at == "messages":
		var b struct {
			Action string `json:"sender_action"`
		}
		if json.Unmarshal(body, &b) == nil && b.Action != "" {
			return "sender_action"
		}
		return "send"
	case at == "pass_thread_control":
		return "thread_pass"
	case at == "take_thread_control":
		return "thread_take"
	case at == "subscribed_apps":
		return "subscribe"
	}
	return "check"
}

// server implements http.Handler and fake.Messaging.
type server struct {
	Product
	env    fake.Env
	phones fake.Phones
	mux    *http.ServeMux
}

func newServer(p Product, env fake.Env) *server {
	s := &server{Product: p, env: env, phones: fake.Phones{Env: env}, mux: http.NewServeMux()}
	s.mux.HandleFunc("GET /{version}/{id}", s.authorised(func(w http.ResponseWriter, r *http.Request, _ *fake.Account) {
		write(w, http.StatusOK, map[string]any{"id": r.PathValue("id")})
	}))
	s.mux.HandleFunc("POST /{version}/{id}/messages", s.authorised(s.messages))
	for _, done := range []string{"subscribed_apps", "pass_thread_control", "take_thread_control"} {
		s.mux.HandleFunc("POST /{version}/{id}/"+done, s.authorised(func(w http.ResponseWriter, _ *http.Request, _ *fake.Account) {
			write(w, http.StatusOK, map[string]any{"success": true})
		}))
	}
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func setting(a fake.Account, name string) string {
	var all map[string]string
	_ = json.Unmarshal(a.Config, &all) // what is missing stays empty
	return all[name]
}

// authorised finds the connection of the account in the path and checks its token.
// An account that no connection claims is served with any token, so that the fake
// can be driven alone.
func (s *server) authorised(next func(http.ResponseWriter, *http.Request, *fake.Account)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		claimed := false
		for _, a := range s.env.Accounts() {
			if setting(a, s.IDSetting) != r.PathValue("id") {
				continue
			}
			if claimed = true; ok && setting(a, "access_token") == token {
				next(w, r, &a)
				return
			}
		}
		if !ok || token == "" || claimed {
			fail(w, 190, 0, "Invalid OAuth access token.")
			return
		}
		next(w, r, nil)
	}
}

// fail answers as the Graph API does.
func fail(w http.ResponseWriter, code, subcode int, message string) {
	status := http.StatusBadRequest
	if code == 190 {
		status = http.StatusUnauthorized
	}
	body := map[string]any{"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "AXsgnV2Cm3ZMGF3dF"}
	if subcode != 0 {
		body["error_subcode"] = subcode
	}
	write(w, status, map[string]any{"error": body})
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller has gone away
}
