// Package oauth keeps the access tokens of connections that are authorised by
// OAuth 2.0 (RFC 6749): a person's consent with PKCE (RFC 7636), or the client's own
// credentials. Tokens are stored sealed, refreshed before they expire, and never by
// two at once: providers that rotate refresh tokens take a second use for theft.
package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/connectors/sdk"
	"parley/internal/connections"
	"parley/internal/store"
	"parley/internal/vault"
)

const placeTokens = "oauth_tokens.tokens"

// Keeper keeps the tokens of all connections. It is safe for concurrent use.
type Keeper struct {
	db    *store.DB
	vault *vault.Vault
	// callback is where the provider sends the person back.
	callback string
	now      func() time.Time
}

// CallbackPath is where providers send people back, on the public address.
const CallbackPath = "/oauth/callback"

// New returns the keeper of a database. publicURL is our address as people's
// browsers see it.
func New(db *store.DB, v *vault.Vault, publicURL string) *Keeper {
	return &Keeper{db: db, vault: v, callback: publicURL + CallbackPath, now: time.Now}
}

// tokens is what is sealed in a row.
type tokens struct {
	Access   string    `json:"access"`
	Refresh  string    `json:"refresh,omitempty"`
	IssuedAt time.Time `json:"issued_at"`
	// ExpiresAt is of the access token; zero if the server did not say.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// margin is how long before its end a token is replaced, at most.
const margin = 2 * time.Minute

// fresh tells that the token is good for a while yet: for a fifth of its life, or
// two minutes.
func (t tokens) fresh(now time.Time) bool {
	if t.Access == "" || t.ExpiresAt.IsZero() {
		return t.Access != ""
	}
	return now.Before(t.ExpiresAt.Add(-min(margin, t.ExpiresAt.Sub(t.IssuedAt)/5)))
}

// alive tells that the token has not expired.
func (t tokens) alive(now time.Time) bool {
	return t.Access != "" && (t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt))
}

// justIssued is how soon after its issue a refused token is not replaced by one more.
const justIssued = time.Minute

// current returns a token that is good for a while and is not the refused one. The
// row stays locked while the server is asked, so that of all processes one asks.
func (k *Keeper) current(ctx context.Context, f connections.TokenFor, refused string) (tokens, error) {
	var out tokens
	var failed error // an outcome, which is committed, unlike an error of ours
	err := k.db.InWorkspace(ctx, f.Workspace, func(tx pgx.Tx) error {
		have, why, err := k.lock(ctx, tx, f)
		if err != nil {
			return err
		}
		now := k.now()
		switch {
		case why != "":
			failed = unauthorised(why)
			return nil
		case have.Access != refused && have.fresh(now):
			out = have
			return nil
		case have.Access != "" && have.Access == refused && now.Sub(have.IssuedAt) < justIssued:
			failed = &sdk.Error{Class: sdk.Auth, Code: "token_refused", Message: "the provider refuses a token that it has just issued: check the scopes and the account's rights"}
			return nil
		}
		got, err := k.renew(ctx, f, have)
		switch e := sdk.AsError(err); {
		case err == nil:
			out = got
			return k.save(ctx, tx, f, got)
		case e.Class == sdk.Auth:
			failed = e
			return k.refuse(ctx, tx, f, e.Code)
		case have.Access != refused && have.alive(now):
			out = have // good yet: the next one tries again
		default:
			failed = e
		}
		return nil
	})
	if err != nil {
		return tokens{}, &sdk.Error{Class: sdk.Unavailable, Message: "the connection's tokens could not be read", Err: err}
	}
	return out, failed
}

