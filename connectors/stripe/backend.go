package stripe

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"reflect"

	"parley/connectors/sdk"

	stripego "github.com/stripe/stripe-go/v85"
	"github.com/stripe/stripe-go/v85/form"
)

// backend carries stripe-go's calls over the connection's HTTP client. Unlike
// stripe-go's own it repeats nothing, logs nothing, reports no telemetry, and
// every error that it returns is an *sdk.Error with Wrote set as the wire saw it.
type backend struct {
	http *http.Client
	base string
}

var _ stripego.Backend = (*backend)(nil)

func (b *backend) Call(method, path, key string, params stripego.ParamsContainer, v stripego.LastResponseSetter) error {
	body := &form.Values{}
	var common *stripego.Params
	if params != nil && !reflect.ValueOf(params).IsNil() {
		form.AppendTo(body, params)
		common = params.GetParams()
	}
	return b.CallRaw(method, path, key, []byte(body.Encode()), common, v)
}

func (b *backend) CallRaw(method, path, key string, body []byte, params *stripego.Params, v stripego.LastResponseSetter) error {
	ctx := context.Background()
	header := http.Header{
		"Authorization":  {"Bearer " + key},
		"Content-Type":   {"application/x-www-form-urlencoded"},
		"Stripe-Version": {stripego.APIVersion},
		"User-Agent":     {"Parley stripe-go/" + stripego.ClientVersion},
	}
	if params != nil {
		if params.Context != nil {
			ctx = params.Context
		}
		if params.IdempotencyKey != nil {
			header.Set("Idempotency-Key", *params.IdempotencyKey)
		}
	}
	if method != http.MethodPost && len(body) > 0 {
		path, body = path+"?"+string(body), nil
	}
	resp, err := sdk.Do(ctx, b.http, sdk.Request{
		Method: method, URL: b.base + path, Header: header, Body: body,
	})
	if err != nil {
		return err
	}
	if err := responseError(resp); err != nil {
		return err
	}
	if err := json.Unmarshal(resp.Body, v); err != nil {
		return &sdk.Error{Class: sdk.Unavailable, Wrote: true, Err: err,
			Message: "what answered is not Stripe's API, or its answer was cut short: check base_url"}
	}
	v.SetLastResponse(&stripego.APIResponse{
		Header: resp.Header, RawJSON: resp.Body, StatusCode: resp.Status,
		Status: http.StatusText(resp.Status), RequestID: resp.Header.Get("Request-Id"),
	})
	return nil
}

// CallStreaming is part of stripe-go's interface; no operation here streams.
func (b *backend) CallStreaming(string, string, string, stripego.ParamsContainer, stripego.StreamingLastResponseSetter) error {
	return sdk.Invalidf("the Stripe connector does not stream")
}

// CallMultipart is part of stripe-go's interface; no operation here uploads.
func (b *backend) CallMultipart(string, string, string, string, *bytes.Buffer, *stripego.Params, stripego.LastResponseSetter) error {
	return sdk.Invalidf("the Stripe connector does not upload files")
}

// SetMaxNetworkRetries is part of stripe-go's interface. There are none, whatever is asked.
func (b *backend) SetMaxNetworkRetries(int64) {}
