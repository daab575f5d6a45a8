package razorpayfake

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// keyLifetime is how long a key is remembered
// (https://razorpay.com/docs/api/x/payout-idempotency).
const keyLifetime = 7 * 24 * time.Hour

// call is an authenticated request with its body read.
type call struct {
	r     *http.Request
	raw   []byte
	body  object
	owner string
}

func (c call) id() string { return c.r.PathValue("id") }

// endpoint answers a call with an object or an error.
type endpoint func(call) (any, *apiError)

// apiError is Razorpay's error object (https://razorpay.com/docs/errors).
type apiError struct {
	status      int
	Code        string `json:"code"`
	Description string `json:"description"`
	Source      string `json:"source"`
	Step        string `json:"step"`
	Reason      string `json:"reason"`
	Metadata    object `json:"metadata"`
	Field       string `json:"field,omitempty"`
}

func bad(description string) *apiError {
	return &apiError{status: http.StatusBadRequest, Code: "BAD_REQUEST_ERROR", Description: description, Source: "NA", Step: "NA", Reason: "NA", Metadata: object{}}
}

func badField(field, description string) *apiError {
	e := bad(description)
	e.Source, e.Reason, e.Field = "business", "input_validation_failed", field
	return e
}

func conflict(description string) *apiError {
	e := bad(description)
	e.status = http.StatusConflict
	return e
}

func missing() *apiError { return bad("The id provided does not exist") }

// api wraps an endpoint in what all of Razorpay's share: authentication and JSON.
func (s *server) api(do endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := readCall(r)
		var answer any
		if err == nil {
			answer, err = do(c)
		}
		write(w, answer, err)
	}
}

func readCall(r *http.Request) (call, *apiError) {
	id, secret, ok := r.BasicAuth()
	if !ok || !strings.HasPrefix(id, "rzp_") || secret == "" {
		e := bad("Authentication failed")
		e.status = http.StatusUnauthorized
		return call{}, e
	}
	c := call{r: r, owner: id, body: object{}}
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 1<<20))
	if err != nil {
		return call{}, bad("The request is too large.")
	}
	if c.raw = raw; len(bytes.TrimSpace(raw)) > 0 && json.Unmarshal(raw, &c.body) != nil {
		return call{}, bad("The request body is not valid JSON.")
	}
	return c, nil
}

func write(w http.ResponseWriter, answer any, failed *apiError) {
	status := http.StatusOK
	if failed != nil {
		status, answer = failed.status, map[string]any{"error": failed}
	}
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // the objects are ours
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone away is no concern of the fake
}

// remembered is the answer to a key's first request.
type remembered struct {
	Request string          `json:"request"`
	Body    json.RawMessage `json:"body"`
	At      time.Time       `json:"at"`
}

// keyed gives a key's first answer to every request that repeats it. Keys of
// payouts are obligatory and their length is bounded on both sides.
func (s *server) keyed(header string, least, most int, do endpoint) endpoint {
	return func(c call) (any, *apiError) {
		key := c.r.Header.Get(header)
		switch {
		case key == "" && header == "X-Payout-Idempotency":
			return nil, bad("Idempotency key is missing in the request header.")
		case key == "":
			return do(c)
		case len(key) < least || len(key) > most:
			return nil, bad("The idempotency key must be at least 10 characters long.")
		}
		id := c.owner + "/" + header + "/" + key
		if !s.begin(id) {
			return nil, conflict("Another request with the same idempotency key is still in progress.")
		}
		defer s.end(id)
		sum := sha256.Sum256([]byte(c.r.URL.Path + "\n" + string(c.raw)))
		request := hex.EncodeToString(sum[:])
		var first remembered
		if s.env.State().Get("keys", id, &first) && s.env.Now().Sub(first.At) < keyLifetime && !s.forgotten(c) {
			if first.Request != request {
				return nil, conflict("Different request with the same idempotency key has already been processed.")
			}
			return first.Body, nil
		}
		answer, failed := do(c)
		if failed == nil {
			body, err := json.Marshal(answer)
			if err != nil {
				panic(err) // the objects are ours
			}
			s.env.State().Put("keys", id, remembered{Request: request, Body: body, At: s.env.Now()})
		}
		return answer, failed
	}
}

func (s *server) forgotten(c call) bool {
	_, on := s.env.Fault("forget_keys", operation(c.r.Method, c.r.URL.Path))
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
