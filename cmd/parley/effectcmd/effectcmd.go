// Package effectcmd is `parley effect`: what was done to the outside world, and what
// became of that whose outcome is not known.
package effectcmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"parley/api"
	"parley/api/problem"
	"parley/cmd/parley/apiclient"
	"parley/cmd/parley/exit"
)

// New returns the command.
func New() *cobra.Command {
	return exit.Group(&cobra.Command{Use: "effect", Short: "List what was done to the outside world, settle what is uncertain"},
		listCommand(), reconcileCommand())
}

// pageSize is how many are asked for at once.
const pageSize = 200

func listCommand() *cobra.Command {
	var c apiclient.Client
	var state, connector, operation, connection, subject, since, until string
	var uncertain, asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use: "list --workspace W [--state uncertain] …", Short: "List effects, newest first",
		Long: `Lists effects, newest first: what was done to the outside world, and how it ended.
Nothing of what was sent or answered is shown.

The key of the API is read from ` + apiclient.EnvKey + `; it needs the scope effects:read.`,
		Args: exit.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.Prepare("effects:read"); err != nil {
				return err
			}
			if limit < 1 {
				return exit.Misused("--limit must be at least 1")
			}
			q := url.Values{}
			for name, v := range map[string]string{"state": state, "connector": connector, "operation": operation, "connection": connection, "subject": subject} {
				if v != "" {
					q.Set(name, v)
				}
			}
			for name, v := range map[string]string{"since": since, "until": until} {
				at, err := moment(v, time.Now())
				if err != nil {
					return exit.Misused("--%s must be a time like 2026-07-01T12:00:00Z, or how long ago, like 24h", name)
				}
				if v != "" {
					q.Set(name, at.UTC().Format(time.RFC3339))
				}
			}
			if uncertain {
				q.Set("uncertain", "true")
			}
			found, err := list(cmd, &c, q, limit)
			if err != nil {
				return explained(err)
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(found)
			}
			return table(cmd.OutOrStdout(), found)
		},
	}
	f := cmd.Flags()
	c.Flags(f)
	f.StringVar(&state, "state", "", "planned, attempting, done, not_sent, uncertain or failed")
	f.StringVar(&connector, "connector", "", "only this connector's")
	f.StringVar(&operation, "operation", "", "only this operation's")
	f.StringVar(&connection, "connection", "", "only this connection's, by its ID")
	f.StringVar(&subject, "subject", "", "only those of this conversation or case, by its ID")
	f.StringVar(&since, "since", "", "only those made then or later: a time, or how long ago (24h)")
	f.StringVar(&until, "until", "", "only those made before: a time, or how long ago")
	f.BoolVar(&uncertain, "uncertain", false, "only those that were uncertain at any time")
	f.IntVar(&limit, "limit", 100, "most to list")
	f.BoolVar(&asJSON, "json", false, "as a JSON array")
	return cmd
}

// moment reads a time, or a duration before now. Empty is the zero time.
func moment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return now.Add(-ago), nil
	}
	return time.Parse(time.RFC3339, text)
}

// list asks page by page for as many as are wanted.
func list(cmd *cobra.Command, c *apiclient.Client, q url.Values, limit int) ([]api.Effect, error) {
	found := []api.Effect{}
	for len(found) < limit {
		q.Set("limit", strconv.Itoa(min(limit-len(found), pageSize)))
		var page api.Page[api.Effect]
		if err := c.Do(cmd.Context(), http.MethodGet, "/v1/effects?"+q.Encode(), nil, &page); err != nil {
			return nil, err
		}
		found = append(found, page.Items...)
		if page.Next == "" {
			break
		}
		q.Set("after", page.Next)
	}
	return found, nil
}

func table(w io.Writer, found []api.Effect) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KEY\tSTATE\tKIND\tCONNECTOR\tOPERATION\tATTEMPT\tCREATED\tWHY")
	for _, e := range found {
		why := strings.TrimSpace(e.ErrorClass + " " + e.ErrorCode)
		if e.ReconciledBy != "" {
			why = strings.TrimSpace(why + " reconciled by " + e.ReconciledBy)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", e.Key, e.State, e.Kind, e.Connector, e.Operation, e.Attempt, e.CreatedAt.UTC().Format(time.RFC3339), why)
	}
	return t.Flush()
}

func reconcileCommand() *cobra.Command {
	var c apiclient.Client
	var outcome, note, output string
	cmd := &cobra.Command{
		Use: "reconcile KEY --workspace W [--outcome done|not_done] [--note TEXT]", Short: "Settle an effect whose outcome is not known",
		Long: `Settles an effect whose outcome is not known. Without --outcome the provider is asked,
where it can be. Look there for the key, which is in its metadata, before you give one:
what is said to be not done is done then, and what is said to be done never again.
The case or conversation that waits for it goes on. It stands in the audit trail.

--output holds what the operation would have answered ('{"id":"…"}'), where the flow
or case needs it: parley connector show NAME says its form.

The key of the API is read from ` + apiclient.EnvKey + `; it needs the scope effects:write.

Exit code 0: it is settled. 1: it could not be. 2: wrong usage.`,
		Args: exit.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.Prepare("effects:write"); err != nil {
				return err
			}
			in, err := verdict(outcome, note, output)
			if err != nil {
				return err
			}
			var e api.Effect
			if err := c.Do(cmd.Context(), http.MethodPost, "/v1/effects/"+url.PathEscape(args[0])+"/reconcile", in, &e); err != nil {
				return explained(err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is %s, by %s\n", e.Key, e.State, e.ReconciledBy)
			return err
		},
	}
	f := cmd.Flags()
	c.Flags(f)
	f.StringVar(&outcome, "outcome", "", "done or not_done; the provider is asked unless given")
	f.StringVar(&note, "note", "", "how that is known, for the next reader")
	f.StringVar(&output, "output", "", "with done: what the operation would have answered, as JSON or @FILE")
	return cmd
}

func verdict(outcome, note, output string) (map[string]any, error) {
	in := map[string]any{}
	switch {
	case outcome != "" && outcome != "done" && outcome != "not_done":
		return nil, exit.Misused("--outcome must be done or not_done")
	case output != "" && outcome != "done":
		return nil, exit.Misused("--output belongs to --outcome done")
	}
	if outcome != "" {
		in["outcome"] = outcome
	}
	if note != "" {
		in["note"] = note
	}
	if output == "" {
		return in, nil
	}
	raw := []byte(output)
	if file, ok := strings.CutPrefix(output, "@"); ok {
		var err error
		if raw, err = os.ReadFile(file); err != nil {
			return nil, exit.Misused("--output: %v", err)
		}
	}
	var object map[string]any
	if json.Unmarshal(raw, &object) != nil || object == nil {
		return nil, exit.Misused("--output must be a JSON object")
	}
	in["output"] = json.RawMessage(raw)
	return in, nil
}

// explained says all that the API found wrong.
func explained(err error) error {
	refused, ok := errors.AsType[*problem.Problem](err)
	if !ok {
		return err
	}
	text := refused.Error()
	for _, f := range refused.Errors {
		text += "; " + strings.TrimSpace(f.Pointer+" "+f.Detail)
	}
	return errors.New(text)
}
