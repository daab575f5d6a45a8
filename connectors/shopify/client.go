package shopify

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/Khan/genqlient/graphql"

	"parley/connectors/sdk"
	"parley/connectors/shopify/admin"
)

// client is genqlient's graphql.Client over the connection's HTTP client. Every
// error is an *sdk.Error.
type client struct {
	http   *http.Client
	url    string
	header http.Header
}

func newClient(httpClient *http.Client, url, tokenHeader, token string) *client {
	return &client{http: httpClient, url: url, header: http.Header{
		"Content-Type": {"application/json"},
		"Accept":       {"application/json"},
		tokenHeader:    {token},
	}}
}

// MakeRequest implements graphql.Client.
func (c *client) MakeRequest(ctx context.Context, req *graphql.Request, out *graphql.Response) error {
	resp, err := sdk.Do(ctx, c.http, sdk.Request{
		Method: http.MethodPost, URL: c.url, Header: c.header,
		Body: sdk.JSONBody(req), Operation: req.OpName,
	})
	if err != nil {
		return err
	}
	if err := statusError(resp); err != nil {
		return err
	}
	var answer struct {
		Data       any            `json:"data"`
		Errors     []graphQLError `json:"errors"`
		Extensions extensions     `json:"extensions"`
	}
	answer.Data = out.Data
	if err := json.Unmarshal(resp.Body, &answer); err != nil {
		return &sdk.Error{Class: sdk.Unavailable, Message: "Shopify's answer is not the GraphQL JSON that was expected", Wrote: true, Err: err}
	}
	if len(answer.Errors) > 0 {
		return queryError(answer.Errors, answer.Extensions)
	}
	return nil
}

// Check implements sdk.Checker: it asks for the shop's name.
func (c *conn) Check(ctx context.Context) error {
	got, err := admin.Shop(ctx, c.admin)
	if err != nil {
		return err
	}
	if c.currency != "" && got.Shop.CurrencyCode != c.currency {
		return sdk.Invalidf("the shop sells in another currency than the setting currency says: change one of them")
	}
	return nil
}
