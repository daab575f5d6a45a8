package openai

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"

	"parley/connectors/sdk"
)

// The part of Chat Completions that is used: OpenAI's API reference, "Create
// chat completion", and the guide "Structured model outputs".
type chatRequest struct {
	Model          string         `json:"model"`
	Messages       []chatMessage  `json:"messages"`
	ResponseFormat responseFormat `json:"response_format"`
}

type chatMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type responseFormat struct {
	Type       string     `json:"type"`
	JSONSchema jsonSchema `json:"json_schema"`
}

type jsonSchema struct {
	Name   string          `json:"name"`
	Strict bool            `json:"strict"`
	Schema json.RawMessage `json:"schema"`
}

type chatResponse struct {
	Choices []struct {
		FinishReason string `json:"finish_reason"`
		Message      struct {
			Content string `json:"content"`
			Refusal string `json:"refusal"`
		} `json:"message"`
	} `json:"choices"`
}

// prompt is one question to the model.
type prompt struct {
	system string
	user   []byte
	name   string
	schema json.RawMessage
}

// complete returns the model's answer, a JSON object.
func (c *connection) complete(ctx context.Context, operation string, p prompt) (json.RawMessage, error) {
	body, err := c.call(ctx, http.MethodPost, "/chat/completions", operation, sdk.JSONBody(chatRequest{
		Model: c.config.Model,
		Messages: []chatMessage{
			{Role: "system", Content: p.system},
			{Role: "user", Content: string(p.user)},
		},
		ResponseFormat: responseFormat{Type: "json_schema", JSONSchema: jsonSchema{Name: p.name, Strict: true, Schema: p.schema}},
	}))
	if err != nil {
		return nil, err
	}
	var got chatResponse
	if json.Unmarshal(body, &got) != nil || len(got.Choices) == 0 {
		return nil, &sdk.Error{Class: sdk.Unavailable, Wrote: true, Message: "what answered is not a Chat Completions API: check base_url"}
	}
	choice := got.Choices[0]
	switch {
	case choice.Message.Refusal != "" || choice.FinishReason == "content_filter":
		return nil, &sdk.Error{Class: sdk.Rejected, Code: "refused", Message: "the model refuses to answer this"}
	case choice.FinishReason == "length":
		return nil, &sdk.Error{Class: sdk.Rejected, Code: "length", Message: "the answer is longer than the model can give: ask for less"}
	}
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(choice.Message.Content), &object) != nil || object == nil {
		return nil, unreadable()
	}
	return json.RawMessage(choice.Message.Content), nil
}

// unreadable is an answer that breaks the schema: a service or model without
// strict structured output.
func unreadable() *sdk.Error {
	return &sdk.Error{Class: sdk.Unavailable, Code: "no_structure", Wrote: true,
		Message: "the answer does not have the form that was asked for: use a model with structured output"}
}

func (c *connection) call(ctx context.Context, method, path, operation string, body []byte) ([]byte, error) {
	header := http.Header{"Content-Type": {"application/json"}}
	if c.config.APIKey != "" {
		header.Set("Authorization", "Bearer "+c.config.APIKey)
	}
	resp, err := sdk.Do(ctx, c.http, sdk.Request{Method: method, URL: c.config.base + path, Header: header, Body: body, Operation: operation})
	if err != nil {
		return nil, err
	}
	if err := responseError(resp); err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// codeName is what codes look like; nothing else of an error is repeated, since
// messages quote what was sent.
var codeName = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)

// responseError classes an answer. Source: OpenAI's guide "Error codes".
func responseError(resp *sdk.Response) error {
	e := sdk.StatusError(resp)
	if e == nil {
		return nil
	}
	var body struct {
		Error struct {
			Code any    `json:"code"`
			Type string `json:"type"`
		} `json:"error"`
	}
	if json.Unmarshal(resp.Body, &body) == nil {
		if code, ok := body.Error.Code.(string); ok && codeName.MatchString(code) {
			e.Code = code
		} else if codeName.MatchString(body.Error.Type) {
			e.Code = body.Error.Type
		}
	}
	switch {
	case e.Code == "insufficient_quota":
		// It comes as 429, and waiting does not help.
		e.Class, e.Message = sdk.Rejected, "the account's quota is used up: see its billing"
	case e.Class == sdk.Throttled:
		e.Message = "the service asks for fewer requests"
	case e.Class == sdk.Auth:
		e.Message = "the service does not accept api_key, or the key may not use the model"
	case e.Class == sdk.NotFound:
		e.Message = "the service has no such model or address: check model and base_url"
	case e.Code == "context_length_exceeded":
		e.Message = "the text is longer than the model can read"
	}
	return e
}
