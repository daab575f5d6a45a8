// Package twilio is the connector for Twilio: SMS, or WhatsApp through Twilio where
// the connection says so, with status callbacks that carry our key, and calls that
// are answered by a short message.
//
// Requests are those of Twilio's OpenAPI document "twilio_api_v2010" (2.6.7).
package twilio

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"parley/connectors/sdk"
)

// Config is what one connection needs. One connection is one number, or one
// messaging service.
type Config struct {
	BaseURL             string `json:"base_url,omitempty" doc:"Address of Twilio's API. Default https://api.twilio.com"`
	AccountSID          string `json:"account_sid,omitempty" doc:"SID of the account (AC…). Needed to send"`
	APIKey              string `json:"api_key,omitempty" doc:"SID of an API key (SK…), whose secret auth_token then is"`
	AuthToken           string `json:"auth_token,omitempty" secret:"true" doc:"The account's auth token, or the secret of api_key. Needed to send"`
	WebhookSecret       string `json:"webhook_secret,omitempty" secret:"true" doc:"The account's auth token, which signs webhooks. Several, separated by commas, during a rotation"`
	From                string `json:"from,omitempty" doc:"The number that sends, with country code and +"`
	MessagingServiceSID string `json:"messaging_service_sid,omitempty" doc:"SID of a messaging service (MG…) that chooses the number"`
	Channel             string `json:"channel,omitempty" doc:"sms (default) or whatsapp"`
	MMS                 bool   `json:"mms,omitempty" doc:"The number may send pictures (MMS: United States, Canada, Australia)"`
	MissedCallText      string `json:"missed_call_text,omitempty" doc:"What a caller is sent by SMS, such as a short link to a chat; calls are not taken. Empty: nothing"`
}

// Connector is the manifest. Its channel is that of SMS.
var Connector = sdk.Connector{
	Name:       "twilio",
	Title:      "Twilio (SMS, WhatsApp)",
	Docs:       "https://www.twilio.com/docs/messaging",
	Config:     &Config{},
	Operations: operations,
	Channel:    &smsChannel,
	Limits:     sdk.Limits{PerSecond: 100, Burst: 100},
	Open:       open,
}

const defaultBase = "https://api.twilio.com"

// connection is safe for concurrent use: nothing in it changes.
type connection struct {
	config  Config
	secrets []string
	hook    string
	http    *http.Client
}

var (
	accountForm = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
	keyForm     = regexp.MustCompile(`^SK[0-9a-fA-F]{32}$`)
	serviceForm = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)
	numberForm  = regexp.MustCompile(`^\+?[0-9]{3,20}$`)
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
	conn := &connection{config: c, http: host.HTTP, hook: host.Hook}
	for s := range strings.SplitSeq(c.WebhookSecret, ",") {
		if s = strings.TrimSpace(s); s != "" {
			conn.secrets = append(conn.secrets, s)
		}
	}
	if conn.http == nil {
		conn.http = sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: allow})
	}
	return conn, nil
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
	if c.Channel == "" {
		c.Channel = "sms"
	}
	sends := c.AccountSID != "" || c.AuthToken != ""
	switch {
	case c.Channel != "sms" && c.Channel != "whatsapp":
		return "", sdk.Invalidf("channel must be sms or whatsapp")
	case !sends && c.WebhookSecret == "":
		return "", sdk.Invalidf("account_sid and auth_token are needed to send, webhook_secret to receive")
	case sends && (!accountForm.MatchString(c.AccountSID) || c.AuthToken == ""):
		return "", sdk.Invalidf("account_sid must look like AC and 32 digits, and auth_token belongs to it")
	case c.APIKey != "" && !keyForm.MatchString(c.APIKey):
		return "", sdk.Invalidf("api_key must look like SK and 32 digits")
	case c.From != "" && !numberForm.MatchString(c.From):
		return "", sdk.Invalidf("from must be a number with country code and +, or a short code")
	case c.MessagingServiceSID != "" && !serviceForm.MatchString(c.MessagingServiceSID):
		return "", sdk.Invalidf("messaging_service_sid must look like MG and 32 digits")
	case sends && c.From == "" && c.MessagingServiceSID == "":
		return "", sdk.Invalidf("from or messaging_service_sid is needed to send")
	case c.MissedCallText != "" && c.Channel != "sms":
		return "", sdk.Invalidf("missed_call_text belongs to the channel sms")
	}
	return allowHost, nil
}

