package config_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"parley/internal/config"
)

// canary is a secret that must never be printed.
const canary = "canary-hunter2"

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "parley.yaml")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

func environ(vars ...string) func() []string { return func() []string { return vars } }

func flags(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	fs := pflag.NewFlagSet("parley", pflag.ContinueOnError)
	config.AddFlags(fs)
	require.NoError(t, fs.Parse(args))
	return fs
}

func TestDefaults(t *testing.T) {
	c, err := config.Load(config.Options{Environ: environ()})
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:8080", c.APIAddr)
	require.Equal(t, config.Bytes(4<<20), c.WebhookBody)
	require.Equal(t, 15*time.Second, c.RequestTimeout)
	require.Equal(t, 20, c.DatabasePool)
}

func TestFlagsWinOverEnvironmentOverFile(t *testing.T) {
	file := write(t, "log_level: debug\napi:\n  addr: 127.0.0.1:1\n  body_limit: 2MiB\ntemporal:\n  address: t:1\n")
	c, err := config.Load(config.Options{File: file, Flags: flags(t, "--api-addr=127.0.0.1:3"),
		Environ: environ("PARLEY_API_ADDR=127.0.0.1:2", "PARLEY_TEMPORAL_ADDRESS=t:2", "PARLEY_LOG_LEVEL=", "PARLEY_SOMETHING_ELSE=x")})
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:3", c.APIAddr)
	require.Equal(t, "t:2", c.TemporalAddress)
	require.Equal(t, "debug", c.LogLevel, "an empty variable is as if it were not set")
	require.Equal(t, config.Bytes(2<<20), c.Body)
}

func TestFileIsRefusedWithLineAndKey(t *testing.T) {
	cases := map[string]struct{ text, want string }{
		"unknown":         {"log_level: info\nlog_levle: debug\n", "parley.yaml:2: log_levle: unknown key; did you mean log_level?"},
		"unknown nested":  {"api:\n  adr: x\n", "parley.yaml:2: api.adr: unknown key; did you mean api.addr?"},
		"wrong place":     {"\naddr: x\n", "parley.yaml:2: addr: unknown key; addr belongs into a section: api.addr"},
		"dotted":          {"api.addr: x\n", "parley.yaml:1: api.addr: unknown key"},
		"twice":           {"log_level: info\nlog_level: warn\n", "parley.yaml"},
		"not a section":   {"api: 3\n", "parley.yaml:1: api: must hold keys and values"},
		"a list":          {"- a\n", "must hold keys and values"},
		"broken":          {"api:\n  addr: [1\n", "is not valid YAML"},
		"two documents":   {"log_level: info\n---\nlog_level: warn\n", "more than one document"},
		"wrong type":      {"\n\ndatabase_pool: many\n", "parley.yaml:3: database_pool: must be a whole number; for example 20"},
		"no unit":         {"api:\n  request_timeout: 15\n", "parley.yaml:2: api.request_timeout: must be a duration with a unit; for example 15s"},
		"size":            {"api:\n  body_limit: huge\n", "must be a size in bytes"},
		"map for a value": {"database_url:\n  host: " + canary + "\n", "database_url: must be a single value"},
		"secret as key":   {"postgres://u:" + canary + "@h/d: x\n", "unknown key"},
		"secret unquoted": {"database_url: *" + canary + "\n", "parley.yaml"},
		"secret broken":   {"database_url: \"" + canary + "\nkeys_database_url: 'x\n", "is not valid YAML"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(config.Options{File: write(t, c.text), Environ: environ()})
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), canary)
		})
	}
}

func TestAllProblemsAtOnceWithTheirSource(t *testing.T) {
	_, err := config.Load(config.Options{File: write(t, "trace_ratio: much\n"), Flags: flags(t, "--api-request-timeout=soon"),
		Environ: environ("PARLEY_DATABASE_POOL=many")})
	require.ErrorContains(t, err, "parley.yaml:1: trace_ratio")
	require.ErrorContains(t, err, "--api-request-timeout: api.request_timeout")
	require.ErrorContains(t, err, "PARLEY_DATABASE_POOL: database_pool: must be")
}

func TestMissingFile(t *testing.T) {
	_, err := config.Load(config.Options{File: filepath.Join(t.TempDir(), "none.yaml"), Environ: environ()})
	require.ErrorContains(t, err, "cannot be read")
}

func TestEmptyFileIsFine(t *testing.T) {
	for _, text := range []string{"", "# only a comment\n", "api:\n"} {
		_, err := config.Load(config.Options{File: write(t, text), Environ: environ()})
		require.NoError(t, err, "%q", text)
	}
}

