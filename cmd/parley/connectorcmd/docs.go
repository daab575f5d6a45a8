package connectorcmd

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"parley/cmd/parley/connectorcmd/pages"
	"parley/cmd/parley/exit"
	"parley/connectors/sdk"
)

func docsCommand(list []sdk.Connector) *cobra.Command {
	var out, evidence string
	cmd := &cobra.Command{
		Use: "docs --out DIR", Short: "Write a page of documentation for each connector", Args: exit.Args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if out == "" {
				return exit.Misused("--out is missing: the folder to write the pages to")
			}
			files, err := pages.All(list, evidence)
			if err == nil {
				err = os.MkdirAll(out, 0o755)
			}
			for name, text := range files {
				if err == nil {
					err = os.WriteFile(filepath.Join(out, name), text, 0o644)
				}
			}
			if err != nil {
				return &exit.Error{Code: exit.Failure, Message: err.Error()}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the folder to write")
	cmd.Flags().StringVar(&evidence, "evidence", "connectors", "folder with NAME/evidence.json of the connectors")
	return cmd
}
