// Package pgtest starts a private PostgreSQL for a test.
package pgtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/internal/devstack/postgres"
)

// Dir returns a fresh folder in which a PostgreSQL started by this process can
// live (t.TempDir cannot hold it when the tests run as root). It is removed
// after the test.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "parley-pg-*")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Start returns a server of the test's own, stopped after it. It skips the
// test, saying why, where there are no PostgreSQL programs and none can be
// fetched.
func Start(t testing.TB) *postgres.Server {
	t.Helper()
	server := StartIn(t, filepath.Join(Dir(t), "postgres"))
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	return server
}

// Require skips the test, saying why, where there are no PostgreSQL programs.
func Require(t testing.TB) {
	t.Helper()
	if err := postgres.Ensure(t.Context(), ""); err != nil {
		t.Skipf("needs PostgreSQL: %v", err)
	}
}

// StartIn starts the server of a folder, and leaves stopping it to the caller.
func StartIn(t testing.TB, dir string) *postgres.Server {
	t.Helper()
	Require(t)
	server, err := postgres.Start(t.Context(), postgres.Options{Dir: dir})
	require.NoError(t, err)
	return server
}
