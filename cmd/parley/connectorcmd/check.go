package connectorcmd

import (
	"github.com/spf13/cobra"

	"parley/cmd/parley/connected"
	"parley/cmd/parley/exit"
	"parley/connectors/sdk"
	"parley/internal/checkup"
)

// report is what check prints.
type report struct {
	OK       bool              `json:"ok"`
	Findings []checkup.Finding `json:"findings"`
}

func checkCommand(list []sdk.Connector) *cobra.Command {
	var config string
	cmd := &cobra.Command{
		Use:   "check NAME --config FILE",
		Short: "Tell whether a configuration works and what it lacks",
		Long: `Tries a configuration with a harmless call of the connector, and says what works
and what is missing.

Exit code 0: {"ok":true,"findings":[…]}. 1: {"ok":false,"findings":[…]}. 2: wrong usage.`,
		Args: exit.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := find(list, args[0])
			if err != nil {
				return err
			}
			settings, err := readConfig(config)
			if err != nil {
				return err
			}
			var found []checkup.Finding
			if conn, err := connected.Open(c, settings); err != nil {
				found = []checkup.Finding{checkup.OfError(checkup.Configuration, err)}
			} else {
				found = checkup.Of(cmd.Context(), settings, conn)
			}
			r := report{OK: checkup.Sound(found), Findings: found}
			if err := printJSON(cmd.OutOrStdout(), r); err != nil || r.OK {
				return err
			}
			return exit.Failed()
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "file with the connection's configuration, YAML or JSON (required)")
	return cmd
}
