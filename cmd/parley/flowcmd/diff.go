package flowcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"parley/api"
	"parley/cmd/parley/exit"
	"parley/workflows/flow"
	"parley/workflows/flow/diff"
)

func diffCommand() *cobra.Command {
	r := &remote{}
	cmd := &cobra.Command{
		Use: "diff A B", Short: "Tell what differs between two versions of a flow",
		Long: `Tells what differs between two versions of a flow: settings, blocks and their steps,
intents, and the texts that customers read. Formatting, comments and the order of
keys do not count.

A version is a file (with the translations beside it), or NAME@VERSION of the
workspace, where VERSION is live, staging, proposed, or a hash or the beginning of
one: parley flow diff shop@live shop.yaml. For these, PARLEY_API_KEY must hold a key
with the scope flows:read.

Exit code 0: nothing differs. 1: something does, or it failed. 2: wrong usage.`,
		Args: exit.Args(cobra.ExactArgs(2)),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var both [2]flow.Source
		for i, arg := range args {
			var err error
			if both[i], err = r.source(cmd.Context(), arg); err != nil {
				return err
			}
		}
		found, err := diff.Documents(both[0], both[1])
		if problems, ok := errors.AsType[flow.Problems](err); ok {
			for _, p := range problems {
				fmt.Fprintln(cmd.OutOrStdout(), p)
			}
			return exit.Failed()
		}
		if err != nil {
			return err
		}
		if r.json {
			err = printJSON(cmd.OutOrStdout(), found)
		} else {
			err = printDiff(cmd.OutOrStdout(), found)
		}
		if err == nil && !found.Same() {
			err = exit.Failed()
		}
		return err
	}
	r.client.Flags(cmd.Flags())
	cmd.Flags().BoolVar(&r.json, "json", false, "print it as JSON")
	return cmd
}

// source reads a version: a file, or one of the workspace.
func (r *remote) source(ctx context.Context, what string) (flow.Source, error) {
	name, version, named := strings.Cut(what, "@")
	if _, err := os.Stat(what); err == nil || !named {
		src, err := read(what)
		return flow.Source{File: what, Text: []byte(src.text)}, err
	}
	if err := r.client.PrepareKey("flows:read"); err != nil {
		return flow.Source{}, err
	}
	v, err := r.version(ctx, name, version)
	return flow.Source{File: what, Text: []byte(v.Document)}, err
}

// version fetches a version with its document.
func (r *remote) version(ctx context.Context, name, version string) (api.Flow, error) {
	all, err := r.versions(ctx, name)
	if err != nil {
		return api.Flow{}, err
	}
	v, err := pick(all, version)
	if err != nil {
		return v, err
	}
	return v, r.client.Do(ctx, http.MethodGet, flowPath(name, "versions/"+v.Hash), nil, &v)
}

// printDiff writes a report for people.
func printDiff(w io.Writer, r diff.Report) error {
	var b strings.Builder
	section := func(title string, changes []diff.Change) {
		if len(changes) > 0 {
			b.WriteString(title + "\n")
			writeChanges(&b, changes)
		}
	}
	section("settings", r.Settings)
	section("intents", r.Intents)
	for _, one := range r.Blocks {
		if one.Kind == diff.Renamed {
			fmt.Fprintf(&b, "block %s is now called %s\n", one.From, one.Name)
			continue
		}
		section("block "+one.Name+" "+one.Kind, one.Changes)
	}
	if added, gone := len(r.TextsAdded), len(r.TextsRemoved); added+gone > 0 {
		fmt.Fprintf(&b, "texts: %d new, %d gone\n", added, gone)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeChanges(b *strings.Builder, changes []diff.Change) {
	for _, c := range changes {
		switch c.Kind {
		case diff.Added:
			fmt.Fprintf(b, "  + %s: %s\n", c.Path, c.After)
		case diff.Removed:
			fmt.Fprintf(b, "  - %s: %s\n", c.Path, c.Before)
		default:
			fmt.Fprintf(b, "  ~ %s: %s -> %s\n", c.Path, c.Before, c.After)
		}
	}
}
