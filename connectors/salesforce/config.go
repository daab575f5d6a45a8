package salesforce

import (
	"net/url"
	"regexp"

	"parley/connectors/sdk"
	"parley/connectors/sdk/money"
)

// Config is a workspace's configuration of its Salesforce org.
type Config struct {
	BaseURL       string `json:"base_url" doc:"The org's own domain (My Domain), such as https://example.my.salesforce.com."`
	ClientID      string `json:"client_id" doc:"Consumer key of an external client app or connected app that has the client credentials flow, the scope api and a user to run as."`
	ClientSecret  string `json:"client_secret" secret:"true" doc:"Consumer secret of that app."`
	WebhookSecret string `json:"webhook_secret,omitempty" secret:"true" doc:"Not used: Salesforce is asked for changes and pushes none."`

	ExternalID string `json:"external_id_field,omitempty" doc:"The external ID field of Contact and Lead that keeps your own identifiers, a text with unique values; Parley_Id__c unless given."`
	Key        string `json:"key_field,omitempty" doc:"The external ID field of Account and Opportunity that tells what was made by which request, a text with unique values; Parley_Key__c unless given."`
	Score      string `json:"score_field,omitempty" doc:"The number field of Lead for how promising it is; without it scores are refused."`
	Language   string `json:"language_field,omitempty" doc:"The text field of Contact and Lead for a person's language; without it the language is not kept."`
	TaskStatus string `json:"task_status,omitempty" doc:"The status of a task that is done; Completed unless given."`
	Currency   string `json:"currency,omitempty" doc:"ISO 4217 code of the org's currency, which deals with an amount need."`
	Many       bool   `json:"multi_currency,omitempty" doc:"Whether the org has several currencies; without it a deal in another currency is refused."`
}

// fieldName is what a field's API name looks like; a package's fields have its
// namespace before them.
var fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,59}$`)

// complete sets the defaults and checks the rest.
func (c *Config) complete() error {
	for value, fallback := range map[*string]string{&c.ExternalID: "Parley_Id__c", &c.Key: "Parley_Key__c", &c.TaskStatus: "Completed"} {
		if *value == "" {
			*value = fallback
		}
	}
	u, err := url.Parse(c.BaseURL)
	switch {
	case c.BaseURL == "":
		return sdk.Invalidf("base_url is missing: give the org's own domain, such as https://example.my.salesforce.com")
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return sdk.Invalidf("base_url must be an absolute http or https address without user, query or fragment")
	case c.ClientID == "":
		return sdk.Invalidf("client_id is missing")
	case c.ClientSecret == "":
		return sdk.Invalidf("client_secret is missing")
	case c.Currency != "" && !money.IsCurrency(c.Currency):
		return sdk.Invalidf("currency must be an ISO 4217 code in capitals, such as USD")
	}
	for setting, name := range map[string]string{"external_id_field": c.ExternalID, "key_field": c.Key, "score_field": c.Score, "language_field": c.Language} {
		if name != "" && !fieldName.MatchString(name) {
			return sdk.Invalidf("%s must be a field's API name, such as Parley_Id__c", setting)
		}
	}
	return nil
}
