package twilio

import (
	"context"
	"net/http"
	"regexp"

	"parley/connectors/sdk"
)

var operations = []sdk.Operation{
	sdk.Op("message_get", "Reads what became of a message: its status, segments and price",
		sdk.Effect{Kind: sdk.Read}, (*connection).messageGet).Sample(`{"id":"SM00000000000000000000000000000001"}`),
}

// MessageGetInput names a message by the SID of its receipt.
type MessageGetInput struct {
	ID string `json:"id" doc:"Twilio's SID of the message (SM… or MM…)"`
}

var messageForm = regexp.MustCompile(`^(SM|MM)[0-9a-fA-F]{32}$`)

// Validate implements [sdk.Validator].
func (in MessageGetInput) Validate() error {
	if !messageForm.MatchString(in.ID) {
		return sdk.Invalidf("id must be a message's SID")
	}
	return nil
}

// MessageGetOutput is the schema api.v2010.account.message, without what was said
// and to whom.
type MessageGetOutput struct {
	Status    string `json:"status"`
	Segments  string `json:"num_segments,omitempty" doc:"How many short messages it became"`
	Price     string `json:"price,omitempty"`
	PriceUnit string `json:"price_unit,omitempty"`
	ErrorCode int    `json:"error_code,omitempty"`
}

func (c *connection) messageGet(ctx context.Context, _ sdk.Call, in MessageGetInput) (MessageGetOutput, error) {
	var out MessageGetOutput
	err := c.call(ctx, "message_get", http.MethodGet, "/Messages/"+in.ID+".json", nil, &out)
	return out, err
}
