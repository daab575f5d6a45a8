package zendeskfake

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// keyLifetime is how long a ticket's key is remembered
// (https://developer.zendesk.com/api-reference/ticketing/introduction/#idempotency).
const keyLifetime = 2 * time.Hour

type object = map[string]any

// call is an authenticated request with its body read.
type call struct {
	r      *http.Request
	raw    []byte
	status int         // of the answer, 200 unless set
	header http.Header // of the answer
}

// id is the number in the path, 0 if there is none.
func (c *call) id() int64 {
	n, _ := strconv.ParseInt(c.r.PathValue("id"), 10, 64) // no number is nobody's
	return n
}

// read decodes the body.
func (c *call) read(into any) *problem {
	if json.Unmarshal(c.raw, into) != nil {
		return &problem{status: http.StatusUnprocessableEntity, Error: "Unprocessable Entity", Description: "Server could not parse JSON"}
	}
	return nil
}

// endpoint answers a call with an object or a problem; nil is no body.
type endpoint func(*call) (any, *problem)

// problem is Zendesk's error
// (https://developer.zendesk.com/api-reference/introduction/requests/#400-range).
type problem struct {
	status      int
	Error       any               `json:"error"`
	Description string            `json:"description,omitempty"`
	Details     map[string][]flaw `json:"details,omitempty"`
}

type flaw struct {
	Description string `json:"description"`
	Error       string `json:"error,omitempty"`
}

func missing(code string) *problem {
	return &problem{status: http.StatusNotFound, Error: code, Description: "Not found"}
}

func invalid(field, code, description string) *problem {
	return &problem{status: http.StatusUnprocessableEntity, Error: "RecordInvalid", Description: "Record validation errors",
		Details: map[string][]flaw{field: {{description, code}}}}
}

// api wraps an endpoint in what all of Zendesk's share.
func (s *server) api(do endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{r: r, status: http.StatusOK, header: http.Header{}}
		var answer any
		failed := s.authenticate(r)
		if failed == nil {
			raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 50<<20))
			if err != nil {
				return // the client went away while sending
			}
			c.raw = raw
			s.mu.Lock()
			answer, failed = do(c)
			s.mu.Unlock()
		}
		write(w, c, answer, failed)
	}
}

func (s *server) authenticate(r *http.Request) *problem {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && token != "" {
		return nil
	}
	user, token, ok := r.BasicAuth()
	for _, a := range s.env.Accounts() {
		var known account
		if ok && json.Unmarshal(a.Config, &known) == nil && known.APIToken == token && known.Email+"/token" == user {
			return nil
		}
	}
	return &problem{status: http.StatusUnauthorized, Error: "Couldn't authenticate you"}
}

func write(w http.ResponseWriter, c *call, answer any, failed *problem) {
	h := w.Header()
	for k, v := range c.header {
		h[k] = v
	}
	h.Set("X-Rate-Limit", "700")
	h.Set("X-Rate-Limit-Remaining", "699")
	if failed != nil {
		c.status, answer = failed.status, failed
	}
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(c.status)
	_, _ = w.Write(encode(answer)) // a client that has gone away is no concern of the fake
}

func encode(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // the objects are ours
	}
	return body
}

// remembered is the answer to a key's first request.
type remembered struct {
	Request string          `json:"request"`
	Body    json.RawMessage `json:"body"`
	At      time.Time       `json:"at"`
}

// keyed gives a key's first answer to every request that repeats it.
func (s *server) keyed(do endpoint) endpoint {
	return func(c *call) (any, *problem) {
		key := c.r.Header.Get("Idempotency-Key")
		if key == "" {
			return do(c)
		}
		sum := sha256.Sum256(bytes.TrimSpace(c.raw))
		request := hex.EncodeToString(sum[:])
		var first remembered
		_, forgets := s.env.Fault("forget_keys", "ticket_create")
		if s.env.State().Get("keys", key, &first) && s.env.Now().Sub(first.At) < keyLifetime && !forgets {
			if first.Request != request {
				return nil, &problem{status: http.StatusBadRequest, Error: "IdempotentRequestError", Description: "Request parameters don't match the given idempotency key"}
			}
			c.status = http.StatusCreated
			c.header.Set("X-Idempotency-Lookup", "hit")
			return first.Body, nil
		}
		c.header.Set("X-Idempotency-Lookup", "miss")
		answer, failed := do(c)
		if failed == nil {
			s.env.State().Put("keys", key, remembered{Request: request, Body: encode(answer), At: s.env.Now()})
		}
		return answer, failed
	}
}

// next is a new identifier: Zendesk's are numbers.
func (s *server) next() int64 {
	var n int64
	s.env.State().Update("count", "id", func(old json.RawMessage) any {
		n = 35_436
		if old != nil {
			_ = json.Unmarshal(old, &n) // a number of ours
		}
		n++
		return n
	})
	return n
}

func key(id int64) string { return strconv.FormatInt(id, 10) }
