package connections_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/internal/connections"
	"parley/internal/store"
	"parley/internal/store/storetest"
	"parley/internal/vault"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// config of the connector under test.
type config struct {
	BaseURL string   `json:"base_url,omitempty"`
	Secret  string   `json:"secret"`
	Numbers []string `json:"numbers,omitempty"`
}

type conn struct {
	config
	host sdk.Host
}

func (c *conn) AccountIDs() []string { return c.Numbers }

var connector = sdk.Connector{Name: "phone", Open: func(raw json.RawMessage, host sdk.Host) (any, error) {
	c := &conn{host: host}
	if err := sdk.DecodeStrict(raw, &c.config); err != nil {
		return nil, err
	}
	if c.Secret == "" {
		return nil, sdk.Invalidf("secret: missing")
	}
	return c, nil
}}

type fixture struct {
	t     *testing.T
	db    *store.DB
	vault *vault.Vault
	ws    uuid.UUID
	*connections.Connections
}

func setUp(t *testing.T) *fixture {
	f := &fixture{t: t}
	f.db, f.vault, f.ws = storetest.Open(t)
	f.Connections = f.process(time.Hour)
	return f
}

const timeLimit, tick = 20 * time.Second, time.Millisecond

// process is another process on the same database.
func (f *fixture) process(fresh time.Duration) *connections.Connections {
	other := connector
	other.Name = "other"
	return connections.New(connections.Options{DB: f.db, Vault: f.vault, Connectors: []sdk.Connector{connector, other}, Fresh: fresh})
}

func (f *fixture) put(ws uuid.UUID, name, account string, c config) (*connections.Connection, error) {
	raw, err := json.Marshal(c)
	require.NoError(f.t, err)
	return f.Put(f.t.Context(), ws, name, "phone", account, "", raw, "test")
}

func (f *fixture) count(sql string) (n int) {
	f.t.Helper()
	require.NoError(f.t, f.db.InWorkspace(f.t.Context(), f.ws, func(tx pgx.Tx) error {
		return tx.QueryRow(f.t.Context(), `SELECT count(*) FROM `+sql).Scan(&n)
	}))
	return n
}

func (f *fixture) exec(sql string) {
	f.t.Helper()
	require.NoError(f.t, f.db.InWorkspace(f.t.Context(), f.ws, func(tx pgx.Tx) error {
		_, err := tx.Exec(f.t.Context(), sql)
		return err
	}))
}

func secretOf(k *connections.Connection) string { return k.Conn.(*conn).Secret }

func TestAConnectionIsFoundAgain(t *testing.T) {
	f := setUp(t)
	ctx := t.Context()
	put, err := f.Put(ctx, f.ws, "wa", "phone", "main", "shop", json.RawMessage(`{"secret":"planted-secret","numbers":["num-1","num-2"]}`), "test")
	require.NoError(t, err)
	later := f.process(time.Hour)
	ways := map[string]func() (*connections.Connection, error){
		"get":       func() (*connections.Connection, error) { return later.Get(ctx, f.ws, put.ID) },
		"name":      func() (*connections.Connection, error) { return later.ByName(ctx, f.ws, "wa") },
		"connector": func() (*connections.Connection, error) { return later.ForConnector(ctx, f.ws, "phone") },
		"path":      func() (*connections.Connection, error) { return later.Resolve(ctx, "phone", "main") },
		"number":    func() (*connections.Connection, error) { return later.ResolveProviderAccount(ctx, "phone", "num-2") },
	}
	for name, way := range ways {
		got, err := way()
		require.NoError(t, err, name)
		require.Equal(t, []any{put.ID, "wa", "main", "shop", int64(1), "planted-secret", "phone"},
			[]any{got.ID, got.Name, got.Account, got.Flow, got.Version, secretOf(got), got.Connector.Name}, name)
	}
	missing := map[string]func() (*connections.Connection, error){
		"get":                func() (*connections.Connection, error) { return later.Get(ctx, f.ws, uuid.New()) },
		"in another tenant":  func() (*connections.Connection, error) { return later.Get(ctx, uuid.New(), put.ID) },
		"name":               func() (*connections.Connection, error) { return later.ByName(ctx, f.ws, "none") },
		"connector":          func() (*connections.Connection, error) { return later.ForConnector(ctx, f.ws, "other") },
		"path":               func() (*connections.Connection, error) { return later.Resolve(ctx, "phone", "none") },
		"another's path":     func() (*connections.Connection, error) { return later.Resolve(ctx, "other", "main") },
		"a number as a path": func() (*connections.Connection, error) { return later.Resolve(ctx, "phone", "num-1") },
		"a path as a number": func() (*connections.Connection, error) { return later.ResolveProviderAccount(ctx, "phone", "main") },
	}
	for name, way := range missing {
		_, err := way()
		require.ErrorIs(t, err, connections.ErrNotFound, name)
	}
	require.Zero(t, f.count(`connections t WHERE t::text LIKE '%planted-secret%' OR t::text LIKE '%`+fmt.Sprintf("%x", "planted-secret")+`%'`))
	require.Zero(t, f.count(`endpoints WHERE account LIKE '%num%'`))
}

