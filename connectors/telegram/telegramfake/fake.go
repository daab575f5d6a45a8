// Package telegramfake stands in for Telegram's Bot API in development and tests:
// it takes messages as the API does and refuses what that refuses, keeps what each
// customer sees, and pushes updates with the webhook's secret token.
//
// It reads requests with types of its own, so that a mistake of the connector is
// not repeated here.
package telegramfake

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"parley/connectors/sdk/fake"
)

// Provider is the fake for the sandbox.
var Provider = fake.Provider{
	Connector: "telegram",
	New:       func(env fake.Env) http.Handler { return newServer(env) },
	Operation: operation,
	Account: func(baseURL string, secret func(string) string) json.RawMessage {
		raw, err := json.Marshal(settings{BaseURL: baseURL, Token: demoBot + ":" + secret("token"), WebhookSecret: secret("webhook_secret")})
		if err != nil {
			panic(err) // a struct of strings
		}
		return raw
	},
}

const (
	demoBot   = "7104216091"
	demoPhoto = "sandbox-photo"
	maxBody   = 1 << 20
)

// settings are what the fake needs of a connection's configuration.
type settings struct {
	BaseURL       string `json:"base_url"`
	Token         string `json:"token"`
	WebhookSecret string `json:"webhook_secret"`
}

func settingsOf(a fake.Account) settings {
	var s settings
	_ = json.Unmarshal(a.Config, &s) // what is missing stays empty
	return s
}

func operation(r *http.Request, _ []byte) string {
	_, method, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/bot"), "/")
	if !ok || !strings.HasPrefix(r.URL.Path, "/bot") {
		return ""
	}
	switch {
	case method == "getFile":
		return "media_get"
	case method == "getMe":
		return "check"
	case method == "getWebhookInfo":
		return "webhook_info"
	case method == "setWebhook":
		return "subscribe"
	case strings.HasPrefix(method, "send"):
		return "send"
	}
	return ""
}

// server implements http.Handler and fake.Messaging.
type server struct {
	env    fake.Env
	phones fake.Phones
	mux    *http.ServeMux
}

func newServer(env fake.Env) *server {
	s := &server{env: env, phones: fake.Phones{Env: env}, mux: http.NewServeMux()}
	s.mux.HandleFunc("POST /{bot}/{method}", s.method)
	s.mux.HandleFunc("GET /file/{bot}/{path...}", s.download)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// method runs a method of the Bot API for a bot that is connected.
func (s *server) method(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.PathValue("bot"), "bot")
	if !ok || !s.known(token) {
		fail(w, http.StatusUnauthorized, "Unauthorized")
		return
	}
	bot, _, _ := strings.Cut(token, ":")
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	switch method := r.PathValue("method"); method {
	case "getMe":
		id, _ := strconv.ParseInt(bot, 10, 64) // the form of a token
		succeed(w, map[string]any{"id": id, "is_bot": true, "first_name": "Corner Coffee", "username": "corner_coffee_bot"})
	case "setWebhook":
		var hook webhook
		if dec.Decode(&hook) != nil || !strings.HasPrefix(hook.URL, "http") {
			fail(w, http.StatusBadRequest, "Bad Request: bad webhook: invalid URL")
			return
		}
		s.env.State().Put("webhook", bot, hook)
		succeed(w, true)
	case "getWebhookInfo":
		var hook webhook
		s.env.State().Get("webhook", bot, &hook)
		succeed(w, map[string]any{"url": hook.URL, "has_custom_certificate": false, "pending_update_count": 0, "allowed_updates": hook.Allowed})
	case "getFile":
		var in struct {
			ID string `json:"file_id"`
		}
		if dec.Decode(&in) != nil || !s.hasFile(in.ID) {
			fail(w, http.StatusBadRequest, "Bad Request: invalid file_id")
			return
		}
		succeed(w, map[string]any{"file_id": in.ID, "file_unique_id": in.ID, "file_size": len(picture), "file_path": "photos/" + in.ID})
	case "answerCallbackQuery":
		succeed(w, true)
	default:
		s.send(w, method, dec)
	}
}

type webhook struct {
	URL     string   `json:"url"`
	Secret  string   `json:"secret_token"`
	Allowed []string `json:"allowed_updates"`
}

// known tells whether a connection has the token; without connections any will do,
// so that the fake can be driven alone.
func (s *server) known(token string) bool {
	accounts := s.env.Accounts()
	for _, a := range accounts {
		if settingsOf(a).Token == token {
			return true
		}
	}
	return len(accounts) == 0 && token != ""
}

func succeed(w http.ResponseWriter, result any) {
	write(w, http.StatusOK, map[string]any{"ok": true, "result": result})
}

func fail(w http.ResponseWriter, code int, description string) {
	write(w, code, map[string]any{"ok": false, "error_code": code, "description": description})
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller has gone away
}

// picture is a file of one white point, in PNG.
const picture = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\xda\x63\xfc\xff\xff\xff\x7f\x00\x09\xfb\x03\xfd\x05\x43\x45\xca\x00\x00\x00\x00IEND\xaeB`\x82"

func (s *server) hasFile(id string) bool {
	var kept bool
	return id == demoPhoto || s.env.State().Get("files", id, &kept)
}

func (s *server) download(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.PathValue("bot"), "bot")
	if !s.known(token) || !s.hasFile(strings.TrimPrefix(r.PathValue("path"), "photos/")) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write([]byte(picture))
}
