// Package config is the configuration of all roles: one struct, whose tags give
// the file's keys, environment variables, flags, defaults, checks and
// documentation alike. Flags win over the environment over the file.
package config

import (
	"fmt"
	"log/slog"
	"net/url"
	"time"
)

// Config is the whole configuration. Each field's key tag is its name in the YAML
// file (a dot enters a section); the environment variable is PARLEY_ and the key in
// upper case with _ for the dot; the flag is the key with - for dot and _. Secrets
// have no flag: command lines are visible to other users of a machine.
type Config struct {
	APIAddr         string        `key:"api.addr" default:"127.0.0.1:8080" need:"api" check:"hostport" doc:"Address on which the API listens."`
	PublicURL       string        `key:"api.public_url" check:"url" doc:"Address of the API as providers and browsers reach it, such as https://parley.example.com. Some providers sign it. If not set, it is taken from each request."`
	WebhookBody     Bytes         `key:"api.webhook_body_limit" default:"4MiB" check:"positive" doc:"Largest webhook body."`
	Body            Bytes         `key:"api.body_limit" default:"1MiB" check:"positive" doc:"Largest request body on /v1."`
	RequestTimeout  time.Duration `key:"api.request_timeout" default:"15s" check:"positive" doc:"How long a request on /v1 may take."`
	ShutdownTimeout time.Duration `key:"api.shutdown_timeout" default:"20s" check:"positive" doc:"How long requests under way may take to finish when the process is told to stop."`
	TrustedProxies  []string      `key:"api.trusted_proxies" check:"prefixes" doc:"Networks (CIDR) of reverse proxies whose X-Forwarded-For is believed."`

	WorkerAddr string `key:"worker.addr" default:"127.0.0.1:8081" need:"worker" check:"hostport" doc:"Address on which the worker tells its health and metrics."`

	DatabaseURL      Secret `key:"database_url" need:"api worker migrate" check:"postgres" doc:"PostgreSQL database of the engine."`
	DatabasePool     int    `key:"database_pool" default:"20" check:"positive" doc:"Most connections to the engine's database, for each process."`
	KeysDatabaseURL  Secret `key:"keys_database_url" need:"api worker migrate" check:"postgres" doc:"PostgreSQL database of the wrapped data keys. Keep it, and its backups, apart from the engine's."`
	KeysDatabasePool int    `key:"keys_database_pool" default:"5" check:"positive" doc:"Most connections to the database of keys, for each process."`

	MasterKeyFile string `key:"vault.master_key_file" doc:"File with the key-encryption key: 32 random bytes, readable by this user only. Either this or vault.master_key_url."`
	MasterKeyURL  Secret `key:"vault.master_key_url" doc:"Key-encryption key in a cloud's key service or Vault, as a gocloud.dev/secrets URL, such as awskms://alias/parley?region=eu-central-1."`

	TemporalAddress   string `key:"temporal.address" default:"127.0.0.1:7233" need:"api worker" check:"hostport" doc:"Temporal's frontend."`
	TemporalNamespace string `key:"temporal.namespace" default:"default" need:"api worker" doc:"Temporal namespace."`
	TemporalUI        string `key:"temporal.ui_url" check:"url" doc:"Address of Temporal's UI, such as https://temporal.example.com: its page may show clear text to those who signed in at /codec. It must be of the same site as the API."`

	Connectors string `key:"connectors" doc:"Folder with connectors that are data: one connector.yaml, or a folder for each. See docs/import.md."`

	DispatchQueue   int `key:"dispatch.queue" default:"10000" check:"positive" doc:"Most conversations and cases waiting to be woken; what does not fit is left to the sweeper."`
	DispatchWorkers int `key:"dispatch.workers" default:"32" check:"positive" doc:"How many conversations and cases are woken at once."`

	LogLevel     string  `key:"log_level" default:"info" check:"level" doc:"debug, info, warn or error."`
	OTLPEndpoint string  `key:"otlp_endpoint" check:"url" doc:"OTLP/HTTP collector for traces, such as http://collector:4318. Nothing is exported if not set."`
	TraceRatio   float64 `key:"trace_ratio" default:"1" check:"ratio" doc:"Share of new traces that are exported, above 0 and up to 1."`
}

// Roles that [Config.Validate] knows.
const (
	API     = "api"
	Worker  = "worker"
	Migrate = "migrate"
)

// Secret is a value that is never printed, whatever prints it.
type Secret string

// Reveal returns the value, to be used and not shown.
func (s Secret) Reveal() string { return string(s) }

// String implements [fmt.Stringer].
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(secret)"
}

// GoString implements [fmt.GoStringer].
func (s Secret) GoString() string { return s.String() }

// MarshalText keeps the value out of JSON, YAML and the like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue implements [slog.LogValuer].
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Bytes is a size, written as a number with an optional unit: KiB, MiB, GiB (1024)
// or kB, MB, GB (1000).
type Bytes int64

// Validate tells all that is missing or impossible for the role, as [Problems].
func (c *Config) Validate(role string) error {
	var problems Problems
	for _, s := range settings {
		problems = append(problems, s.validate(c, role)...)
	}
	if role != Migrate && (c.MasterKeyFile == "") == (c.MasterKeyURL == "") {
		problems = append(problems, Problem{Key: "vault.master_key_file", Why: "exactly one of vault.master_key_file and vault.master_key_url is needed",
			Do: "set PARLEY_VAULT_MASTER_KEY_FILE to a file of 32 random bytes, or PARLEY_VAULT_MASTER_KEY_URL"})
	}
	if c.DatabaseURL != "" && sameDatabase(c.DatabaseURL.Reveal(), c.KeysDatabaseURL.Reveal()) {
		problems = append(problems, Problem{Key: "keys_database_url", Why: "names the same database as database_url",
			Do: "use a database of its own, so that backups of one do not hold the other"})
	}
	if len(problems) > 0 {
		return problems
	}
	return nil
}

func sameDatabase(a, b string) bool {
	ua, errA := url.Parse(a)
	ub, errB := url.Parse(b)
	return errA == nil && errB == nil && ua.Host == ub.Host && ua.Path == ub.Path &&
		ua.Query().Get("host") == ub.Query().Get("host")
}

// Problem is one thing that is wrong with the configuration. It never holds a value.
type Problem struct {
	// Where is the source: "FILE:line", "PARLEY_…" or "--flag"; empty if the
	// setting was not given.
	Where string
	Key   string
	Why   string
	// Do says what to do.
	Do string
}

// Error implements error.
func (p Problem) Error() string {
	out := p.Key + ": " + p.Why
	if p.Where != "" {
		out = p.Where + ": " + out
	}
	if p.Do != "" {
		out += "; " + p.Do
	}
	return out
}

// Problems are all that is wrong, one a line.
type Problems []Problem

// Error implements error.
func (ps Problems) Error() string {
	out := "the configuration cannot be used:"
	for _, p := range ps {
		out += fmt.Sprintf("\n  %s", p.Error())
	}
	return out
}
