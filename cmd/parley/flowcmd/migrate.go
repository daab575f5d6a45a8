package flowcmd

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"parley/api"
	"parley/cmd/parley/exit"
)

// migrating is one call of migrate.
type migrating struct {
	remote
	from, to, mapping, undo, resume string
	dryRun                          bool
}

// migrated is what the command prints as JSON.
type migrated struct {
	ID     string `json:"id,omitempty"`
	State  string `json:"state,omitempty"`
	Moved  int64  `json:"moved"`
	Stayed int64  `json:"stayed"`
	api.MigrationReport
}

func migrateCommand() *cobra.Command {
	m := &migrating{}
	cmd := m.command("migrate NAME --from VERSION --to VERSION [--map FILE] [--dry-run]", "Take conversations that wait in one version to another",
		`Takes conversations that wait in one version of a flow to another one, where they go on
at the step that waits for the same. Versions are named by the beginning of their
hash, or live, staging, proposed. FILE maps what is called otherwise:

    blocks: {orders: my_orders}
    vars: {mail: email}
    set: {country: IN}

With --dry-run nothing is changed, and it tells who would land where and who would
stay, and why: a block that is gone, a step that waits for something else, a call
under way to something else, an open payment that nothing answers, a variable that is
missing. Those who stay finish the version that they are in.

A migration runs in parts and keeps a record. One that was cut off goes on with
--resume ID; --undo ID gives those who have not moved on since their former place back.

Exit code 0: done. 1: it failed. 2: wrong usage.`, "flows:write", cobra.ExactArgs(1), m.run)
	f := cmd.Flags()
	f.StringVar(&m.from, "from", "", "the version that conversations wait in")
	f.StringVar(&m.to, "to", "", "the version that they are to go on in")
	f.StringVar(&m.mapping, "map", "", "file with what is called otherwise (YAML)")
	f.BoolVar(&m.dryRun, "dry-run", false, "change nothing and tell who would land where")
	f.StringVar(&m.undo, "undo", "", "ID of a migration that is to be taken back")
	f.StringVar(&m.resume, "resume", "", "ID of a migration that was cut off")
	return cmd
}