// lock locks a connection's row and opens it. why is the reason for which a person
// must authorise the connection; empty if there is none.
func (k *Keeper) lock(ctx context.Context, tx pgx.Tx, f connections.TokenFor) (have tokens, why string, err error) {
	if f.Connector.OAuth.AuthorizeURL == "" {
		// A connection that authorises itself needs a row to lock.
		if _, err := tx.Exec(ctx, `INSERT INTO oauth_tokens (workspace_id, connection_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, f.Workspace, f.Connection); err != nil {
			return have, "", err
		}
	}
	var sealed []byte
	err = tx.QueryRow(ctx, `SELECT tokens, refused FROM oauth_tokens WHERE workspace_id = $1 AND connection_id = $2 FOR UPDATE`, f.Workspace, f.Connection).Scan(&sealed, &why)
	if errors.Is(err, pgx.ErrNoRows) {
		return have, NeverAuthorised, nil
	}
	if err != nil || sealed == nil {
		return have, why, err
	}
	plain, err := k.vault.Open(ctx, placeTokens, sealed)
	if err != nil {
		return have, "", err
	}
	return have, why, json.Unmarshal(plain, &have)
}

// renew gets new tokens: by the refresh token, or by the client's own credentials.
func (k *Keeper) renew(ctx context.Context, f connections.TokenFor, have tokens) (tokens, error) {
	c, err := newClient(f)
	if err != nil {
		return tokens{}, err
	}
	if f.Connector.OAuth.AuthorizeURL == "" {
		return c.request(ctx, nil, k.now())
	}
	if have.Refresh == "" {
		return tokens{}, unauthorised(noRefreshToken)
	}
	got, err := c.request(ctx, map[string]string{"grant_type": "refresh_token", "refresh_token": have.Refresh}, k.now())
	if err == nil && got.Refresh == "" {
		got.Refresh = have.Refresh // it stays good (RFC 6749, section 6)
	}
	return got, err
}

func (k *Keeper) save(ctx context.Context, tx pgx.Tx, f connections.TokenFor, t tokens) error {
	plain, err := json.Marshal(t)
	if err != nil {
		return err
	}
	sealed, err := k.vault.Seal(ctx, vault.ForWorkspace(f.Workspace), placeTokens, plain)
	if err != nil {
		return err
	}
	var expires *time.Time
	if !t.ExpiresAt.IsZero() {
		expires = &t.ExpiresAt
	}
	_, err = tx.Exec(ctx, `INSERT INTO oauth_tokens (workspace_id, connection_id, tokens, expires_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (workspace_id, connection_id) DO UPDATE SET tokens = $3, expires_at = $4, refused = '', updated_at = now()`, f.Workspace, f.Connection, sealed, expires)
	return err
}

// refuse notes that only a person can help, and tells readers of the outbox.
func (k *Keeper) refuse(ctx context.Context, tx pgx.Tx, f connections.TokenFor, code string) error {
	if _, err := tx.Exec(ctx, `UPDATE oauth_tokens SET refused = $3, updated_at = now() WHERE workspace_id = $1 AND connection_id = $2`, f.Workspace, f.Connection, code); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO events (workspace_id, type, subject, data) VALUES ($1, 'connection.needs_authorization', $2, jsonb_build_object('code', $3::text))`,
		f.Workspace, "connection/"+f.Connection.String(), code)
	return err
}

// Reasons of our own for which a person must authorise a connection.
const (
	NeverAuthorised = "never_authorized"
	noRefreshToken  = "no_refresh_token"
)

func unauthorised(code string) *sdk.Error {
	e := &sdk.Error{Class: sdk.Auth, Code: code, Message: "the provider ended the authorisation: authorise the connection anew (POST /v1/connections/{name}/authorize), or correct its client credentials"}
	switch code {
	case NeverAuthorised:
		e.Message = "nobody has authorised this connection yet: POST /v1/connections/{name}/authorize gives the address to visit"
	case noRefreshToken:
		e.Message = "the token has expired and the provider gave none to renew it: authorise the connection anew (POST /v1/connections/{name}/authorize)"
	}
	return e
}

// Status is how a connection's authorisation stands.
type Status struct {
	// Refused says why a person must act: the server's error code, never_authorized
	// or no_refresh_token; empty if all is well.
	Refused string
	// ExpiresAt is of the access token, which is renewed by itself; zero if unknown.
	ExpiresAt time.Time
	// UpdatedAt is when it came to be so.
	UpdatedAt time.Time
}

// Statuses returns the status of those of the connections that have one.
func (k *Keeper) Statuses(ctx context.Context, ws uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]Status, error) {
	out := map[uuid.UUID]Status{}
	err := k.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT connection_id, refused, expires_at, updated_at FROM oauth_tokens
			WHERE workspace_id = $1 AND connection_id = ANY($2) AND (tokens IS NOT NULL OR refused <> '')`, ws, ids)
		if err != nil {
			return err
		}
		var id uuid.UUID
		var s Status
		var expires *time.Time
		_, err = pgx.ForEachRow(rows, []any{&id, &s.Refused, &expires, &s.UpdatedAt}, func() error {
			if s.ExpiresAt = (time.Time{}); expires != nil {
				s.ExpiresAt = *expires
			}
			out[id] = s
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("oauth: %w", err)
	}
	return out, nil
}
