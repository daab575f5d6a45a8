package postgres_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"parley/internal/devstack/postgres"
	"parley/internal/devstack/postgres/pgtest"
)

func exec(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), sql)
	require.NoError(t, err)
}

func count(t *testing.T, url string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM kept").Scan(&n))
	return n
}

func awaitGone(t *testing.T, s *postgres.Server) {
	t.Helper()
	select {
	case <-s.Gone():
	case <-time.After(30 * time.Second):
		t.Fatal("the server did not end")
	}
}

func TestCommittedRowsSurviveKillAdoptionAndStop(t *testing.T) {
	dir := filepath.Join(pgtest.Dir(t), "postgres")
	first := pgtest.StartIn(t, dir)
	exec(t, first.URL("postgres"), "CREATE TABLE kept (n int)")
	exec(t, first.URL("postgres"), "INSERT INTO kept VALUES (1)")

	// A crash.
	require.NoError(t, syscall.Kill(first.PID(), syscall.SIGKILL))
	awaitGone(t, first)
	second := pgtest.StartIn(t, dir)
	require.False(t, second.Adopted())
	require.NotEqual(t, first.PID(), second.PID())
	require.Equal(t, first.URL("postgres"), second.URL("postgres"), "port and password must be kept")
	require.Equal(t, 1, count(t, second.URL("postgres")))

	// An orphan: somebody else started it, it still runs.
	adopted := pgtest.StartIn(t, dir)
	require.True(t, adopted.Adopted())
	require.Equal(t, second.PID(), adopted.PID())
	exec(t, adopted.URL("postgres"), "INSERT INTO kept VALUES (2)")
	require.NoError(t, adopted.Stop())
	awaitGone(t, second)

	third := pgtest.StartIn(t, dir)
	require.Equal(t, 2, count(t, third.URL("postgres")))
	require.NoError(t, third.Stop())
}

func TestLogHoldsNoStatementAndNoValue(t *testing.T) {
	dir := filepath.Join(pgtest.Dir(t), "postgres")
	server := pgtest.StartIn(t, dir)
	conn, err := pgx.Connect(t.Context(), server.URL("postgres"))
	require.NoError(t, err)
	for _, bad := range []string{
		"SELECT 'canary-in-statement' FROM missing_table",
		"SELECT 'canary-in-error'::uuid",
		"DO $$ BEGIN RAISE WARNING 'canary-in-warning'; END $$",
		"CREATE TABLE u (v text UNIQUE); INSERT INTO u VALUES ('canary-in-row'), ('canary-in-row')",
	} {
		_, _ = conn.Exec(t.Context(), bad)
	}
	_, err = conn.Exec(t.Context(), "SELECT $1::text::int", "canary-in-parameter")
	require.Error(t, err)
	require.NoError(t, conn.Close(t.Context()))
	require.NoError(t, server.Stop())
	log, err := os.ReadFile(filepath.Join(dir, "server.log"))
	require.NoError(t, err)
	require.NotContains(t, string(log), "canary")
	require.Contains(t, string(log), "shut down", "the log must still tell about the server itself")
}

func TestDurableSettings(t *testing.T) {
	server := pgtest.Start(t)
	conn, err := pgx.Connect(t.Context(), server.URL("postgres"))
	require.NoError(t, err)
	defer conn.Close(t.Context())
	for name, want := range map[string]string{"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"} {
		var got string
		require.NoError(t, conn.QueryRow(t.Context(), "SHOW "+name).Scan(&got))
		require.Equal(t, want, got, name)
	}
}

func TestStalePidFileOfAnotherProcess(t *testing.T) {
	dir := filepath.Join(pgtest.Dir(t), "postgres")
	server := pgtest.StartIn(t, dir)
	pidFile := filepath.Join(dir, "data", "postmaster.pid")
	text, err := os.ReadFile(pidFile)
	require.NoError(t, err)
	require.NoError(t, server.Stop())

	// The machine restarted: the ID in the file is now some other program's.
	text = append([]byte("1"), text[len(firstLine(text)):]...)
	require.NoError(t, os.WriteFile(pidFile, text, 0o600))
	again := pgtest.StartIn(t, dir)
	require.False(t, again.Adopted())
	require.NoError(t, again.Stop())
}

func firstLine(text []byte) []byte {
	for i, c := range text {
		if c == '\n' {
			return text[:i]
		}
	}
	return text
}

func TestRefusesAnotherMajorVersionAndLeavesTheFolder(t *testing.T) {
	pgtest.Start(t) // skips where there is no PostgreSQL at all
	dir := filepath.Join(pgtest.Dir(t), "postgres")
	data := filepath.Join(dir, "data")
	require.NoError(t, os.MkdirAll(data, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte("9\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "server.json"), []byte(`{"port":0,"password":"x"}`), 0o600))
	_, err := postgres.Start(t.Context(), postgres.Options{Dir: dir})
	require.ErrorContains(t, err, "made by PostgreSQL 9")
	require.ErrorContains(t, err, "left as it is")
	require.FileExists(t, filepath.Join(data, "PG_VERSION"))
}

func TestRefusesAFolderThatTheServersUserCannotEnter(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root runs the server as another user")
	}
	if err := postgres.Ensure(t.Context(), ""); err != nil {
		t.Skipf("needs PostgreSQL: %v", err)
	}
	private := filepath.Join(pgtest.Dir(t), "private")
	require.NoError(t, os.Mkdir(private, 0o700))
	_, err := postgres.Start(t.Context(), postgres.Options{Dir: filepath.Join(private, "postgres")})
	require.ErrorContains(t, err, "cannot enter "+private)
	require.ErrorContains(t, err, "0700")
}
