package freshdesk

import (
	"encoding/json"
	"net/url"
	"strings"

	"parley/connectors/sdk"
)

// Config is a workspace's configuration of its Freshdesk. With webhook_secret alone a
// connection receives webhooks and can do nothing.
type Config struct {
	BaseURL       string `json:"base_url,omitempty" doc:"Address of your Freshdesk, such as https://acme.freshdesk.com."`
	APIKey        string `json:"api_key,omitempty" secret:"true" doc:"The API key of the agent in whose name Parley works (Profile settings)."`
	WebhookSecret string `json:"webhook_secret,omitempty" secret:"true" doc:"A secret of your own, 16 characters or more, that your automation rules send in the header X-Parley-Secret or as the password; several, separated by commas, while one replaces another."`
}

// settings is a configuration that was checked.
type settings struct {
	Config
	base string
	// secrets are what webhooks bring: the current one, and older ones while they are rotated.
	secrets []string
}

// leastSecret is how long a secret must be: nothing but it keeps strangers out.
const leastSecret = 16

func readConfig(raw json.RawMessage) (settings, error) {
	var s settings
	if err := sdk.DecodeStrict(raw, &s.Config); err != nil {
		return s, err
	}
	for secret := range strings.SplitSeq(s.WebhookSecret, ",") {
		if secret = strings.TrimSpace(secret); secret != "" {
			s.secrets = append(s.secrets, secret)
		}
		if secret != "" && (len(secret) < leastSecret || strings.ContainsFunc(secret, notInHeader)) {
			return s, sdk.Invalidf("webhook_secret must be %d characters or more without spaces: it alone tells your Freshdesk from strangers", leastSecret)
		}
	}
	switch {
	case s.BaseURL == "" && (s.APIKey != "" || len(s.secrets) == 0):
		return s, sdk.Invalidf("base_url is missing: it is the address of your Freshdesk, such as https://acme.freshdesk.com")
	case s.BaseURL != "" && s.APIKey == "":
		return s, sdk.Invalidf("api_key is missing: it is in an agent's profile settings")
	case strings.ContainsFunc(s.APIKey, notInHeader) || strings.Contains(s.APIKey, ":"):
		return s, sdk.Invalidf("api_key holds a space or a character that no key has")
	}
	var err error
	s.base, err = readBase(s.BaseURL)
	return s, err
}

func notInHeader(r rune) bool { return r <= ' ' || r > '~' }

func readBase(base string) (string, error) {
	if base == "" {
		return "", nil
	}
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return "", sdk.Invalidf("base_url must be an absolute http or https address")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", sdk.Invalidf("base_url must hold no user, query or fragment")
	}
	return strings.TrimSuffix(strings.TrimRight(base, "/"), "/api/v2"), nil
}
