// Package twiliofake stands in for Twilio in development and tests: it takes
// messages as the messages resource does and refuses what that refuses, keeps what
// each phone shows, honours STOP and START as carriers do, and calls back with
// signed forms.
//
// It reads requests by itself, so that a mistake of the connector is not repeated
// here.
package twiliofake

import (
	"encoding/json"
	"net/http"
	"strings"

	"parley/connectors/sdk/fake"
)

// Provider is the fake for the sandbox.
var Provider = fake.Provider{
	Connector: "twilio",
	New:       func(env fake.Env) http.Handler { return newServer(env) },
	Operation: operation,
	Account: func(baseURL string, secret func(string) string) json.RawMessage {
		token := secret("auth_token")
		raw, err := json.Marshal(settings{BaseURL: baseURL, AccountSID: "AC" + strings.Repeat("0", 31) + "1", AuthToken: token, WebhookSecret: token,
			From: "+15005550006", MMS: true, MissedCallText: "Sorry that we missed your call. Chat with us: https://wa.me/15550783881"})
		if err != nil {
			panic(err) // a struct of strings
		}
		return raw
	},
}

// demoMessage can be read before anything was sent.
const demoMessage = "SM00000000000000000000000000000001"

// settings are what the fake needs of a connection's configuration.
type settings struct {
	BaseURL        string `json:"base_url"`
	AccountSID     string `json:"account_sid"`
	AuthToken      string `json:"auth_token"`
	WebhookSecret  string `json:"webhook_secret"`
	From           string `json:"from,omitempty"`
	Service        string `json:"messaging_service_sid,omitempty"`
	Channel        string `json:"channel,omitempty"`
	MMS            bool   `json:"mms,omitempty"`
	MissedCallText string `json:"missed_call_text,omitempty"`
}

func settingsOf(a fake.Account) settings {
	var s settings
	_ = json.Unmarshal(a.Config, &s) // what is missing stays empty
	return s
}

func operation(r *http.Request, _ []byte) string {
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/Messages.json"):
		return "send"
	case strings.Contains(path, "/Messages/"):
		return "message_get"
	case strings.Contains(path, "/IncomingPhoneNumbers"):
		return "subscribe"
	case strings.HasPrefix(path, "/2010-04-01/Accounts/"):
		return "check"
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
	const account = "/2010-04-01/Accounts/{account}"
	s.mux.HandleFunc("GET "+account, s.authorised(func(w http.ResponseWriter, r *http.Request, _ settings) {
		write(w, http.StatusOK, map[string]any{"sid": strings.TrimSuffix(r.PathValue("account"), ".json"), "status": "active"})
	}))
	s.mux.HandleFunc("POST "+account+"/Messages.json", s.authorised(s.send))
	s.mux.HandleFunc("GET "+account+"/Messages/{sid}", s.authorised(s.message))
	s.mux.HandleFunc("GET "+account+"/IncomingPhoneNumbers.json", s.authorised(s.numbers))
	s.mux.HandleFunc("POST "+account+"/IncomingPhoneNumbers/{sid}", s.authorised(s.setNumber))
	s.mux.HandleFunc("GET /_media/{id}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/svg+xml")
		_, _ = w.Write([]byte(`<svg xmlns="http://www.w3.org/2000/svg" width="60" height="60"><rect width="60" height="60" fill="#f22f46"/></svg>`))
	})
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// authorised finds the connection of the account in the path and checks its token.
// An account that no connection claims is served with any token, so that the fake
// can be driven alone.
func (s *server) authorised(next func(http.ResponseWriter, *http.Request, settings)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, token, ok := r.BasicAuth()
		sid := strings.TrimSuffix(r.PathValue("account"), ".json")
		claimed := false
		for _, a := range s.env.Accounts() {
			c := settingsOf(a)
			if c.AccountSID != sid {
				continue
			}
			if claimed = true; ok && c.AuthToken == token && (user == sid || strings.HasPrefix(user, "SK")) {
				next(w, r, c)
				return
			}
		}
		if !ok || token == "" || claimed {
			fail(w, http.StatusUnauthorized, 20003, "Authenticate")
			return
		}
		next(w, r, settings{AccountSID: sid, AuthToken: token})
	}
}

// record is a number's settings.
type record struct {
	SMSURL   string `json:"sms_url"`
	VoiceURL string `json:"voice_url"`
}

func (s *server) numbers(w http.ResponseWriter, r *http.Request, c settings) {
	list := []any{}
	if number := r.URL.Query().Get("PhoneNumber"); number == c.From {
		var n record
		s.env.State().Get("numbers", c.AccountSID, &n)
		list = append(list, map[string]any{"sid": numberSID, "phone_number": number, "sms_url": n.SMSURL, "voice_url": n.VoiceURL})
	}
	write(w, http.StatusOK, map[string]any{"incoming_phone_numbers": list})
}

const numberSID = "PN00000000000000000000000000000001"

func (s *server) setNumber(w http.ResponseWriter, r *http.Request, c settings) {
	if strings.TrimSuffix(r.PathValue("sid"), ".json") != numberSID || r.ParseForm() != nil {
		fail(w, http.StatusNotFound, 20404, "The requested resource was not found")
		return
	}
	s.env.State().Update("numbers", c.AccountSID, func(old json.RawMessage) any {
		var n record
		_ = json.Unmarshal(old, &n) // none yet
		if u := r.PostFormValue("SmsUrl"); u != "" {
			n.SMSURL = u
		}
		if u := r.PostFormValue("VoiceUrl"); u != "" {
			n.VoiceURL = u
		}
		return n
	})
	write(w, http.StatusOK, map[string]any{"sid": numberSID})
}

// fail answers as Twilio does.
func fail(w http.ResponseWriter, status, code int, message string) {
	write(w, status, map[string]any{"code": code, "message": message, "status": status, "more_info": "https://www.twilio.com/docs/errors"})
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller has gone away
}
