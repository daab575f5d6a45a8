package connectorcmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"parley/cmd/parley/exit"
	"parley/connectors/sdk"
	"parley/internal/connections"
	"parley/internal/oauth"
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
			conn, err := open(c, settings)
			if err != nil {
				return fail(cmd, err)
			}
			out, err := perform(cmd.Context(), op, conn, key, raw)
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

// perform makes the one attempt. What is found by its key is done before it is
// done again, as the engine does for a second attempt.
func perform(ctx context.Context, op sdk.Operation, conn any, key string, input json.RawMessage) (json.RawMessage, error) {
	call := sdk.Call{Key: key, Attempt: 1}
	if key != "" && op.Effect.Kind == sdk.Lookup {
		if out, found, err := op.Find(ctx, conn, call, input); err != nil || found {
			return out, err
		}
	}
	if key == "" && op.Effect.Kind != sdk.Read {
		call.Key = uuid.NewString()
	}
	out, err := op.Run(sdk.WithOperation(ctx, op.Name), conn, call, input)
	if err == nil {
		return out, nil
	}
	e := sdk.AsError(err)
	if op.Effect.Kind == sdk.Once && e.Class == sdk.Unavailable && e.Wrote {
		uncertain := *e // nothing tells a repeat from the first attempt
		uncertain.Class = sdk.Uncertain
		return nil, &uncertain
	}
	return nil, e
}

// open opens a connection whose HTTP client may call the host of an explicit
// base_url, and otherwise no internal one.
func open(c sdk.Connector, settings json.RawMessage) (any, error) {
	return c.Open(settings, hostFor(c, settings))
}

// hostFor is what a connection with these settings is given.
func hostFor(c sdk.Connector, settings json.RawMessage) sdk.Host {
	var known struct {
		BaseURL string `json:"base_url"`
	}
	_ = json.Unmarshal(settings, &known) // a base_url that is no string is refused by Open
	var host string
	if u, err := url.Parse(known.BaseURL); err == nil {
		host = u.Host
	}
	h := sdk.Host{HTTP: sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: host})}
	if c.OAuth != nil {
		h.Tokens = oauth.Direct(connections.TokenFor{Connector: c, Config: settings, HTTP: h.HTTP})
	}
	return h
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
