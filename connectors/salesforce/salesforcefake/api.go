package salesforcefake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// call is an authenticated request with its body read.
type call struct {
	r    *http.Request
	body []byte
}

// endpoint answers a call with a status and an object, or with an error.
type endpoint func(call) (int, any, *apiError)

// apiError is an element of Salesforce's list of errors.
type apiError struct {
	status  int
	Code    string   `json:"errorCode"`
	Message string   `json:"message"`
	Fields  []string `json:"fields,omitempty"`
}

func failure(status int, code, message string, fields ...string) *apiError {
	return &apiError{status, code, message, fields}
}

func missing() *apiError {
	return failure(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
}

// used is what the fake says of the org's limit.
const used = "api-usage=25/15000"

// api wraps an endpoint in what all of Salesforce's share: sessions, JSON, limits.
func (s *server) api(do endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<20))
		if err != nil {
			return
		}
		h := w.Header()
		h.Set("Content-Type", "application/json;charset=UTF-8")
		h.Set("Sforce-Limit-Info", used)
		h.Set("Date", s.env.Now().UTC().Format(http.TimeFormat))
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		expired := false
		if s.env.State().Get("expired", token, &expired); !bearer || len(token) < 16 || expired {
			write(w, 0, nil, failure(http.StatusUnauthorized, "INVALID_SESSION_ID", "Session expired or invalid"))
			return
		}
		if len(bytes.TrimSpace(body)) > 0 && !json.Valid(body) {
			write(w, 0, nil, failure(http.StatusBadRequest, "JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no entity body."))
			return
		}
		status, answer, failed := do(call{r, body})
		write(w, status, answer, failed)
	}
}

func write(w http.ResponseWriter, status int, answer any, failed *apiError) {
	if failed != nil {
		status, answer = failed.status, []*apiError{failed}
	}
	w.WriteHeader(status)
	if answer != nil {
		_, _ = w.Write(encode(answer)) // a client that has gone away is no concern of the fake
	}
}

func encode(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // the objects are ours
	}
	return body
}

// token gives a session to a client ("OAuth 2.0 Client Credentials Flow"). No time is
// told after which it ends.
func (s *server) token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	refuse := func(code, why string) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(encode(map[string]string{"error": code, "error_description": why}))
	}
	switch {
	case r.ParseForm() != nil || r.PostForm.Get("grant_type") != "client_credentials":
		refuse("unsupported_grant_type", "grant type not supported")
	case !s.knows(r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")):
		refuse("invalid_client", "invalid client credentials")
	default:
		_, _ = w.Write(encode(map[string]string{"access_token": "00D5e000000FAKE!" + s.env.NextID("AQ"), "token_type": "Bearer", "scope": "api",
			"instance_url": s.env.BaseURL(), "issued_at": fmt.Sprint(s.env.Now().UnixMilli())}))
	}
}

// knows tells whether an account of the sandbox has these credentials.
func (s *server) knows(id, secret string) bool {
	for _, a := range s.env.Accounts() {
		var c struct {
			ID     string `json:"client_id"`
			Secret string `json:"client_secret"`
		}
		if json.Unmarshal(a.Config, &c) == nil && id != "" && c.ID == id && c.Secret == secret {
			return true
		}
	}
	return false
}

// written is a time as Salesforce writes it. Stamps are whole seconds.
func written(t time.Time) string {
	return t.UTC().Truncate(time.Second).Format("2006-01-02T15:04:05.000-0700")
}
