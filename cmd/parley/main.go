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
	"github.com/spf13/pflag"

	"parley/cmd/parley/accesscmd"
	"parley/cmd/parley/benchcmd"
	"parley/cmd/parley/connectorcmd"
	"parley/cmd/parley/effectcmd"
	"parley/cmd/parley/exit"
	"parley/cmd/parley/flowcmd"
	"parley/cmd/parley/nlucmd"
	"parley/cmd/parley/rolecmd"
	"parley/connectors"
	"parley/connectors/declared"
	"parley/connectors/sdk"
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
	all, err := declared.Add(connectors.All(), connectorsFolder(args))
	if err == nil {
		root := rootCommand(all)
		root.SetArgs(args)
		root.SetOut(stdout)
		root.SetErr(stderr)
		err = root.ExecuteContext(ctx)
	} else {
		err = exit.Misused("%v", err)
	}
	if err != nil && err.Error() != "" {
		fmt.Fprintf(stderr, "parley: %v\n", err)
	}
	return exit.Code(err)
}

// connectorsFlag names the folder of declared connectors.
const connectorsFlag = "connectors"

// connectorsFolder finds the folder before the commands are made, since what they
// offer depends on it.
func connectorsFolder(args []string) string {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	folder := flags.String(connectorsFlag, os.Getenv("PARLEY_CONNECTORS"), "")
	_ = flags.Parse(args) // what is wrong the command itself will say
	return *folder
}

// rootCommand makes the commands; all are the connectors that tools know. The roles
// find those of folders by their own settings, which may stand in a file.
func rootCommand(all []sdk.Connector) *cobra.Command {
	own := connectors.All()
	root := exit.Group(&cobra.Command{Use: "parley", Short: "The integration engine for customer conversations"},
		rolecmd.API(own), rolecmd.Worker(own), rolecmd.Migrate(),
		accesscmd.Workspace(), accesscmd.Key(),
		flowcmd.New(all), connectorcmd.New(all), effectcmd.New(), nlucmd.New(), benchcmd.New(),
		versionCommand(), settingsTopic(),
	)
	root.PersistentFlags().String(connectorsFlag, "", "folder with connectors that are data (PARLEY_CONNECTORS)")
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
