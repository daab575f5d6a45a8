package connectorcmd

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"parley/cmd/parley/connectorcmd/scaffold"
	"parley/cmd/parley/exit"
	"parley/cmd/parley/source"
)

func newCommand() *cobra.Command {
	var o scaffold.Options
	var dir, given string
	cmd := &cobra.Command{
		Use: "new NAME", Short: "Write a new connector as a module of its own", Args: exit.Args(cobra.ExactArgs(1)),
		Long: "Writes a connector that compiles, passes the conformance kit and is ready to be filled.\n" +
			"docs/add-a-connector.md is the tutorial.",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			if o.Module == "" {
				o.Module = "example.com/" + o.Name
			}
			if dir == "" {
				dir = o.Name
			}
			var err error
			if o.Parley, err = source.Find(given); err != nil {
				return exit.Misused("%v", err)
			}
			o.Go = strings.TrimPrefix(runtime.Version(), "go")
			if err := scaffold.Write(dir, o); err != nil {
				return exit.Misused("%v", err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is written. Next:\n\n    cd %s\n    export GOFLAGS=-mod=mod\n    go test ./... -update    # records the manifest, and runs the conformance kit\n",
				filepath.Join(dir, o.Name+".go"), dir)
			return err
		},
	}
	cmd.Flags().StringVar(&o.Module, "module", "", "the module's path, ending in NAME (example.com/NAME)")
	cmd.Flags().BoolVar(&o.Channel, "channel", false, "it carries messages")
	cmd.Flags().StringVar(&dir, "out", "", "the folder to write (NAME)")
	cmd.Flags().StringVar(&given, "parley", "", "folder with Parley's source (found around the current folder)")
	return cmd
}
