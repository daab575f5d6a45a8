// Package connectorcmd is `parley connector`: what connectors there are, one
// operation called or one webhook verified from the command line.
package connectorcmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"parley/connectors"
	"parley/connectors/sdk"
)

// Exit is the error that a command ends with: the process's exit code and what
// is still to be printed on standard error; a Message that is empty means that
// everything has been said.
type Exit struct {
	// Code is 1 for a refusal or a failure and 2 for wrong usage.
	Code    int
	Message string
}

func (e *Exit) Error() string { return e.Message }

// ExitCode is the process's exit code.
func (e *Exit) ExitCode() int { return e.Code }

func usage(format string, args ...any) error {
	return &Exit{Code: 2, Message: fmt.Sprintf(format, args...)}
}

// New returns the command over a list of connectors. All its errors are *[Exit].
func New(list []sdk.Connector) *cobra.Command {
	cmd := &cobra.Command{
		Use: "connector", Short: "List connectors, call their operations, verify their webhooks",
		SilenceUsage: true, SilenceErrors: true,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return errors.Join(cmd.Help(), usage("say which: list, show, call or verify"))
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("%v", err) })
	cmd.AddCommand(listCommand(list), showCommand(list), callCommand(list), verifyCommand(list))
	return cmd
}

// usageArgs gives cobra's complaint about arguments the exit code of wrong usage.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usage("%v; usage: %s", err, cmd.UseLine())
		}
		return nil
	}
}

func find(list []sdk.Connector, name string) (sdk.Connector, error) {
	c, ok := connectors.Find(list, name)
	if !ok {
		return c, usage("there is no connector %q; `parley connector list` shows those there are", name)
	}
	return c, nil
}

func operation(c sdk.Connector, name string) (sdk.Operation, error) {
	for _, o := range c.Operations {
		if o.Name == name {
			return o, nil
		}
	}
	return sdk.Operation{}, usage("%s has no operation %q; `parley connector show %s` lists them", c.Name, name, c.Name)
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return &Exit{Code: 1, Message: "the output cannot be written: " + err.Error()}
	}
	return nil
}

// fail prints an operation's error as JSON on standard error.
func fail(cmd *cobra.Command, err error) error {
	if perr := printJSON(cmd.ErrOrStderr(), sdk.AsError(err)); perr != nil {
		return perr
	}
	return &Exit{Code: 1}
}
