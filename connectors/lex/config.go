package lex

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"parley/connectors/sdk"
	"parley/connectors/sdk/sigv4"
)

// Config is a workspace's configuration of its Lex bot.
type Config struct {
	BaseURL         string `json:"base_url,omitempty" doc:"Address of the runtime; https://runtime-v2-lex.REGION.amazonaws.com unless given."`
	Region          string `json:"region" doc:"AWS region of the bot, such as eu-west-2."`
	BotID           string `json:"bot_id" doc:"The bot's ID: ten letters and digits."`
	BotAliasID      string `json:"bot_alias_id" doc:"The alias's ID; TSTALIASID is that of the test alias."`
	Locale          string `json:"locale,omitempty" doc:"The bot's locales, separated by commas: that of the customer's language is asked, else the first. en_US unless given."`
	AccessKeyID     string `json:"access_key_id" doc:"Access key of an IAM user or role that may do lex:RecognizeText on the alias, and for session_delete lex:GetSession and lex:DeleteSession."`
	SecretAccessKey string `json:"secret_access_key" secret:"true" doc:"The access key's secret."`
	SessionToken    string `json:"session_token,omitempty" secret:"true" doc:"Session token of temporary credentials."`
	// Intents are the flow's names by the bot's.
	Intents       map[string]string `json:"intents,omitempty" doc:"The flow's intents by the bot's, where they have other names: {\"OrderStatus\": \"order_status\"}."`
	Unmasked      bool              `json:"unmasked,omitempty" doc:"Send e-mail addresses, phone and card numbers as they are, for a bot whose slots are such. They are replaced by placeholders unless set."`
	WebhookSecret string            `json:"webhook_secret,omitempty" secret:"true" doc:"Not used: Lex pushes nothing."`
}

// settings is a configuration that was checked.
type settings struct {
	Config
	base        string
	allowHost   string
	locales     []string
	credentials sigv4.Credentials
}

// Forms of the model (BotIdentifier) and of the guide.
var (
	regionForm = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$`)
	botForm    = regexp.MustCompile(`^[0-9a-zA-Z]{10}$`)
	localeForm = regexp.MustCompile(`^[a-z]{2,3}_[A-Z0-9]{2,4}$`)
	keyForm    = regexp.MustCompile(`^[A-Za-z0-9_]{4,128}$`)
	intentForm = regexp.MustCompile(`^[0-9a-zA-Z_.-]{1,100}$`)
)

func readConfig(raw json.RawMessage) (settings, error) {
	var s settings
	if err := sdk.DecodeStrict(raw, &s.Config); err != nil {
		return s, err
	}
	if s.Locale == "" {
		s.Locale = "en_US"
	}
	for locale := range strings.SplitSeq(s.Locale, ",") {
		if locale = strings.TrimSpace(locale); !localeForm.MatchString(locale) {
			return s, sdk.Invalidf("locale must be locales of the bot such as en_US, separated by commas")
		}
		s.locales = append(s.locales, locale)
	}
	unprintable := func(r rune) bool { return r <= ' ' || r > '~' }
	switch {
	case !regionForm.MatchString(s.Region):
		return s, sdk.Invalidf("region must be an AWS region such as eu-west-2")
	case !botForm.MatchString(s.BotID):
		return s, sdk.Invalidf("bot_id must be ten letters and digits")
	case !botForm.MatchString(s.BotAliasID):
		return s, sdk.Invalidf("bot_alias_id must be ten letters and digits")
	case !keyForm.MatchString(s.AccessKeyID):
		return s, sdk.Invalidf("access_key_id is missing or holds a character that no key has")
	case s.SecretAccessKey == "" || strings.ContainsFunc(s.SecretAccessKey, unprintable):
		return s, sdk.Invalidf("secret_access_key is missing or holds a character that no key has")
	case strings.ContainsFunc(s.SessionToken, unprintable):
		return s, sdk.Invalidf("session_token holds a character that no token has")
	}
	for theirs, ours := range s.Intents {
		if !intentForm.MatchString(theirs) || ours == "" {
			return s, sdk.Invalidf("intents must give a flow's intent for each of the bot's")
		}
	}
	s.credentials = sigv4.Credentials{AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey, SessionToken: s.SessionToken}
	return s, s.readBase()
}

func (s *settings) readBase() error {
	if s.BaseURL == "" {
		domain := "amazonaws.com"
		if strings.HasPrefix(s.Region, "cn-") {
			domain += ".cn"
		}
		s.base = "https://runtime-v2-lex." + s.Region + "." + domain
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

// localeOf is the bot's locale for a language (BCP 47), the first if it has none.
func (s *settings) localeOf(language string) string {
	language, _, _ = strings.Cut(strings.ToLower(language), "-")
	for _, locale := range s.locales {
		if own, _, _ := strings.Cut(locale, "_"); own == language {
			return locale
		}
	}
	return s.locales[0]
}
