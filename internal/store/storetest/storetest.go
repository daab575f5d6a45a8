// Package storetest gives a test a migrated database of its own, on a PostgreSQL
// that the test binary starts once.
package storetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"gocloud.dev/secrets/localsecrets"
	"parley/internal/devstack/postgres"
	"parley/internal/store"
	"parley/internal/vault"
)

var shared struct {
	once   sync.Once
	dir    string
	server *postgres.Server
	err    error
	next   atomic.Int64
}

// Main runs a package's tests and stops the server after them:
//
//	func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }
func Main(m *testing.M) int {
	code := m.Run()
	if shared.server != nil {
		shared.server.Stop()
	}
	if shared.dir != "" {
		os.RemoveAll(shared.dir)
	}
	return code
}

func start() {
	if shared.err = postgres.Ensure(context.Background(), ""); shared.err != nil {
		return
	}
	if shared.dir, shared.err = os.MkdirTemp("", "parley-pg-*"); shared.err != nil {
		return
	}
	if shared.err = os.Chmod(shared.dir, 0o711); shared.err != nil {
		return
	}
	if shared.server, shared.err = postgres.Start(context.Background(), postgres.Options{Dir: filepath.Join(shared.dir, "postgres")}); shared.err != nil {
		return
	}
	if shared.err = execute(shared.server.URL("postgres"), `CREATE DATABASE parley_template`); shared.err != nil {
		return
	}
	shared.err = store.Migrate(context.Background(), shared.server.URL("parley_template"), store.Migrations())
}

func execute(url, sql string) error {
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(context.Background(), sql)
	return err
}

// Open returns a migrated, empty database with a workspace, and a vault whose
// keys are in memory. It skips the test, saying why, where there is no PostgreSQL.
func Open(t testing.TB) (*store.DB, *vault.Vault, uuid.UUID) {
	t.Helper()
	db := OpenURL(t)
	v := vault.New(localsecrets.NewKeeper([32]byte{7}), vault.NewMemoryKeyring())
	pool, err := store.Open(t.Context(), db, 10)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool, v, Workspace(t, pool, "test")
}

// OpenURL returns the address of a migrated, empty database.
func OpenURL(t testing.TB) string {
	t.Helper()
	shared.once.Do(start)
	if shared.server == nil && shared.err != nil {
		t.Skipf("needs PostgreSQL: %v", shared.err)
	}
	require.NoError(t, shared.err)
	name := fmt.Sprintf("test_%d", shared.next.Add(1))
	require.NoError(t, execute(shared.server.URL("postgres"), `CREATE DATABASE `+name+` TEMPLATE parley_template`))
	return shared.server.URL(name)
}

// Workspace makes a workspace.
func Workspace(t testing.TB, db *store.DB, slug string) uuid.UUID {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	_, err := db.Pool.Exec(t.Context(), `INSERT INTO workspaces (id, slug) VALUES ($1, $2)`, id, slug)
	require.NoError(t, err)
	return id
}
