// Package connectorcmd is `parley connector`: what connectors there are, one
// operation called or one webhook verified from the command line.
package connectorcmd

import (
	"encoding/json"
	"io"

	"github.com/spf13/cobra"

	"parley/cmd/parley/exit"
	"parley/connectors"
	"parley/connectors/sdk"
)

// New returns the command over a list of connectors. All its errors are *[exit.Error].
func New(list []sdk.Connector) *cobra.Command {
	return exit.Group(&cobra.Command{Use: "connector", Short: "List connectors, call their operations, check configurations, verify webhooks, write and import new ones"},
		listCommand(list), showCommand(list), callCommand(list), checkCommand(list), verifyCommand(list), newCommand(), importCommand(), docsCommand(list), probeCommand(list))
}

func find(list []sdk.Connector, name string) (sdk.Connector, error) {
	c, ok := connectors.Find(list, name)
	if !ok {
		return c, exit.Misused("there is no connector %q; `parley connector list` shows those there are", name)
	}
	return c, nil
}

func operation(c sdk.Connector, name string) (sdk.Operation, error) {
	for _, o := range c.Operations {
		if o.Name == name {
			return o, nil
		}
	}
	return sdk.Operation{}, exit.Misused("%s has no operation %q; `parley connector show %s` lists them", c.Name, name, c.Name)
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return &exit.Error{Code: exit.Failure, Message: "the output cannot be written: " + err.Error()}
	}
	return nil
}

// fail prints an operation's error as JSON on standard error.
func fail(cmd *cobra.Command, err error) error {
	if perr := printJSON(cmd.ErrOrStderr(), sdk.AsError(err)); perr != nil {
		return perr
	}
	return exit.Failed()
}
