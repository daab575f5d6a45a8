// Package exit is how parley's commands end: the process's exit code, and what
// is still to be said.
package exit

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Codes of the process.
const (
	// Failure is a refusal or a failure.
	Failure = 1
	// Usage is wrong usage: arguments, flags or settings that cannot be.
	Usage = 2
)

// Error is the error that a command ends with. A Message that is empty means
// that everything has been said.
type Error struct {
	Code    int
	Message string
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// Misused is an [Error] of wrong usage.
func Misused(format string, args ...any) error {
	return &Error{Code: Usage, Message: fmt.Sprintf(format, args...)}
}

// Failed is an [Error] whose reason was printed already.
func Failed() error { return &Error{Code: Failure} }

// Code is the process's exit code for what a command returned.
func Code(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Failure
}

// Args gives cobra's complaint about arguments the exit code of wrong usage.
func Args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return Misused("%v; usage: %s", err, cmd.UseLine())
		}
		return nil
	}
}

// Group makes cmd one that only has commands beneath it: without one of them, or
// with one that it does not know, it is misused.
func Group(cmd *cobra.Command, under ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(under...)
	var names []string
	for _, c := range under {
		if c.Runnable() {
			names = append(names, c.Name())
		}
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		message := fmt.Sprintf("%s has no command %q", cmd.CommandPath(), args[0])
		if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
			message += fmt.Sprintf("; did you mean %q?", like[0])
		}
		return Misused("%s", message)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cmd.SetOut(cmd.ErrOrStderr())
		return errors.Join(cmd.Help(), Misused("%s needs one of: %s", cmd.CommandPath(), strings.Join(names, ", ")))
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return Misused("%v; %s --help tells more", err, cmd.CommandPath())
	})
	cmd.SuggestionsMinimumDistance = 2
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	return cmd
}
