// Package openaifake stands in for OpenAI's Chat Completions with structured
// output. It has no model: the same request always gives the same answer, which
// keeps to the schema that the request brings. A property with an enum gets the
// value whose own words, or whose words among the intents of the system message,
// are most in the user's text; a text gets the user's text.
package openaifake

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"parley/connectors/sdk/fake"
)

// model is the one that it has.
const model = "fake-mini"

// Provider describes it to the sandbox.
var Provider = fake.Provider{
	Connector: "openai",
	New:       newHandler,
	Operation: operation,
	Account: func(baseURL string, secret func(string) string) json.RawMessage {
		return encode(map[string]string{
			"base_url": baseURL + "/v1", "model": model, "api_key": "sk-" + secret("api_key"),
		})
	},
}

func operation(r *http.Request, body []byte) string {
	if !strings.HasSuffix(r.URL.Path, "/chat/completions") {
		return ""
	}
	var in request
	if json.Unmarshal(body, &in) == nil && in.ResponseFormat.JSONSchema.Name == "response" {
		return "respond"
	}
	return "understand"
}

type request struct {
	Model    string `json:"model"`
	Messages []struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	} `json:"messages"`
	ResponseFormat struct {
		Type       string `json:"type"`
		JSONSchema struct {
			Name   string `json:"name"`
			Schema schema `json:"schema"`
		} `json:"json_schema"`
	} `json:"response_format"`
}

type handler struct{ env fake.Env }

func newHandler(env fake.Env) http.Handler {
	h := &handler{env: env}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", h.authorised(h.models))
	mux.HandleFunc("POST /v1/chat/completions", h.authorised(h.complete))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusNotFound, "invalid_request_error", "unknown_url", "Unknown request URL.")
	})
	return mux
}

// authorised lets in who has the key of an account of this fake.
func (h *handler) authorised(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		known := func(a fake.Account) bool {
			var c struct {
				APIKey string `json:"api_key"`
			}
			return json.Unmarshal(a.Config, &c) == nil && r.Header.Get("Authorization") == "Bearer "+c.APIKey
		}
		if !slices.ContainsFunc(h.env.Accounts(), known) {
			fail(w, http.StatusUnauthorized, "invalid_request_error", "invalid_api_key", "Incorrect API key provided.")
			return
		}
		next(w, r)
	}
}

func (h *handler) models(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, object{"object": "list", "data": []any{
		object{"id": model, "object": "model", "created": 1700000000, "owned_by": "sandbox"},
	}})
}

func (h *handler) complete(w http.ResponseWriter, r *http.Request) {
	var in request
	switch err := json.NewDecoder(r.Body).Decode(&in); {
	case err != nil:
		fail(w, http.StatusBadRequest, "invalid_request_error", "invalid_json", "We could not parse the JSON body of your request.")
		return
	case in.Model != model:
		fail(w, http.StatusNotFound, "invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it.")
		return
	case len(in.Messages) == 0:
		fail(w, http.StatusBadRequest, "invalid_request_error", "missing_required_parameter", "Missing required parameter: 'messages'.")
		return
	case in.ResponseFormat.Type != "json_schema" || !in.ResponseFormat.JSONSchema.Schema.closed():
		fail(w, http.StatusBadRequest, "invalid_request_error", "invalid_schema",
			"Invalid schema for response_format: every object needs all its properties in required and additionalProperties false.")
		return
	}
	content := string(encode(newReply(in).fill("", in.ResponseFormat.JSONSchema.Schema)))
	answer(w, http.StatusOK, object{
		"id": h.env.NextID("chatcmpl-"), "object": "chat.completion", "created": h.env.Now().Unix(), "model": model,
		"choices": []any{object{"index": 0, "finish_reason": "stop", "logprobs": nil,
			"message": object{"role": "assistant", "content": content, "refusal": nil}}},
		"usage": object{"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
	})
}

// reply is what answers are made of.
type reply struct {
	text  string
	words map[string]bool
	// about are the words that the system message gives to a name.
	about map[string]string
}

func newReply(in request) reply {
	r := reply{text: in.Messages[len(in.Messages)-1].Content, words: map[string]bool{}, about: map[string]string{}}
	var question struct {
		Text string `json:"text"`
	}
	if json.Unmarshal([]byte(r.text), &question) == nil && question.Text != "" {
		r.text = question.Text
	}
	for _, w := range split(r.text) {
		r.words[w] = true
	}
	system := in.Messages[0].Content
	if i := strings.LastIndex(system, "\n["); i >= 0 {
		var intents []struct {
			Name        string   `json:"name"`
			Description string   `json:"description"`
			Examples    []string `json:"examples"`
		}
		if json.Unmarshal([]byte(system[i+1:]), &intents) == nil {
			for _, n := range intents {
				r.about[n.Name] = n.Description + " " + strings.Join(n.Examples, " ")
			}
		}
	}
	return r
}

var word = regexp.MustCompile(`[\p{L}\p{M}\p{N}]+`)

func split(text string) []string { return word.FindAllString(strings.ToLower(text), -1) }

// choose returns the option with the most words in common with the text, the
// last one (which is the way out) if none has any.
func (r reply) choose(options []string) string {
	best, most := options[len(options)-1], 0
	for _, option := range options {
		common := 0
		seen := map[string]bool{}
		for _, w := range split(option + " " + strings.ReplaceAll(option, "_", " ") + " " + r.about[option]) {
			if r.words[w] && !seen[w] {
				seen[w] = true
				common++
			}
		}
		if common > most {
			best, most = option, common
		}
	}
	return best
}

// fill makes a value of the schema. Names tell only how sure the fake is.
func (r reply) fill(name string, s schema) any {
	switch {
	case len(s.Enum) > 0 && slices.Contains(s.Enum, "neutral"):
		return "neutral"
	case len(s.Enum) > 0:
		return r.choose(s.Enum)
	case s.nullable():
		return nil
	case s.is("object"):
		out := object{}
		for key, p := range s.Properties {
			out[key] = r.fill(key, p)
		}
		return out
	case s.is("array"):
		return []any{}
	case s.is("boolean"):
		return false
	case s.is("integer"):
		return 0
	case s.is("number"):
		if name == "confidence" {
			return 0.9
		}
		return 0
	case name == "language":
		return ""
	}
	return r.text
}
