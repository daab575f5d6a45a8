package postgres

import (
	"errors"
	"os"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// flags are the server's settings, given on its command line so that they are
// the same whatever the data folder's own files say.
func flags(port int) []string {
	values := [][2]string{
		{"listen_addresses", "127.0.0.1"},
		{"port", strconv.Itoa(port)},
		{"unix_socket_directories", ""},
		{"max_connections", "300"}, // Temporal alone may hold 100 (four services, two stores)

		// Durable: an acknowledged commit survives a loss of power.
		{"fsync", "on"},
		{"synchronous_commit", "on"},
		{"full_page_writes", "on"},

		{"shared_buffers", "256MB"},
		{"effective_cache_size", "1GB"},
		{"random_page_cost", "1.1"},
		{"autovacuum_naptime", "10s"}, // a new database's statistics come soon, and with them good plans
		{"jit", "off"},                // short queries only: compiling them costs more than it saves
		{"wal_level", "minimal"},
		{"max_wal_senders", "0"},
		{"max_wal_size", "2GB"},
		{"timezone", "UTC"},
		{"log_timezone", "UTC"},

		// Nothing personal in the log: no message about a statement (an error's
		// text quotes values; the client gets it anyway), no statement, no
		// parameter, no row. In the server's order of severities "log" leaves out
		// errors and warnings and keeps what concerns the server itself.
		{"log_min_messages", "log"},
		{"log_min_error_statement", "panic"},
		{"log_statement", "none"},
		{"log_min_duration_statement", "-1"},
		{"log_parameter_max_length", "0"},
		{"log_parameter_max_length_on_error", "0"},
		{"log_error_verbosity", "terse"},
		{"log_checkpoints", "off"},
		{"log_autovacuum_min_duration", "-1"},
		{"logging_collector", "off"},
	}
	args := make([]string, 0, 2*len(values))
	for _, v := range values {
		args = append(args, "-c", v[0]+"="+v[1])
	}
	return args
}

// Error codes of a server that is starting up, recovering or shutting down,
// and of one with all connections in use (PostgreSQL, appendix A).
const (
	cannotConnectNow   = "57P03"
	tooManyConnections = "53300"
)

// mayBecomeReady tells whether waiting helps: the server does not listen yet,
// or says that it is starting or stopping.
func mayBecomeReady(err error) bool {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return server.Code == cannotConnectNow || server.Code == tooManyConnections
	}
	var connect *pgconn.ConnectError
	return errors.As(err, &connect) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET)
}

func sameFolder(a, b string) bool {
	ia, errA := os.Stat(a)
	ib, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(ia, ib)
}
