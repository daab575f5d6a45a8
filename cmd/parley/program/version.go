package program

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"parley/cmd/parley/exit"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print which parley this is", Args: exit.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			info, _ := debug.ReadBuildInfo()
			_, err := fmt.Fprintln(cmd.OutOrStdout(), version(info))
			return err
		},
	}
}

// version words what the linker recorded: the module's version, or the commit
// where there is none.
func version(info *debug.BuildInfo) string {
	name := "(unknown)"
	changed := ""
	if info != nil {
		name = info.Main.Version
		for _, dep := range info.Deps {
			if dep.Path == "parley" { // built into somebody else's main
				name = dep.Version + " with other connectors"
			}
		}
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision" && (name == "" || name == "(devel)"):
				name = s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				changed = " with changes"
			}
		}
	}
	return fmt.Sprintf("parley %s%s (%s %s/%s)", name, changed, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
