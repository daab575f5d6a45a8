package declared

import (
	"errors"
	"time"

	"parley/connectors/declared/hook"
	"parley/connectors/sdk"
)

// Definition is a connector.yaml. Texts are templates (see package template) over
// the operation's input; $settings.NAME, $key (the idempotency key) and $workspace
// are there too. docs/import.md explains every key.
type Definition struct {
	Name  string `yaml:"name"`
	Title string `yaml:"title"`
	Docs  string `yaml:"docs,omitempty"`
	// BaseURL is where the provider is unless a connection says otherwise.
	BaseURL    string               `yaml:"base_url,omitempty"`
	Settings   map[string]Setting   `yaml:"settings,omitempty"`
	Auth       []Auth               `yaml:"auth,omitempty"`
	Headers    map[string]string    `yaml:"headers,omitempty"`
	Limits     Limits               `yaml:"limits,omitempty"`
	Errors     Errors               `yaml:"errors,omitempty"`
	Check      string               `yaml:"check,omitempty"`
	Operations map[string]Operation `yaml:"operations"`
	Triggers   []Trigger            `yaml:"triggers,omitempty"`
	Webhook    *hook.Recipe         `yaml:"webhook,omitempty"`
}

// Setting is one setting of a connection beside base_url and those of auth.
type Setting struct {
	Doc      string `yaml:"doc,omitempty"`
	Required bool   `yaml:"required,omitempty"`
	Secret   bool   `yaml:"secret,omitempty"`
	Default  string `yaml:"default,omitempty"`
}

// Auth is one credential; all that are listed are sent.
type Auth struct {
	// Type is bearer, basic, header, query or oauth2.
	Type string `yaml:"type"`
	// Name of the header or query parameter.
	Name string `yaml:"name,omitempty"`
	// Setting holds the credential: access_token for bearer, api_key for header
	// and query, unless given.
	Setting string `yaml:"setting,omitempty"`
	// Prefix stands before it in a header ("Token ").
	Prefix string `yaml:"prefix,omitempty"`
	// User and Password are the settings of basic: username and password unless given.
	User     string `yaml:"user,omitempty"`
	Password string `yaml:"password,omitempty"`
	// Optional leaves the credential out where its setting is empty.
	Optional bool `yaml:"optional,omitempty"`
	// TokenURL and the rest are as in [sdk.OAuth], for oauth2.
	TokenURL     string            `yaml:"token_url,omitempty"`
	AuthorizeURL string            `yaml:"authorize_url,omitempty"`
	Scopes       []string          `yaml:"scopes,omitempty"`
	BasicAuth    bool              `yaml:"basic_auth,omitempty"`
	Params       map[string]string `yaml:"params,omitempty"`
}

// Limits are as in [sdk.Limits].
type Limits struct {
	PerSecond  float64 `yaml:"per_second,omitempty"`
	Burst      int     `yaml:"burst,omitempty"`
	Concurrent int     `yaml:"concurrent,omitempty"`
}

// Operation is one call, or several for its pages.
type Operation struct {
	Summary string `yaml:"summary"`
	// Note is for who reads the file: why something is as it is.
	Note    string           `yaml:"note,omitempty"`
	Effect  Effect           `yaml:"effect"`
	Method  string           `yaml:"method"`
	Path    string           `yaml:"path"`
	Query   map[string]Value `yaml:"query,omitempty"`
	Headers map[string]Value `yaml:"headers,omitempty"`
	Body    *Body            `yaml:"body,omitempty"`
	Pages   *Pages           `yaml:"pages,omitempty"`
	// Response says what is success and what becomes of the answer.
	Response Response    `yaml:"response,omitempty"`
	Errors   []ErrorRule `yaml:"errors,omitempty"`
	Find     *Find       `yaml:"find,omitempty"`
	// Input and Output are JSON Schemas (draft 2020-12) of objects, here or in a
	// file beside this one ("schemas.json#/input/order_get"). Without an output
	// schema anything may come.
	Input  any `yaml:"input,omitempty"`
	Output any `yaml:"output,omitempty"`
	// Samples is a list of inputs that work, or where in a file it is.
	Samples any `yaml:"samples,omitempty"`
}

// Effect says what a repeat does; see [sdk.Effect].
type Effect struct {
	Kind sdk.EffectKind `yaml:"kind"`
	// KeyHeader carries the idempotency key. A keyed operation has one, or names
	// {$key} elsewhere in its request, or its method is PUT or DELETE.
	KeyHeader   string `yaml:"key_header,omitempty"`
	KeyLifetime string `yaml:"key_lifetime,omitempty"`
	Settle      string `yaml:"settle,omitempty"`
}

func (e Effect) seam() (sdk.Effect, error) {
	out := sdk.Effect{Kind: e.Kind}
	switch e.Kind {
	case sdk.Read, sdk.Keyed, sdk.Lookup, sdk.Once:
	default:
		return out, errors.New("effect.kind: must be read, keyed, lookup or once")
	}
	for _, f := range []struct {
		text string
		into *time.Duration
	}{{e.KeyLifetime, &out.KeyLifetime}, {e.Settle, &out.Settle}} {
		if f.text == "" {
			continue
		}
		d, err := time.ParseDuration(f.text)
		if err != nil || d <= 0 {
			return out, errors.New(`effect: key_lifetime and settle must be durations such as "24h"`)
		}
		*f.into = d
	}
	switch {
	case (e.Kind == sdk.Keyed) != (out.KeyLifetime > 0):
		return out, errors.New("effect.key_lifetime: a keyed operation needs one, and no other has one")
	case e.Kind != sdk.Lookup && out.Settle > 0:
		return out, errors.New("effect.settle: belongs to lookup")
	}
	return out, nil
}

