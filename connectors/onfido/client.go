package onfido

import (
	"bytes"
	"context"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"

	"parley/connectors/sdk"
)

// get reads an object or a list.
func (c *connection) get(ctx context.Context, operation, path string, query url.Values, into any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.call(ctx, sdk.Request{Method: http.MethodGet, Operation: operation, URL: path}, into)
}

// send writes a JSON body.
func (c *connection) send(ctx context.Context, operation, method, path string, body, into any) error {
	return c.call(ctx, sdk.Request{Method: method, Operation: operation, URL: path, Body: sdk.JSONBody(body),
		Header: http.Header{"Content-Type": {"application/json"}}}, into)
}

// upload writes a multipart form (RFC 7578) with one file.
func (c *connection) upload(ctx context.Context, operation, path string, fields map[string]string, f file, into any) error {
	body, kind := form(fields, f)
	return c.call(ctx, sdk.Request{Method: http.MethodPost, Operation: operation, URL: path, Body: body,
		Header: http.Header{"Content-Type": {kind}}}, into)
}

func form(fields map[string]string, f file) (body []byte, kind string) {
	var buffer bytes.Buffer // writing to memory does not fail
	w := multipart.NewWriter(&buffer)
	for name, value := range fields {
		if value != "" {
			_ = w.WriteField(name, value)
		}
	}
	part, _ := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="` + f.name + `"`},
		"Content-Type":        {f.kind},
	})
	_, _ = part.Write(f.bytes)
	_ = w.Close()
	return buffer.Bytes(), w.FormDataContentType()
}

// call makes one request below the API's address and decodes the answer.
func (c *connection) call(ctx context.Context, r sdk.Request, into any) error {
	if c.APIToken == "" {
		return sdk.Invalidf("api_token is missing: this connection can only receive webhooks")
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set("Authorization", "Token token="+c.APIToken)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "Parley")
	r.URL = c.base + r.URL
	resp, err := sdk.Do(ctx, c.http, r)
	if err != nil {
		return err
	}
	if err := responseError(resp); err != nil {
		return err
	}
	if err := json.Unmarshal(resp.Body, into); err != nil {
		return unreadable(err)
	}
	return nil
}

// unreadable is an answer that Onfido's API would not give.
func unreadable(err error) *sdk.Error {
	return &sdk.Error{Class: sdk.Unavailable, Wrote: true, Err: err,
		Message: "what answered is not Onfido's API, or its answer was cut short: check base_url"}
}
