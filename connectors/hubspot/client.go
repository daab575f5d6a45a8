package hubspot

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"parley/connectors/sdk"
)

// call makes one request and decodes the answer, unless into is nil. With a token
// of OAuth that HubSpot refuses it is made once more with a new one: what was
// refused was not done.
func (c *connection) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
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
			return err
		}
		header.Set("Authorization", "Bearer "+token)
		resp, err := sdk.Do(ctx, c.http, sdk.Request{Method: method, URL: address, Header: header, Body: raw})
		if err != nil {
			return err
		}
		if resp.Status == http.StatusUnauthorized && c.AccessToken == "" {
			c.tokens.Refused(token)
			if !again {
				continue
			}
		}
		if err := c.responseError(resp); err != nil {
			return err
		}
		if into == nil {
			return nil
		}
		if json.Unmarshal(resp.Body, into) != nil {
			return &sdk.Error{Class: sdk.Unavailable, Wrote: true, Message: "what answered is not HubSpot's API, or its answer was cut short: check base_url"}
		}
		return nil
	}
}

func (c *connection) token(ctx context.Context) (string, error) {
	if c.AccessToken != "" {
		return c.AccessToken, nil
	}
	if c.tokens == nil {
		return "", &sdk.Error{Class: sdk.Auth, Code: "never_authorised", Message: "nobody has authorised this connection, and it has no access_token"}
	}
	token, err := c.tokens.Token(ctx)
	if e, ours := errors.AsType[*sdk.Error](err); err != nil && !ours {
		return "", &sdk.Error{Class: sdk.Unavailable, Message: "no access token could be had", Err: e}
	}
	return token, err
}

func (c *connection) get(ctx context.Context, path string, query url.Values, into any) error {
	return c.call(ctx, http.MethodGet, path, query, nil, into)
}

func (c *connection) post(ctx context.Context, path string, body, into any) error {
	return c.call(ctx, http.MethodPost, path, nil, body, into)
}

// Object types, as they stand in addresses. Deals go by their number there, as in
// HubSpot's OpenAPI document.
const (
	contacts  = "contacts"
	companies = "companies"
	deals     = "0-3"
	notes     = "notes"
)

func objects(kind string) string { return "/crm/v3/objects/" + kind }

// object is a record as HubSpot writes it.
type object struct {
	ID         string            `json:"id"`
	New        bool              `json:"new"`
	Properties map[string]string `json:"properties"`
}

func unreadable() *sdk.Error {
	return &sdk.Error{Class: sdk.Unavailable, Wrote: true, Message: "HubSpot's answer is not what its documentation says"}
}

// needID refuses an answer that names no object.
func (o object) needID() error {
	if o.ID == "" {
		return unreadable()
	}
	return nil
}

// association leads from a new object to one that is there. The numbers are those
// of HubSpot's own, unlabelled associations ("Associations v4", type IDs).
type association struct {
	To    ref               `json:"to"`
	Types []associationType `json:"types"`
}

type ref struct {
	ID string `json:"id"`
}

type associationType struct {
	Category string `json:"associationCategory"`
	ID       int    `json:"associationTypeId"`
}

const (
	dealToContact = 3
	noteToContact = 202
	noteToDeal    = 214
)

func associate(id string, kind int) association {
	return association{ref{id}, []associationType{{"HUBSPOT_DEFINED", kind}}}
}

// create makes an object.
func (c *connection) create(ctx context.Context, kind string, properties map[string]string, to ...association) (object, error) {
	if to == nil {
		to = []association{} // HubSpot's document requires the field
	}
	var made object
	if err := c.post(ctx, objects(kind), map[string]any{"properties": properties, "associations": to}, &made); err != nil {
		return object{}, err
	}
	return made, made.needID()
}

// update changes what is given of an object.
func (c *connection) update(ctx context.Context, kind, id string, properties map[string]string) (object, error) {
	var o object
	err := c.call(ctx, http.MethodPatch, objects(kind)+"/"+id, nil, map[string]any{"properties": properties}, &o)
	if err != nil {
		return object{}, err
	}
	return o, o.needID()
}

// batch is the answer to a request for several objects, some of which may fail
// while the whole succeeds (status 207).
type batch struct {
	Results []object   `json:"results"`
	Errors  []apiError `json:"errors"`
}

// upsert makes the object whose unique property has a value, or changes it, in one
// step of HubSpot's.
func (c *connection) upsert(ctx context.Context, kind, property, value string, properties map[string]string) (object, error) {
	type input struct {
		ID         string            `json:"id"`
		Property   string            `json:"idProperty"`
		Properties map[string]string `json:"properties"`
	}
	var done batch
	body := map[string]any{"inputs": []input{{value, property, properties}}}
	if err := c.post(ctx, objects(kind)+"/batch/upsert", body, &done); err != nil {
		return object{}, err
	}
	if len(done.Results) == 0 && len(done.Errors) > 0 {
		return object{}, c.refine(&sdk.Error{Class: sdk.Invalid, Wrote: true, Code: "batch"}, done.Errors[0], http.StatusMultiStatus)
	}
	if len(done.Results) != 1 {
		return object{}, unreadable()
	}
	return done.Results[0], done.Results[0].needID()
}

// identified reads the object whose unique property has a value. The value travels
// in the body: an address would end up in logs.
func (c *connection) identified(ctx context.Context, kind, property, value string, want ...string) (o object, found bool, err error) {
	var got batch
	err = c.post(ctx, objects(kind)+"/batch/read", map[string]any{"idProperty": property, "inputs": []ref{{value}},
		"properties": want, "propertiesWithHistory": []string{}}, &got)
	if err != nil || len(got.Results) == 0 {
		if err == nil && len(got.Errors) > 0 && got.Errors[0].Category != "OBJECT_NOT_FOUND" {
			err = c.refine(&sdk.Error{Class: sdk.Invalid, Code: "batch"}, got.Errors[0], http.StatusMultiStatus)
		}
		return object{}, false, err
	}
	return got.Results[0], true, got.Results[0].needID()
}

// filter is one condition of a search; those of a group all hold.
type filter struct {
	Property string `json:"propertyName"`
	Operator string `json:"operator"`
	Value    string `json:"value"`
}

type group struct {
	Filters []filter `json:"filters"`
}

func equal(property, value string) group { return group{[]filter{{property, "EQ", value}}} }

// search gives the newest objects for which one of the groups holds, or that have
// the words somewhere. HubSpot's search lags behind what was written.
func (c *connection) search(ctx context.Context, kind, words string, groups []group, sort string, limit int, want ...string) ([]object, error) {
	if groups == nil {
		groups = []group{}
	}
	body := map[string]any{"filterGroups": groups, "properties": want, "limit": limit, "after": "0", "sorts": []string{sort}}
	if words != "" {
		body["query"] = words
	}
	var found batch
	if err := c.post(ctx, objects(kind)+"/search", body, &found); err != nil {
		return nil, err
	}
	for _, o := range found.Results {
		if err := o.needID(); err != nil {
			return nil, err
		}
	}
	return found.Results, nil
}
