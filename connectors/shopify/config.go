package shopify

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/money"
)

// Config is what a connection to a shop needs.
type Config struct {
	BaseURL         string `json:"base_url" doc:"The shop's address, e.g. https://example.myshopify.com."`
	AccessToken     string `json:"access_token" secret:"true" doc:"Admin API access token of the custom app, with the scopes read_products, write_draft_orders, write_orders, read_fulfillments."`
	StorefrontToken string `json:"storefront_token,omitempty" secret:"true" doc:"Storefront API access token, public or private (shpat_…); only carts need it."`
	WebhookSecret   string `json:"webhook_secret,omitempty" secret:"true" doc:"The app's client secret, which signs webhooks; several separated by commas while it is being rotated."`
	Currency        string `json:"currency,omitempty" doc:"ISO 4217 code of the currency that the shop sells in. If set, amounts in any other are refused."`
	ReserveMinutes  int    `json:"inventory_reserve,omitempty" doc:"Minutes for which a draft order reserves its stock, 30 if not set."`
}

const (
	apiVersion            = "2026-07"
	defaultReserveMinutes = 30
	// maxReserveMinutes bounds a reservation: stock held for longer is as good as lost.
	maxReserveMinutes = 7 * 24 * 60
)

// conn is one shop. It is safe for concurrent use.
type conn struct {
	baseURL    string
	admin      *client
	storefront *client // nil without a token
	secrets    []string
	currency   string
	reserve    time.Duration
	now        func() time.Time
}

func open(raw json.RawMessage, host sdk.Host) (any, error) {
	var cfg Config
	if err := sdk.DecodeStrict(raw, &cfg); err != nil {
		return nil, err
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	base := strings.TrimRight(cfg.BaseURL, "/")
	httpClient := host.HTTP
	if httpClient == nil {
		httpClient = sdk.NewHTTPClient(sdk.HTTPOptions{})
	}
	c := &conn{
		baseURL: base,
		admin: newClient(httpClient, base+"/admin/api/"+apiVersion+"/graphql.json",
			"X-Shopify-Access-Token", cfg.AccessToken),
		secrets:  splitSecrets(cfg.WebhookSecret),
		currency: cfg.Currency,
		reserve:  time.Duration(cfg.ReserveMinutes) * time.Minute,
		now:      time.Now,
	}
	if cfg.ReserveMinutes == 0 {
		c.reserve = defaultReserveMinutes * time.Minute
	}
	if cfg.StorefrontToken != "" {
		c.storefront = newClient(httpClient, base+"/api/"+apiVersion+"/graphql.json",
			storefrontHeader(cfg.StorefrontToken), cfg.StorefrontToken)
	}
	return c, nil
}

func (c Config) check() error {
	u, err := url.Parse(c.BaseURL)
	switch {
	case c.BaseURL == "":
		return sdk.Invalidf("base_url is missing: give the shop's address, e.g. https://example.myshopify.com")
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" || u.User != nil:
		return sdk.Invalidf("base_url must be an http or https address without user or query")
	case c.AccessToken == "":
		return sdk.Invalidf("access_token is missing: it is shown once when the custom app is installed")
	case !headerSafe(c.AccessToken):
		return sdk.Invalidf("access_token has a character that no token has")
	case !headerSafe(c.StorefrontToken):
		return sdk.Invalidf("storefront_token has a character that no token has")
	case c.Currency != "" && !money.IsCurrency(c.Currency):
		return sdk.Invalidf("currency must be an ISO 4217 code in capitals, e.g. USD")
	case c.ReserveMinutes < 0 || c.ReserveMinutes > maxReserveMinutes:
		return sdk.Invalidf("inventory_reserve must be from 0 to %d minutes", maxReserveMinutes)
	}
	return nil
}

// headerSafe tells whether a token can stand in a header: visible ASCII.
func headerSafe(token string) bool {
	for i := range len(token) {
		if token[i] <= ' ' || token[i] > '~' {
			return false
		}
	}
	return true
}

// storefrontHeader: private tokens are known by their prefix and travel in a
// header of their own ("Access tokens for the Storefront API").
func storefrontHeader(token string) string {
	if strings.HasPrefix(token, "shpat_") {
		return "Shopify-Storefront-Private-Token"
	}
	return "X-Shopify-Storefront-Access-Token"
}

func splitSecrets(list string) []string {
	var out []string
	for s := range strings.SplitSeq(list, ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}
