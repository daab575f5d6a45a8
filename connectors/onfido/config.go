package onfido

import (
	"crypto/subtle"
	"encoding/json"
	"net/url"
	"strings"

	"parley/connectors/sdk"
)

// version is the version of the API that this connector speaks.
const version = "/v3.6"

// Config is a workspace's configuration of its Onfido account. Either APIToken or
// WebhookSecret must be given: with the second alone a connection only receives.
type Config struct {
	BaseURL       string `json:"base_url,omitempty" doc:"Address of Onfido's API, without its version; that of the region unless given."`
	Region        string `json:"region,omitempty" doc:"Where the account is: eu (the default), us or ca."`
	APIToken      string `json:"api_token,omitempty" secret:"true" doc:"API token (api_live… or api_sandbox…)."`
	WebhookSecret string `json:"webhook_secret,omitempty" secret:"true" doc:"The token of the webhook; several, separated by commas, while one replaces another."`
}

// settings is a configuration that was checked.
type settings struct {
	Config
	base      string
	allowHost string
	secrets   []string
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
	if s.Region == "" {
		s.Region = "eu"
	}
	switch {
	case s.APIToken == "" && len(s.secrets) == 0:
		return s, sdk.Invalidf("api_token is missing")
	case strings.ContainsFunc(s.APIToken, func(r rune) bool { return r <= ' ' || r > '~' }):
		return s, sdk.Invalidf("api_token holds a space or a character that no token has")
	case s.Region != "eu" && s.Region != "us" && s.Region != "ca":
		return s, sdk.Invalidf("region must be eu, us or ca")
	}
	return s, s.readBase()
}

func (s *settings) readBase() error {
	if s.BaseURL == "" {
		s.base = "https://api." + s.Region + ".onfido.com" + version
		return nil
	}
	u, err := url.Parse(s.BaseURL)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return sdk.Invalidf("base_url must be an absolute http or https address")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return sdk.Invalidf("base_url must hold no user, query or fragment")
	}
	s.base, s.allowHost = strings.TrimRight(s.BaseURL, "/")+version, u.Host
	return nil
}

// knows tells whether a token is one of the webhook's secrets.
func (s *settings) knows(token string) bool {
	known := false
	for _, secret := range s.secrets {
		known = subtle.ConstantTimeCompare([]byte(secret), []byte(token)) == 1 || known
	}
	return known
}
