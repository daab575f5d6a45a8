package freshdeskfake

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

type object = map[string]any

// call is an authenticated request with its body read.
type call struct {
	r      *http.Request
	raw    []byte
	status int // of the answer, 200 unless set
}

// id is the number in the path, 0 if there is none.
func (c *call) id() int64 {
	n, _ := strconv.ParseInt(c.r.PathValue("id"), 10, 64) // no number is nobody's
	return n
}

func (c *call) query() url.Values { return c.r.URL.Query() }

// read decodes the body.
func (c *call) read(into any) *problem {
	if json.Unmarshal(c.raw, into) != nil {
		return &problem{status: http.StatusBadRequest, Code: "invalid_json", Message: "Request body has invalid json format"}
	}
	return nil
}

// endpoint answers a call with an object or a problem.
type endpoint func(*call) (any, *problem)

// problem is Freshdesk's error (https://developers.freshdesk.com/api/#error).
type problem struct {
	status      int
	Code        string `json:"code,omitempty"`
	Message     string `json:"message,omitempty"`
	Description string `json:"description,omitempty"`
	Errors      []flaw `json:"errors,omitempty"`
}

type flaw struct {
	Field   string `json:"field"`
	Message string `json:"message"`
	Code    string `json:"code"`
}

// missing has no body.
func missing() *problem { return &problem{status: http.StatusNotFound} }

func invalid(field, code, message string) *problem {
	return &problem{status: http.StatusBadRequest, Description: "Validation failed", Errors: []flaw{{field, message, code}}}
}

// api wraps an endpoint in what all of Freshdesk's share.
func (s *server) api(do endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{r: r, status: http.StatusOK}
		var answer any
		failed := s.authenticate(r)
		if failed == nil {
			r.Body = http.MaxBytesReader(w, r.Body, 25<<20)
			if r.Header.Get("Content-Type") == "application/json" {
				raw, err := io.ReadAll(r.Body)
				if err != nil {
					return // the client went away while sending
				}
				c.raw = raw
			}
			s.mu.Lock()
			answer, failed = do(c)
			s.mu.Unlock()
		}
		write(w, c, answer, failed)
	}
}

func (s *server) authenticate(r *http.Request) *problem {
	key, _, ok := r.BasicAuth()
	for _, a := range s.env.Accounts() {
		var known account
		if ok && json.Unmarshal(a.Config, &known) == nil && known.APIKey == key {
			return nil
		}
	}
	return &problem{status: http.StatusUnauthorized, Code: "invalid_credentials", Message: "You have to be logged in to perform this action."}
}

func write(w http.ResponseWriter, c *call, answer any, failed *problem) {
	h := w.Header()
	h.Set("X-RateLimit-Total", "400")
	h.Set("X-RateLimit-Remaining", "399")
	h.Set("X-RateLimit-Used-CurrentRequest", "1")
	if failed != nil {
		c.status, answer = failed.status, failed
		if failed.status == http.StatusNotFound {
			w.WriteHeader(failed.status)
			return
		}
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

// next is a new identifier: Freshdesk's are numbers.
func (s *server) next() int64 {
	var n int64
	s.env.State().Update("count", "id", func(old json.RawMessage) any {
		n = 1000
		if old != nil {
			_ = json.Unmarshal(old, &n) // a number of ours
		}
		n++
		return n
	})
	return n
}

func key(id int64) string { return strconv.FormatInt(id, 10) }

// each visits the objects of a bucket by growing ID.
func each[T any](s *server, bucket string, visit func(T)) {
	s.env.State().Each(bucket, func(_ string, raw json.RawMessage) bool {
		var v T
		if json.Unmarshal(raw, &v) == nil {
			visit(v)
		}
		return true
	})
}
