// Package http connects Parley to any HTTP API for which there is no connector:
// requests whose method, path and body a flow gives, checks of the answer, and
// webhooks verified by a recipe. It runs on package declared.
package http

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"parley/connectors/declared"
	"parley/connectors/declared/hook"
	"parley/connectors/declared/template"
	"parley/connectors/sdk"
)

// Config is the configuration of a connection.
type Config struct {
	BaseURL       string            `json:"base_url" doc:"Address beneath which all requests go."`
	Token         string            `json:"token,omitempty" secret:"true" doc:"Sent as a bearer token."`
	Username      string            `json:"username,omitempty" doc:"User name for basic authentication."`
	Password      string            `json:"password,omitempty" secret:"true" doc:"Password for basic authentication."`
	APIKey        string            `json:"api_key,omitempty" secret:"true" doc:"Sent in the header that api_key_header names."`
	APIKeyHeader  string            `json:"api_key_header,omitempty" doc:"Header of the API key, X-Api-Key unless given."`
	Headers       map[string]string `json:"headers,omitempty" doc:"Further headers of every request."`
	KeyHeader     string            `json:"key_header,omitempty" doc:"Header by which the API knows repeats, such as Idempotency-Key; send_keyed needs it."`
	KeyLifetime   string            `json:"key_lifetime,omitempty" doc:"How long the API remembers a key, 1h unless given."`
	WebhookSecret string            `json:"webhook_secret,omitempty" secret:"true" doc:"The secret that verifies webhooks."`
	Webhook       json.RawMessage   `json:"webhook,omitempty" doc:"How webhooks are signed and read, as in docs/import.md; unless given, X-Signature is the hex HMAC-SHA256 of the body."`
}

// keyLifetime is that of a key unless the configuration says otherwise.
const keyLifetime = time.Hour

// Connector is the manifest.
var Connector = sdk.Connector{
	Name: "http", Title: "HTTP API", Config: &Config{},
	Operations: []sdk.Operation{
		sdk.Op("get", "Reads something; it must change nothing.", sdk.Effect{Kind: sdk.Read}, (*connection).get).
			Sample(`{"path": "/things"}`),
		sdk.Op("send", "Sends a request once; if its outcome is unknown it is not repeated.", sdk.Effect{Kind: sdk.Once}, (*connection).send).
			Sample(`{"method": "POST", "path": "/things", "json": {"name": "x"}}`),
		sdk.Op("send_keyed", "Sends a request with an idempotency key, by which the API knows repeats.",
			sdk.Effect{Kind: sdk.Keyed, KeyLifetime: keyLifetime}, (*connection).sendKeyed).
			Sample(`{"method": "POST", "path": "/things", "json": {"name": "x"}}`),
	},
	Triggers: []sdk.Trigger{{Name: "http.received", Source: []string{"*"}, Summary: "A webhook was received."}},
	Open:     open,
}

// Get is the input of get.
type Get struct {
	Path    string            `json:"path" doc:"Path beneath base_url, beginning with /."`
	Query   map[string]string `json:"query,omitempty" doc:"Parameters of the query."`
	Headers map[string]string `json:"headers,omitempty" doc:"Headers of this request."`
	Expect  []int             `json:"expect,omitempty" doc:"Statuses that are success; 200 to 299 unless given."`
	Require []Requirement     `json:"require,omitempty" doc:"What must hold of the answer."`
	Take    string            `json:"take,omitempty" doc:"Dotted path of the part of the answer that is wanted."`
}

// Requirement is a part of the answer that must be as given.
type Requirement struct {
	At     string `json:"at" doc:"Dotted path in the answer."`
	Equals any    `json:"equals,omitempty" doc:"What must stand there; anything unless given."`
}

// Send is the input of send and send_keyed. One of JSON, Form and Text, or none.
type Send struct {
	Get
	Method string            `json:"method" doc:"POST, PUT, PATCH or DELETE."`
	JSON   json.RawMessage   `json:"json,omitempty" doc:"Body as JSON."`
	Form   map[string]string `json:"form,omitempty" doc:"Body as a form."`
	Text   string            `json:"text,omitempty" doc:"Body as plain text."`
}

// Answer is the output of every operation.
type Answer struct {
	Status int `json:"status"`
	// Body is the answer, or the part that was taken.
	Body any `json:"body"`
}

type connection struct {
	*declared.Connection
	c        Config
	lifetime time.Duration
	hook     *hook.Hook
}

func open(raw json.RawMessage, host sdk.Host) (any, error) {
	var c Config
	if err := sdk.DecodeStrict(raw, &c); err != nil {
		return nil, err
	}
	k := &connection{c: c, lifetime: keyLifetime}
	if c.KeyLifetime != "" {
		d, err := time.ParseDuration(c.KeyLifetime)
		if err != nil || d <= 0 {
			return nil, sdk.Invalidf(`key_lifetime must be a duration such as "24h"`)
		}
		k.lifetime = d
	}
	recipe := hook.Recipe{Signature: hook.Signature{Header: "X-Signature"}, Events: hook.Events{ID: "{id}", Type: "{type}", Data: "{$body.}"}}
	if len(c.Webhook) > 0 {
		recipe = hook.Recipe{}
		if err := yaml.UnmarshalWithOptions(c.Webhook, &recipe, yaml.Strict()); err != nil {
			return nil, sdk.Invalidf("webhook is not a recipe; see docs/import.md")
		}
	}
	var err error
	if k.hook, err = hook.Compile(recipe, map[string]string{"*": "http.received"}); err != nil {
		return nil, sdk.Invalidf("webhook: %v", err)
	}
	built, err := declared.Build(c.definition(), nil)
	if err != nil {
		return nil, sdk.Invalidf("%v", err)
	}
	conn, err := built.Open(sdk.JSONBody(map[string]string{"base_url": c.BaseURL, "token": c.Token, "username": c.Username, "password": c.Password, "api_key": c.APIKey}), host)
	if err != nil {
		return nil, err
	}
	k.Connection = conn.(*declared.Connection)
	return k, nil
}

