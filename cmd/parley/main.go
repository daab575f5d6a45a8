// Command parley is the engine and its tools in one binary: the production
// roles, and what integrators and operators do from a terminal.
//
// Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"parley/cmd/parley/accesscmd"
	"parley/cmd/parley/benchcmd"
	"parley/cmd/parley/connectioncmd"
	"parley/cmd/parley/connectorcmd"
	"parley/cmd/parley/exit"
	"parley/cmd/parley/flowcmd"
	"parley/cmd/parley/rolecmd"
	"parley/connectors"
	"parley/internal/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run runs one command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && err.Error() != "" {
		fmt.Fprintf(stderr, "parley: %v\n", err)
	}
	return exit.Code(err)
}

func rootCommand() *cobra.Command {
	all := connectors.All()
	root := exit.Group(&cobra.Command{Use: "parley", Short: "The integration engine for customer conversations"},
		rolecmd.API(all), rolecmd.Worker(all), rolecmd.Migrate(),
		accesscmd.Workspace(), accesscmd.Key(),
		flowcmd.New(all), connectorcmd.New(all), connectioncmd.New(), benchcmd.New(),
		versionCommand(), settingsTopic(),
	)
	root.CompletionOptions.HiddenDefaultCmd = true
	return root
}

// settingsTopic is `parley help config`.
func settingsTopic() *cobra.Command {
	return &cobra.Command{
		Use: "config", Short: "Settings of the production roles",
		Long: "Settings of api, worker and migrate. A flag wins over the environment, which wins\n" +
			"over the file that --config names. Dots in a key enter a section of the file.\n\n" + config.Docs(),
	}
}
