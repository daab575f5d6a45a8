package freshdesk

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"parley/connectors/sdk"
)

// call makes one request and decodes the answer. A body that is a *form is sent as
// one, anything else as JSON; nil sends none.
func (c *connection) call(ctx context.Context, method, path string, body, into any) error {
	if c.base == "" {
		return sdk.Invalidf("base_url is missing: this connection can only receive webhooks")
	}
	header := http.Header{"Accept": {"application/json"}, "User-Agent": {"Parley"},
		// The key is the user; the password is any (https://developers.freshdesk.com/api/#authentication).
		"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(c.APIKey+":X"))}}
	out := sdk.Request{Method: method, URL: c.base + path, Header: header}
	switch b := body.(type) {
	case nil:
	case *form:
		header.Set("Content-Type", b.contentType)
		out.Body = b.body
	default:
		header.Set("Content-Type", "application/json")
		out.Body = sdk.JSONBody(body)
	}
	resp, err := sdk.Do(ctx, c.http, out)
	if err != nil {
		return err
	}
	if err := responseError(resp); err != nil {
		return err
	}
	if err := json.Unmarshal(resp.Body, into); err != nil {
		return &sdk.Error{Class: sdk.Unavailable, Wrote: true, Err: err,
			Message: "what answered is not Freshdesk's API, or its answer was cut short: check base_url"}
	}
	return nil
}

func (c *connection) get(ctx context.Context, path string, query url.Values, into any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.call(ctx, http.MethodGet, path, nil, into)
}

// learn reads the account's limit, which is per minute
// (https://developers.freshdesk.com/api/#ratelimit).
func learn(_ int, h http.Header) sdk.Pace {
	remaining, err := strconv.Atoi(h.Get("X-Ratelimit-Remaining"))
	if err != nil || remaining < 0 {
		return sdk.Pace{}
	}
	return sdk.Pace{Known: true, Remaining: remaining, Reset: time.Minute}
}

func unreadable() *sdk.Error {
	return &sdk.Error{Class: sdk.Unavailable, Wrote: true, Message: "Freshdesk's answer is not what its documentation says"}
}

// id is an identifier of Freshdesk's, a number; "" is none.
type id string

// UnmarshalJSON reads numbers, and texts that are some; anything else is none.
func (i *id) UnmarshalJSON(raw []byte) error {
	var n json.Number
	if json.Unmarshal(raw, &n) == nil && idForm.MatchString(n.String()) {
		*i = id(n)
	}
	return nil
}

// MarshalJSON writes a number.
func (i id) MarshalJSON() ([]byte, error) {
	if !idForm.MatchString(string(i)) {
		return []byte("null"), nil
	}
	return []byte(i), nil
}
