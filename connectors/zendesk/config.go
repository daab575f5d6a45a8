package zendesk

import (
	"encoding/json"
	"net/url"
	"strings"

	"parley/connectors/sdk"
)

// Config is a workspace's configuration of its Zendesk. A connection calls with an
// API token, or by OAuth if it has none. With webhook_secret alone it receives
// webhooks and can do nothing.
type Config struct {
	BaseURL       string `json:"base_url,omitempty" doc:"Address of your Zendesk, such as https://acme.zendesk.com."`
	Email         string `json:"email,omitempty" doc:"E-mail address of Parley's own user at Zendesk, with api_token."`
	APIToken      string `json:"api_token,omitempty" secret:"true" doc:"An API token (Admin Center, Apps and integrations, Zendesk API). Without it the connection is authorised by OAuth."`
	ClientID      string `json:"client_id,omitempty" doc:"Identifier of the OAuth client, where there is no api_token."`
	ClientSecret  string `json:"client_secret,omitempty" secret:"true" doc:"Secret of the OAuth client."`
	WebhookSecret string `json:"webhook_secret,omitempty" secret:"true" doc:"The signing secret that Zendesk shows for the webhook; several, separated by commas, while one replaces another."`
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
	switch calls := s.APIToken != "" || s.ClientID != ""; {
	case s.BaseURL == "" && (calls || len(s.secrets) == 0):
		return s, sdk.Invalidf("base_url is missing: it is the address of your Zendesk, such as https://acme.zendesk.com")
	case s.APIToken != "" && !strings.Contains(s.Email, "@"):
		return s, sdk.Invalidf("email is missing: an API token is used with the e-mail address of a user")
	case strings.ContainsFunc(s.Email, notInHeader) || strings.Contains(s.Email, ":"):
		return s, sdk.Invalidf("email holds a space or a character that no address has")
	case strings.ContainsFunc(s.APIToken, notInHeader):
		return s, sdk.Invalidf("api_token holds a space or a character that no token has")
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
