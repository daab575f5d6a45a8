// Package lexfake stands in for the runtime of Amazon Lex V2 in development and
// tests: a small bot for orders, with sessions, slots, scores and sentiment, behind
// signed requests.
//
// It understands by the words that an utterance shares with the examples of an
// intent, so that the same request always gives the same answer.
package lexfake

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/connectors/sdk/sigv4"
)

// The bot that it has.
const (
	botID   = "PARLEYBOT1"
	aliasID = "TSTALIASID"
	region  = "us-east-1"
)

var locales = []string{"en_US", "es_US"}

// Provider describes the fake to the sandbox.
var Provider = fake.Provider{
	Connector: "lex",
	New:       func(env fake.Env) http.Handler { return newServer(env) },
	Operation: operation,
	Account: func(baseURL string, secret func(string) string) json.RawMessage {
		return encode(account{BaseURL: baseURL, Region: region, BotID: botID, BotAliasID: aliasID, Locale: strings.Join(locales, ","),
			AccessKeyID: "AKIAPARLEYSANDBOX", SecretAccessKey: secret("secret_access_key")})
	},
}

// account is what the fake reads of a connection's configuration.
type account struct {
	BaseURL         string `json:"base_url"`
	Region          string `json:"region"`
	BotID           string `json:"bot_id"`
	BotAliasID      string `json:"bot_alias_id"`
	Locale          string `json:"locale"`
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
}

// operation tells a bot-led conversation from an utterance to be understood, in
// which the bot is told to expect an intent.
func operation(r *http.Request, body []byte) string {
	var in struct {
		State struct {
			Action struct {
				Type string `json:"type"`
			} `json:"dialogAction"`
		} `json:"sessionState"`
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/text") && json.Unmarshal(body, &in) == nil && in.State.Action.Type == "ElicitIntent":
		return "understand"
	case strings.HasSuffix(r.URL.Path, "/text"):
		return "recognize_text"
	case r.Method == http.MethodDelete || r.Method == http.MethodGet:
		return "session_delete"
	}
	return ""
}

type server struct {
	env fake.Env
	mux *http.ServeMux
}

func newServer(env fake.Env) *server {
	s := &server{env: env, mux: http.NewServeMux()}
	const session = "/bots/{bot}/botAliases/{alias}/botLocales/{locale}/sessions/{session}"
	s.mux.HandleFunc("POST "+session+"/text", s.signed(s.recognize))
	s.mux.HandleFunc("GET "+session, s.signed(s.getSession))
	s.mux.HandleFunc("DELETE "+session, s.signed(s.deleteSession))
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token")
	})
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// signed lets in what is signed by an account of this fake, for a bot that it has.
func (s *server) signed(next func(http.ResponseWriter, *http.Request, []byte)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			fail(w, http.StatusRequestEntityTooLarge, "ValidationException", "The request is too large.")
			return
		}
		if !s.genuine(r, body) {
			fail(w, http.StatusForbidden, "InvalidSignatureException",
				"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.")
			return
		}
		known := false
		for _, locale := range locales {
			known = known || locale == r.PathValue("locale")
		}
		if r.PathValue("bot") != botID || r.PathValue("alias") != aliasID || !known {
			fail(w, http.StatusNotFound, "ResourceNotFoundException", "The resource that you requested was not found.")
			return
		}
		if !sessionForm.MatchString(r.PathValue("session")) {
			fail(w, http.StatusBadRequest, "ValidationException", "Value at 'sessionId' failed to satisfy constraint")
			return
		}
		next(w, r, body)
	}
}

// genuine computes the signature again, of the headers that were signed.
func (s *server) genuine(r *http.Request, body []byte) bool {
	given := r.Header.Get("Authorization")
	_, signed, ok := strings.Cut(given, "SignedHeaders=")
	signed, _, _ = strings.Cut(signed, ",")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if !ok || err != nil || s.env.Now().Sub(at).Abs() > 15*time.Minute {
		return false
	}
	base, err := url.Parse(s.env.BaseURL())
	if err != nil {
		return false
	}
	for _, a := range s.env.Accounts() {
		var conf account
		if json.Unmarshal(a.Config, &conf) != nil {
			continue
		}
		again := sdk.Request{Method: r.Method, URL: "http://" + r.Host + base.Path + r.URL.RequestURI(), Header: http.Header{}, Body: body}
		for name := range strings.SplitSeq(signed, ";") {
			if v := r.Header.Get(name); v != "" && name != "x-amz-date" {
				again.Header.Set(name, v)
			}
		}
		who := sigv4.Credentials{AccessKeyID: conf.AccessKeyID, SecretAccessKey: conf.SecretAccessKey}
		if sigv4.Sign(&again, who, conf.Region, "lex", at) == nil && again.Header.Get("Authorization") == given {
			return true
		}
	}
	return false
}

type object map[string]any

func encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("lexfake: an answer must be JSON") // a programming error
	}
	return raw
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encode(v)) // a client that has gone away is no concern of the fake
}

// fail answers as restJson1 has it: the exception's name in a header.
func fail(w http.ResponseWriter, status int, exception, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", exception+":http://internal.amazon.com/coral/com.amazonaws.lexruntimev2/")
	w.WriteHeader(status)
	_, _ = w.Write(encode(object{"message": message}))
}
