package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"parley/connectors/sdk"
)

const data = "/services/data/" + version

// call makes one request. With a session that Salesforce does not know any more it is
// made once more with a new one: what was refused was not done.
func (c *connection) call(ctx context.Context, method, path string, query url.Values, body any) (*sdk.Response, error) {
	address := c.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	header := http.Header{"Accept": {"application/json"}, "User-Agent": {"Parley"}}
	var raw []byte
	if body != nil {
		header.Set("Content-Type", "application/json")
		raw = sdk.JSONBody(body)
	}
	for again := false; ; again = true {
		token, err := c.token(ctx)
		if err != nil {
			return nil, err
		}
		header.Set("Authorization", "Bearer "+token)
		resp, err := sdk.Do(ctx, c.http, sdk.Request{Method: method, URL: address, Header: header, Body: raw})
		if err != nil {
			return nil, err
		}
		if resp.Status == http.StatusUnauthorized {
			c.tokens.Refused(token)
			if !again {
				continue
			}
		}
		return resp, responseError(resp)
	}
}

func (c *connection) token(ctx context.Context) (string, error) {
	if c.tokens == nil {
		return "", &sdk.Error{Class: sdk.Auth, Code: "no_tokens", Message: "this program gives connections no access tokens"}
	}
	token, err := c.tokens.Token(ctx)
	if _, ours := errors.AsType[*sdk.Error](err); err != nil && !ours {
		return "", &sdk.Error{Class: sdk.Unavailable, Message: "no access token could be had", Err: err}
	}
	return token, err
}

func sobject(kind string) string { return data + "/sobjects/" + kind }

// saved is the answer to a record that was made or upserted.
type saved struct {
	ID      string `json:"id"`
	Created bool   `json:"created"`
}

func unreadable() *sdk.Error {
	return &sdk.Error{Class: sdk.Unavailable, Wrote: true, Message: "what answered is not Salesforce's API, or its answer was cut short: check base_url"}
}

// create makes a record.
func (c *connection) create(ctx context.Context, kind string, record map[string]any) (string, error) {
	var s saved
	resp, err := c.call(ctx, http.MethodPost, sobject(kind), nil, record)
	if err != nil {
		return "", err
	}
	if json.Unmarshal(resp.Body, &s) != nil || !recordID.MatchString(s.ID) {
		return "", unreadable()
	}
	return s.ID, nil
}

// update changes what is given of a record.
func (c *connection) update(ctx context.Context, kind, id string, record map[string]any) error {
	resp, err := c.call(ctx, http.MethodPatch, sobject(kind)+"/"+id, nil, record)
	if err == nil && resp.Status != http.StatusNoContent {
		return unreadable() // an update that succeeds says nothing
	}
	return err
}

// upsert makes the record whose external ID has a value, or changes it, in one step of
// Salesforce's: 201 for a record that was made, 200 for one that was changed, which
// older versions answered with 204 and no body ("Insert or Update (Upsert) a Record
// Using an External ID").
func (c *connection) upsert(ctx context.Context, kind, field, value string, record map[string]any) (saved, error) {
	var s saved
	resp, err := c.call(ctx, http.MethodPatch, sobject(kind)+"/"+field+"/"+url.PathEscape(value), nil, record)
	if err != nil {
		return s, err
	}
	if resp.Status == http.StatusNoContent {
		found, err := c.one(ctx, "SELECT Id FROM "+kind+" WHERE "+equals(field, value))
		return saved{ID: found.text("Id")}, err
	}
	if json.Unmarshal(resp.Body, &s) != nil || !recordID.MatchString(s.ID) {
		return saved{}, unreadable()
	}
	s.Created = resp.Status == http.StatusCreated
	return s, nil
}