func good() []string {
	return []string{"PARLEY_DATABASE_URL=postgres://u:" + canary + "@db/parley", "PARLEY_KEYS_DATABASE_URL=postgres://u:" + canary + "@keys/parley",
		"PARLEY_VAULT_MASTER_KEY_FILE=/k"}
}

func TestValidate(t *testing.T) {
	cases := []struct {
		name, role string
		env        []string
		want       string
	}{
		{"all there", config.API, good(), ""},
		{"worker", config.Worker, good(), ""},
		{"migrate needs no key", config.Migrate, good()[:2], ""},
		{"nothing", config.API, nil, "database_url: is not set, and api needs it; set PARLEY_DATABASE_URL or the key in the file"},
		{"no key", config.Worker, good()[:2], "exactly one of"},
		{"two keys", config.Worker, append(good(), "PARLEY_VAULT_MASTER_KEY_URL=awskms://"+canary), "exactly one of"},
		{"same database", config.API, append(good(), "PARLEY_KEYS_DATABASE_URL=postgres://other:x@db/parley"), "names the same database"},
		{"no scheme", config.API, append(good(), "PARLEY_DATABASE_URL=mysql://u:"+canary+"@h/d"), "must be a URL of the form postgres://"},
		{"no port", config.API, append(good(), "PARLEY_API_ADDR=localhost"), "api.addr: must be host:port"},
		{"public URL", config.API, append(good(), "PARLEY_API_PUBLIC_URL=parley.example"), "begins with http:// or https://"},
		{"public URL with user", config.API, append(good(), "PARLEY_API_PUBLIC_URL=https://u:"+canary+"@x"), "without user"},
		{"zero", config.API, append(good(), "PARLEY_DATABASE_POOL=0"), "database_pool: must be greater than zero"},
		{"negative", config.API, append(good(), "PARLEY_API_REQUEST_TIMEOUT=-1s"), "must be greater than zero"},
		{"ratio", config.API, append(good(), "PARLEY_TRACE_RATIO=2"), "at most 1"},
		{"level", config.API, append(good(), "PARLEY_LOG_LEVEL=loud"), "log_level: must be debug"},
		{"proxies", config.API, append(good(), "PARLEY_API_TRUSTED_PROXIES=10.0.0.0/8, here"), "networks such as"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := config.Load(config.Options{Environ: environ(c.env...)})
			require.NoError(t, err)
			err = cfg.Validate(c.role)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), canary)
		})
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	c, err := config.Load(config.Options{Environ: environ(good()...)})
	require.NoError(t, err)
	require.Contains(t, c.DatabaseURL.Reveal(), canary)
	js, err := json.Marshal(c)
	require.NoError(t, err)
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("started", "config", c, "url", c.DatabaseURL)
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v %#v %q %x", c, c, c.DatabaseURL, c.DatabaseURL), string(js), log.String()} {
		require.NotContains(t, text, canary)
		require.NotContains(t, text, fmt.Sprintf("%x", canary))
	}
}

func TestSecretsHaveNoFlags(t *testing.T) {
	fs := flags(t)
	require.Nil(t, fs.Lookup("database-url"))
	require.NotNil(t, fs.Lookup("api-addr"))
}

// TestEverySettingIsDocumentedAndUnique holds the tags to their purpose.
func TestEverySettingIsDocumentedAndUnique(t *testing.T) {
	docs := config.Docs()
	seen := map[string]bool{}
	typ := reflect.TypeFor[config.Config]()
	for i := range typ.NumField() {
		f := typ.Field(i)
		key := f.Tag.Get("key")
		require.NotEmpty(t, f.Tag.Get("doc"), f.Name)
		require.Contains(t, docs, "| `"+key+"` (")
		env := strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
		require.False(t, seen[env], "two settings share %s", env)
		seen[env] = true
	}
	require.Contains(t, docs, "`PARLEY_DATABASE_URL` | none: a secret |")
}

func FuzzFile(f *testing.F) {
	f.Add("api:\n  addr: x:1\n")
	f.Add("{a: &x [*x]}")
	f.Add("? a\n: b\n---\n")
	f.Fuzz(func(t *testing.T, text string) {
		name := filepath.Join(t.TempDir(), "f.yaml")
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		cfg, err := config.Load(config.Options{File: name, Environ: environ()})
		require.True(t, (cfg == nil) == (err != nil))
	})
}
