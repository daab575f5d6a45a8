package meta

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// Product is one of the products on the Messenger Platform.
type Product struct {
	// Name for errors, e.g. "Messenger".
	Name string
	// Object is the webhook's: "page" or "instagram".
	Object string
	// Base is the address of its Graph API.
	Base    string
	Channel *sdk.Channel
	// Metadata tells that message.metadata comes back in the echo of a message.
	Metadata bool
	// Attachments are the types of attachments by our kinds of media.
	Attachments map[string]string
	// Fields of the webhooks that are subscribed to.
	Fields []string
}

// Account is one page or professional account.
type Account struct {
	BaseURL, APIVersion string
	// ID is the page's or account's; setting names it in the configuration.
	ID, Setting string
	Token       string
	Secret      string
	VerifyToken string
}

// Connection exchanges messages for one account. It is safe for concurrent use:
// nothing in it changes.
type Connection struct {
	product Product
	account Account
	secrets []string
	http    *http.Client
}

const defaultVersion = "v23.0"

var (
	versionForm = regexp.MustCompile(`^v[0-9]{1,3}\.[0-9]{1,2}$`)
	idForm      = regexp.MustCompile(`^[0-9]{1,32}$`)
)

// Open completes the account's settings, refuses what cannot work, and returns
// the connection. A connection either sends, receives or both.
func Open(p Product, a Account, host sdk.Host) (*Connection, error) {
	allow := ""
	if a.BaseURL != "" {
		u, err := url.Parse(a.BaseURL)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.RawQuery != "" || u.User != nil {
			return nil, sdk.Invalidf("base_url must be an http or https address without a query")
		}
		allow = u.Host
	} else {
		a.BaseURL = p.Base
	}
	a.BaseURL = strings.TrimRight(a.BaseURL, "/")
	if a.APIVersion == "" {
		a.APIVersion = defaultVersion
	}
	c := &Connection{product: p, account: a, secrets: Secrets(a.Secret), http: host.HTTP}
	switch {
	case !versionForm.MatchString(a.APIVersion):
		return nil, sdk.Invalidf("api_version must look like v23.0")
	case a.ID != "" && !idForm.MatchString(a.ID):
		return nil, sdk.Invalidf("%s must be Meta's ID, a number", a.Setting)
	case (a.ID == "") != (a.Token == ""):
		return nil, sdk.Invalidf("%s and access_token belong together: both are needed to send", a.Setting)
	case a.ID == "" && len(c.secrets) == 0:
		return nil, sdk.Invalidf("%s and access_token are needed to send, webhook_secret to receive", a.Setting)
	case strings.ContainsAny(a.Token, " \t\r\n"):
		return nil, sdk.Invalidf("access_token holds white space")
	}
	if c.http == nil {
		c.http = sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: allow})
	}
	return c, nil
}

// AccountIDs implements [sdk.Accounts].
func (c *Connection) AccountIDs() []string {
	if c.account.ID == "" {
		return nil
	}
	return []string{c.account.ID}
}

// Verify implements [sdk.Receiver].
func (c *Connection) Verify(req sdk.WebhookRequest, _ time.Time) error { return Verify(c.secrets, req) }

// Handshake implements [sdk.Handshaker].
func (c *Connection) Handshake(req sdk.WebhookRequest) (string, error) {
	return Handshake(c.account.VerifyToken, req)
}

// Check implements [sdk.Checker] by reading the account's own record.
func (c *Connection) Check(ctx context.Context) error {
	return c.call(ctx, http.MethodGet, "check", "?fields=id", nil, nil)
}

// Subscribe implements [sdk.Subscriber]: the account's events are pushed to the
// app, whose callback address is set once for all accounts in Meta's app settings.
// Subscribing to what is subscribed changes nothing.
func (c *Connection) Subscribe(ctx context.Context, _ string) error {
	return c.call(ctx, http.MethodPost, "subscribe",
		"/subscribed_apps?"+url.Values{"subscribed_fields": {strings.Join(c.product.Fields, ",")}}.Encode(), nil, nil)
}

// call makes a request below the account's node, and decodes the answer into out
// unless it is nil. Every answer that is not a success is an *sdk.Error.
func (c *Connection) call(ctx context.Context, method, operation, path string, body, out any) error {
	if c.account.ID == "" {
		return sdk.Invalidf("the connection only receives: set %s and access_token", c.account.Setting)
	}
	r := sdk.Request{Method: method, Operation: operation, URL: strings.Join([]string{c.account.BaseURL, c.account.APIVersion, c.account.ID}, "/") + path,
		Header: http.Header{"Authorization": {"Bearer " + c.account.Token}, "Accept": {"application/json"}}}
	if body != nil {
		r.Body = sdk.JSONBody(body)
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := sdk.Do(ctx, c.http, r)
	if err != nil {
		return err
	}
	if resp.Status < 200 || resp.Status > 299 {
		return responseError(c.product.Name, resp)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(resp.Body, out); err != nil {
		return &sdk.Error{Class: sdk.Unavailable, Wrote: true, Err: err, Message: c.product.Name + "'s answer is not what its documentation says"}
	}
	return nil
}
