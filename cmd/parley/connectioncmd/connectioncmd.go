// Package connectioncmd is `parley connection`: what an operator does when a
// provider is out.
package connectioncmd

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"parley/api"
	"parley/cmd/parley/apiclient"
	"parley/cmd/parley/exit"
)

// New returns the command.
func New() *cobra.Command {
	return exit.Group(&cobra.Command{Use: "connection", Short: "Pause and resume connections, and see their outages"},
		list(), report(), change("pause NAME", "Make everything that would call a connection's provider wait", http.MethodPost, "pause"),
		change("resume NAME", "End a connection's outage: what waits goes on, the oldest first", http.MethodPost, "resume"), drainRate(), stage())
}

const needs = "\n\nThe key of the API is read from " + apiclient.EnvKey + "; it needs the scope "

// state is a connection with its current outage.
type state struct {
	Name      string `json:"name"`
	Connector string `json:"connector"`
	// State is working, or that of the outage: open or draining.
	State  string      `json:"state"`
	Outage *api.Outage `json:"outage,omitempty"`
}

func list() *cobra.Command {
	return command("list", "List connections and whether they are out, as JSON", "connections:read", cobra.NoArgs,
		func(ctx context.Context, c *apiclient.Client, _ []string) (any, error) {
			all, err := pages[api.Connection](ctx, c, "/v1/connections")
			if err != nil {
				return nil, err
			}
			out := make([]state, len(all))
			for i, k := range all {
				var newest api.Page[api.Outage]
				if err := c.Do(ctx, http.MethodGet, path(k.Name, "outages")+"?limit=1", nil, &newest); err != nil {
					return nil, err
				}
				out[i] = state{Name: k.Name, Connector: k.Connector, State: "working"}
				if len(newest.Items) > 0 && newest.Items[0].State != "over" {
					out[i].State, out[i].Outage = newest.Items[0].State, &newest.Items[0]
				}
			}
			return out, nil
		})
}

func report() *cobra.Command {
	return command("report NAME", "Show a connection's outages and what became of what waited, as JSON, newest first", "connections:read", cobra.ExactArgs(1),
		func(ctx context.Context, c *apiclient.Client, args []string) (any, error) {
			return pages[api.Outage](ctx, c, path(args[0], "outages"))
		})
}

func change(use, short, method, what string) *cobra.Command {
	return command(use, short, "connections:write", cobra.ExactArgs(1), func(ctx context.Context, c *apiclient.Client, args []string) (any, error) {
		return nil, c.Do(ctx, method, path(args[0], what), nil, nil)
	})
}

func drainRate() *cobra.Command {
	return command("drain-rate NAME PER_SECOND", "Set how many effects a second go on after an outage; 0 is half of the provider's limit", "connections:write", cobra.ExactArgs(2),
		func(ctx context.Context, c *apiclient.Client, args []string) (any, error) {
			rate, err := strconv.ParseFloat(args[1], 64)
			if err != nil || rate < 0 {
				return nil, exit.Misused("PER_SECOND must be a number, 0 or more")
			}
			return nil, c.Do(ctx, http.MethodPut, path(args[0], "drain-rate"), map[string]float64{"per_second": rate}, nil)
		})
}

func stage() *cobra.Command {
	return command("stage NAME live|staging", "Say which stage of its flow answers on a connection", "connections:write", cobra.ExactArgs(2),
		func(ctx context.Context, c *apiclient.Client, args []string) (any, error) {
			if args[1] != "live" && args[1] != "staging" {
				return nil, exit.Misused("the stage must be live or staging")
			}
			return nil, c.Do(ctx, http.MethodPut, path(args[0], "stage"), map[string]string{"stage": args[1]}, nil)
		})
}

func path(name, what string) string { return "/v1/connections/" + url.PathEscape(name) + "/" + what }

// command runs do against the API and prints what it returns as JSON, if anything.
func command(use, short, scope string, args cobra.PositionalArgs, do func(context.Context, *apiclient.Client, []string) (any, error)) *cobra.Command {
	c := &apiclient.Client{}
	cmd := &cobra.Command{Use: use, Short: short, Long: short + "." + needs + scope + ".", Args: exit.Args(args)}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := c.PrepareKey(scope); err != nil {
			return err
		}
		out, err := do(cmd.Context(), c, args)
		if err != nil || out == nil {
			return err
		}
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		return enc.Encode(out)
	}
	c.Flags(cmd.Flags())
	return cmd
}
