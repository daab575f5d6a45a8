package oauth_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/internal/connections"
	"parley/internal/oauth"
	"parley/internal/store"
	"parley/internal/store/storetest"
	"parley/internal/vault"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// server is an authorization server: codes with PKCE, refresh tokens that are good
// once, client credentials. A refresh token that is used twice ends the grant, as
// RFC 9700, section 4.14.2, advises.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	n        int
	life     int
	code     string // the one that was issued
	verifier string // its challenge
	refresh  string // the one that is good; empty once the grant has ended
	access   string
	calls    []url.Values
	fail     int
	retain   bool // refresh tokens stay good and are not given again
	held     chan struct{}
}

func authorizationServer(t *testing.T) *server {
	s := &server{life: 3600}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /acme/authorize", s.authorize)
	mux.HandleFunc("POST /acme/token", s.token)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// authorize is the page on which a person consents, and does so.
func (s *server) authorize(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	if q.Get("client_id") != "app" || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("access_type") != "offline" || q.Get("scope") != "read write" {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	s.n++
	s.code, s.verifier = fmt.Sprint("code-", s.n), q.Get("code_challenge")
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {s.code}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
}

func (s *server) token(w http.ResponseWriter, r *http.Request) {
	if s.held != nil {
		<-s.held
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = r.ParseForm()
	s.calls = append(s.calls, r.PostForm)
	w.Header().Set("Content-Type", "application/json")
	refuse := func(status int, code string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error":%q,"error_description":"about secret-9"}`, code)
	}
	if s.fail != 0 {
		w.WriteHeader(s.fail)
		return
	}
	id, secret, _ := r.BasicAuth()
	if id != "app" || secret != "s3cret" {
		refuse(401, "invalid_client")
		return
	}
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	switch grant := r.PostForm.Get("grant_type"); {
	case grant == "authorization_code" && s.code != "" && r.PostForm.Get("code") == s.code && base64.RawURLEncoding.EncodeToString(sum[:]) == s.verifier:
		s.code = ""
	case grant == "refresh_token" && s.refresh != "" && r.PostForm.Get("refresh_token") == s.refresh:
	case grant == "client_credentials" && r.PostForm.Get("audience") == "eu":
	default:
		s.refresh = ""
		refuse(400, "invalid_grant")
		return
	}
	s.n++
	s.access = fmt.Sprint("access-", s.n)
	out := map[string]any{"access_token": s.access, "token_type": "Bearer"}
	if s.life > 0 {
		out["expires_in"] = s.life
	}
	if r.PostForm.Get("grant_type") != "client_credentials" && !(s.retain && s.refresh != "") {
		s.refresh = fmt.Sprint("refresh-", s.n)
		out["refresh_token"] = s.refresh
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (s *server) asked() int { s.mu.Lock(); defer s.mu.Unlock(); return len(s.calls) }

func (s *server) set(change func()) { s.mu.Lock(); defer s.mu.Unlock(); change() }

// conn is a connection that needs nothing but tokens.
type conn struct{ sdk.TokenSource }

func connector(o sdk.OAuth) sdk.Connector {
	o.TokenURL, o.BasicAuth = "{base_url}/{tenant}/token", true
	return sdk.Connector{Name: "acme", OAuth: &o, Open: func(_ json.RawMessage, h sdk.Host) (any, error) { return conn{h.Tokens}, nil }}
}

var (
	people   = connector(sdk.OAuth{AuthorizeURL: "{base_url}/{tenant}/authorize", Scopes: []string{"read", "write"}, AuthorizeParams: map[string]string{"access_type": "offline"}})
	machines = connector(sdk.OAuth{Params: map[string]string{"audience": "{region}"}})
)

type world struct {
	t      *testing.T
	db     *store.DB
	vault  *vault.Vault
	ws     uuid.UUID
	server *server
	now    time.Time
	process
}

// process is one of several on the same database.
type process struct {
	keeper *oauth.Keeper
	conns  *connections.Connections
}

func (w *world) another(k sdk.Connector) process {
	keeper := oauth.New(w.db, w.vault, "https://parley.test")
	keeper.SetNow(func() time.Time { return w.now })
	return process{keeper, connections.New(connections.Options{DB: w.db, Vault: w.vault, Connectors: []sdk.Connector{k}, Tokens: keeper.Source})}
}

func setUp(t *testing.T, k sdk.Connector) *world {
	w := &world{t: t, server: authorizationServer(t), now: time.Now().Add(-time.Minute)}
	w.db, w.vault, w.ws = storetest.Open(t)
	w.process = w.another(k)
	w.put("s3cret")
	return w
}

func (w *world) put(secret string) {
	config, err := json.Marshal(map[string]any{"base_url": w.server.URL + "/", "tenant": "acme", "client_id": "app", "client_secret": secret, "region": "eu", "retries": 3})
	require.NoError(w.t, err)
	_, err = w.conns.Put(w.t.Context(), w.ws, "acme", "acme", "main", "", config, "test")
	require.NoError(w.t, err)
}

func (w *world) token(p process) (string, error) {
	k, err := p.conns.ByName(w.t.Context(), w.ws, "acme")
	require.NoError(w.t, err)
	return k.Conn.(conn).Token(w.t.Context())
}

func (w *world) mustToken(p process) string {
	w.t.Helper()
	got, err := w.token(p)
	require.NoError(w.t, err)
	return got
}

func (w *world) refusedWith(p process, code string) {
	w.t.Helper()
	_, err := w.token(p)
	e := sdk.AsError(err)
	require.Equal(w.t, []any{sdk.Auth, code}, []any{e.Class, e.Code})
	require.NotContains(w.t, err.Error(), "secret-9")
}

func (w *world) status() oauth.Status {
	w.t.Helper()
	f, err := w.conns.TokenFor(w.t.Context(), w.ws, "acme", uuid.Nil)
	require.NoError(w.t, err)
	all, err := w.keeper.Statuses(w.t.Context(), w.ws, []uuid.UUID{f.Connection})
	require.NoError(w.t, err)
	return all[f.Connection]
}

// consent lets a person visit the address and come back; it returns what they bring.
func (w *world) consent() url.Values {
	w.t.Helper()
	f, err := w.conns.TokenFor(w.t.Context(), w.ws, "acme", uuid.Nil)
	require.NoError(w.t, err)
	address, until, err := w.keeper.Begin(w.t.Context(), f, "key/test")
	require.NoError(w.t, err)
	require.Equal(w.t, w.now.Add(oauth.StateLifetime).Truncate(time.Second), until)
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := browser.Get(address)
	require.NoError(w.t, err)
	resp.Body.Close()
	back, err := resp.Location()
	require.NoError(w.t, err)
	require.Equal(w.t, "https://parley.test/oauth/callback", back.Scheme+"://"+back.Host+back.Path)
	return back.Query()
}

func (w *world) callback(p process, q url.Values) error {
	c, err := p.keeper.Take(w.t.Context(), q.Get("state"))
	if err != nil {
		return err
	}
	f, err := p.conns.TokenFor(w.t.Context(), c.Workspace, "", c.Connection)
	require.NoError(w.t, err)
	return p.keeper.Finish(w.t.Context(), f, c, q.Get("code"))
}

func (w *world) authorise() {
	w.t.Helper()
	require.NoError(w.t, w.callback(w.process, w.consent()))
}

func TestAPersonAuthorisesAConnection(t *testing.T) {
	w := setUp(t, people)
	w.refusedWith(w.process, "never_authorized")
	require.Zero(t, w.server.asked())
	q := w.consent()
	other := w.another(people)
	require.NoError(t, w.callback(other, q), "the callback may reach another process")
	require.Equal(t, w.server.access, w.mustToken(w.process))
	require.Empty(t, w.status().Refused)
	require.WithinDuration(t, w.now.Add(time.Hour), w.status().ExpiresAt, time.Second)

	require.ErrorIs(t, w.callback(w.process, q), oauth.ErrState, "a state is good once")
	require.Equal(t, 1, w.server.asked())
	var stored int
	require.NoError(t, w.db.InWorkspace(t.Context(), w.ws, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT count(*) FROM oauth_tokens WHERE position($1::bytea in tokens) > 0`, []byte(w.server.access)).Scan(&stored)
	}))
	require.Zero(t, stored, "tokens are sealed")
}

func TestAStateCannotBeMadeUp(t *testing.T) {
	w := setUp(t, people)
	good := w.consent()
	raw, err := base64.RawURLEncoding.DecodeString(good.Get("state"))
	require.NoError(t, err)
	for i := range raw { // whichever byte is altered
		bad := append([]byte(nil), raw...)
		bad[i] ^= 1
		require.ErrorIs(t, w.callback(w.process, url.Values{"state": {base64.RawURLEncoding.EncodeToString(bad)}}), oauth.ErrState, i)
	}
	for _, text := range []string{"", "x", good.Get("state") + "A"} {
		require.ErrorIs(t, w.callback(w.process, url.Values{"state": {text}}), oauth.ErrState)
	}
	late := w.another(people)
	late.keeper.SetNow(func() time.Time { return w.now.Add(oauth.StateLifetime) })
	require.ErrorIs(t, w.callback(late, good), oauth.ErrState, "too late")
	require.NoError(t, w.callback(w.process, good), "and none of that used it up")
}

func TestTokensAreRenewedBeforeTheyExpire(t *testing.T) {
	w := setUp(t, people)
	w.authorise()
	first := w.mustToken(w.process)
	w.now = w.now.Add(57 * time.Minute)
	require.Equal(t, first, w.mustToken(w.process))
	require.Equal(t, 1, w.server.asked())
	for range 3 { // each with the refresh token of the one before
		w.now = w.now.Add(59 * time.Minute)
		got := w.mustToken(w.process)
		require.NotEqual(t, first, got)
		require.Equal(t, w.server.access, got)
		first = got
	}
	require.Equal(t, 4, w.server.asked())
	w.server.set(func() { w.server.retain = true })
	for range 2 { // a server that gives no new one means the old one
		w.now = w.now.Add(59 * time.Minute)
		require.NotEqual(t, first, w.mustToken(w.process))
	}
}

func TestOfManyOneRenews(t *testing.T) {
	w := setUp(t, people)
	w.authorise()
	w.now = w.now.Add(time.Hour)
	w.server.held = make(chan struct{})
	ps := []process{w.process, w.another(people), w.another(people)}
	got := make([]string, 12)
	var wg sync.WaitGroup
	for i := range got {
		k, err := ps[i%len(ps)].conns.ByName(t.Context(), w.ws, "acme")
		require.NoError(t, err)
		wg.Go(func() {
			if token, err := k.Conn.(conn).Token(context.Background()); err == nil {
				got[i] = token
			}
		})
	}
	close(w.server.held)
	wg.Wait()
	for _, token := range got {
		require.Equal(t, w.server.access, token)
	}
	require.Equal(t, 2, w.server.asked(), "the consent and one renewal")
}

func TestARefusedRenewalWaitsForAPerson(t *testing.T) {
	w := setUp(t, people)
	w.authorise()
	w.now = w.now.Add(time.Hour)
	w.server.set(func() { w.server.refresh = "" }) // revoked at the provider
	for range 3 {
		w.refusedWith(w.process, "invalid_grant")
		w.refusedWith(w.another(people), "invalid_grant")
	}
	require.Equal(t, 2, w.server.asked(), "it is asked once, and then no more")
	require.Equal(t, "invalid_grant", w.status().Refused)
	w.authorise()
	require.Equal(t, w.server.access, w.mustToken(w.process))
	require.Empty(t, w.status().Refused)
}

func TestAServerThatFailsIsAskedAgain(t *testing.T) {
	w := setUp(t, people)
	w.authorise()
	first := w.mustToken(w.process)
	w.server.set(func() { w.server.fail = 503 })
	w.now = w.now.Add(59 * time.Minute)
	require.Equal(t, first, w.mustToken(w.process), "good for a minute yet")
	w.now = w.now.Add(time.Minute)
	_, err := w.token(w.process)
	require.Equal(t, []any{sdk.Unavailable, false}, []any{sdk.AsError(err).Class, sdk.AsError(err).Wrote})
	w.server.set(func() { w.server.fail = 0 })
	require.NotEqual(t, first, w.mustToken(w.process))
}

func TestATokenThatIsRefusedBeforeItsTimeIsReplacedOnce(t *testing.T) {
	w := setUp(t, people)
	w.authorise()
	k, err := w.conns.ByName(t.Context(), w.ws, "acme")
	require.NoError(t, err)
	source := k.Conn.(conn)
	first := w.mustToken(w.process)
	source.Refused(first)
	_, err = source.Token(t.Context())
	require.Equal(t, "token_refused", sdk.AsError(err).Code, "a new one would fare no better")
	w.now = w.now.Add(10 * time.Minute)
	second := w.mustToken(w.process)
	require.NotEqual(t, first, second)
	source.Refused(first) // one that was still on its way
	require.Equal(t, second, w.mustToken(w.process))
	require.Equal(t, 2, w.server.asked())
}

func TestConnectionsThatAuthoriseThemselves(t *testing.T) {
	w := setUp(t, machines)
	require.Equal(t, "access-1", w.mustToken(w.process))
	require.Equal(t, "access-1", w.mustToken(w.another(machines)))
	w.now = w.now.Add(time.Hour)
	require.Equal(t, "access-2", w.mustToken(w.process))
	w.put("wrong")
	w.refusedWith(w.process, "invalid_client")
	w.refusedWith(w.process, "invalid_client")
	require.Equal(t, 3, w.server.asked())
	w.put("s3cret")
	require.Equal(t, "access-3", w.mustToken(w.process), "new credentials are tried")
	f, err := w.conns.TokenFor(t.Context(), w.ws, "acme", uuid.Nil)
	require.NoError(t, err)
	_, _, err = w.keeper.Begin(t.Context(), f, "key/test")
	require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, "nobody has to consent")
	token, err := oauth.Direct(f).Token(t.Context())
	require.NoError(t, err)
	require.Equal(t, "access-4", token)
}

// A setting that becomes part of an address must not lead elsewhere.
func TestSettingsInAddresses(t *testing.T) {
	for config, want := range map[string]string{
		`{"client_id":"a"}`:                                      "tenant is missing",
		`{"client_id":"a","tenant":"evil.test/#"}`:               "tenant must consist of",
		`{"tenant":"acme"}`:                                      "client_id is missing",
		`{"client_id":"a","tenant":"acme","base_url":"ftp://x"}`: "is not valid",
	} {
		k := sdk.Connector{OAuth: &sdk.OAuth{BaseURL: "https://login.test", TokenURL: machines.OAuth.TokenURL}}
		_, err := oauth.Direct(connections.TokenFor{Connector: k, Config: json.RawMessage(config)}).Token(t.Context())
		require.ErrorContains(t, err, want, config)
		require.False(t, strings.Contains(err.Error(), "evil"))
	}
}

func FuzzState(f *testing.F) {
	f.Add("")
	f.Add(base64.RawURLEncoding.EncodeToString(make([]byte, 60)))
	f.Fuzz(func(t *testing.T, text string) {
		if oauth.ParseState(text) {
			raw, err := base64.RawURLEncoding.DecodeString(text)
			require.NoError(t, err)
			require.Equal(t, text, base64.RawURLEncoding.EncodeToString(raw), "there is one way to write a state")
		}
	})
}
