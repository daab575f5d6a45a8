package livechat

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"parley/connectors/sdk"
)

const (
	defaultBase     = "https://api.livechatinc.com"
	defaultAccounts = "https://accounts.livechat.com"
)

// Config is a workspace's configuration of its LiveChat. The app is a server-side
// one of LiveChat's Developer Console, with the scopes chats--all:rw, customers:own,
// agents--all:ro, webhooks.configuration:rw and properties.configuration:rw, and is
// installed on the license.
type Config struct {
	BaseURL        string `json:"base_url,omitempty" doc:"Address of LiveChat's API; https://api.livechatinc.com unless given. Where it is, accounts are looked for there too."`
	ClientID       string `json:"client_id" doc:"The app's Client Id."`
	ClientSecret   string `json:"client_secret,omitempty" secret:"true" doc:"The app's Client Secret, for authorising the connection."`
	AccessToken    string `json:"access_token,omitempty" secret:"true" doc:"An agent's access token of the app, in place of authorising the connection. It is good for some hours; a personal access token will not do."`
	OrganizationID string `json:"organization_id" doc:"The organisation's ID."`
	WebhookSecret  string `json:"webhook_secret,omitempty" secret:"true" doc:"A secret of your own making, which LiveChat repeats in each webhook."`
}

// settings is a configuration that was checked.
type settings struct {
	Config
	base, accounts string
}

// plain is what identifiers and tokens of LiveChat consist of.
var plain = regexp.MustCompile(`^[A-Za-z0-9:._~-]{1,512}$`)

func readConfig(raw json.RawMessage) (settings, error) {
	var s settings
	if err := sdk.DecodeStrict(raw, &s.Config); err != nil {
		return s, err
	}
	for name, value := range map[string]string{"client_id": s.ClientID, "organization_id": s.OrganizationID} {
		if !plain.MatchString(value) {
			return s, sdk.Invalidf("%s is missing, or holds a character that none has", name)
		}
	}
	if s.AccessToken != "" && !plain.MatchString(s.AccessToken) {
		return s, sdk.Invalidf("access_token holds a character that no token has")
	}
	s.base, s.accounts = defaultBase, defaultAccounts
	if s.BaseURL == "" {
		return s, nil
	}
	u, err := url.Parse(s.BaseURL)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return s, sdk.Invalidf("base_url must be an absolute http or https address")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return s, sdk.Invalidf("base_url must hold no user, query or fragment")
	}
	s.base = strings.TrimRight(s.BaseURL, "/")
	s.accounts = s.base
	return s, nil
}
