package livechat

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"parley/connectors/sdk"
)

const version = "/v3.6/"

// agent calls an action of the Agent Chat API.
func (c *connection) agent(ctx context.Context, action string, body, into any) error {
	return c.asAgent(ctx, c.base+version+"agent/action/"+action, body, into)
}

// configure calls an action of the Configuration API.
func (c *connection) configure(ctx context.Context, action string, body, into any) error {
	return c.asAgent(ctx, c.base+version+"configuration/action/"+action, body, into)
}

// asAgent makes a request with the agent's token.
func (c *connection) asAgent(ctx context.Context, address string, body, into any) error {
	if c.tokens == nil {
		return &sdk.Error{Class: sdk.Auth, Message: "the connection is not authorised: give it an access_token, or authorise it"}
	}
	token, err := c.tokens.Token(ctx)
	if err != nil {
		return err
	}
	err = c.post(ctx, address, token, body, into)
	if isError(err, "authentication") || isError(err, "401") {
		c.tokens.Refused(token)
	}
	return err
}

// customer calls an action of the Customer Chat API.
func (c *connection) customer(ctx context.Context, token, action string, body, into any) error {
	return c.post(ctx, c.base+version+"customer/action/"+action+"?organization_id="+url.QueryEscape(c.OrganizationID), token, body, into)
}

// post makes one request and decodes the answer, unless into is nil. A token's
// prefix names the data centre that its requests belong to ("Data centers").
func (c *connection) post(ctx context.Context, address, token string, body, into any) error {
	header := http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}, "Accept": {"application/json"}, "User-Agent": {"Parley"}}
	if region, _, ok := strings.Cut(token, ":"); ok && region == "fra" {
		header.Set("X-Region", region)
	}
	resp, err := sdk.Do(ctx, c.http, sdk.Request{Method: http.MethodPost, URL: address, Header: header, Body: sdk.JSONBody(body)})
	if err != nil {
		return err
	}
	if err := responseError(resp); err != nil {
		return err
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(resp.Body, into); err != nil {
		return &sdk.Error{Class: sdk.Unavailable, Wrote: true, Err: err,
			Message: "what answered is not LiveChat's API, or its answer was cut short: check base_url"}
	}
	return nil
}

// errorType is what LiveChat's errors are called; nothing else of them is repeated.
var errorType = regexp.MustCompile(`^[a-z_]{1,64}$`)

// meanings are the errors that say more than the status they come with
// (Agent and Customer Chat API, "Possible errors").
var meanings = map[string]struct {
	class   sdk.Class
	message string
}{
	"authentication":        {sdk.Auth, "LiveChat does not accept the access token: authorise the connection again"},
	"authorization":         {sdk.Auth, "the app or the agent lacks a permission: see the scopes that the connector needs"},
	"missing_access":        {sdk.Auth, "the agent has no access to this: it must be one who sees all groups"},
	"misdirected_request":   {sdk.Auth, "the access token belongs to another data centre"},
	"license_expired":       {sdk.Rejected, "the LiveChat license has expired"},
	"wrong_product_version": {sdk.Rejected, "the license is not one of LiveChat's present product"},
	"chat_inactive":         {sdk.NotFound, "the chat is over"},
	"not_found":             {sdk.NotFound, "LiveChat has no such object"},
	"group_not_found":       {sdk.NotFound, "LiveChat has no such group"},
	"customer_banned":       {sdk.Rejected, "the customer is banned at LiveChat"},
	"groups_offline":        {sdk.Rejected, "nobody of the group is there"},
	"group_offline":         {sdk.Rejected, "nobody of the group is there"},
	"group_unavailable":     {sdk.Rejected, "nobody of the group is free"},
	"agent_offline":         {sdk.Rejected, "the agent is not there"},
	"limit_reached":         {sdk.Rejected, "a limit of the LiveChat license is reached"},
	"users_limit_reached":   {sdk.Rejected, "a limit of the LiveChat license is reached"},
	"not_allowed":           {sdk.Rejected, "LiveChat does not allow this"},
	"validation":            {sdk.Invalid, "LiveChat does not accept the request's fields"},
	"too_many_requests":     {sdk.Throttled, "LiveChat asks for fewer requests"},
}

// responseError turns an answer into the seam's error; nil for success.
func responseError(resp *sdk.Response) error {
	e := sdk.StatusError(resp)
	if e == nil {
		return nil
	}
	var body struct {
		Error struct {
			Type string `json:"type"`
		} `json:"error"`
	}
	if json.Unmarshal(resp.Body, &body) != nil || !errorType.MatchString(body.Error.Type) || resp.Status >= 500 {
		return e
	}
	e.Code = body.Error.Type
	if m, known := meanings[e.Code]; known {
		e.Class, e.Message = m.class, m.message
		if e.Class == sdk.Throttled {
			e.Wrote = false
		}
	}
	return e
}

// isError tells whether an error is one of LiveChat's by that name.
func isError(err error, code string) bool {
	e, ok := errors.AsType[*sdk.Error](err)
	return ok && e.Code == code
}
