// Package whatsapp is the connector for the WhatsApp Business Platform (Cloud API):
// a channel with signed webhooks, delivery statuses and approved templates.
//
// Shapes are those of Meta's OpenAPI document "business-messaging-api" v23.0;
// what is newer than it (business-scoped user IDs, link buttons) follows Meta's
// pages, named where it is used.
package whatsapp

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"parley/connectors/meta"
	"parley/connectors/sdk"
)

// Config is what one connection needs. One connection is one business number.
type Config struct {
	BaseURL       string `json:"base_url,omitempty" doc:"Address of the Graph API. Default https://graph.facebook.com"`
	APIVersion    string `json:"api_version,omitempty" doc:"Version of the Graph API. Default v23.0"`
	PhoneNumberID string `json:"phone_number_id,omitempty" doc:"Meta's ID of the business number (not the number itself). Needed to send"`
	WABAID        string `json:"waba_id,omitempty" doc:"ID of the WhatsApp Business Account. Needed for templates"`
	AccessToken   string `json:"access_token,omitempty" secret:"true" doc:"Token of a system user with the permission whatsapp_business_messaging. Needed to send"`
	WebhookSecret string `json:"webhook_secret,omitempty" secret:"true" doc:"The app secret, which signs webhooks. Several, separated by commas, during a rotation"`
	VerifyToken   string `json:"verify_token,omitempty" secret:"true" doc:"The token entered beside the callback URL in Meta's app settings"`
}

// Connector is the manifest.
var Connector = sdk.Connector{
	Name:       "whatsapp",
	Title:      "WhatsApp Business Platform (Cloud API)",
	Docs:       "https://developers.facebook.com/documentation/business-messaging/whatsapp",
	Config:     &Config{},
	Operations: slices.Concat(operations, templateOperations),
	Triggers:   templateTriggers,
	PollEvery:  time.Hour, // templates
	Channel:    &channel,
	Open:       open,
}

const (
	defaultBase    = "https://graph.facebook.com"
	defaultVersion = "v23.0"
)

// connection is safe for concurrent use: nothing in it changes.
type connection struct {
	config  Config
	secrets []string
	http    *http.Client
}

var (
	versionForm = regexp.MustCompile(`^v[0-9]{1,3}\.[0-9]{1,2}$`)
	idForm      = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)
)

func open(raw json.RawMessage, host sdk.Host) (any, error) {
	var c Config
	if err := sdk.DecodeStrict(raw, &c); err != nil {
		return nil, err
	}
	allow, err := c.check()
	if err != nil {
		return nil, err
	}
	client := host.HTTP
	if client == nil {
		client = sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: allow})
	}
	return &connection{config: c, http: client, secrets: meta.Secrets(c.WebhookSecret)}, nil
}

// check completes the configuration and refuses what cannot work. It returns the
// host of an explicit base_url. A connection either sends, receives or both.
func (c *Config) check() (allowHost string, err error) {
	if c.BaseURL != "" {
		u, err := url.Parse(c.BaseURL)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.RawQuery != "" || u.User != nil {
			return "", sdk.Invalidf("base_url must be an http or https address without a query")
		}
		allowHost = u.Host
	} else {
		c.BaseURL = defaultBase
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	if c.APIVersion == "" {
		c.APIVersion = defaultVersion
	}
	switch {
	case !versionForm.MatchString(c.APIVersion):
		return "", sdk.Invalidf("api_version must look like v23.0")
	case c.PhoneNumberID != "" && !idForm.MatchString(c.PhoneNumberID):
		return "", sdk.Invalidf("phone_number_id must be Meta's ID of the number")
	case c.PhoneNumberID != "" && c.AccessToken == "":
		return "", sdk.Invalidf("access_token is needed to send from phone_number_id")
	case c.PhoneNumberID == "" && c.AccessToken != "":
		return "", sdk.Invalidf("phone_number_id is needed: the number that access_token sends from")
	case c.PhoneNumberID == "" && c.WebhookSecret == "":
		return "", sdk.Invalidf("phone_number_id and access_token are needed to send, webhook_secret to receive")
	case strings.ContainsAny(c.AccessToken, " \t\r\n"):
		return "", sdk.Invalidf("access_token holds white space")
	}
	return allowHost, nil
}

// AccountIDs implements [sdk.Accounts].
func (c *connection) AccountIDs() []string {
	if c.config.PhoneNumberID == "" {
		return nil
	}
	return []string{c.config.PhoneNumberID}
}

// Check implements [sdk.Checker] by reading the number's own record.
func (c *connection) Check(ctx context.Context) error {
	if err := c.canSend(); err != nil {
		return err
	}
	_, err := c.call(ctx, sdk.Request{Method: http.MethodGet, Operation: "check",
		URL: c.url(c.config.PhoneNumberID) + "?fields=id"})
	return err
}

func (c *connection) canSend() error {
	if c.config.PhoneNumberID == "" {
		return sdk.Invalidf("the connection only receives: set phone_number_id and access_token")
	}
	return nil
}

func (c *connection) url(id string, rest ...string) string {
	return strings.Join(append([]string{c.config.BaseURL, c.config.APIVersion, url.PathEscape(id)}, rest...), "/")
}

// call makes a request as the connection's user and turns every answer that is
// not a success into an *sdk.Error.
func (c *connection) call(ctx context.Context, r sdk.Request) (*sdk.Response, error) {
	r.Header = http.Header{"Authorization": {"Bearer " + c.config.AccessToken}, "Accept": {"application/json"}}
	if r.Body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := sdk.Do(ctx, c.http, r)
	if err != nil {
		return nil, err
	}
	if resp.Status < 200 || resp.Status > 299 {
		return nil, responseError(resp)
	}
	return resp, nil
}

// post calls the number's messages endpoint.
func (c *connection) post(ctx context.Context, operation string, body any) (*sdk.Response, error) {
	if err := c.canSend(); err != nil {
		return nil, err
	}
	return c.call(ctx, sdk.Request{Method: http.MethodPost, Operation: operation,
		URL: c.url(c.config.PhoneNumberID, "messages"), Body: sdk.JSONBody(body)})
}