func migrationsCommand() *cobra.Command {
	r := &remote{}
	return r.command("migrations NAME", "List a flow's migrations", "Lists the records of a flow's migrations, newest first.", "flows:read", cobra.ExactArgs(1),
		func(cmd *cobra.Command, args []string) error {
			var all api.MigrationRecords
			if err := r.client.Do(cmd.Context(), http.MethodGet, flowPath(args[0], "migrations"), nil, &all); err != nil {
				return err
			}
			if r.json {
				return printJSON(cmd.OutOrStdout(), all)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tAT\tFROM\tTO\tSTATE\tMOVED\tSTAYED\tBY")
			for _, m := range all.Items {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\n", m.ID, m.CreatedAt.UTC().Format(time.RFC3339), short(m.From), short(m.To), m.State, m.Moved, m.Stayed, m.Actor)
			}
			return w.Flush()
		})
}

func (m *migrating) run(cmd *cobra.Command, args []string) error {
	ctx, w := cmd.Context(), cmd.OutOrStdout()
	for flag, id := range map[string]string{"--undo": m.undo, "--resume": m.resume} {
		if _, err := uuid.Parse(id); id != "" && err != nil {
			return exit.Misused("%s must be the ID of a migration", flag)
		}
	}
	switch {
	case m.undo != "":
		return m.takeBack(ctx, w, args[0])
	case m.resume != "":
		return m.move(ctx, w, args[0], m.resume)
	case m.from == "" || m.to == "":
		return exit.Misused("--from and --to are needed: the version that conversations wait in, and the one that they are to go on in")
	}
	plan, err := m.plan(ctx, args[0])
	if err != nil {
		return err
	}
	if m.dryRun {
		return m.preview(ctx, w, args[0], plan)
	}
	id := uuid.NewString()
	if err := m.client.Do(ctx, http.MethodPut, flowPath(args[0], "migrations/"+id), plan, nil); err != nil {
		return err
	}
	if !m.json {
		fmt.Fprintf(w, "migration %s\n", id)
	}
	return m.move(ctx, w, args[0], id)
}

// plan is the body of a migration's routes.
func (m *migrating) plan(ctx context.Context, name string) (map[string]any, error) {
	all, err := m.versions(ctx, name)
	if err != nil {
		return nil, err
	}
	plan := map[string]any{}
	for key, version := range map[string]string{"from": m.from, "to": m.to} {
		v, err := pick(all, version)
		if err != nil {
			return nil, err
		}
		plan[key] = v.Hash
	}
	if m.mapping != "" {
		text, err := os.ReadFile(m.mapping)
		if err != nil {
			return nil, exit.Misused("%v", err)
		}
		plan["mapping"] = string(text)
	}
	return plan, nil
}

func (m *migrating) preview(ctx context.Context, w io.Writer, name string, plan map[string]any) error {
	var total migrated
	for {
		var part api.MigrationPreview
		if err := m.post(ctx, name, "migrations/preview", plan, &part); err != nil {
			return err
		}
		total.add(part.MigrationReport)
		if part.Next == nil {
			break
		}
		plan["after"] = part.Next
	}
	total.State = "preview"
	return m.print(w, total)
}

func (m *migrating) move(ctx context.Context, w io.Writer, name, id string) error {
	var total migrated
	for {
		var part api.FlowMigration
		if err := m.post(ctx, name, "migrations/"+id+"/run", nil, &part); err != nil {
			return fmt.Errorf("%w; go on with --resume %s", err, id)
		}
		total.add(part.MigrationReport)
		total.ID, total.State = id, part.State
		if part.State != "moving" {
			total.Moved, total.Stayed = part.Moved, part.Stayed // also of earlier runs
			return m.print(w, total)
		}
	}
}

func (m *migrating) takeBack(ctx context.Context, w io.Writer, name string) error {
	total := api.MigrationUndone{}
	for in := map[string]any{}; ; {
		var part api.MigrationUndone
		if err := m.post(ctx, name, "migrations/"+m.undo+"/undo", in, &part); err != nil {
			return err
		}
		total.Back, total.Stayed = total.Back+part.Back, total.Stayed+part.Stayed
		if part.Next == nil {
			break
		}
		in["after"] = part.Next
	}
	if m.json {
		return printJSON(w, total)
	}
	_, err := fmt.Fprintf(w, "%d are back; %d have moved on since and stay\n", total.Back, total.Stayed)
	return err
}

// add counts a part's report in.
func (t *migrated) add(r api.MigrationReport) {
	for _, l := range r.Landing {
		t.Moved += int64(l.Count)
		i := slices.IndexFunc(t.Landing, func(o api.MigrationLanding) bool { return o.From == l.From && o.To == l.To })
		if i < 0 {
			t.Landing = append(t.Landing, l)
			continue
		}
		t.Landing[i].Count += l.Count
	}
	for _, s := range r.Staying {
		t.Stayed += int64(s.Count)
		i := slices.IndexFunc(t.Staying, func(o api.MigrationStaying) bool {
			return o.Code == s.Code && o.Block == s.Block && o.Detail == s.Detail
		})
		if i < 0 {
			t.Staying = append(t.Staying, s)
			continue
		}
		t.Staying[i].Count += s.Count
		t.Staying[i].Examples = append(t.Staying[i].Examples, s.Examples[:min(len(s.Examples), 10-len(t.Staying[i].Examples))]...)
	}
}

func (m *migrating) print(w io.Writer, t migrated) error {
	slices.SortFunc(t.Landing, func(a, b api.MigrationLanding) int { return b.Count - a.Count })
	slices.SortFunc(t.Staying, func(a, b api.MigrationStaying) int { return b.Count - a.Count })
	if m.json {
		return printJSON(w, t)
	}
	verb := "moved"
	if t.State == "preview" {
		verb = "would move"
	}
	fmt.Fprintf(w, "%d %s, %d stay\n", t.Moved, verb, t.Stayed)
	tab := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	if len(t.Landing) > 0 {
		fmt.Fprintln(tab, "\nFROM\tTO\tCONVERSATIONS")
	}
	for _, l := range t.Landing {
		fmt.Fprintf(tab, "%s\t%s\t%d\n", dash(l.From), dash(l.To), l.Count)
	}
	if len(t.Staying) > 0 {
		fmt.Fprintln(tab, "\nSTAY IN\tCONVERSATIONS\tWHY\tSUCH AS")
	}
	for _, s := range t.Staying {
		why := s.Detail
		if why == "" {
			why = strings.ReplaceAll(s.Code, "_", " ")
		}
		such := ""
		if len(s.Examples) > 0 {
			such = s.Examples[0].String()
		}
		fmt.Fprintf(tab, "%s\t%d\t%s\t%s\n", dash(s.Block), s.Count, why, such)
	}
	return tab.Flush()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
