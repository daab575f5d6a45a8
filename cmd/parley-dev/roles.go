package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"parley/internal/devstack"
	"parley/internal/devstack/postgres"
	"parley/internal/devstack/temporal"
	"parley/internal/observe"
)

// roleCommands run one part alone. They are hidden: with --separate this
// program starts itself with them, and measurements start a bare Temporal.
func roleCommands() []*cobra.Command {
	commands := []*cobra.Command{postgresCommand(), bareTemporalCommand()}
	s := system()
	for _, role := range []devstack.Role{s.Temporal, s.Sandbox, s.API, s.Worker} {
		if role.Run != nil {
			commands = append(commands, roleCommand(role))
		}
	}
	return commands
}

func roleCommand(role devstack.Role) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: role.Name, Short: "Run only this part of the system of a data folder", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			e, err := devstack.LoadEnv(dir)
			if err != nil {
				return err
			}
			return watched(cmd.Context(), "parley-"+role.Name, e.ConfigFile, func(newLog func(io.Writer) *slog.Logger) error {
				e.Log = newLog(os.Stderr)
				return role.Run(cmd.Context(), e)
			})
		},
	}
	dataFlag(cmd, &dir)
	return cmd
}

func dataFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "data", "", "data folder")
	_ = cmd.MarkFlagRequired("data") // fails only for a flag that does not exist
}

// postgresCommand runs the PostgreSQL of a data folder until it is told to
// stop, and prints its address as JSON when it is ready.
func postgresCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "postgres", Short: "Run only the PostgreSQL of a data folder", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := postgres.Start(cmd.Context(), postgres.Options{Dir: filepath.Join(dir, "postgres"), Logger: observe.NewLogger(os.Stderr, slog.LevelWarn)})
			if err != nil {
				return err
			}
			if err := say(cmd, map[string]any{"database_url": server.URL("postgres"), "pid": server.PID()}); err != nil {
				return err
			}
			select {
			case <-cmd.Context().Done():
				return server.Stop()
			case <-server.Gone():
				return fmt.Errorf("PostgreSQL ended; see %s", filepath.Join(dir, "postgres", "server.log"))
			}
		},
	}
	dataFlag(cmd, &dir)
	return cmd
}

// envDatabase names the PostgreSQL server of bare-temporal: a password does not
// belong on a command line.
const envDatabase = "PARLEY_DATABASE_URL"

// bareTemporalCommand runs Temporal on any PostgreSQL server, without a data
// folder, until it is told to stop; it prints its address as JSON when ready.
func bareTemporalCommand() *cobra.Command {
	var o temporal.Options
	cmd := &cobra.Command{
		Use: "bare-temporal", Short: "Run only Temporal, on the PostgreSQL server of " + envDatabase, Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.DatabaseURL = os.Getenv(envDatabase); o.DatabaseURL == "" {
				return fmt.Errorf("%s must hold the address of a PostgreSQL server", envDatabase)
			}
			o.Logger = observe.NewLogger(os.Stderr, slog.LevelWarn)
			server, err := temporal.Start(cmd.Context(), o)
			if err != nil {
				return err
			}
			if err := say(cmd, map[string]any{"temporal": server.Addr(), "temporal_ui": server.UIURL(), "pid": os.Getpid()}); err != nil {
				return err
			}
			<-cmd.Context().Done()
			return server.Stop()
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Addr, "temporal-addr", "127.0.0.1:0", "address of Temporal")
	f.StringVar(&o.UIAddr, "ui-addr", "", "address of the UI; none if empty")
	f.BoolVar(&o.SkipTime, "skip-time", false, "let clients skip time in workflows")
	return cmd
}

// say prints one line of JSON, for the program that started this one.
func say(cmd *cobra.Command, facts map[string]any) error {
	return json.NewEncoder(cmd.OutOrStdout()).Encode(facts)
}