func TestInvalidConnectionsAreNotStored(t *testing.T) {
	f := setUp(t)
	good := `{"secret":"s"}`
	cases := []struct{ name, connector, account, config string }{
		{"", "phone", "main", good},
		{"Upper", "phone", "main", good},
		{"wa", "fax", "main", good},
		{"wa", "phone", "", good},
		{"wa", "phone", "#5f2", good},
		{"wa", "phone", "a/b", good},
		{"wa", "phone", "main", `{}`},
		{"wa", "phone", "main", `{"secret":"s","colour":"red"}`},
		{"wa", "phone", "main", `not json`},
	}
	for _, c := range cases {
		_, err := f.Put(t.Context(), f.ws, c.name, c.connector, c.account, "", json.RawMessage(c.config), "test")
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, "%+v", c)
	}
	require.Zero(t, f.count("connections"))
	require.Zero(t, f.count("endpoints"))
	require.Zero(t, f.count("audit"))
	_, err := f.put(f.ws, "wa", "main", config{Secret: "s"})
	require.NoError(t, err)
	_, err = f.put(f.ws, "wa", "main", config{})
	require.Error(t, err)
	got, err := f.process(time.Hour).ByName(t.Context(), f.ws, "wa")
	require.NoError(t, err)
	require.Equal(t, "s", secretOf(got), "what was good stays")
}

func TestARotatedCredentialIsSeen(t *testing.T) {
	f := setUp(t)
	ctx := t.Context()
	put, err := f.put(f.ws, "wa", "main", config{Secret: "old", Numbers: []string{"n1"}})
	require.NoError(t, err)
	watching, resting := f.process(time.Millisecond), f.process(time.Hour)
	get := func(c *connections.Connections) *connections.Connection {
		k, err := c.Get(ctx, f.ws, put.ID)
		require.NoError(t, err)
		return k
	}
	first := get(watching)
	f.exec(`UPDATE connections SET updated_at = updated_at + interval '1 hour'`)
	require.Eventually(t, func() bool { return get(watching).UpdatedAt.After(first.UpdatedAt) }, timeLimit, tick, "its row is looked at")
	require.Same(t, first.Conn, get(watching).Conn, "an unchanged one stays open, with its HTTP connections")
	require.Equal(t, "old", secretOf(get(resting)))

	again, err := f.put(f.ws, "wa", "main", config{Secret: "new", Numbers: []string{"n2"}})
	require.NoError(t, err)
	require.Equal(t, put.ID, again.ID)
	require.EqualValues(t, 2, again.Version)
	require.Equal(t, "new", secretOf(get(f.Connections)), "at once where it was changed")
	require.Eventually(t, func() bool { return secretOf(get(watching)) == "new" }, timeLimit, tick, "elsewhere when the row is looked at")
	require.Equal(t, "old", secretOf(get(resting)), "not before")
	_, err = f.ResolveProviderAccount(ctx, "phone", "n1")
	require.ErrorIs(t, err, connections.ErrNotFound, "a number that was given up")
	_, err = f.ResolveProviderAccount(ctx, "phone", "n2")
	require.NoError(t, err)

	require.NoError(t, f.Delete(ctx, f.ws, "wa", "test"))
	require.Eventually(t, func() bool {
		_, err := watching.Get(ctx, f.ws, put.ID)
		return errors.Is(err, connections.ErrNotFound)
	}, timeLimit, tick)
	_, err = f.Resolve(ctx, "phone", "main")
	require.ErrorIs(t, err, connections.ErrNotFound)
	require.ErrorIs(t, f.Delete(ctx, f.ws, "wa", "test"), connections.ErrNotFound)
}

