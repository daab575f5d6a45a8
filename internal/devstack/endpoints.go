package devstack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"sync"
	"text/tabwriter"
)

// Account is one demo account of a channel or connector.
type Account struct {
	Account string          `json:"account"`
	Hook    string          `json:"hook"` // path of its webhook
	Config  json.RawMessage `json:"config"`
}

// Endpoints is endpoints.json: what runs where, for scripts and tests.
type Endpoints struct {
	API         string             `json:"api"`
	Temporal    string             `json:"temporal"`
	Namespace   string             `json:"namespace"`
	TemporalUI  string             `json:"temporal_ui"`
	Sandbox     string             `json:"sandbox"`
	DatabaseURL string             `json:"database_url"`
	AdminKey    string             `json:"admin_key"`
	Webchat     string             `json:"webchat"`
	PIDs        map[string]int     `json:"pids"`
	Accounts    map[string]Account `json:"accounts"`
}

// board keeps endpoints.json true while process IDs change. Nothing is written
// before publish. It is safe for concurrent use.
type board struct {
	path string

	mu        sync.Mutex
	endpoints Endpoints
	public    bool
}

func newBoard(path string) (*board, error) {
	// One of an earlier run names processes that are no more.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return &board{path: path, endpoints: Endpoints{PIDs: map[string]int{}}}, nil
}

func (b *board) setPID(role string, pid int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.endpoints.PIDs[role] = pid
	return b.write()
}

// publish writes the file, from now on at every change.
func (b *board) publish(e Env, accounts map[string]Account) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.endpoints = Endpoints{
		API: e.APIURL, Temporal: e.Addresses.Temporal, Namespace: e.Namespace, TemporalUI: e.TemporalUIURL,
		Sandbox: e.SandboxURL, DatabaseURL: e.DatabaseURL, AdminKey: e.AdminKey, Webchat: e.APIURL + "/chat",
		PIDs: maps.Clone(b.endpoints.PIDs), Accounts: accounts,
	}
	b.public = true
	return b.write()
}

func (b *board) write() error {
	if !b.public {
		return nil
	}
	raw, err := json.MarshalIndent(b.endpoints, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(b.path, raw)
}

// announce prints the table of addresses.
func announce(w io.Writer, e Env) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"Web chat", e.APIURL + "/chat"},
		{"API", e.APIURL},
		{"Temporal UI", e.TemporalUIURL},
		{"Temporal", e.Addresses.Temporal + " (namespace " + e.Namespace + ")"},
		{"Sandbox", e.SandboxURL},
		{"Data", e.Dir + " (keys and accounts in endpoints.json)"},
	} {
		fmt.Fprintf(table, "%s\t%s\n", row[0], row[1])
	}
	return table.Flush()
}
