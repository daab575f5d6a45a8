package zendesk

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

// request is one call of Zendesk's API.
type request struct {
	method, path string
	query        url.Values
	// body is sent as JSON unless contentType is set, when it is a []byte.
	body        any
	contentType string
	key         string // Idempotency-Key
}

// call makes one request and decodes the answer, unless into is nil.
func (c *connection) call(ctx context.Context, r request, into any) error {
	header := http.Header{"Accept": {"application/json"}, "User-Agent": {"Parley"}}
	token, err := c.authorize(ctx, header)
	if err != nil {
		return err
	}
	out := sdk.Request{Method: r.method, URL: c.base + r.path, Header: header}
	if len(r.query) > 0 {
		out.URL += "?" + r.query.Encode()
	}
	switch {
	case r.contentType != "":
		header.Set("Content-Type", r.contentType)
		out.Body, _ = r.body.([]byte)
	case r.body != nil:
		header.Set("Content-Type", "application/json")
		out.Body = sdk.JSONBody(r.body)
	}
	if r.key != "" {
		header.Set("Idempotency-Key", r.key)
	}
	resp, err := sdk.Do(ctx, c.http, out)
	if err != nil {
		return err
	}
	if resp.Status == http.StatusUnauthorized && token != "" {
		c.tokens.Refused(token)
	}
	if err := responseError(resp); err != nil {
		return err
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(resp.Body, into); err != nil {
		return &sdk.Error{Class: sdk.Unavailable, Wrote: true, Err: err,
			Message: "what answered is not Zendesk's API, or its answer was cut short: check base_url"}
	}
	return nil
}

// authorize puts the credentials into the header. The token is set where they are
// those of OAuth (https://developer.zendesk.com/api-reference/introduction/security-and-auth/).
func (c *connection) authorize(ctx context.Context, header http.Header) (token string, err error) {
	switch {
	case c.base == "":
		return "", sdk.Invalidf("base_url is missing: this connection can only receive webhooks")
	case c.APIToken != "":
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(c.Email+"/token:"+c.APIToken)))
		return "", nil
	case c.tokens == nil:
		return "", &sdk.Error{Class: sdk.Auth, Message: "there are no credentials: set email and api_token, or authorise the connection"}
	}
	if token, err = c.tokens.Token(ctx); err != nil {
		return "", sdk.AsError(err)
	}
	header.Set("Authorization", "Bearer "+token)
	return token, nil
}

func (c *connection) get(ctx context.Context, path string, query url.Values, into any) error {
	return c.call(ctx, request{method: http.MethodGet, path: path, query: query}, into)
}

// learn reads the account's limit, which is per minute
// (https://developer.zendesk.com/api-reference/introduction/rate-limits/).
func learn(_ int, h http.Header) sdk.Pace {
	text := h.Get("X-Rate-Limit-Remaining")
	if text == "" {
		text = h.Get("Ratelimit-Remaining")
	}
	remaining, err := strconv.Atoi(text)
	if err != nil || remaining < 0 {
		return sdk.Pace{}
	}
	reset := time.Minute
	if secs, err := strconv.Atoi(h.Get("Ratelimit-Reset")); err == nil && secs > 0 && secs < 60 {
		reset = time.Duration(secs) * time.Second
	}
	return sdk.Pace{Known: true, Remaining: remaining, Reset: reset}
}

func unreadable() *sdk.Error {
	return &sdk.Error{Class: sdk.Unavailable, Wrote: true, Message: "Zendesk's answer is not what its documentation says"}
}

// id is an identifier of Zendesk's: a number in the API and, mostly, a text in webhooks.
type id string

// UnmarshalJSON reads both; anything else is none.
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
