package openai

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"

	"parley/connectors/sdk"
)

const defaultBase = "https://api.openai.com/v1"

// Config is a workspace's configuration of its model service.
type Config struct {
	BaseURL       string `json:"base_url,omitempty" doc:"Address of the API with its version; https://api.openai.com/v1 unless given."`
	APIKey        string `json:"api_key,omitempty" secret:"true" doc:"API key; services on your own machines may need none."`
	Model         string `json:"model" doc:"Name of a model with structured output."`
	WebhookSecret string `json:"webhook_secret,omitempty" secret:"true" doc:"Signing secret of the webhook endpoint (whsec_…); several, separated by commas, while one replaces another."`
}

type settings struct {
	Config
	base      string
	allowHost string
	secrets   [][]byte
}

func readConfig(raw json.RawMessage) (settings, error) {
	var s settings
	if err := sdk.DecodeStrict(raw, &s.Config); err != nil {
		return s, err
	}
	if s.Model == "" {
		return s, sdk.Invalidf("model is missing: name one with structured output")
	}
	if strings.ContainsFunc(s.APIKey, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return s, sdk.Invalidf("api_key holds a space or a character that no key has")
	}
	for text := range strings.SplitSeq(s.WebhookSecret, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
		if err != nil || len(secret) == 0 {
			return s, sdk.Invalidf("webhook_secret must be whsec_ and base64, as the service shows it")
		}
		s.secrets = append(s.secrets, secret)
	}
	return s, s.readBase()
}

func (s *settings) readBase() error {
	s.base = defaultBase
	if s.BaseURL == "" {
		if s.APIKey == "" {
			return sdk.Invalidf("api_key is missing")
		}
		return nil
	}
	u, err := url.Parse(s.BaseURL)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return sdk.Invalidf("base_url must be an absolute http or https address")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return sdk.Invalidf("base_url must hold no user, query or fragment")
	}
	s.base, s.allowHost = strings.TrimRight(s.BaseURL, "/"), u.Host
	return nil
}
