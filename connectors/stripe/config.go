package stripe

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"parley/connectors/sdk"
)

const (
	defaultBase = "https://api.stripe.com"
	// defaultTolerance is the one of Stripe's own libraries
	// (https://docs.stripe.com/webhooks#replay-attacks).
	defaultTolerance = 5 * time.Minute
	maxTolerance     = time.Hour
)

// Config is a workspace's configuration of its Stripe account. At least one of
// SecretKey and WebhookSecret must be given: with the second alone a connection
// receives webhooks and can do nothing.
type Config struct {
	BaseURL          string `json:"base_url,omitempty" doc:"Address of Stripe's API; https://api.stripe.com unless given."`
	SecretKey        string `json:"secret_key,omitempty" secret:"true" doc:"Secret or restricted API key (sk_… or rk_…). A restricted key needs write access to Payment Links and Refunds and read access to Payment Intents, Charges, Checkout Sessions, Events and Balance; for the other operations write access to Checkout Sessions, Customers, Invoices, Subscriptions and Payouts, and read access to Balance Transactions."`
	WebhookSecret    string `json:"webhook_secret,omitempty" secret:"true" doc:"Signing secret of the webhook endpoint (whsec_…); several, separated by commas, while one replaces another."`
	WebhookTolerance string `json:"webhook_tolerance,omitempty" doc:"How far a webhook's timestamp may be from now, as a duration of at most 1h; 5m unless given."`
}

// settings is a configuration that was checked.
type settings struct {
	Config
	base      string
	secrets   []string
	tolerance time.Duration
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
	if s.SecretKey == "" && len(s.secrets) == 0 {
		return s, sdk.Invalidf("secret_key is missing")
	}
	if strings.ContainsFunc(s.SecretKey, notPrintable) {
		return s, sdk.Invalidf("secret_key holds a space or a character that no key has")
	}
	var err error
	if s.base, err = readBase(s.BaseURL); err != nil {
		return s, err
	}
	s.tolerance, err = readTolerance(s.WebhookTolerance)
	return s, err
}

func notPrintable(r rune) bool { return r <= ' ' || r > '~' }

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

func readTolerance(text string) (time.Duration, error) {
	if text == "" {
		return defaultTolerance, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > maxTolerance {
		return 0, sdk.Invalidf(`webhook_tolerance must be a duration above 0 and at most 1h, such as "5m"`)
	}
	return d, nil
}
