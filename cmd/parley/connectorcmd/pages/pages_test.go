package pages_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/cmd/parley/connectorcmd/pages"
	"parley/connectors"
)

// TestThePagesAreFresh: docs/connectors is what the manifests and the evidence say.
func TestThePagesAreFresh(t *testing.T) {
	root := filepath.Join("..", "..", "..", "..")
	files, err := pages.All(connectors.All(), filepath.Join(root, "connectors"))
	require.NoError(t, err)
	folder := filepath.Join(root, "docs", "connectors")
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err, "run go generate ./connectors")
		require.Equal(t, string(want), string(got), "docs/connectors/%s is stale: run go generate ./connectors", name)
	}
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, entries, len(files), "docs/connectors has a page of a connector that is gone")
}
