// Package buildcmd is `parley build`: a parley binary with other people's
// connectors in it. It writes a main of a few lines into a temporary module and
// has Go compile it, as xcaddy does for Caddy.
package buildcmd

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"parley/cmd/parley/exit"
)

// New returns the command.
func New() *cobra.Command {
	var with []string
	var out, given string
	cmd := &cobra.Command{
		Use: "build --with MODULE[@VERSION|=PATH] -o FILE", Args: exit.Args(cobra.NoArgs),
		Short: "Build a parley with other people's connectors in it",
		Long: "Builds a parley that has the connectors of other modules beside its own. --with is\n" +
			"repeated for each; it names the package that exports `var Connector sdk.Connector`:\n\n" +
			"  parley build --with example.com/acme@v1.2.0 -o parley-acme\n" +
			"  parley build --with example.com/acme=./acme -o parley-acme     (from a folder, no network)\n\n" +
			"Go must be installed. Parley's own source is found from --parley, or from a replace\n" +
			"directive of a --with folder, or around the current folder.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			wishes, err := parseAll(with)
			if err != nil {
				return err
			}
			parley, err := findSource(given, wishes)
			if err != nil {
				return err
			}
			if out, err = filepath.Abs(out); err != nil {
				return &exit.Error{Code: exit.Failure, Message: err.Error()}
			}
			return build(cmd.Context(), parley, wishes, out)
		},
	}
	cmd.Flags().StringArrayVar(&with, "with", nil, "a connector's package, with a version or a folder; may be repeated")
	cmd.Flags().StringVarP(&out, "output", "o", "parley", "the file to write")
	cmd.Flags().StringVar(&given, "parley", "", "folder with Parley's source")
	return cmd
}

// build writes the module and compiles it.
func build(ctx context.Context, parley string, wishes []wish, out string) error {
	dir, err := os.MkdirTemp("", "parley-build-")
	if err != nil {
		return failed("no temporary folder can be made: %v", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // a folder that stays does no harm
	if err := writeModule(dir, parley, wishes); err != nil {
		return err
	}
	for _, w := range wishes {
		if w.version != "" {
			if err := run(ctx, dir, "get", w.pkg+"@"+w.version); err != nil {
				return err
			}
		}
	}
	return run(ctx, dir, "build", "-mod=mod", "-o", out, ".")
}

// run runs the go command and words its failure.
func run(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	// A go.work around the temporary folder, or the caller's own, is none of its business.
	cmd.Env = append(os.Environ(), "GOWORK=off")
	said, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return failed("the go command is not on the path: install Go (https://go.dev/dl)")
	case ctx.Err() != nil:
		return failed("interrupted")
	case err != nil:
		return failed("go %s: %v\n%s", args[0], err, strings.TrimSpace(string(said)))
	}
	return nil
}
