// Package temporal runs a Temporal cluster of one, with its web UI, inside
// this process and on PostgreSQL, for development, tests and measurement on
// one machine. Its data lives as long as the databases temporal and
// temporal_visibility, which it creates and upgrades with Temporal's own
// schema packages.
//
// It links the whole Temporal server: only programs that embed one import it.
package temporal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	temporalserver "go.temporal.io/server/temporal"

	"parley/internal/devstack/port"
)

// Namespace is registered at the first start.
const Namespace = "default"

// Options says which cluster to start.
type Options struct {
	// DatabaseURL is the PostgreSQL server, as a postgres:// address of a role
	// that may create databases and extensions; which database it names is of
	// no account.
	DatabaseURL string
	// Addr is where clients connect, host:port with host an IP address; empty
	// or port 0 for a free port of 127.0.0.1.
	Addr string
	// UIAddr is the web UI's address; empty for no UI, port 0 for a free one.
	UIAddr string
	// CodecEndpoint is the address of a codec server, which lets the UI show
	// clear text; empty for none.
	CodecEndpoint string
	// MetricsAddr serves Prometheus metrics at /metrics; empty for none.
	MetricsAddr string
	// SkipTime lets clients skip time in workflows, for tests
	// (frontend.WorkflowTimeSkippingEnabled).
	SkipTime bool
	// DynamicConfig overrides or adds to the dynamic configuration, by
	// Temporal's names.
	DynamicConfig map[string]any
	// Logger hears of warnings and errors; nil for silence.
	Logger *slog.Logger
}

// Server is a running cluster. Its methods may be called concurrently.
type Server struct {
	cluster temporalserver.Server
	ui      *ui
	addr    string
	log     *logger
}

// Addr is host:port for clients.
func (s *Server) Addr() string { return s.addr }

// UIURL is the address of the web UI, empty if there is none.
func (s *Server) UIURL() string {
	if s.ui == nil {
		return ""
	}
	return "http://" + s.ui.addr
}

// Stop ends the UI and the cluster.
func (s *Server) Stop() error {
	s.log.stopping.Store(true)
	if s.ui != nil {
		s.ui.stop()
	}
	return s.cluster.Stop()
}

// Start returns when the cluster answers, the namespace and the search
// attributes exist and the UI is up. It does not stop with ctx; call Stop.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	db, err := parseDatabase(o.DatabaseURL)
	if err != nil {
		return nil, err
	}
	if o.Addr, err = settle("Temporal", o.Addr); err != nil {
		return nil, err
	}
	log := newLogger(o.Logger)
	if err := migrate(ctx, db, log); err != nil {
		return nil, err
	}
	cfg, err := clusterConfig(o, db)
	if err != nil {
		return nil, err
	}
	cluster, err := temporalserver.NewServer(
		temporalserver.WithConfig(cfg),
		temporalserver.ForServices(temporalserver.DefaultServices),
		temporalserver.WithStaticHosts(hosts(cfg)),
		temporalserver.WithLogger(log),
		temporalserver.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporalserver.WithClaimMapper(func(*config.Config) authorization.ClaimMapper {
			return authorization.NewNoopClaimMapper()
		}),
		temporalserver.WithDynamicConfigClient(dynamicConfig(o)),
	)
	if err != nil {
		return nil, fmt.Errorf("setting up Temporal: %w", err)
	}
	s := &Server{cluster: cluster, addr: o.Addr, log: log}
	if err := cluster.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting Temporal: %w", err), cluster.Stop())
	}
	if err := s.finish(ctx, o); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// finish does what needs a cluster that runs.
func (s *Server) finish(ctx context.Context, o Options) error {
	if err := register(ctx, s.addr); err != nil {
		return err
	}
	if o.UIAddr == "" {
		return nil
	}
	addr, err := settle("the Temporal UI", o.UIAddr)
	if err != nil {
		return err
	}
	s.ui, err = startUI(ctx, addr, s.addr, o.CodecEndpoint)
	return err
}

// settle replaces port 0 by a free one and refuses an address in use.
func settle(what, addr string) (string, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	host, number, err := split(addr)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	if number == 0 {
		free, err := port.Free(1)
		if err != nil {
			return "", err
		}
		return net.JoinHostPort(host, strconv.Itoa(free[0])), nil
	}
	if err := port.Available(host, number); err != nil {
		return "", fmt.Errorf("%s cannot listen on %s: %w", what, addr, err)
	}
	return addr, nil
}

func split(addr string) (host string, number int, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("address %q is not host:port: %w", addr, err)
	}
	if net.ParseIP(host) == nil {
		return "", 0, fmt.Errorf("address %q: the host must be an IP address", addr)
	}
	number, err = strconv.Atoi(text)
	if err != nil {
		return "", 0, fmt.Errorf("address %q: the port must be a number", addr)
	}
	return host, number, nil
}

// hosts says where each service is, so that no membership protocol (and no
// waiting for it) is needed.
func hosts(cfg *config.Config) map[primitives.ServiceName]static.Hosts {
	all := map[primitives.ServiceName]static.Hosts{}
	for name, service := range cfg.Services {
		host := "127.0.0.1"
		if service.RPC.BindOnIP != "" {
			host = service.RPC.BindOnIP
		}
		all[primitives.ServiceName(name)] = static.SingleLocalHost(net.JoinHostPort(host, strconv.Itoa(service.RPC.GRPCPort)))
	}
	return all
}

// database is where Temporal's two databases live.
type database struct{ addr, user, password string }

func parseDatabase(address string) (database, error) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || u.User == nil || u.Port() == "" {
		// The address holds a password: it is not repeated.
		return database{}, errors.New("the database address for Temporal must have the form postgres://user:password@host:port/")
	}
	password, _ := u.User.Password()
	return database{addr: u.Host, user: u.User.Username(), password: password}, nil
}