// definition is the connection's credentials and headers as a declared connector.
func (c Config) definition() declared.Definition {
	header := c.APIKeyHeader
	if header == "" {
		header = "X-Api-Key"
	}
	d := declared.Definition{Name: "http", Title: "HTTP API", Headers: map[string]string{}, Auth: []declared.Auth{
		{Type: "basic", Optional: true}, {Type: "header", Name: header, Optional: true}, {Type: "bearer", Setting: "token", Optional: true},
	}}
	for name, value := range c.Headers {
		d.Headers[name] = strings.NewReplacer("{", "{{", "}", "}}").Replace(value)
	}
	return d
}

func (k *connection) get(ctx context.Context, _ sdk.Call, in Get) (Answer, error) {
	return k.do(ctx, declared.Message{Operation: "get", Method: http.MethodGet}, in)
}

func (k *connection) send(ctx context.Context, _ sdk.Call, in Send) (Answer, error) {
	m, err := in.message("send")
	if err != nil {
		return Answer{}, err
	}
	return k.do(ctx, m, in.Get)
}

func (k *connection) sendKeyed(ctx context.Context, call sdk.Call, in Send) (Answer, error) {
	if k.c.KeyHeader == "" {
		return Answer{}, sdk.Invalidf("key_header is not configured: without it the API cannot know a repeat; use send")
	}
	m, err := in.message("send_keyed")
	if err != nil {
		return Answer{}, err
	}
	m.Header.Set(k.c.KeyHeader, call.Key)
	return k.do(ctx, m, in.Get)
}

// message makes the body.
func (s Send) message(operation string) (declared.Message, error) {
	m := declared.Message{Operation: operation, Method: s.Method, Header: http.Header{}}
	if !slices.Contains([]string{"POST", "PUT", "PATCH", "DELETE"}, s.Method) {
		return m, sdk.Invalidf("method must be POST, PUT, PATCH or DELETE")
	}
	kinds := 0
	if len(s.JSON) > 0 {
		kinds, m.Body = kinds+1, s.JSON
		m.Header.Set("Content-Type", "application/json")
	}
	if len(s.Form) > 0 {
		form := url.Values{}
		for name, v := range s.Form {
			form.Set(name, v)
		}
		kinds, m.Body = kinds+1, []byte(form.Encode())
		m.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if s.Text != "" {
		kinds, m.Body = kinds+1, []byte(s.Text)
		m.Header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	if kinds > 1 {
		return m, sdk.Invalidf("only one of json, form and text can be the body")
	}
	return m, nil
}

// do sends a request, judges the answer and takes what is wanted.
func (k *connection) do(ctx context.Context, m declared.Message, in Get) (Answer, error) {
	u, err := url.Parse(in.Path)
	if err != nil || !strings.HasPrefix(in.Path, "/") || strings.HasPrefix(in.Path, "//") || u.RawQuery != "" || u.Fragment != "" ||
		slices.Contains(strings.Split(u.Path, "/"), "..") {
		return Answer{}, sdk.Invalidf("path must begin with / and stay beneath base_url, without a query; parameters go into query")
	}
	m.Path, m.Query = u.EscapedPath(), url.Values{}
	for name, v := range in.Query {
		m.Query.Set(name, v)
	}
	if m.Header == nil {
		m.Header = http.Header{}
	}
	for name, v := range in.Headers {
		if strings.ContainsAny(name+v, "\r\n\x00") || strings.EqualFold(name, "Authorization") || strings.EqualFold(name, k.c.KeyHeader) {
			return Answer{}, sdk.Invalidf("headers must be single lines; credentials and the key are the connection's")
		}
		m.Header.Set(name, v)
	}
	resp, err := k.Send(ctx, m)
	if err != nil {
		return Answer{}, err
	}
	want := declared.Response{Status: in.Expect}
	for _, r := range in.Require {
		want.Require = append(want.Require, declared.Requirement{At: r.At, Equals: r.Equals})
	}
	if err := k.Judge(resp, want, nil); err != nil {
		return Answer{}, err
	}
	body, err := declared.Decode(resp)
	if err != nil {
		return Answer{}, err
	}
	taken, ok := template.Lookup(body, in.Take)
	if !ok {
		return Answer{}, &sdk.Error{Class: sdk.Unavailable, Wrote: true, Message: "the answer does not have what take names"}
	}
	return Answer{Status: resp.Status, Body: taken}, nil
}

// KeyLifetime implements [sdk.KeyKeeper].
func (k *connection) KeyLifetime(string) time.Duration { return k.lifetime }

func (k *connection) setting(name string) string {
	if name == "webhook_secret" {
		return k.c.WebhookSecret
	}
	return ""
}

// Verify implements [sdk.Receiver].
func (k *connection) Verify(req sdk.WebhookRequest, now time.Time) error {
	return k.hook.Verify(req, now, k.setting)
}

// Parse implements [sdk.Receiver].
func (k *connection) Parse(req sdk.WebhookRequest) ([]sdk.Event, error) { return k.hook.Parse(req) }
