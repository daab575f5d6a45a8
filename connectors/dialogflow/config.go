package dialogflow

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"parley/connectors/sdk"
)

// Config is a workspace's configuration of its agent.
type Config struct {
	BaseURL     string `json:"base_url,omitempty" doc:"Address of the API; that of the agent's location unless given."`
	Agent       string `json:"agent" doc:"The agent's name, as the console copies it: projects/…/locations/…/agents/…"`
	Environment string `json:"environment,omitempty" doc:"ID of the agent's environment; the draft is asked unless given."`
	Language    string `json:"language,omitempty" doc:"The agent's languages, separated by commas: the customer's is asked, else the first. en unless given."`
	Credentials string `json:"credentials" secret:"true" doc:"Key of a service account that has the role Dialogflow API Client, as the JSON text that Google gives."`
	// Intents are the flow's names by the agent's.
	Intents       map[string]string `json:"intents,omitempty" doc:"The flow's intents by the agent's display names, where they have other names: {\"order.status\": \"order_status\"}."`
	Unmasked      bool              `json:"unmasked,omitempty" doc:"Send e-mail addresses, phone and card numbers as they are, for an agent whose parameters are such. They are replaced by placeholders unless set."`
	WebhookSecret string            `json:"webhook_secret,omitempty" secret:"true" doc:"Not used: Dialogflow pushes nothing. An agent's fulfilment is called by Dialogflow, not by Parley."`
}

// settings is a configuration that was checked.
type settings struct {
	Config
	base      string
	allowHost string
	languages []string
	tokens    oauth2.TokenSource
}

var (
	agentForm    = regexp.MustCompile(`^projects/[a-z0-9:.-]{1,64}/locations/([a-z0-9-]{2,32})/agents/[A-Za-z0-9-]{1,64}$`)
	idForm       = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)
	languageForm = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
)

func readConfig(raw json.RawMessage) (settings, error) {
	var s settings
	if err := sdk.DecodeStrict(raw, &s.Config); err != nil {
		return s, err
	}
	if s.Language == "" {
		s.Language = "en"
	}
	for language := range strings.SplitSeq(s.Language, ",") {
		if language = strings.TrimSpace(language); !languageForm.MatchString(language) {
			return s, sdk.Invalidf("language must be languages of the agent such as en or pt-BR, separated by commas")
		}
		s.languages = append(s.languages, language)
	}
	agent := agentForm.FindStringSubmatch(s.Agent)
	switch {
	case agent == nil:
		return s, sdk.Invalidf("agent must look like projects/…/locations/…/agents/…")
	case s.Environment != "" && !idForm.MatchString(s.Environment):
		return s, sdk.Invalidf("environment must be an environment's ID")
	}
	for theirs, ours := range s.Intents {
		if theirs == "" || ours == "" {
			return s, sdk.Invalidf("intents must give a flow's intent for each of the agent's")
		}
	}
	if err := s.readKey(); err != nil {
		return s, err
	}
	return s, s.readBase(agent[1])
}

// scope is that of Dialogflow alone.
const scope = "https://www.googleapis.com/auth/dialogflow"

// readKey makes tokens of a service account's key. They are signed by the key
// itself, which saves asking for them at another address (AIP-4111, "Self-signed
// JWT").
func (s *settings) readKey() error {
	var key struct {
		Type   string `json:"type"`
		Domain string `json:"universe_domain"`
	}
	if json.Unmarshal([]byte(s.Credentials), &key) != nil || key.Type != "service_account" {
		return sdk.Invalidf("credentials must be the JSON text of a service account's key")
	}
	if key.Domain != "" && key.Domain != "googleapis.com" {
		return sdk.Invalidf("credentials are of another cloud than Google's own")
	}
	tokens, err := google.JWTAccessTokenSourceWithScope([]byte(s.Credentials), scope)
	if err != nil {
		return sdk.Invalidf("credentials hold no readable private_key: use the key's JSON text as Google gave it")
	}
	s.tokens = tokens
	return nil
}

// readBase: each location has an address of its own ("Regionalization and data
// residency").
func (s *settings) readBase(location string) error {
	if s.BaseURL == "" {
		s.base = "https://dialogflow.googleapis.com"
		if location != "global" {
			s.base = "https://" + location + "-dialogflow.googleapis.com"
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

// languageOf is the agent's language for the customer's (BCP 47): the same, else one
// that begins the same, else the first.
func (s *settings) languageOf(language string) string {
	primary := func(tag string) string { p, _, _ := strings.Cut(strings.ToLower(tag), "-"); return p }
	for _, own := range s.languages {
		if strings.EqualFold(own, language) {
			return own
		}
	}
	for _, own := range s.languages {
		if language != "" && primary(own) == primary(language) {
			return own
		}
	}
	return s.languages[0]
}
