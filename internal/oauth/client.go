package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"parley/connectors/sdk"
	"parley/internal/connections"
)

// client is one connection's access to its authorization server.
type client struct {
	id, secret              string
	authorizeURL, tokenURL  string
	params, authorizeParams map[string]string
	scopes                  []string
	style                   oauth2.AuthStyle
	http                    *http.Client
}

// newClient reads the connector's declaration with the connection's settings. Its
// errors are of class Invalid and name the setting.
func newClient(f connections.TokenFor) (*client, error) {
	o := f.Connector.OAuth
	s, err := readSettings(f.Config)
	if err != nil {
		return nil, err
	}
	c := &client{id: s["client_id"], secret: s["client_secret"], scopes: o.Scopes, style: oauth2.AuthStyleInParams, http: f.HTTP,
		params: map[string]string{}, authorizeParams: map[string]string{}}
	if o.BasicAuth {
		c.style = oauth2.AuthStyleInHeader
	}
	if c.id == "" {
		return nil, sdk.Invalidf("client_id is missing")
	}
	if s["base_url"] == "" {
		s["base_url"] = o.BaseURL
	}
	if c.authorizeURL, err = s.address(o.AuthorizeURL); err != nil {
		return nil, err
	}
	if c.tokenURL, err = s.address(o.TokenURL); err != nil {
		return nil, err
	}
	for name, text := range o.Params {
		if c.params[name], err = s.fill(text); err != nil {
			return nil, err
		}
	}
	for name, text := range o.AuthorizeParams {
		if c.authorizeParams[name], err = s.fill(text); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// settings are those of a connection that are texts.
type settings map[string]string

func readSettings(config json.RawMessage) (settings, error) {
	var all map[string]any
	if err := json.Unmarshal(config, &all); err != nil {
		return nil, sdk.Invalidf("the configuration is not a JSON object")
	}
	out := settings{}
	for name, v := range all {
		if text, ok := v.(string); ok {
			out[name] = text
		}
	}
	return out, nil
}

var (
	placeholder = regexp.MustCompile(`\{([a-z][a-z0-9_]*)\}`)
	// inAddress is what a setting may be that becomes part of an address: it must
	// not lead elsewhere.
	inAddress = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
)

// address fills in a URL.
func (s settings) address(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	base := ""
	if rest, ok := strings.CutPrefix(text, "{base_url}"); ok {
		if s["base_url"] == "" {
			return "", sdk.Invalidf("base_url is missing")
		}
		base, text = strings.TrimRight(s["base_url"], "/"), rest
	}
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		if v := s[m[1]]; v != "" && !inAddress.MatchString(v) {
			return "", sdk.Invalidf("%s must consist of letters, digits, dots, hyphens and underscores: it is a part of an address", m[1])
		}
	}
	text, err := s.fill(text)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(base + text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return "", sdk.Invalidf("the address of the authorization server is not valid: check base_url and the settings that are part of it")
	}
	return base + text, nil
}

// fill replaces {NAME} by settings.
func (s settings) fill(text string) (string, error) {
	var missing error
	out := placeholder.ReplaceAllStringFunc(text, func(m string) string {
		name := m[1 : len(m)-1]
		if s[name] == "" {
			missing = sdk.Invalidf("%s is missing", name)
		}
		return s[name]
	})
	return out, missing
}

// request asks the token endpoint. Without a grant the client's own credentials are
// one. Errors of class Auth mean that asking again cannot help.
func (c *client) request(ctx context.Context, grant map[string]string, now time.Time) (tokens, error) {
	// clientcredentials is x/oauth2's plain token request, whatever the grant_type.
	cc := clientcredentials.Config{ClientID: c.id, ClientSecret: c.secret, TokenURL: c.tokenURL, AuthStyle: c.style, EndpointParams: url.Values{}}
	if grant == nil {
		cc.Scopes = c.scopes
	}
	for _, params := range []map[string]string{c.params, grant} {
		for name, v := range params {
			cc.EndpointParams.Set(name, v)
		}
	}
	ctx = context.WithValue(sdk.WithOperation(ctx, "oauth_token"), oauth2.HTTPClient, c.http)
	t, err := cc.Token(ctx)
	if err != nil {
		return tokens{}, classify(err)
	}
	out := tokens{Access: t.AccessToken, Refresh: t.RefreshToken, IssuedAt: now.UTC()}
	if !t.Expiry.IsZero() {
		out.ExpiresAt = out.IssuedAt.Add(time.Until(t.Expiry).Round(time.Second))
	}
	return out, nil
}

var errorCode = regexp.MustCompile(`^[a-z0-9_.-]{1,64}$`)

// classify words a failed token request (RFC 6749, section 5.2) without what was
// sent or answered.
func classify(err error) *sdk.Error {
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return &sdk.Error{Class: sdk.Unavailable, Message: "the authorization server could not be reached, or its answer is none of OAuth", Err: err}
	}
	status := e.Response.StatusCode
	switch {
	case status == http.StatusTooManyRequests:
		return &sdk.Error{Class: sdk.Throttled, Code: "429", Message: "the authorization server asks for fewer requests", RetryAfter: sdk.RetryAfter(e.Response.Header, time.Now())}
	case e.ErrorCode == "temporarily_unavailable", e.ErrorCode == "server_error", status >= 500:
		return &sdk.Error{Class: sdk.Unavailable, Code: "server_error", Message: "the authorization server failed"}
	case e.ErrorCode == "" && status != http.StatusBadRequest && status != http.StatusUnauthorized && status != http.StatusForbidden:
		return &sdk.Error{Class: sdk.Unavailable, Message: "what answered is not an authorization server: check its address"}
	case errorCode.MatchString(e.ErrorCode):
		return unauthorised(e.ErrorCode)
	}
	return unauthorised("refused")
}
