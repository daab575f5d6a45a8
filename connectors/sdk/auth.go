package sdk

import "context"

// OAuth describes how connections of a connector are authorised by OAuth 2.0
// (RFC 6749), with PKCE (RFC 7636). The engine keeps the tokens, refreshes them
// before they expire, one refresh at a time for each connection, and hands them
// out by [Host.Tokens]. The client's credentials are the settings client_id and
// client_secret of the connection; our own address, to be registered at the
// provider, is {public address}/oauth/callback.
type OAuth struct {
	// AuthorizeURL is where a person consents (authorization code); empty where
	// a connection authorises itself (client credentials).
	AuthorizeURL string
	// TokenURL issues and refreshes tokens. Both addresses may begin with
	// "{base_url}" or hold "{NAME}" for any other setting of the connection, which
	// may then consist of letters, digits, dots, hyphens and underscores only.
	TokenURL string
	// BaseURL is what {base_url} stands for where the connection sets none.
	BaseURL string
	Scopes  []string
	// BasicAuth sends the client's credentials in the Authorization header, as
	// RFC 6749 prefers; otherwise they travel in the form.
	BasicAuth bool
	// Params are further parameters of token requests, AuthorizeParams of the
	// address where a person consents (access_type=offline, say): literals, in
	// which "{NAME}" stands for a setting.
	Params, AuthorizeParams map[string]string
}

// TokenSource gives access tokens. It is safe for concurrent use.
type TokenSource interface {
	// Token returns a token that is good for a while yet. Its errors are of class
	// [Auth] where a person must authorise anew.
	Token(ctx context.Context) (string, error)
	// Refused reports that the provider refused a token before its time, so that
	// the next call of Token gets a new one.
	Refused(token string)
}

// Authorized is implemented by connections of a connector that declares [OAuth] which
// may do without: their configuration may hold an access token that does not expire.
type Authorized interface {
	// Authorized tells whether the configuration alone is enough.
	Authorized() bool
}
