package connectorcmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"parley/cmd/parley/connected"
	"parley/cmd/parley/exit"
	"parley/connectors/sdk"
)

// keyForm is what is safe in every provider's metadata and search.
var keyForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func callCommand(list []sdk.Connector) *cobra.Command {
	var config, input, key string
	cmd := &cobra.Command{
		Use:   "call NAME OPERATION --config FILE --input JSON|@FILE [--key KEY]",
		Short: "Call one operation",
		Long: `Calls one operation of a connector and prints its output as JSON.

A call with a --key that was used before has the effect of the first one only, as
far as the provider can tell. Without --key every call is a new one.

Exit code 0: the output is on standard output. 1: the operation failed; standard
error holds {"class","code","message","retry_after"}. 2: wrong usage.`,
		Args: exit.Args(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := find(list, args[0])
			if err != nil {
				return err
			}
			op, err := operation(c, args[1])
			if err != nil {
				return err
			}
			if key != "" && !keyForm.MatchString(key) {
				return exit.Misused("--key must be 1 to 64 of the characters A-Z a-z 0-9 _ -")
			}
			raw, err := readInput(input)
			if err != nil {
				return err
			}
			settings, err := readConfig(config)
			if err != nil {
				return err
			}
			conn, err := connected.Open(c, settings)
			if err != nil {
				return fail(cmd, err)
			}
			out, err := connected.Perform(cmd.Context(), op, conn, key, raw)
			if err != nil {
				return fail(cmd, err)
			}
			return printJSON(cmd.OutOrStdout(), out)
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "file with the connection's configuration, YAML or JSON (required)")
	cmd.Flags().StringVar(&input, "input", "{}", "the operation's input as JSON, or @FILE")
	cmd.Flags().StringVar(&key, "key", "", "idempotency key")
	return cmd
}

func readInput(arg string) (json.RawMessage, error) {
	if !strings.HasPrefix(arg, "@") {
		return json.RawMessage(arg), nil
	}
	raw, err := os.ReadFile(arg[1:])
	if err != nil {
		return nil, exit.Misused("--input: %v", err)
	}
	return raw, nil
}

// readConfig reads a file of YAML or JSON as JSON.
func readConfig(path string) (json.RawMessage, error) {
	if path == "" {
		return nil, exit.Misused("--config FILE is missing: the connection's configuration as YAML or JSON")
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, exit.Misused("--config: %v", err)
	}
	if json.Valid(raw) {
		return raw, nil
	}
	var settings map[string]any
	if err := yaml.Unmarshal(raw, &settings); err != nil {
		// The parser's own words quote the document, which holds secrets.
		return nil, exit.Misused("--config: %s is neither JSON nor a YAML mapping%s", path, where(err))
	}
	out, err := json.Marshal(settings)
	if err != nil {
		return nil, exit.Misused("--config: %s holds something that JSON cannot", path)
	}
	return out, nil
}

func where(err error) string {
	if y, ok := errors.AsType[yaml.Error](err); ok && y.GetToken() != nil {
		return fmt.Sprintf(" (line %d)", y.GetToken().Position.Line)
	}
	return ""
}
