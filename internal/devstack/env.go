package devstack

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
)

// Env is what a part of the system needs to know. It holds secrets: it is kept
// in a file of mode 0600 for parts that are processes of their own, and is
// never logged.
type Env struct {
	// Dir is the data folder, ConfigFile the user's settings (may be empty),
	// Stack the ready-made solution to seed with.
	Dir        string `json:"dir"`
	ConfigFile string `json:"config_file"`
	Stack      string `json:"stack"`

	Addresses     Addresses `json:"addresses"`
	APIURL        string    `json:"api_url"`
	SandboxURL    string    `json:"sandbox_url"`
	TemporalUIURL string    `json:"temporal_ui_url"`
	Namespace     string    `json:"namespace"`

	// DatabaseURL and KeysDatabaseURL are two databases of one server, both
	// owned by its superuser; TemporalDatabaseURL is the server as such.
	DatabaseURL         string `json:"database_url"`
	KeysDatabaseURL     string `json:"keys_database_url"`
	TemporalDatabaseURL string `json:"temporal_database_url"`

	MasterKeyFile string `json:"master_key_file"` // 32 random bytes
	AdminKey      string `json:"admin_key"`       // API key to seed
	SandboxDir    string `json:"sandbox_dir"`
	SandboxKey    []byte `json:"sandbox_key"` // 32 bytes; also the source of the demo accounts' secrets

	// Log is where the part writes; set in every process anew.
	Log *slog.Logger `json:"-"`
}

func envFile(dir string) string { return filepath.Join(dir, "run", "env.json") }

// keep writes the environment for parts that are started as processes.
func (e Env) keep() error {
	raw, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return replaceFile(envFile(e.Dir), raw)
}

// LoadEnv reads what the supervisor of a data folder kept for its parts.
func LoadEnv(dir string) (Env, error) {
	var e Env
	raw, err := os.ReadFile(envFile(dir))
	if err != nil {
		return e, fmt.Errorf("no parley-dev has run on this folder: %w", err)
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return e, fmt.Errorf("%s is damaged: %w", envFile(dir), err)
	}
	return e, nil
}
