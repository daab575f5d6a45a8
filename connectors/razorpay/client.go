package razorpay

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"

	"parley/connectors/sdk"
)

// request is one call of Razorpay's API.
type request struct {
	method, path string
	query        url.Values
	// body is sent as JSON; nil sends none.
	body any
	// keyHeader names the header that carries key, "" if none does.
	keyHeader, key string
}

// call makes one request and decodes the answer, unless into is nil. A
// connection that was configured for webhooks only is refused.
func (c *connection) call(ctx context.Context, r request, into any) error {
	if c.KeyID == "" {
		return sdk.Invalidf("key_id is missing: this connection can only receive webhooks")
	}
	header := http.Header{
		"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(c.KeyID+":"+c.KeySecret))},
		"Accept":        {"application/json"},
		"User-Agent":    {"Parley"},
	}
	out := sdk.Request{Method: r.method, URL: c.base + r.path, Header: header}
	if len(r.query) > 0 {
		out.URL += "?" + r.query.Encode()
	}
	if r.body != nil {
		header.Set("Content-Type", "application/json")
		out.Body = sdk.JSONBody(r.body)
	}
	if r.keyHeader != "" {
		header.Set(r.keyHeader, r.key)
	}
	resp, err := sdk.Do(ctx, c.http, out)
	if err != nil {
		return err
	}
	if err := responseError(resp); err != nil {
		return err
	}
	if into == nil {
		into = &struct{}{}
	}
	if err := json.Unmarshal(resp.Body, into); err != nil {
		return &sdk.Error{Class: sdk.Unavailable, Wrote: true, Err: err,
			Message: "what answered is not Razorpay's API, or its answer was cut short: check base_url"}
	}
	return nil
}

func (c *connection) get(ctx context.Context, path string, query url.Values, into any) error {
	return c.call(ctx, request{method: http.MethodGet, path: path, query: query}, into)
}

func (c *connection) post(ctx context.Context, path string, body, into any) error {
	return c.call(ctx, request{method: http.MethodPost, path: path, body: body}, into)
}

// find looks through a list of objects, which the answer has in the given field,
// for the one whose notes carry the call's key.
func find[T any](ctx context.Context, c *connection, call sdk.Call, path string, query url.Values, field string) (found T, ok bool, err error) {
	answer := map[string]json.RawMessage{}
	if err := c.get(ctx, path, query, &answer); err != nil {
		return found, false, err
	}
	var items []json.RawMessage
	if raw := answer[field]; len(raw) > 0 && json.Unmarshal(raw, &items) != nil {
		return found, false, unreadable()
	}
	for _, item := range items {
		var o struct {
			Notes notes `json:"notes"`
		}
		if json.Unmarshal(item, &o) != nil || call.Key == "" || o.Notes[noteEffect] != call.Key {
			continue
		}
		if json.Unmarshal(item, &found) != nil {
			return found, false, unreadable()
		}
		return found, true, nil
	}
	return found, false, nil
}

func unreadable() *sdk.Error {
	return &sdk.Error{Class: sdk.Unavailable, Wrote: true, Message: "Razorpay's answer is not what its documentation says"}
}
