package devstack

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func open(t *testing.T, dir string) *Folder {
	t.Helper()
	f, err := Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestOneSystemPerFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "data")
	f := open(t, dir)
	_, err := Open(dir)
	require.ErrorContains(t, err, "already runs on "+dir)
	require.NoError(t, f.Close())
	open(t, dir)
}

func TestFolderIsPassableAndItsSecretsArePrivate(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "data"))
	_, err := f.secrets()
	require.NoError(t, err)
	for path, mode := range map[string]os.FileMode{
		f.Dir: 0o711, f.Path("keys"): 0o700, f.masterKey(): 0o600, f.Path("secrets.json"): 0o600,
	} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), path)
	}
}

func TestSecretsAreMadeOnce(t *testing.T) {
	f := open(t, t.TempDir())
	first, err := f.secrets()
	require.NoError(t, err)
	require.Len(t, first.SandboxKey, keySize)
	require.Greater(t, len(first.AdminKey), 26)
	master, err := os.ReadFile(f.masterKey())
	require.NoError(t, err)
	require.Len(t, master, keySize)
	again, err := f.secrets()
	require.NoError(t, err)
	require.Equal(t, first, again)
	still, err := os.ReadFile(f.masterKey())
	require.NoError(t, err)
	require.Equal(t, master, still)
}

func TestLostKeysAreNotReplacedOverData(t *testing.T) {
	for _, lost := range []string{"keys/master.key", "secrets.json"} {
		f := open(t, t.TempDir())
		_, err := f.secrets()
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(f.Path("postgres", "data"), 0o700))
		require.NoError(t, os.Remove(f.Path(lost)))
		_, err = f.secrets()
		require.ErrorContains(t, err, f.Path(lost)+" is missing")
		require.NoFileExists(t, f.Path(lost))
		require.NoError(t, f.Close())
	}
}

func TestDamagedSecretsAreRefused(t *testing.T) {
	f := open(t, t.TempDir())
	_, err := f.secrets()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(f.Path("secrets.json"), []byte(`{"admin_key":"x"}`), 0o600))
	_, err = f.secrets()
	require.ErrorContains(t, err, "damaged")
}

// free asks for four free ports.
var free = Addresses{API: "127.0.0.1:0", Temporal: "127.0.0.1:0", UI: "127.0.0.1:0", Sandbox: "127.0.0.1:0"}

func TestPortZeroIsChosenOnceForAFolder(t *testing.T) {
	f := open(t, t.TempDir())
	first, err := f.addresses(free)
	require.NoError(t, err)
	again, err := f.addresses(free)
	require.NoError(t, err)
	require.Equal(t, first, again)
	unasked, err := f.addresses(Addresses{})
	require.NoError(t, err)
	require.Equal(t, first, unasked, "a restart without flags stays where it was")
}

func TestAddressesThatAreRefused(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	for addr, want := range map[string]string{
		taken.Addr().String(): "is not free",
		"8080":                "not an address",
		"example.com:80":      "IP address",
		"127.0.0.1:http":      "port must be a number",
		"127.0.0.1:70000":     "port must be a number",
	} {
		f := open(t, t.TempDir())
		wanted := free
		wanted.API = addr
		_, err := f.addresses(wanted)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "--api-addr")
		require.NoError(t, f.Close())
	}
}

func TestOneAddressForTwoPartsIsRefused(t *testing.T) {
	f := open(t, t.TempDir())
	kept, err := f.addresses(free)
	require.NoError(t, err)
	wanted := free
	wanted.UI = kept.API
	_, err = f.addresses(wanted)
	require.ErrorContains(t, err, "two parts")
}

func TestLocalhostAndEmptyHostMeanLoopback(t *testing.T) {
	for _, addr := range []string{"localhost:81", ":81", "127.0.0.1:81"} {
		host, number, err := parseAddress(addr)
		require.NoError(t, err)
		require.Equal(t, "127.0.0.1", host)
		require.Equal(t, 81, number)
	}
	require.Equal(t, "http://127.0.0.1:81", webURL("0.0.0.0:81"))
}

func TestEndpointsHaveTheContractsShape(t *testing.T) {
	path := filepath.Join(t.TempDir(), "endpoints.json")
	require.NoError(t, os.WriteFile(path, []byte("of an earlier run"), 0o600))
	b, err := newBoard(path)
	require.NoError(t, err)
	require.NoFileExists(t, path)
	require.NoError(t, b.setPID("api", 7))
	require.NoFileExists(t, path, "nothing is said before all is ready")
	e := Env{APIURL: "http://127.0.0.1:1", SandboxURL: "http://127.0.0.1:2", TemporalUIURL: "http://127.0.0.1:3",
		Addresses: Addresses{Temporal: "127.0.0.1:4"}, Namespace: "default", DatabaseURL: "postgres://u:p@127.0.0.1:5/parley", AdminKey: "k"}
	accounts := map[string]Account{"whatsapp": {Account: "demo", Hook: "/hooks/whatsapp/demo", Config: json.RawMessage(`{"base_url":"x"}`)}}
	require.NoError(t, b.publish(e, accounts))
	require.NoError(t, b.setPID("api", 8))
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.JSONEq(t, `{"api":"http://127.0.0.1:1","temporal":"127.0.0.1:4","namespace":"default","temporal_ui":"http://127.0.0.1:3",
		"sandbox":"http://127.0.0.1:2","database_url":"postgres://u:p@127.0.0.1:5/parley","admin_key":"k","webchat":"http://127.0.0.1:1/chat",
		"pids":{"api":8},"accounts":{"whatsapp":{"account":"demo","hook":"/hooks/whatsapp/demo","config":{"base_url":"x"}}}}`, string(raw))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}
