package hubspot

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"parley/connectors/sdk"
	"parley/connectors/sdk/money"
)

const defaultBase = "https://api.hubapi.com"

// Config is a workspace's configuration of its HubSpot account. Either AccessToken,
// or ClientID and ClientSecret are given.
type Config struct {
	BaseURL       string `json:"base_url,omitempty" doc:"Address of HubSpot's API; https://api.hubapi.com unless given."`
	AccessToken   string `json:"access_token,omitempty" secret:"true" doc:"Access token of a private app, with the scopes crm.objects.contacts, companies and deals (read and write), crm.schemas.contacts, companies and deals (read; write for the operation setup) and crm.objects.owners.read. Without one, a person authorises the connection."`
	ClientID      string `json:"client_id,omitempty" doc:"Client ID of an app that people authorise by OAuth."`
	ClientSecret  string `json:"client_secret,omitempty" secret:"true" doc:"Client secret of that app."`
	WebhookSecret string `json:"webhook_secret,omitempty" secret:"true" doc:"The client secret of the app whose webhooks come in, which signs them; client_secret unless given. Several, separated by commas, while one replaces another. The subscriptions are made in the app's settings at HubSpot."`

	ExternalID string `json:"external_id_property,omitempty" doc:"The contacts' property that keeps your own identifiers, with unique values; parley_id unless given."`
	Key        string `json:"key_property,omitempty" doc:"The property of companies and deals that tells what was made by which request, with unique values; parley_key unless given."`
	Source     string `json:"source_property,omitempty" doc:"The contacts' property for where a lead came from; parley_source unless given."`
	Score      string `json:"score_property,omitempty" doc:"The contacts' property for how promising a lead is, a number; parley_score unless given."`
	Pipeline   string `json:"pipeline,omitempty" doc:"ID of the pipeline in which deals are opened; the first unless given."`
	Currency   string `json:"currency,omitempty" doc:"ISO 4217 code of the account's currency, for amounts that come without one."`
}

// settings is a configuration that was checked, with its defaults.
type settings struct {
	Config
	base string
	// secrets sign webhooks: the current one, and older ones while they are rotated.
	secrets []string
}

// name is what a property's name looks like at HubSpot.
var name = regexp.MustCompile(`^[a-z][a-z0-9_]{0,99}$`)

func readConfig(raw json.RawMessage) (settings, error) {
	var s settings
	if err := sdk.DecodeStrict(raw, &s.Config); err != nil {
		return s, err
	}
	for _, p := range []struct {
		setting, fallback string
		value             *string
	}{{"external_id_property", "parley_id", &s.ExternalID}, {"key_property", "parley_key", &s.Key},
		{"source_property", "parley_source", &s.Source}, {"score_property", "parley_score", &s.Score}} {
		if *p.value == "" {
			*p.value = p.fallback
		}
		if !name.MatchString(*p.value) {
			return s, sdk.Invalidf("%s must be a property's internal name: small letters, digits and underscores", p.setting)
		}
	}
	signing := s.WebhookSecret
	if signing == "" {
		signing = s.ClientSecret
	}
	for secret := range strings.SplitSeq(signing, ",") {
		if secret = strings.TrimSpace(secret); secret != "" {
			s.secrets = append(s.secrets, secret)
		}
	}
	if err := s.check(); err != nil {
		return s, err
	}
	s.base = defaultBase
	if s.BaseURL != "" {
		s.base = strings.TrimRight(s.BaseURL, "/")
	}
	return s, nil
}

func (s settings) check() error {
	u, err := url.Parse(s.BaseURL)
	switch {
	case s.BaseURL != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != ""):
		return sdk.Invalidf("base_url must be an absolute http or https address without user, query or fragment")
	case s.AccessToken == "" && s.ClientID == "":
		return sdk.Invalidf("access_token is missing: give a private app's, or client_id and client_secret of an app that people authorise")
	case s.ClientID != "" && s.ClientSecret == "":
		return sdk.Invalidf("client_secret is missing")
	case strings.ContainsFunc(s.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' }):
		return sdk.Invalidf("access_token holds a space or a character that no token has")
	case s.Currency != "" && !money.IsCurrency(s.Currency):
		return sdk.Invalidf("currency must be an ISO 4217 code in capitals, such as USD")
	}
	return nil
}
