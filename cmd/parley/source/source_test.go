package source_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/cmd/parley/source"
)

func module(t *testing.T, dir, mod string) string {
	require.NoError(t, os.MkdirAll(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o600))
	return dir
}

func TestFind(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	parley := module(t, filepath.Join(root, "parley"), "module parley\n")
	acme := module(t, filepath.Join(root, "acme"), "module example.com/acme\n\nreplace parley => ../parley\n")
	other := module(t, filepath.Join(root, "other"), "module example.com/other\n")
	inside := filepath.Join(parley, "connectors")
	require.NoError(t, os.Mkdir(inside, 0o700))

	for name, test := range map[string]struct {
		at, given string
		folders   []string
	}{
		"as given":              {other, parley, nil},
		"in it":                 {inside, "", nil},
		"replaced here":         {acme, "", nil},
		"replaced in another's": {other, "", []string{acme}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(test.at)
			got, err := source.Find(test.given, test.folders...)
			require.NoError(t, err)
			require.Equal(t, parley, got)
		})
	}
	t.Chdir(other)
	_, err = source.Find("")
	require.ErrorContains(t, err, "--parley")
	_, err = source.Find(acme)
	require.ErrorContains(t, err, "there is no source of Parley")
}
