package connectorcmd

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"parley/cmd/parley/connected"
	"parley/cmd/parley/connectorcmd/probe"
	"parley/cmd/parley/exit"
	"parley/connectors/sdk"
)

func probeCommand(list []sdk.Connector) *cobra.Command {
	var config, out string
	cmd := &cobra.Command{
		Use: "probe NAME --config FILE", Short: "Measure what a manifest claims, against a test account", Args: exit.Args(cobra.ExactArgs(1)),
		Long: "Runs each operation with its first sample, repeats keys, loses answers, times searches\n" +
			"and reads limits, and prints the evidence as JSON; with --out DIR it also writes it\n" +
			"there as NAME.json and NAME.md.\n\n" +
			"It makes things at the provider: use the sandbox or a test account, never one in use.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := find(list, args[0])
			if err != nil {
				return err
			}
			settings, err := readConfig(config)
			if err != nil {
				return err
			}
			evidence, err := probe.Run(cmd.Context(), c, settings, connected.Host(c, settings))
			if err != nil {
				return fail(cmd, err)
			}
			if out != "" {
				if err := keep(out, evidence); err != nil {
					return &exit.Error{Code: exit.Failure, Message: err.Error()}
				}
			}
			return printJSON(cmd.OutOrStdout(), evidence)
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "file with the connection's configuration, YAML or JSON (required)")
	cmd.Flags().StringVar(&out, "out", "", "folder to write the evidence to")
	return cmd
}

func keep(dir string, e probe.Evidence) error {
	text, err := json.MarshalIndent(e, "", "  ")
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, e.Connector+".json"), append(text, '\n'), 0o644)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, e.Connector+".md"), []byte(e.Markdown()), 0o644)
}
