// Command parley-dev runs the whole of Parley on one machine, with no other
// set-up: PostgreSQL, Temporal and its UI, the sandbox that stands in for the
// providers, the API and a worker.
//
//	go run ./cmd/parley-dev
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"parley/connectors/declared"
	"parley/internal/config"
	"parley/internal/devstack"
	"parley/stacks"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// A second interrupt ends the program at once.
	context.AfterFunc(ctx, stop)
	if err := rootCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "parley-dev: %v\n", err)
		os.Exit(1)
	}
}

func rootCommand() *cobra.Command {
	var o devstack.Options
	var folder string
	var flows []string
	root := &cobra.Command{
		Use:           "parley-dev",
		Short:         "Run the whole of Parley on this machine",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Out = cmd.OutOrStdout()
			if err := complete(&o); err != nil {
				return err
			}
			if err := useConnectors(folder); err != nil {
				return err
			}
			for _, file := range flows {
				if _, err := os.Stat(file); err != nil {
					return fmt.Errorf("--flow: %w", err)
				}
			}
			return watched(cmd.Context(), "parley-dev", o.ConfigFile, func(newLog func(io.Writer) *slog.Logger) error {
				o.NewLog = newLog
				return devstack.Run(cmd.Context(), o, reloading(system(), o.Out, flows))
			})
		},
	}
	dir, _ := devstack.DefaultDir() // complete reports the error where it matters
	f := root.Flags()
	f.StringVar(&o.Dir, "data", dir, "folder for all data, made if missing")
	f.StringVar(&o.ConfigFile, "config", "", "file with settings of the API and the worker (YAML)")
	f.StringVar(&folder, "connectors", "", "folder with connectors that are data; see docs/import.md")
	f.StringVar(&o.Stack, "stack", "commerce", "ready-made solution that a fresh folder is seeded with")
	f.StringSliceVar(&flows, "flow", nil, "flow document that is published to the demo workspace whenever it is saved; may be repeated")
	f.BoolVar(&o.Separate, "separate", false, "run api, worker, temporal and sandbox as processes of their own")
	f.BoolVar(&o.Verbose, "verbose", false, "print how long each part took to start")
	const addr = " (port 0 picks a free one and keeps it for the folder; default as last time, else %s)"
	f.StringVar(&o.Addresses.API, "api-addr", "", fmt.Sprintf("address of the API"+addr, devstack.DefaultAddresses.API))
	f.StringVar(&o.Addresses.Temporal, "temporal-addr", "", fmt.Sprintf("address of Temporal"+addr, devstack.DefaultAddresses.Temporal))
	f.StringVar(&o.Addresses.UI, "ui-addr", "", fmt.Sprintf("address of Temporal's UI"+addr, devstack.DefaultAddresses.UI))
	f.StringVar(&o.Addresses.Sandbox, "sandbox-addr", "", fmt.Sprintf("address of the sandbox"+addr, devstack.DefaultAddresses.Sandbox))
	root.AddCommand(roleCommands()...)
	root.CompletionOptions.HiddenDefaultCmd = true
	return root
}

// useConnectors checks a folder of declared connectors and tells every part of the
// system, those in processes of their own too, by the environment.
func useConnectors(folder string) error {
	if folder == "" {
		return nil
	}
	path, err := filepath.Abs(folder)
	if err == nil {
		_, err = declared.Load(path)
	}
	if err != nil {
		return fmt.Errorf("--connectors: %w", err)
	}
	return os.Setenv("PARLEY_CONNECTORS", path)
}

// complete checks what the flags cannot and fills in the rest.
func complete(o *devstack.Options) error {
	if o.Dir == "" {
		dir, err := devstack.DefaultDir()
		if err != nil {
			return err
		}
		o.Dir = dir
	}
	if o.ConfigFile != "" {
		path, err := filepath.Abs(o.ConfigFile)
		if err != nil {
			return err
		}
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("--config: %w", err)
		}
		if _, err := config.Load(config.Options{File: path}); err != nil {
			return err
		}
		o.ConfigFile = path
	}
	if _, err := stacks.Load(o.Stack); err != nil {
		return fmt.Errorf("--stack: %w", err)
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program, to start its parts: %w", err)
	}
	o.Executable = program
	return nil
}