func TestAnAccountHasOneOwner(t *testing.T) {
	f := setUp(t)
	other := storetest.Workspace(t, f.db, "other")
	_, err := f.put(f.ws, "wa", "main", config{Secret: "s", Numbers: []string{"n1"}})
	require.NoError(t, err)
	_, err = f.put(other, "wa", "main", config{Secret: "s"})
	require.ErrorIs(t, err, connections.ErrTaken, "the path")
	_, err = f.put(other, "wa", "theirs", config{Secret: "s", Numbers: []string{"n1"}})
	require.ErrorIs(t, err, connections.ErrTaken, "the number")
	_, err = f.put(f.ws, "second", "main", config{Secret: "s"})
	require.ErrorIs(t, err, connections.ErrTaken, "within the workspace too")
	_, err = f.Put(t.Context(), other, "wa", "other", "main", "", json.RawMessage(`{"secret":"s"}`), "test")
	require.NoError(t, err, "another connector's paths are its own")
	require.Equal(t, 1, f.count("connections"))

	// Of two who claim a free one at once, one gets it.
	errs := make([]error, 2)
	var wg sync.WaitGroup
	for i, ws := range []uuid.UUID{f.ws, other} {
		wg.Go(func() {
			_, errs[i] = f.process(time.Hour).Put(context.Background(), ws, "new", "phone", "new", "", json.RawMessage(`{"secret":"s"}`), "test")
		})
	}
	wg.Wait()
	require.True(t, (errs[0] == nil) != (errs[1] == nil), "%v", errs)
}

func TestForConnectorPrefersTheConnectorsOwnName(t *testing.T) {
	f := setUp(t)
	for _, name := range []string{"aaa", "phone", "zzz"} {
		_, err := f.put(f.ws, name, name, config{Secret: name})
		require.NoError(t, err)
	}
	got, err := f.ForConnector(t.Context(), f.ws, "phone")
	require.NoError(t, err)
	require.Equal(t, "phone", got.Name)
	require.NoError(t, f.Delete(t.Context(), f.ws, "phone", "test"))
	got, err = f.ForConnector(t.Context(), f.ws, "phone")
	require.NoError(t, err)
	require.Equal(t, "aaa", got.Name, "else the oldest")
	all, err := f.List(t.Context(), f.ws)
	require.NoError(t, err)
	require.Len(t, all, 2)
}

func TestBindIsSeenAndIdempotent(t *testing.T) {
	f := setUp(t)
	k, err := f.put(f.ws, "wa", "main", config{Secret: "s"})
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, f.Bind(t.Context(), f.ws, k.ID, "shop", "test"))
	}
	got, err := f.Get(t.Context(), f.ws, k.ID)
	require.NoError(t, err)
	require.Equal(t, []any{"shop", int64(2)}, []any{got.Flow, got.Version})
	_, err = f.put(f.ws, "wa", "main", config{Secret: "t"})
	require.NoError(t, err)
	got, err = f.Get(t.Context(), f.ws, k.ID)
	require.NoError(t, err)
	require.Equal(t, "shop", got.Flow, "a new configuration keeps it")
	require.ErrorIs(t, f.Bind(t.Context(), f.ws, uuid.New(), "shop", "test"), connections.ErrNotFound)
}

// An explicit base_url is the permission to call an internal host, and only it.
func TestInternalHostsNeedABaseURL(t *testing.T) {
	f := setUp(t)
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	for url, allowed := range map[string]bool{srv.URL: true, "": false, "https://api.example.test": false} {
		k, err := f.put(f.ws, "wa", "main", config{Secret: "s", BaseURL: url})
		require.NoError(t, err)
		_, err = sdk.Do(t.Context(), k.Conn.(*conn).host.HTTP, sdk.Request{Method: http.MethodGet, URL: srv.URL})
		require.Equal(t, allowed, err == nil, url)
	}
}
