// Package telegram is the connector for Telegram bots: a channel whose webhooks
// carry a secret token, with inline keyboards, media, locations and contacts.
//
// Shapes are those of the Bot API 10.1 (core.telegram.org/bots/api). Only private
// chats are served: what is said in groups is not a customer's conversation.
package telegram

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"parley/connectors/sdk"
)

// Config is what one connection needs. One connection is one bot.
type Config struct {
	BaseURL       string `json:"base_url,omitempty" doc:"Address of the Bot API. Default https://api.telegram.org"`
	Token         string `json:"token,omitempty" secret:"true" doc:"The bot's token from BotFather. Needed to send and to set the webhook"`
	WebhookSecret string `json:"webhook_secret,omitempty" secret:"true" doc:"The secret_token of the webhook: 1 to 256 letters, digits, _ and -. Several, separated by commas, during a rotation; the first is set"`
}

// Connector is the manifest.
var Connector = sdk.Connector{
	Name:       "telegram",
	Title:      "Telegram Bot API",
	Docs:       "https://core.telegram.org/bots/api",
	Config:     &Config{},
	Operations: operations,
	Channel:    &channel,
	// Telegram, "Bots FAQ", "My bot is hitting limits": 30 messages a second.
	Limits: sdk.Limits{PerSecond: 30, Burst: 30},
	Open:   open,
}

const defaultBase = "https://api.telegram.org"

// connection is safe for concurrent use: nothing in it changes.
type connection struct {
	config  Config
	secrets []string
	http    *http.Client
}

var (
	tokenForm  = regexp.MustCompile(`^[0-9]{1,20}:[A-Za-z0-9_-]{10,100}$`)
	secretForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
)

func open(raw json.RawMessage, host sdk.Host) (any, error) {
	var c Config
	if err := sdk.DecodeStrict(raw, &c); err != nil {
		return nil, err
	}
	conn := &connection{http: host.HTTP}
	allow := ""
	if c.BaseURL != "" {
		u, err := url.Parse(c.BaseURL)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.RawQuery != "" || u.User != nil {
			return nil, sdk.Invalidf("base_url must be an http or https address without a query")
		}
		allow = u.Host
	} else {
		c.BaseURL = defaultBase
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	for s := range strings.SplitSeq(c.WebhookSecret, ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		if !secretForm.MatchString(s) {
			return nil, sdk.Invalidf("webhook_secret must be 1 to 256 letters, digits, _ and -")
		}
		conn.secrets = append(conn.secrets, s)
	}
	switch {
	case c.Token != "" && !tokenForm.MatchString(c.Token):
		return nil, sdk.Invalidf("token is not a bot's token: it looks like 123456:ABC…")
	case c.Token == "" && len(conn.secrets) == 0:
		return nil, sdk.Invalidf("token is needed to send, webhook_secret to receive")
	}
	if conn.http == nil {
		conn.http = sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: allow})
	}
	conn.config = c
	return conn, nil
}

// Check implements [sdk.Checker].
func (c *connection) Check(ctx context.Context) error {
	return c.call(ctx, "check", "getMe", struct{}{}, nil)
}

// updates are the kinds that Telegram is asked for; message_reaction is not among
// its defaults.
var updates = []string{"message", "callback_query", "message_reaction", "my_chat_member"}

// setWebhook is the method of that name.
type setWebhook struct {
	URL            string   `json:"url"`
	SecretToken    string   `json:"secret_token"`
	AllowedUpdates []string `json:"allowed_updates"`
}

// Subscribe implements [sdk.Subscriber]. Telegram keeps one webhook for a bot and
// never shows its secret, so it is set each time: setting what is set changes nothing.
func (c *connection) Subscribe(ctx context.Context, hook string) error {
	if len(c.secrets) == 0 {
		return sdk.Invalidf("webhook_secret is needed to set the webhook")
	}
	return c.call(ctx, "subscribe", "setWebhook", setWebhook{URL: hook, SecretToken: c.secrets[0], AllowedUpdates: updates}, nil)
}

// answer is what every method returns.
type answer struct {
	OK          bool            `json:"ok"`
	Result      json.RawMessage `json:"result"`
	ErrorCode   int             `json:"error_code"`
	Description string          `json:"description"`
	Parameters  struct {
		RetryAfter int64 `json:"retry_after"`
	} `json:"parameters"`
}

// call runs a method of the Bot API and decodes its result into result, which may
// be nil. The token is part of the address, which no error quotes.
func (c *connection) call(ctx context.Context, operation, method string, body, result any) error {
	if c.config.Token == "" {
		return sdk.Invalidf("the connection only receives: set token")
	}
	resp, err := sdk.Do(ctx, c.http, sdk.Request{Method: http.MethodPost, Operation: operation,
		URL: c.config.BaseURL + "/bot" + c.config.Token + "/" + method, Body: sdk.JSONBody(body),
		Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}}})
	if err != nil {
		return err
	}
	var a answer
	if err := json.Unmarshal(resp.Body, &a); err != nil || resp.Status/100 != 2 || !a.OK {
		return responseError(resp, a)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(a.Result, result); err != nil {
		return &sdk.Error{Class: sdk.Unavailable, Wrote: true, Err: err, Message: "Telegram's answer is not what its documentation says"}
	}
	return nil
}
