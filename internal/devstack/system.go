// Package devstack runs the whole of Parley on one machine out of one data
// folder: PostgreSQL, Temporal with its UI, the sandbox, the API and a worker,
// in one process or in several, each of which may be killed at any time.
//
// It knows how the parts are put together but not the parts themselves: these
// come in a [System], so that only the program that embeds Temporal's server
// links it.
package devstack

import (
	"context"
	"io"
	"log/slog"
)

// Role is one part of the system.
type Role struct {
	// Name is its name in endpoints.json and the subcommand that runs it alone.
	Name string
	// Run works until ctx ends, and then returns nil. It fails if it cannot
	// begin.
	Run func(ctx context.Context, e Env) error
	// Ready returns nil when the part, running in process pid, does its work;
	// else why not. It is asked again and again.
	Ready func(ctx context.Context, e Env, pid int) error
	// Graceful: when the supervisor is killed this part is told to end rather
	// than killed too.
	Graceful bool
}

// System is all that runs beside PostgreSQL. What is nil, or a role without
// Run, is left out.
type System struct {
	Temporal, Sandbox, API, Worker Role
	// Migrate brings Parley's databases to the newest schema.
	Migrate func(ctx context.Context, e Env) error
	// Seed fills a fresh system, through its running API or beneath it, and
	// returns the demo accounts. It is called at every start and changes
	// nothing that is there.
	Seed func(ctx context.Context, e Env) (map[string]Account, error)
}

// Options of Run.
type Options struct {
	Dir        string
	ConfigFile string
	Stack      string
	// Addresses chosen by flags; empty ones are as in the last run.
	Addresses Addresses
	// Separate runs each part as a process of its own.
	Separate bool
	// Verbose prints how long each part took to start.
	Verbose bool
	// Executable is the program that runs a part alone when its first argument
	// is the part's name; needed with Separate.
	Executable string
	// Out is where addresses and "ready" are printed.
	Out io.Writer
	// NewLog returns the log of the supervisor and the parts in this process,
	// which writes to the data folder's logs/parley-dev.log.
	NewLog func(io.Writer) *slog.Logger
}
