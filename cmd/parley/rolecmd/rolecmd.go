// Package rolecmd is `parley api`, `parley worker` and `parley migrate`: the
// production roles, configured by flags, environment and file.
package rolecmd

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"parley/cmd/internal/roles"
	"parley/cmd/parley/exit"
	"parley/connectors/declared"
	"parley/connectors/sdk"
	"parley/internal/config"
	"parley/internal/observe"
)

// API returns `parley api`: webhooks, the web chat and the HTTP API.
func API(list []sdk.Connector) *cobra.Command {
	return role(config.API, "Serve webhooks, the web chat and the HTTP API", func(ctx context.Context, p process) error {
		e, err := p.engine(ctx, list, false)
		if err != nil {
			return err
		}
		defer e.Close()
		p.log.InfoContext(ctx, "the API listens", "addr", p.config.APIAddr)
		return e.API(ctx, p.config.APIAddr, roles.APISettings(p.config))
	})
}

// Worker returns `parley worker`: workflows and activities.
func Worker(list []sdk.Connector) *cobra.Command {
	return role(config.Worker, "Run workflows and activities", func(ctx context.Context, p process) error {
		e, err := p.engine(ctx, list, true)
		if err != nil {
			return err
		}
		defer e.Close()
		return p.work(ctx, e)
	})
}

// Migrate returns `parley migrate`: both databases to the newest schema.
func Migrate() *cobra.Command {
	return role(config.Migrate, "Bring both databases to the newest schema", func(ctx context.Context, p process) error {
		if err := roles.Migrate(ctx, p.config.DatabaseURL.Reveal(), p.config.KeysDatabaseURL.Reveal()); err != nil {
			return err
		}
		p.log.InfoContext(ctx, "both databases have the newest schema")
		return nil
	})
}

// process is what a role is given.
type process struct {
	config   *config.Config
	log      *slog.Logger
	registry *prometheus.Registry
}

func role(name, short string, run func(context.Context, process) error) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: name, Short: short, Args: exit.Args(cobra.NoArgs),
		Long: short + ".\n\nFlags win over the environment (PARLEY_…) over the file. Secrets have no flag.\n`parley help config` lists all settings.",
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := config.Load(config.Options{File: file, Flags: cmd.Flags()})
		if err == nil {
			err = c.Validate(name)
		}
		if err != nil {
			return exit.Misused("%v", err)
		}
		return start(cmd.Context(), name, c, cmd.ErrOrStderr(), run)
	}
	cmd.Flags().StringVar(&file, "config", "", "file with settings (YAML)")
	config.AddFlags(cmd.Flags())
	return cmd
}

// start runs a role with logs and traces around it. Being told to stop is how a
// role should end, so what fails meanwhile is logged and not a failure.
func start(ctx context.Context, name string, c *config.Config, stderr io.Writer, run func(context.Context, process) error) (err error) {
	level, err := observe.ParseLevel(c.LogLevel)
	if err != nil {
		return err
	}
	log := observe.NewLogger(stderr, level).With("role", name)
	endTraces, err := observe.StartTracing(ctx, observe.TraceOptions{Service: "parley-" + name, Endpoint: c.OTLPEndpoint, Ratio: c.TraceRatio})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, endTraces(context.WithoutCancel(ctx))) }()
	err = run(ctx, process{config: c, log: log, registry: observe.NewRegistry()})
	if ctx.Err() == nil {
		return err
	}
	if err != nil {
		log.WarnContext(ctx, "not everything ended well", "error", err)
	}
	log.InfoContext(ctx, "stopped")
	return nil
}

// engine opens what both roles share.
func (p process) engine(ctx context.Context, list []sdk.Connector, worker bool) (*roles.Engine, error) {
	list, err := declared.Add(list, p.config.Connectors)
	if err != nil {
		return nil, exit.Misused("%v", err)
	}
	kek, err := openKEK(ctx, p.config)
	if err != nil {
		return nil, err
	}
	access, err := roles.TemporalAccess(nil)
	if err != nil {
		return nil, err
	}
	return roles.Open(ctx, roles.Config{
		DatabaseURL: p.config.DatabaseURL.Reveal(), KeysDatabaseURL: p.config.KeysDatabaseURL.Reveal(), KEK: kek,
		TemporalAddress: p.config.TemporalAddress, Namespace: p.config.TemporalNamespace, PublicURL: p.config.PublicURL, TemporalAccess: access,
		Connectors: list, MaxConns: int32(p.config.DatabasePool), MaxKeyConns: int32(p.config.KeysDatabasePool),
		Log: p.log, Registry: p.registry,
	}, worker)
}
