// Package httpfake stands in for an HTTP API of things: any collection can be
// posted to, listed, and its things read, replaced, changed and deleted.
// Idempotency-Key is remembered, and each thing that is made is told by a webhook.
package httpfake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"parley/connectors/sdk/fake"
)

// Provider is the fake as the sandbox knows it.
var Provider = fake.Provider{
	Connector: "http",
	New:       func(env fake.Env) http.Handler { return &server{env} },
	Operation: func(r *http.Request, _ []byte) string {
		switch {
		case r.Method == http.MethodGet:
			return "get"
		case r.Header.Get("Idempotency-Key") != "":
			return "send_keyed"
		}
		return "send"
	},
	Account: func(baseURL string, secret func(string) string) json.RawMessage {
		raw, _ := json.Marshal(map[string]string{"base_url": baseURL, "token": secret("token"), "key_header": "Idempotency-Key",
			"key_lifetime": "24h", "webhook_secret": secret("webhook_secret")}) // strings only
		return raw
	},
}

type server struct{ env fake.Env }

// thing is what a collection holds.
type thing = map[string]any

// made is the answer that a key is remembered with.
type made struct {
	Collection, ID string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	account, ok := s.account(r.Header.Get("Authorization"))
	if !ok {
		answer(w, http.StatusUnauthorized, thing{"error": thing{"code": "unauthorized"}})
		return
	}
	collection, id, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	body := thing{}
	if r.Method != http.MethodGet && r.Method != http.MethodDelete {
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil && err != io.EOF {
			answer(w, http.StatusBadRequest, thing{"error": thing{"code": "not_an_object"}})
			return
		}
	}
	switch {
	case collection == "":
		answer(w, http.StatusNotFound, thing{"error": thing{"code": "no_collection"}})
	case id == "" && r.Method == http.MethodGet:
		s.list(w, collection)
	case id == "" && r.Method == http.MethodPost:
		s.create(w, r.Header.Get("Idempotency-Key"), collection, body, account)
	case id == "":
		answer(w, http.StatusMethodNotAllowed, thing{"error": thing{"code": "method"}})
	default:
		s.one(w, r.Method, collection, id, body)
	}
}

// account finds whose token it is, and the secret that signs its webhooks.
func (s *server) account(authorization string) (fake.Account, bool) {
	for _, a := range s.env.Accounts() {
		var c struct{ Token string }
		if json.Unmarshal(a.Config, &c) == nil && c.Token != "" && authorization == "Bearer "+c.Token {
			return a, true
		}
	}
	return fake.Account{}, false
}

func (s *server) list(w http.ResponseWriter, collection string) {
	items := []thing{}
	s.env.State().Each("things/"+collection, func(_ string, raw json.RawMessage) bool {
		var t thing
		if json.Unmarshal(raw, &t) == nil {
			items = append(items, t)
		}
		return true
	})
	answer(w, http.StatusOK, thing{"items": items})
}

func (s *server) create(w http.ResponseWriter, key, collection string, body thing, account fake.Account) {
	state := s.env.State()
	if _, forgotten := s.env.Fault("forget_keys", "send_keyed"); forgotten {
		key = ""
	}
	fresh := made{collection, s.env.NextID("thing_")}
	if key != "" {
		kept := fresh
		state.Update("keys", key, func(old json.RawMessage) any {
			if len(old) > 0 && json.Unmarshal(old, &kept) == nil {
				return kept
			}
			return fresh
		})
		if kept != fresh {
			s.one(w, http.MethodGet, kept.Collection, kept.ID, nil)
			return
		}
	}
	body["id"] = fresh.ID
	state.Put("things/"+collection, fresh.ID, body)
	s.tell(account, thing{"id": s.env.NextID("evt_"), "type": collection + ".created", "thing": body})
	answer(w, http.StatusCreated, body)
}

func (s *server) one(w http.ResponseWriter, method, collection, id string, body thing) {
	state, bucket := s.env.State(), "things/"+collection
	var t thing
	if !state.Get(bucket, id, &t) {
		answer(w, http.StatusNotFound, thing{"error": thing{"code": "not_found"}})
		return
	}
	switch method {
	case http.MethodDelete:
		state.Delete(bucket, id)
		w.WriteHeader(http.StatusNoContent)
		return
	case http.MethodPut:
		t = body
	case http.MethodPatch:
		for name, v := range body {
			t[name] = v
		}
	}
	t["id"] = id
	if method != http.MethodGet {
		state.Put(bucket, id, t)
	}
	answer(w, http.StatusOK, t)
}

// tell sends a webhook to the account that made something.
func (s *server) tell(a fake.Account, event thing) {
	var c struct {
		Secret string `json:"webhook_secret"`
	}
	if json.Unmarshal(a.Config, &c) != nil || a.Hook == "" {
		return
	}
	body, _ := json.Marshal(event) // made of decoded JSON
	mac := hmac.New(sha256.New, []byte(c.Secret))
	mac.Write(body)
	s.env.Deliver(fake.Delivery{URL: a.Hook, Body: body, Header: http.Header{
		"Content-Type": {"application/json"}, "X-Signature": {hex.EncodeToString(mac.Sum(nil))}}})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller may be gone
}