// Check implements [sdk.Checker] by reading the account's own record.
func (c *connection) Check(ctx context.Context) error {
	return c.call(ctx, "check", http.MethodGet, ".json", nil, nil)
}

// call makes a request below the account's resource, with a form where there is
// one, and decodes the answer into out unless it is nil.
func (c *connection) call(ctx context.Context, operation, method, path string, form url.Values, out any) error {
	if c.config.AccountSID == "" {
		return sdk.Invalidf("the connection only receives: set account_sid and auth_token")
	}
	r := sdk.Request{Method: method, Operation: operation, URL: c.config.BaseURL + "/2010-04-01/Accounts/" + c.config.AccountSID + path,
		Header: http.Header{"Accept": {"application/json"}, "Authorization": {c.basicAuth()}}}
	if form != nil {
		r.Body = []byte(form.Encode())
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := sdk.Do(ctx, c.http, r)
	if err != nil {
		return err
	}
	if resp.Status < 200 || resp.Status > 299 {
		return responseError(resp)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(resp.Body, out); err != nil {
		return &sdk.Error{Class: sdk.Unavailable, Wrote: true, Err: err, Message: "Twilio's answer is not what its documentation says"}
	}
	return nil
}

func (c *connection) basicAuth() string {
	user := c.config.APIKey
	if user == "" {
		user = c.config.AccountSID
	}
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, c.config.AuthToken)
	return r.Header.Get("Authorization")
}

// number is an incoming number's record (schema
// api.v2010.account.incoming_phone_number).
type number struct {
	SID      string `json:"sid"`
	SMSURL   string `json:"sms_url"`
	VoiceURL string `json:"voice_url"`
}

// Subscribe implements [sdk.Subscriber]: the number's messages, and its calls
// where they are answered, go to the address. Those of a messaging service or of
// WhatsApp are set in Twilio's console.
func (c *connection) Subscribe(ctx context.Context, hook string) error {
	if c.config.From == "" || c.config.Channel != "sms" {
		return sdk.Invalidf("set the webhook of the messaging service or WhatsApp sender in Twilio's console: the API sets that of a number only")
	}
	var found struct {
		Numbers []number `json:"incoming_phone_numbers"`
	}
	query := url.Values{"PhoneNumber": {plus(c.config.From)}}
	if err := c.call(ctx, "subscribe", http.MethodGet, "/IncomingPhoneNumbers.json?"+query.Encode(), nil, &found); err != nil {
		return err
	}
	if len(found.Numbers) == 0 {
		return &sdk.Error{Class: sdk.NotFound, Message: "the account does not have the number in from"}
	}
	n := found.Numbers[0]
	form := url.Values{}
	if n.SMSURL != hook {
		form.Set("SmsUrl", hook)
		form.Set("SmsMethod", "POST")
	}
	if c.config.MissedCallText != "" && n.VoiceURL != hook {
		form.Set("VoiceUrl", hook)
		form.Set("VoiceMethod", "POST")
	}
	if len(form) == 0 {
		return nil
	}
	return c.call(ctx, "subscribe", http.MethodPost, "/IncomingPhoneNumbers/"+url.PathEscape(n.SID)+".json", form, nil)
}

// plus writes a number as Twilio does; short codes stay as they are.
func plus(number string) string {
	if strings.HasPrefix(number, "+") || len(number) < 7 {
		return number
	}
	return "+" + number
}
