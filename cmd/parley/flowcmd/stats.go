package flowcmd

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"parley/api"
	"parley/cmd/parley/exit"
)

func statsCommand() *cobra.Command {
	r, since, silent := &remote{}, "", time.Duration(0)
	cmd := r.command("stats NAME", "Count what happened in the blocks of a flow",
		`Counts what happened in the blocks of a flow, in all its versions: how often each was
entered and left, what was not understood there, how many conversations stand there,
and how many of these are silent: where people drop off.`, "flows:read", cobra.ExactArgs(1),
		func(cmd *cobra.Command, args []string) error {
			from, err := sinceWhen(since, time.Now())
			if err != nil {
				return err
			}
			if silent < time.Hour || silent%time.Hour != 0 {
				return exit.Misused("--silent must be whole hours, such as 24h")
			}
			q := url.Values{"since": {from.UTC().Format(time.RFC3339)}, "silent": {strconv.Itoa(int(silent / time.Hour))}}
			var out api.FlowStats
			if err := r.client.Do(cmd.Context(), http.MethodGet, flowPath(args[0], "stats?"+q.Encode()), nil, &out); err != nil {
				return err
			}
			if r.json {
				return printJSON(cmd.OutOrStdout(), out)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', tabwriter.AlignRight)
			fmt.Fprintf(cmd.OutOrStdout(), "%d conversations, %d turns since %s\n\n", out.Conversations, out.Turns, out.Since.Format(time.RFC3339))
			fmt.Fprintln(w, "ENTERED\tLEFT\tMISSED\tWAITING\tSILENT\t  BLOCK")
			for _, b := range out.Blocks {
				fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t  %s\n", b.Entered, b.Left, b.Missed, b.Waiting, b.Silent, b.Block)
			}
			return w.Flush()
		})
	cmd.Flags().StringVar(&since, "since", "yesterday", "from when on: today, yesterday, a span such as 7d or 12h, a day, or a time (RFC 3339)")
	cmd.Flags().DurationVar(&silent, "silent", 24*time.Hour, "how long without a turn counts as silent")
	return cmd
}

// sinceWhen reads a time in one of the forms that the flag knows; days are those
// of this machine.
func sinceWhen(s string, now time.Time) (time.Time, error) {
	year, month, day := now.Date()
	switch s {
	case "today":
		return time.Date(year, month, day, 0, 0, 0, 0, now.Location()), nil
	case "yesterday":
		return time.Date(year, month, day-1, 0, 0, 0, 0, now.Location()), nil
	}
	if n, unit := s[:max(0, len(s)-1)], s[max(0, len(s)-1):]; unit == "d" {
		if days, err := strconv.Atoi(n); err == nil && days > 0 && days < 4000 {
			return now.AddDate(0, 0, -days), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, now.Location()); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	return time.Time{}, exit.Misused("--since must be today, yesterday, a span such as 7d or 12h, a day such as 2026-11-23, or a time such as 2026-11-23T08:00:00Z")
}
