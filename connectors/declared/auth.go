package declared

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"

	"parley/connectors/sdk"
)

// checkAuth fills in the usual names of settings.
func (c *connector) checkAuth() error {
	c.d.Auth = append([]Auth{}, c.d.Auth...)
	for i := range c.d.Auth {
		a := &c.d.Auth[i]
		def := func(s *string, v string) {
			if *s == "" {
				*s = v
			}
		}
		switch a.Type {
		case "bearer":
			def(&a.Setting, "access_token")
			def(&a.Prefix, "Bearer ")
			def(&a.Name, "Authorization")
		case "header", "query":
			def(&a.Setting, "api_key")
			if a.Name == "" {
				return fmt.Errorf("auth: %s needs a name", a.Type)
			}
		case "basic":
			def(&a.User, "username")
			def(&a.Password, "password")
		case "oauth2":
			if a.TokenURL == "" {
				return fmt.Errorf("auth: oauth2 needs token_url")
			}
		default:
			return fmt.Errorf("auth.type: must be bearer, basic, header, query or oauth2")
		}
	}
	return nil
}

func (c *connector) oauth() *sdk.OAuth {
	for _, a := range c.d.Auth {
		if a.Type == "oauth2" {
			return &sdk.OAuth{AuthorizeURL: a.AuthorizeURL, TokenURL: a.TokenURL, Scopes: a.Scopes, BasicAuth: a.BasicAuth, Params: a.Params}
		}
	}
	return nil
}

// authorise puts the credentials into a request. It returns the OAuth token that
// was used, so that a refused one can be given back.
func (k *Connection) authorise(ctx context.Context, header http.Header, query url.Values) (token string, err error) {
	for _, a := range k.c.d.Auth {
		value := k.setting(a.Setting)
		switch {
		case a.Type == "oauth2":
			if token, err = k.token(ctx); err != nil {
				return "", err
			}
			if token != "" {
				header.Set("Authorization", "Bearer "+token)
			}
		case a.Type == "basic":
			user := k.setting(a.User)
			if user != "" || k.setting(a.Password) != "" {
				pair := user + ":" + k.setting(a.Password)
				header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
			}
		case value == "": // optional, else the configuration was refused
		case a.Type == "query":
			query.Set(a.Name, value)
		default:
			header.Set(a.Name, a.Prefix+value)
		}
	}
	return token, nil
}

func (k *Connection) token(ctx context.Context) (string, error) {
	if token := k.setting("access_token"); token != "" {
		return token, nil
	}
	if k.tokens == nil {
		return "", &sdk.Error{Class: sdk.Auth, Message: "there is no access token: authorise the connection, or set access_token"}
	}
	token, err := k.tokens.Token(ctx)
	if err != nil {
		return "", sdk.AsError(err)
	}
	return token, nil
}
