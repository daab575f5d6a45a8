package flowcmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"parley/api"
	"parley/cmd/parley/apiclient"
	"parley/cmd/parley/exit"
)

// releaseCommands move versions between stages.
func releaseCommands() []*cobra.Command {
	return []*cobra.Command{promoteCommand(), approveCommand(), withdrawCommand(), rollbackCommand(), versionsCommand(), rulesCommand(),
		diffCommand(), migrateCommand(), migrationsCommand(), rehearseCommand(), statsCommand()}
}

func knownStage(stage string, known ...string) error {
	if !slices.Contains(known, stage) {
		return exit.Misused("--stage must be one of %s", strings.Join(known, ", "))
	}
	return nil
}

// remote is a command that asks the API about one flow.
type remote struct {
	client apiclient.Client
	json   bool
}

// command runs do after the key was read; scope is what it needs.
func (r *remote) command(use, short, long, scope string, args cobra.PositionalArgs, do func(*cobra.Command, []string) error) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short,
		Long: long + "\n\nThe key of the API is read from " + apiclient.EnvKey + "; it needs the scope " + scope + ".",
		Args: exit.Args(args),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := r.client.PrepareKey(scope); err != nil {
				return err
			}
			return do(cmd, args)
		}}
	r.client.Flags(cmd.Flags())
	cmd.Flags().BoolVar(&r.json, "json", false, "print what the API answers")
	return cmd
}

// post calls one of a flow's routes.
func (r *remote) post(ctx context.Context, name, what string, in, out any) error {
	return r.client.Do(ctx, http.MethodPost, flowPath(name, what), in, out)
}

func flowPath(name, what string) string { return "/v1/flows/" + url.PathEscape(name) + "/" + what }

func (r *remote) versions(ctx context.Context, name string) (api.FlowVersions, error) {
	var all api.FlowVersions
	return all, r.client.Do(ctx, http.MethodGet, flowPath(name, "versions"), nil, &all)
}

