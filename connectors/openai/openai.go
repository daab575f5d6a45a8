// Package openai connects Parley to OpenAI, and to any other service that offers
// its Chat Completions with structured output: base_url says which. It
// understands utterances, classifies texts and answers in the form of a given
// JSON Schema.
package openai

import (
	"context"
	"encoding/json"
	"net/http"

	"parley/connectors/sdk"
	"parley/connectors/sdk/mask"
)

// Connector is the manifest.
var Connector = sdk.Connector{
	Name:        "openai",
	Title:       "OpenAI",
	Docs:        "https://platform.openai.com/docs/api-reference/chat",
	Config:      &Config{},
	Understands: true,
	Operations: []sdk.Operation{
		sdk.Op("respond",
			"Answers a text in the form of a JSON Schema. E-mail addresses, phone and card numbers in the text are masked before they leave.",
			sdk.Effect{Kind: sdk.Read}, (*connection).respond).
			Sample(`{"instructions":"Summarise what the customer wants.","input":"My parcel has not come.","schema":{"type":"object","properties":{"summary":{"type":"string"}},"required":["summary"],"additionalProperties":false}}`),
		sdk.Op("classify",
			"Tells which of some labels a text belongs to, or none of them. What is personal is masked as in respond.",
			sdk.Effect{Kind: sdk.Read}, (*connection).classify).
			Sample(`{"text":"My parcel has not come.","labels":[{"name":"delivery","description":"parcels and their delivery"},{"name":"payment","description":"cards and refunds"}]}`),
	},
	Open: open,
}

// connection is one account. It is immutable and safe for concurrent use.
type connection struct {
	config  settings
	http    *http.Client
	secrets [][]byte
}

func open(raw json.RawMessage, host sdk.Host) (any, error) {
	c, err := readConfig(raw)
	if err != nil {
		return nil, err
	}
	client := host.HTTP
	if client == nil {
		client = sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: c.allowHost})
	}
	return &connection{config: c, http: client, secrets: c.secrets}, nil
}

// Check asks for the list of models, which costs nothing.
func (c *connection) Check(ctx context.Context) error {
	_, err := c.call(ctx, http.MethodGet, "/models", "check", nil)
	return err
}

// RespondInput is what respond is asked.
type RespondInput struct {
	Instructions string `json:"instructions" doc:"What to do with the input."`
	Input        string `json:"input" doc:"The text to work on."`
	// Facts are sent as they are: the flow names each of them.
	Facts  map[string]string `json:"facts,omitempty" doc:"What the model may know beside the input; sent unmasked."`
	Schema json.RawMessage   `json:"schema" doc:"JSON Schema of the answer: an object whose properties are all required and that allows no others."`
}

// Validate implements [sdk.Validator].
func (in RespondInput) Validate() error {
	var schema struct {
		Type string `json:"type"`
	}
	switch {
	case in.Instructions == "":
		return sdk.Invalidf("instructions are missing")
	case in.Input == "":
		return sdk.Invalidf("input is missing")
	case json.Unmarshal(in.Schema, &schema) != nil || schema.Type != "object":
		return sdk.Invalidf(`schema must be a JSON Schema of type "object"`)
	}
	return nil
}

// RespondOutput is the model's answer.
type RespondOutput struct {
	Output json.RawMessage `json:"output" doc:"The answer, in the form of the schema."`
}

func (c *connection) respond(ctx context.Context, _ sdk.Call, in RespondInput) (RespondOutput, error) {
	masked := mask.Text(in.Input)
	out, err := c.complete(ctx, "respond", prompt{
		system: in.Instructions, user: sdk.JSONBody(question{Text: masked.Text, Facts: in.Facts}), name: "response", schema: in.Schema,
	})
	if err != nil {
		return RespondOutput{}, err
	}
	return RespondOutput{Output: masked.RestoreJSON(out)}, nil
}

// ClassifyInput is a text and the labels that it may have.
type ClassifyInput struct {
	Text   string  `json:"text" doc:"The text."`
	Labels []Label `json:"labels" doc:"What it may be, one at least."`
}

// Label is something that a text may be about.
type Label struct {
	Name        string `json:"name" doc:"The label as it is returned."`
	Description string `json:"description,omitempty" doc:"What belongs to it, for the model."`
}

// Validate implements [sdk.Validator].
func (in ClassifyInput) Validate() error {
	switch {
	case in.Text == "":
		return sdk.Invalidf("text is missing")
	case len(in.Labels) == 0:
		return sdk.Invalidf("labels are missing")
	}
	for _, l := range in.Labels {
		if l.Name == "" || l.Name == sdk.OutOfScope {
			return sdk.Invalidf("each label needs a name other than %q", sdk.OutOfScope)
		}
	}
	return nil
}

// ClassifyOutput is the label that fits best.
type ClassifyOutput struct {
	Label      string  `json:"label" doc:"One of the labels, or oos for none."`
	Confidence float64 `json:"confidence" doc:"How sure the model says it is, from 0 to 1."`
}

func (c *connection) classify(ctx context.Context, _ sdk.Call, in ClassifyInput) (ClassifyOutput, error) {
	u := sdk.Utterance{Text: in.Text}
	for _, l := range in.Labels {
		u.Intents = append(u.Intents, sdk.Intent{Name: l.Name, Description: l.Description})
	}
	got, err := c.understand(ctx, "classify", u)
	if err != nil {
		return ClassifyOutput{}, err
	}
	if got.Intent == "" {
		return ClassifyOutput{}, unreadable()
	}
	return ClassifyOutput{Label: got.Intent, Confidence: got.Confidence}, nil
}
