// Package program is the parley command as a library, so that a main of somebody
// else's can be parley with connectors of theirs:
//
//	package main
//
//	import (
//		"parley/cmd/parley/program"
//
//		"example.com/acme"
//	)
//
//	func main() { program.Main(acme.Connector) }
//
// `parley build` writes such a main. Everything else beneath parley/cmd is
// parley's own and may change at any time.
package program

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"parley/cmd/parley/accesscmd"
	"parley/cmd/parley/benchcmd"
	"parley/cmd/parley/bookingcmd"
	"parley/cmd/parley/buildcmd"
	"parley/cmd/parley/connectioncmd"
	"parley/cmd/parley/connectorcmd"
	"parley/cmd/parley/effectcmd"
	"parley/cmd/parley/exit"
	"parley/cmd/parley/flowcmd"
	"parley/cmd/parley/nlucmd"
	"parley/cmd/parley/rolecmd"
	"parley/cmd/parley/templatecmd"
	"parley/connectors"
	"parley/connectors/declared"
	"parley/connectors/sdk"
	"parley/internal/config"
)

// Main is parley's main function, with more connectors than come with it. It
// ends the process: with code 2 before anything else if two connectors have one
// name.
func Main(more ...sdk.Connector) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	all, err := join(connectors.All(), more)
	if err != nil {
		fmt.Fprintf(os.Stderr, "parley: %v\n", err)
		os.Exit(exit.Usage)
	}
	os.Exit(Run(ctx, all, os.Args[1:], os.Stdout, os.Stderr))
}

// join adds connectors to a list that stays sorted by name.
func join(list, more []sdk.Connector) ([]sdk.Connector, error) {
	for _, c := range more {
		if c.Name == "" || c.Open == nil {
			return nil, fmt.Errorf("a connector that was built in has no name or no Open function")
		}
		if _, taken := connectors.Find(list, c.Name); taken {
			return nil, fmt.Errorf("two connectors are named %s: rename the one that was built in", c.Name)
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b sdk.Connector) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Run runs one command line over a list of connectors and returns the exit code.
func Run(ctx context.Context, list []sdk.Connector, args []string, stdout, stderr io.Writer) int {
	all, err := declared.Add(list, connectorsFolder(args))
	if err == nil {
		root := rootCommand(list, all)
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
func rootCommand(list, all []sdk.Connector) *cobra.Command {
	root := exit.Group(&cobra.Command{Use: "parley", Short: "The integration engine for customer conversations"},
		rolecmd.API(list), rolecmd.Worker(list), rolecmd.Migrate(),
		bookingcmd.Calendar(), bookingcmd.Booking(),
		accesscmd.Workspace(), accesscmd.Key(),
		flowcmd.New(all), connectorcmd.New(all), connectioncmd.New(), effectcmd.New(), templatecmd.New(), nlucmd.New(all), buildcmd.New(), benchcmd.New(),
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