// pick finds the version that an argument means: a hash or the beginning of one,
// or the stage that runs it.
func pick(all api.FlowVersions, what string) (api.Flow, error) {
	var found []api.Flow
	for _, v := range all.Versions {
		switch {
		case what == "live" && v.Live, what == "staging" && v.Staging, what == "proposed" && v.ProposedBy != "", len(what) >= 4 && strings.HasPrefix(v.Hash, what):
			found = append(found, v)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return api.Flow{}, exit.Misused("%q is the beginning of several versions; write more of the hash", what)
	case what == "live" || what == "staging":
		return api.Flow{}, fmt.Errorf("no version was put on the stage %s", what)
	case what == "proposed":
		return api.Flow{}, fmt.Errorf("no version is proposed")
	}
	return api.Flow{}, exit.Misused("there is no version %q; parley flow versions lists what there is", what)
}

// tell says where a version is now.
func tell(w io.Writer, f api.Flow) error {
	var err error
	switch {
	case f.Live:
		_, err = fmt.Fprintf(w, "%s is live as version %s\n", f.Name, f.Hash)
	case f.ProposedBy != "":
		_, err = fmt.Fprintf(w, "version %s of %s is proposed by %s: another person makes it live with parley flow approve %s %s\n", f.Hash, f.Name, f.ProposedBy, f.Name, f.Hash[:min(12, len(f.Hash))])
	case f.Staging:
		_, err = fmt.Fprintf(w, "%s is on staging as version %s\n", f.Name, f.Hash)
	default:
		_, err = fmt.Fprintf(w, "%s is kept as version %s; parley flow promote puts it on a stage\n", f.Name, f.Hash)
	}
	return err
}

// show prints the answer as JSON, or in words.
func (r *remote) show(w io.Writer, f api.Flow) error {
	if r.json {
		return printJSON(w, f)
	}
	return tell(w, f)
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func promoteCommand() *cobra.Command {
	r, stage := &remote{}, ""
	cmd := r.command("promote NAME [VERSION]", "Put a stored version on a stage",
		`Puts a stored version on a stage: what is on staging goes live, unless another one is
named by its hash (the beginning is enough). Where the workspace asks that a second
person approves, the version is proposed. Promoting it again changes nothing.`, "flows:write", cobra.RangeArgs(1, 2),
		func(cmd *cobra.Command, args []string) error {
			if err := knownStage(stage, "staging", "live"); err != nil {
				return err
			}
			all, err := r.versions(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			v, err := pick(all, append(args, "staging")[1])
			if err != nil {
				return err
			}
			var out api.Flow
			if err := r.post(cmd.Context(), args[0], "promote", map[string]string{"hash": v.Hash, "stage": stage}, &out); err != nil {
				return err
			}
			return r.show(cmd.OutOrStdout(), out)
		})
	cmd.Flags().StringVar(&stage, "stage", "live", "staging or live")
	return cmd
}

func approveCommand() *cobra.Command {
	r := &remote{}
	return r.command("approve NAME VERSION", "Make a proposed version live, as the second person",
		`Makes a proposed version live. Name the version that you have looked at (parley flow
diff NAME@live NAME@VERSION shows what it changes). Who proposed it cannot approve
it: the key must be another one.`, "approvals:write", cobra.ExactArgs(2),
		func(cmd *cobra.Command, args []string) error {
			all, err := r.versions(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			v, err := pick(all, args[1])
			if err != nil {
				return err
			}
			var out api.Flow
			if err := r.post(cmd.Context(), args[0], "approve", map[string]string{"hash": v.Hash}, &out); err != nil {
				return err
			}
			return r.show(cmd.OutOrStdout(), out)
		})
}

func withdrawCommand() *cobra.Command {
	r := &remote{}
	return r.command("withdraw NAME", "Take back that a version should go live", "Takes back that a version should go live.", "flows:write", cobra.ExactArgs(1),
		func(cmd *cobra.Command, args []string) error {
			return r.client.Do(cmd.Context(), http.MethodDelete, flowPath(args[0], "proposal"), nil, nil)
		})
}

func rollbackCommand() *cobra.Command {
	r, stage, from := &remote{}, "", ""
	cmd := r.command("rollback NAME", "Put back what a stage ran before",
		`Puts back what a stage ran before the version that runs there now. It needs no
approval. Conversations in the middle of a flow keep their version. With --from, the
version that is to be left, a repeat changes nothing.`, "flows:write", cobra.ExactArgs(1),
		func(cmd *cobra.Command, args []string) error {
			if err := knownStage(stage, "staging", "live"); err != nil {
				return err
			}
			all, err := r.versions(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			leave := from
			if leave == "" {
				leave = stage
			}
			v, err := pick(all, leave)
			if err != nil {
				return err
			}
			var out api.Flow
			if err := r.post(cmd.Context(), args[0], "rollback", map[string]string{"from": v.Hash, "stage": stage}, &out); err != nil {
				return err
			}
			return r.show(cmd.OutOrStdout(), out)
		})
	cmd.Flags().StringVar(&stage, "stage", "live", "staging or live")
	cmd.Flags().StringVar(&from, "from", "", "the version that is to be left; what runs there if not given")
	return cmd
}

func versionsCommand() *cobra.Command {
	r := &remote{}
	return r.command("versions NAME", "List the versions of a flow and what its stages ran",
		"Lists the versions of a flow, and what its stages ran, newest first.", "flows:read", cobra.ExactArgs(1),
		func(cmd *cobra.Command, args []string) error {
			all, err := r.versions(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if r.json {
				return printJSON(cmd.OutOrStdout(), all)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "VERSION\tRUNS ON\tSINCE")
			for _, v := range all.Versions {
				fmt.Fprintf(w, "%s\t%s\t%s\n", short(v.Hash), strings.Join(where(v), ", "), v.PublishedAt.UTC().Format(time.RFC3339))
			}
			fmt.Fprintln(w, "\nAT\tSTAGE\tVERSION\tBY")
			for _, m := range all.History {
				by := m.Actor
				if m.ApprovedBy != "" {
					by += ", approved by " + m.ApprovedBy
				}
				if m.Rollback {
					by += ", going back"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", m.At.UTC().Format(time.RFC3339), m.Stage, short(m.Hash), by)
			}
			return w.Flush()
		})
}

func where(v api.Flow) []string {
	var out []string
	if v.Live {
		out = append(out, "live")
	}
	if v.Staging {
		out = append(out, "staging")
	}
	if v.ProposedBy != "" {
		out = append(out, "proposed by "+v.ProposedBy)
	}
	if out == nil {
		out = []string{"-"}
	}
	return out
}

func short(hash string) string { return hash[:min(12, len(hash))] }

func rulesCommand() *cobra.Command {
	r, approval := &remote{}, false
	var cmd *cobra.Command
	cmd = r.command("rules", "Show or set what the workspace asks of those who publish",
		`Shows what the workspace asks of those who publish, as JSON. With --approval, a
second person must approve what goes live; --approval=false ends that. Changing it
needs the scope approvals:write.`, "flows:read", cobra.NoArgs,
		func(*cobra.Command, []string) error {
			var out api.FlowRules
			method, in := http.MethodGet, any(nil)
			if cmd.Flags().Changed("approval") {
				method, in = http.MethodPut, api.FlowRules{Approval: approval}
			}
			if err := r.client.Do(cmd.Context(), method, "/v1/flow-rules", in, &out); err != nil {
				return err
			}
			return printJSON(cmd.OutOrStdout(), out)
		})
	cmd.Flags().BoolVar(&approval, "approval", false, "whether a second person must approve what goes live")
	return cmd
}
