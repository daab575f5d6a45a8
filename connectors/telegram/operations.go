package telegram

import (
	"context"

	"parley/connectors/sdk"
)

var operations = []sdk.Operation{
	sdk.Op("media_get", "Finds a received file: its path below the Bot API's file address, good for an hour, and its size (20 MB at most)",
		sdk.Effect{Kind: sdk.Read}, (*connection).mediaGet).Sample(`{"id":"sandbox-photo"}`),
	sdk.Op("webhook_info", "Tells where updates go, how many wait, and what went wrong last",
		sdk.Effect{Kind: sdk.Read}, (*connection).webhookInfo).Sample(`{}`),
}

// MediaGetInput names a file by the ID that a webhook gave.
type MediaGetInput struct {
	ID string `json:"id" doc:"Telegram's file_id"`
}

// Validate implements [sdk.Validator].
func (in MediaGetInput) Validate() error {
	if in.ID == "" {
		return sdk.Invalidf("id is needed")
	}
	return nil
}

// MediaGetOutput describes the file. Its full address would hold the bot's token.
type MediaGetOutput struct {
	Path string `json:"path" doc:"Below {base_url}/file/bot{token}/"`
	Size int64  `json:"size" doc:"In bytes"`
}

func (c *connection) mediaGet(ctx context.Context, _ sdk.Call, in MediaGetInput) (MediaGetOutput, error) {
	var file struct {
		Path string `json:"file_path"`
		Size int64  `json:"file_size"`
	}
	err := c.call(ctx, "media_get", "getFile", struct {
		ID string `json:"file_id"`
	}{in.ID}, &file)
	return MediaGetOutput{Path: file.Path, Size: file.Size}, err
}

// WebhookInfoInput has nothing to say.
type WebhookInfoInput struct{}

// WebhookInfoOutput is the type WebhookInfo, as far as an operator needs it.
type WebhookInfoOutput struct {
	URL           string `json:"url" doc:"Where updates go; empty if nowhere"`
	Pending       int64  `json:"pending" doc:"Updates that wait to be delivered"`
	LastErrorAt   int64  `json:"last_error_at,omitempty" doc:"Unix time of the last delivery that failed"`
	LastErrorText string `json:"last_error_text,omitempty" doc:"What Telegram says of it"`
}

func (c *connection) webhookInfo(ctx context.Context, _ sdk.Call, _ WebhookInfoInput) (WebhookInfoOutput, error) {
	var info struct {
		URL     string `json:"url"`
		Pending int64  `json:"pending_update_count"`
		At      int64  `json:"last_error_date"`
		Text    string `json:"last_error_message"`
	}
	err := c.call(ctx, "webhook_info", "getWebhookInfo", struct{}{}, &info)
	return WebhookInfoOutput{info.URL, info.Pending, info.At, info.Text}, err
}
