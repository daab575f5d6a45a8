package stripefake

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// keyLifetime is how long a key is remembered (https://docs.stripe.com/api/idempotent_requests).
const keyLifetime = 24 * time.Hour

// call is an authenticated request with its parameters read.
type call struct {
	r      *http.Request
	params url.Values
	owner  string
	key    string
}

func (c call) id() string { return c.r.PathValue("id") }

// endpoint answers a call with an object or an error.
type endpoint func(call) (any, *apiError)

// apiError is Stripe's error object (https://docs.stripe.com/api/errors).
type apiError struct {
	status      int
	Type        string `json:"type"`
	Code        string `json:"code,omitempty"`
	DeclineCode string `json:"decline_code,omitempty"`
	Param       string `json:"param,omitempty"`
	Message     string `json:"message"`
}

func invalid(code, param, message string) *apiError {
	return &apiError{status: http.StatusBadRequest, Type: "invalid_request_error", Code: code, Param: param, Message: message}
}

func missing(kind, param string) *apiError {
	return &apiError{status: http.StatusNotFound, Type: "invalid_request_error", Code: "resource_missing", Param: param, Message: "No such " + kind}
}

// remembered is the answer to a key's first request.
type remembered struct {
	Request string          `json:"request"`
	Status  int             `json:"status"`
	Body    json.RawMessage `json:"body"`
	At      time.Time       `json:"at"`
}

// api wraps an endpoint in what all of Stripe's share: authentication, form
// parameters, idempotency keys, JSON.
func (s *server) api(do endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Request-Id", s.env.NextID("req_"))
		c, err := readCall(r)
		if err != nil {
			status, body := encode(nil, err)
			write(w, status, body)
			return
		}
		if c.key == "" || r.Method != http.MethodPost {
			status, body := encode(do(c))
			write(w, status, body)
			return
		}
		s.once(w, c, do)
	}
}

func readCall(r *http.Request) (call, *apiError) {
	key, _, ok := r.BasicAuth()
	if !ok {
		key = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	if key == "" {
		return call{}, &apiError{status: http.StatusUnauthorized, Type: "invalid_request_error", Message: "You did not provide an API key."}
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 1<<20))
	if err != nil {
		return call{}, invalid("", "", "The request is too large.")
	}
	query := r.URL.RawQuery
	if r.Method == http.MethodPost {
		query = string(body)
	}
	params, err := url.ParseQuery(query)
	if err != nil {
		return call{}, invalid("", "", "The parameters are not form encoded.")
	}
	return call{r: r, params: params, owner: ownerOf(key), key: r.Header.Get("Idempotency-Key")}, nil
}

// once gives a key's first answer to every request that repeats it.
func (s *server) once(w http.ResponseWriter, c call, do endpoint) {
	id := c.owner + "/" + c.key
	if !s.begin(id) {
		status, body := encode(nil, &apiError{status: http.StatusConflict, Type: "invalid_request_error", Code: "idempotency_key_in_use",
			Message: "There is currently another in-progress request using this Idempotent Key."})
		write(w, status, body)
		return
	}
	defer s.end(id)
	request := fingerprint(c)
	var first remembered
	if s.env.State().Get("keys", id, &first) && s.env.Now().Sub(first.At) < keyLifetime && !s.forgotten(c) {
		if first.Request != request {
			status, body := encode(nil, &apiError{status: http.StatusBadRequest, Type: "idempotency_error",
				Message: "Keys for idempotent requests can only be used with the same parameters they were first used with."})
			write(w, status, body)
			return
		}
		w.Header().Set("Idempotent-Replayed", "true")
		write(w, first.Status, first.Body)
		return
	}
	status, body := encode(do(c))
	if status < 300 {
		s.env.State().Put("keys", id, remembered{Request: request, Status: status, Body: body, At: s.env.Now()})
	}
	write(w, status, body)
}

func (s *server) forgotten(c call) bool {
	_, on := s.env.Fault("forget_keys", operation(c.r.Method, c.r.URL.Path, []byte(c.params.Encode())))
	return on
}

func (s *server) begin(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[id] {
		return false
	}
	s.busy[id] = true
	return true
}

func (s *server) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.busy, id)
}

func fingerprint(c call) string {
	sum := sha256.Sum256([]byte(c.r.Method + " " + c.r.URL.Path + "\n" + c.params.Encode()))
	return hex.EncodeToString(sum[:])
}

func encode(object any, failed *apiError) (status int, body []byte) {
	status, object = http.StatusOK, any(object)
	if failed != nil {
		status, object = failed.status, map[string]any{"error": failed}
	}
	body, err := json.Marshal(object)
	if err != nil {
		panic(err) // the objects are ours
	}
	return status, body
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone away is no concern of the fake
}
