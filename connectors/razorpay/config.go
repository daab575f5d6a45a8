package razorpay

import (
	"encoding/json"
	"net/url"
	"strings"

	"parley/connectors/sdk"
)

const defaultBase = "https://api.razorpay.com"

// Config is a workspace's configuration of its Razorpay account. Either the two
// parts of the key or WebhookSecret must be given: with the second alone a
// connection receives webhooks and can do nothing.
type Config struct {
	BaseURL       string `json:"base_url,omitempty" doc:"Address of Razorpay's API; https://api.razorpay.com unless given."`
	KeyID         string `json:"key_id,omitempty" doc:"The API key's ID (rzp_live_… or rzp_test_…)."`
	KeySecret     string `json:"key_secret,omitempty" secret:"true" doc:"The API key's secret. It also signs the callbacks of payment links."`
	WebhookSecret string `json:"webhook_secret,omitempty" secret:"true" doc:"The secret of the webhook; several, separated by commas, while one replaces another: Razorpay signs repeats of older events with the older secret."`
	AccountNumber string `json:"account_number,omitempty" doc:"The RazorpayX account that payouts are made from: its customer identifier or current account number. Only payouts need it."`
}

// settings is a configuration that was checked.
type settings struct {
	Config
	base string
	// secrets sign webhooks: the current one, and older ones while they are rotated.
	secrets []string
}

func readConfig(raw json.RawMessage) (settings, error) {
	var s settings
	if err := sdk.DecodeStrict(raw, &s.Config); err != nil {
		return s, err
	}
	for secret := range strings.SplitSeq(s.WebhookSecret, ",") {
		if secret = strings.TrimSpace(secret); secret != "" {
			s.secrets = append(s.secrets, secret)
		}
	}
	switch {
	case s.KeyID == "" && (s.KeySecret != "" || len(s.secrets) == 0):
		return s, sdk.Invalidf("key_id is missing")
	case s.KeyID != "" && s.KeySecret == "":
		return s, sdk.Invalidf("key_secret is missing")
	case strings.ContainsFunc(s.KeyID, notInKey) || strings.Contains(s.KeyID, ":"):
		return s, sdk.Invalidf("key_id holds a space or a character that no key has")
	case strings.ContainsFunc(s.KeySecret, notInKey):
		return s, sdk.Invalidf("key_secret holds a space or a character that no key has")
	case s.AccountNumber != "" && !accountNumber.MatchString(s.AccountNumber):
		return s, sdk.Invalidf("account_number must be 5 to 35 letters and digits")
	}
	var err error
	s.base, err = readBase(s.BaseURL)
	return s, err
}

func notInKey(r rune) bool { return r <= ' ' || r > '~' }

func readBase(base string) (string, error) {
	if base == "" {
		return defaultBase, nil
	}
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return "", sdk.Invalidf("base_url must be an absolute http or https address")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", sdk.Invalidf("base_url must hold no user, query or fragment")
	}
	return strings.TrimRight(base, "/"), nil
}
