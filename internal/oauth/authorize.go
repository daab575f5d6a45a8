package oauth

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"
	"parley/connectors/sdk"
	"parley/internal/connections"
	"parley/internal/vault"
)

const placeVerifier = "oauth_states.verifier"

// StateLifetime is how long a person has to consent.
const StateLifetime = 15 * time.Minute

// ErrState tells that a callback's state is none of ours, has expired, or was used.
var ErrState = errors.New("oauth: the state is not valid, has expired or was used")

// Begin begins the authorisation of a connection and returns the address where a
// person consents, and until when. Errors of class Invalid say what the connection
// lacks.
func (k *Keeper) Begin(ctx context.Context, f connections.TokenFor, actor string) (address string, until time.Time, err error) {
	if f.Connector.OAuth == nil {
		return "", until, sdk.Invalidf("connector %s is not authorised by OAuth: its credentials are in its configuration", f.Connector.Name)
	}
	if f.Connector.OAuth.AuthorizeURL == "" {
		return "", until, sdk.Invalidf("connections of %s authorise themselves with client_id and client_secret; nobody has to consent", f.Connector.Name)
	}
	c, err := newClient(f)
	if err != nil {
		return "", until, err
	}
	verifier := oauth2.GenerateVerifier()
	sealed, err := k.vault.Seal(ctx, vault.ForWorkspace(f.Workspace), placeVerifier, []byte(verifier))
	if err != nil {
		return "", until, err
	}
	s := state{workspace: f.Workspace, id: uuid.New(), until: k.now().Add(StateLifetime).Truncate(time.Second)}
	text, err := k.sign(ctx, s)
	if err != nil {
		return "", until, err
	}
	err = k.db.InWorkspace(ctx, f.Workspace, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO oauth_states (workspace_id, id, connection_id, verifier, actor, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			f.Workspace, s.id, f.Connection, sealed, actor, s.until)
		return err
	})
	if err != nil {
		return "", until, fmt.Errorf("oauth: begin: %w", err)
	}
	conf := oauth2.Config{ClientID: c.id, Endpoint: oauth2.Endpoint{AuthURL: c.authorizeURL}, RedirectURL: k.callback, Scopes: c.scopes}
	opts := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier)}
	for name, v := range c.authorizeParams {
		opts = append(opts, oauth2.SetAuthURLParam(name, v))
	}
	return conf.AuthCodeURL(text, opts...), s.until, nil
}

// Consent is an authorisation whose person has come back.
type Consent struct {
	Workspace, Connection uuid.UUID
	verifier, actor       string
}

// Take checks the state of a callback and uses it up, whatever becomes of the
// callback then.
func (k *Keeper) Take(ctx context.Context, text string) (Consent, error) {
	s, mac, ok := parseState(text)
	if !ok || !k.now().Before(s.until) {
		return Consent{}, ErrState
	}
	out := Consent{Workspace: s.workspace}
	var sealed []byte
	err := k.db.InWorkspace(ctx, s.workspace, func(tx pgx.Tx) error {
		// The row comes first: for a workspace that a stranger made up, no key is made.
		err := tx.QueryRow(ctx, `SELECT connection_id, verifier, actor FROM oauth_states WHERE workspace_id = $1 AND id = $2 AND expires_at > now() FOR UPDATE`,
			s.workspace, s.id).Scan(&out.Connection, &sealed, &out.actor)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrState
		}
		if err != nil {
			return err
		}
		want, err := k.mac(ctx, s)
		if err != nil {
			return err
		}
		if !hmac.Equal(mac, want) {
			return ErrState
		}
		_, err = tx.Exec(ctx, `DELETE FROM oauth_states WHERE workspace_id = $1 AND id = $2`, s.workspace, s.id)
		return err
	})
	if err != nil {
		return Consent{}, err
	}
	verifier, err := k.vault.Open(ctx, placeVerifier, sealed)
	out.verifier = string(verifier)
	return out, err
}

// Finish turns a consent's code into tokens and keeps them. f is the connection
// that the consent names.
func (k *Keeper) Finish(ctx context.Context, f connections.TokenFor, c Consent, code string) error {
	if f.Connector.OAuth == nil {
		return sdk.Invalidf("the connection is not authorised by OAuth any more")
	}
	cl, err := newClient(f)
	if err != nil {
		return err
	}
	got, err := cl.request(ctx, map[string]string{"grant_type": "authorization_code", "code": code,
		"redirect_uri": k.callback, "code_verifier": c.verifier}, k.now())
	if err != nil {
		return err
	}
	err = k.db.InWorkspace(context.WithoutCancel(ctx), f.Workspace, func(tx pgx.Tx) error {
		if err := k.save(ctx, tx, f, got); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE connection_chores SET due_at = now(), failures = 0 WHERE workspace_id = $1 AND connection_id = $2 AND leased_until IS NULL`, f.Workspace, f.Connection); err != nil {
			return err // what waited for this is tried at once
		}
		_, err := tx.Exec(ctx, `INSERT INTO audit (workspace_id, actor, action, object) VALUES ($1, $2, 'connection.authorize', $3)`, f.Workspace, c.actor, f.Connection.String())
		return err
	})
	if err != nil {
		return fmt.Errorf("oauth: finish: %w", err)
	}
	return nil
}

// state is what travels through the person's browser: a reference, until when it
// is good, and our seal on both.
type state struct {
	workspace, id uuid.UUID
	until         time.Time
}

const stateLen, macLen = 16 + 16 + 8, 20

func (s state) bytes() []byte {
	out := append(append(make([]byte, 0, stateLen+macLen), s.workspace[:]...), s.id[:]...)
	return binary.BigEndian.AppendUint64(out, uint64(s.until.Unix()))
}

func (k *Keeper) mac(ctx context.Context, s state) ([]byte, error) {
	return k.vault.Index(ctx, s.workspace, "oauth state", string(s.bytes()))
}

func (k *Keeper) sign(ctx context.Context, s state) (string, error) {
	mac, err := k.mac(ctx, s)
	return base64.RawURLEncoding.EncodeToString(append(s.bytes(), mac...)), err
}

func parseState(text string) (s state, mac []byte, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != stateLen+macLen {
		return s, nil, false
	}
	s.workspace, s.id = uuid.UUID(raw[:16]), uuid.UUID(raw[16:32])
	s.until = time.Unix(int64(binary.BigEndian.Uint64(raw[32:40])), 0)
	return s, raw[stateLen:], true
}
