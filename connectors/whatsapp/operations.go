package whatsapp

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"parley/connectors/sdk"
)

var operations = []sdk.Operation{
	// Marking a message read twice is marking it read: a repeat changes nothing.
	sdk.Op("mark_read", "Shows a customer's message as read, optionally with a typing indicator until the reply (25 s at most)",
		sdk.Effect{Kind: sdk.Read}, (*connection).markRead).
		Sample(`{"message_id": "{{incoming.id}}", "typing": true}`),
	sdk.Op("media_get", "Finds where a received file can be fetched: an address that lives 5 minutes and needs the access token",
		sdk.Effect{Kind: sdk.Read}, (*connection).mediaGet).
		Sample(`{"id": "{{incoming.media.id}}"}`),
}

// MarkReadInput names a message by the ID of its webhook.
type MarkReadInput struct {
	MessageID string `json:"message_id" doc:"ID of the customer's message (wamid)"`
	Typing    bool   `json:"typing,omitempty" doc:"Show that a reply is being written"`
}

// Validate implements [sdk.Validator].
func (in MarkReadInput) Validate() error {
	if in.MessageID == "" {
		return sdk.Invalidf("message_id is needed")
	}
	return nil
}

// MarkReadOutput tells that it was done.
type MarkReadOutput struct {
	Success bool `json:"success"`
}

// markRequest is the schema MarkMessageRequestPayload with the typing indicator
// of its example.
type markRequest struct {
	MessagingProduct string  `json:"messaging_product"`
	Status           string  `json:"status"`
	MessageID        string  `json:"message_id"`
	Typing           *typing `json:"typing_indicator,omitempty"`
}

type typing struct {
	Type string `json:"type"`
}

func (c *connection) markRead(ctx context.Context, _ sdk.Call, in MarkReadInput) (MarkReadOutput, error) {
	req := markRequest{MessagingProduct: "whatsapp", Status: "read", MessageID: in.MessageID}
	if in.Typing {
		req.Typing = &typing{"text"}
	}
	var out MarkReadOutput
	resp, err := c.post(ctx, "mark_read", req)
	if err != nil {
		return out, err
	}
	return out, decodeAnswer(resp, &out)
}

// MediaGetInput names a file by the ID that a webhook gave.
type MediaGetInput struct {
	ID string `json:"id" doc:"Meta's ID of the file; it lives 7 days after the webhook"`
}

// Validate implements [sdk.Validator].
func (in MediaGetInput) Validate() error {
	if !idForm.MatchString(in.ID) {
		return sdk.Invalidf("id must be Meta's ID of the file")
	}
	return nil
}

// MediaGetOutput describes the file.
type MediaGetOutput struct {
	URL    string `json:"url" doc:"Where it can be fetched, with the access token, for 5 minutes"`
	MIME   string `json:"mime"`
	SHA256 string `json:"sha256" doc:"In hexadecimal"`
	Size   int64  `json:"size" doc:"In bytes"`
}

func (c *connection) mediaGet(ctx context.Context, _ sdk.Call, in MediaGetInput) (MediaGetOutput, error) {
	if err := c.canSend(); err != nil {
		return MediaGetOutput{}, err
	}
	resp, err := c.call(ctx, sdk.Request{Method: http.MethodGet, Operation: "media_get",
		URL: c.url(in.ID) + "?phone_number_id=" + url.QueryEscape(c.config.PhoneNumberID)})
	if err != nil {
		return MediaGetOutput{}, err
	}
	var file struct {
		URL    string   `json:"url"`
		MIME   string   `json:"mime_type"`
		SHA256 string   `json:"sha256"`
		Size   flexible `json:"file_size"`
	}
	if err := decodeAnswer(resp, &file); err != nil {
		return MediaGetOutput{}, err
	}
	return MediaGetOutput{URL: file.URL, MIME: file.MIME, SHA256: hexDigest(file.SHA256), Size: int64(file.Size)}, nil
}

func decodeAnswer(resp *sdk.Response, into any) error {
	if err := json.Unmarshal(resp.Body, into); err != nil {
		return &sdk.Error{Class: sdk.Unavailable, Message: "WhatsApp's answer is not what its documentation says", Wrote: true, Err: err}
	}
	return nil
}