// Value is a query parameter or header: a template, or a template and how lists
// and objects are written.
type Value struct {
	Value string `yaml:"value"`
	// Style is repeat (the default: a=1&a=2, objects as their fields), comma,
	// space, pipe, deep (a[b]=1), brackets (a[]=1&a[]=2) or json. Headers know
	// comma and json.
	Style string `yaml:"style,omitempty"`
}

// UnmarshalYAML takes a text for a value of the default style.
func (v *Value) UnmarshalYAML(decode func(any) error) error {
	if err := decode(&v.Value); err == nil {
		return nil
	}
	type plain Value
	return decode((*plain)(v))
}

// Body is what a request carries.
type Body struct {
	// Type is json, form, multipart, text or binary (base64 in the input).
	Type string `yaml:"type"`
	// ContentType, where it is not the usual one of the type.
	ContentType string `yaml:"content_type,omitempty"`
	// Value is a tree of templates. Rest sends all fields of the input that
	// nothing else of the request names.
	Value any  `yaml:"value,omitempty"`
	Rest  bool `yaml:"rest,omitempty"`
	// Files are the fields of a multipart body that are files, base64 in the input.
	Files []string `yaml:"files,omitempty"`
	// Brackets writes lists in forms as a[]=1&a[]=2.
	Brackets bool `yaml:"brackets,omitempty"`
	// Required sends an empty object rather than no body.
	Required bool `yaml:"required,omitempty"`
}

// Pages says how a list goes on. The input gets the optional field max_items:
// with it, pages are read until there are that many.
type Pages struct {
	// Kind is cursor, page, offset, link (the header of RFC 8288) or url.
	Kind string `yaml:"kind"`
	// Items is the path of the list in the answer; the answer itself unless given.
	Items string `yaml:"items,omitempty"`
	// Next is the path of the next cursor or address in the answer.
	Next string `yaml:"next,omitempty"`
	// LastID takes the cursor from this field of the last item instead.
	LastID string `yaml:"last_id,omitempty"`
	// More is the path of a flag that tells whether there is more.
	More string `yaml:"more,omitempty"`
	// Param is the query parameter of cursor, page or offset.
	Param string `yaml:"param,omitempty"`
	// First is the number of the first page: 1 unless given.
	First *int `yaml:"first,omitempty"`
}

// Response says what is success and what becomes of the answer.
type Response struct {
	// Status lists the statuses that are success: all of 200 to 299 unless given.
	Status []int `yaml:"status,omitempty"`
	// Require lists what else must hold.
	Require []Requirement `yaml:"require,omitempty"`
	// Take is the path of the part of the answer that is the output.
	Take string `yaml:"take,omitempty"`
	// Map makes the output: a tree of templates over what was taken, $status and
	// $header.NAME.
	Map any `yaml:"map,omitempty"`
}

// Requirement is a path of the answer that must have a value, and the error if not.
type Requirement struct {
	At     string    `yaml:"at"`
	Equals any       `yaml:"equals,omitempty"`
	Class  sdk.Class `yaml:"class,omitempty"`
	// Code is the path of the provider's code.
	Code string `yaml:"code,omitempty"`
}

// Errors says what a provider's errors mean, beyond their status.
type Errors struct {
	// Code is the path of the provider's own code in an error's body.
	Code       string      `yaml:"code,omitempty"`
	Rules      []ErrorRule `yaml:"rules,omitempty"`
	RetryAfter *RetryAfter `yaml:"retry_after,omitempty"`
}

// ErrorRule classes errors; the first that fits counts, the operation's own before
// the connector's.
type ErrorRule struct {
	Status int       `yaml:"status,omitempty"`
	Code   string    `yaml:"code,omitempty"`
	Class  sdk.Class `yaml:"class"`
	// NotDone says that the provider did not act on the request.
	NotDone bool `yaml:"not_done,omitempty"`
	// Customer is a text fit for the customer.
	Customer string `yaml:"customer,omitempty"`
}

// RetryAfter is a header that says when to try again, where it is not Retry-After.
type RetryAfter struct {
	Header string `yaml:"header"`
	// Unit is s (the default), ms, or epoch: seconds since 1970.
	Unit string `yaml:"unit,omitempty"`
}

// Find is the search of an operation of kind lookup.
type Find struct {
	Path  string           `yaml:"path"`
	Query map[string]Value `yaml:"query,omitempty"`
	// Items is the path of the list of what was found, Match the field of one that
	// must be our key.
	Items string `yaml:"items,omitempty"`
	Match string `yaml:"match"`
}

// Trigger is an event that webhooks give.
type Trigger struct {
	Name    string `yaml:"name"`
	Summary string `yaml:"summary"`
	// From lists the provider's types of event; "*" is all others.
	From []string `yaml:"from"`
}
