package buildcmd

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/cmd/parley/exit"
	"parley/cmd/parley/source"
)

// folder makes a module.
func folder(t *testing.T, mod string) string {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o600))
	return dir
}

func TestWishes(t *testing.T) {
	acme := folder(t, "module example.com/acme\n")
	for text, want := range map[string]wish{
		"example.com/acme":             {pkg: "example.com/acme", version: "latest"},
		"example.com/acme@v1.2.0":      {pkg: "example.com/acme", version: "v1.2.0"},
		"example.com/acme=" + acme:     {pkg: "example.com/acme", folder: acme, module: "example.com/acme"},
		"example.com/acme/pay=" + acme: {pkg: "example.com/acme/pay", folder: acme, module: "example.com/acme"},
	} {
		got, err := parse(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for text, why := range map[string]string{
		"example.com/a b":               "invalid char",
		"":                              "empty string",
		"example.com/acme=/does/not/be": "the folder holds no module",
		"example.com/acmeplus=" + acme:  "the folder holds the module example.com/acme",
	} {
		_, err := parse(text)
		require.ErrorContains(t, err, why, text)
		require.Equal(t, exit.Usage, exit.Code(err))
	}
	_, err := parseAll(nil)
	require.ErrorContains(t, err, "--with is missing")
	_, err = parseAll([]string{"example.com/acme", "example.com/acme@v1.0.0"})
	require.ErrorContains(t, err, "twice")
}

// TestTheModuleIsParleysOwn: a build has the versions that Parley was tested with,
// takes folders where they are, and imports every wish.
func TestTheModuleIsParleysOwn(t *testing.T) {
	parley := folder(t, "module parley\n\ngo 1.26\n\nrequire example.com/lib v1.4.0\n")
	require.NoError(t, os.WriteFile(filepath.Join(parley, "go.sum"), []byte("example.com/lib v1.4.0 h1:a=\n"), 0o600))
	acme := folder(t, "module example.com/acme\n")
	require.NoError(t, os.WriteFile(filepath.Join(acme, "go.sum"), []byte("example.com/other v1.0.0 h1:b=\n"), 0o600))
	dir := t.TempDir()
	require.NoError(t, writeModule(dir, parley, []wish{
		{pkg: "example.com/acme/pay", folder: acme, module: "example.com/acme"}, {pkg: "example.com/far", version: "v1.0.0"}}))

	mod, err := source.ReadModule(dir)
	require.NoError(t, err)
	versions := map[string]string{}
	for _, r := range mod.Require {
		versions[r.Mod.Path] = r.Mod.Version
	}
	require.Equal(t, map[string]string{"example.com/lib": "v1.4.0", "parley": "v0.0.0", "example.com/acme": "v0.0.0"}, versions)
	places := map[string]string{}
	for _, r := range mod.Replace {
		places[r.Old.Path] = r.New.Path
	}
	require.Equal(t, map[string]string{"parley": parley, "example.com/acme": acme}, places)

	sums, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	require.NoError(t, err)
	require.Contains(t, string(sums), "h1:a=")
	require.Contains(t, string(sums), "h1:b=")
	text, err := os.ReadFile(filepath.Join(dir, "main.go"))
	require.NoError(t, err)
	require.Contains(t, string(text), `c0 "example.com/acme/pay"`)
	require.Contains(t, string(text), "program.Main(c0.Connector, c1.Connector)")
}
