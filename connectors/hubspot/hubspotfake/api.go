package hubspotfake

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// call is an authenticated request with its body read.
type call struct {
	r    *http.Request
	body []byte
}

// decode reads the body as JSON.
func (c call) decode(into any) *apiError {
	if json.Unmarshal(c.body, into) != nil {
		return invalid("Invalid input JSON", "", "")
	}
	return nil
}

// endpoint answers a call with an object or an error.
type endpoint func(call) (any, *apiError)

// status is an answer with another status than 200.
type status struct {
	code int
	body any
}

// apiError is HubSpot's error object.
type apiError struct {
	status      int
	Status      string              `json:"status"`
	Message     string              `json:"message"`
	Correlation string              `json:"correlationId"`
	Category    string              `json:"category"`
	Errors      []errorPart         `json:"errors"`
	Context     map[string][]string `json:"context"`
	Links       map[string]string   `json:"links"`
}

type errorPart struct {
	Message string              `json:"message"`
	Code    string              `json:"code,omitempty"`
	In      string              `json:"in,omitempty"`
	Context map[string][]string `json:"context,omitempty"`
}

func failure(code int, category, message string) *apiError {
	return &apiError{status: code, Status: "error", Message: message, Category: category, Correlation: "aeb5f871-7f07-4993-9211-075dc63e7cbf",
		Errors: []errorPart{}, Context: map[string][]string{}, Links: map[string]string{}}
}

func invalid(message, code, property string) *apiError {
	e := failure(http.StatusBadRequest, "VALIDATION_ERROR", message)
	if code != "" {
		e.Errors = []errorPart{{Message: message, Code: code, Context: map[string][]string{"propertyName": {property}}}}
	}
	return e
}

func missing() *apiError {
	return failure(http.StatusNotFound, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.")
}

// api wraps an endpoint in what all of HubSpot's share: authentication, JSON, limits.
func api(do endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<20))
		if err != nil {
			return
		}
		h := w.Header()
		h.Set("Content-Type", "application/json;charset=utf-8")
		if !strings.HasSuffix(r.URL.Path, "/search") {
			h.Set("X-HubSpot-RateLimit-Max", "100")
			h.Set("X-HubSpot-RateLimit-Remaining", "99")
			h.Set("X-HubSpot-RateLimit-Interval-Milliseconds", "10000")
		}
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !bearer || len(token) < 16 {
			write(w, nil, failure(http.StatusUnauthorized, "INVALID_AUTHENTICATION", "Authentication credentials not found."))
			return
		}
		if len(bytes.TrimSpace(body)) > 0 && !json.Valid(body) {
			write(w, nil, invalid("Invalid input JSON", "", ""))
			return
		}
		answer, failed := do(call{r, body})
		write(w, answer, failed)
	}
}

func write(w http.ResponseWriter, answer any, failed *apiError) {
	code := http.StatusOK
	if s, other := answer.(status); other {
		code, answer = s.code, s.body
	}
	if failed != nil {
		code, answer = failed.status, failed
	}
	w.WriteHeader(code)
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
