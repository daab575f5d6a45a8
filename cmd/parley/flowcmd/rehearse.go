package flowcmd

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"parley/api"
	"parley/cmd/parley/exit"
	"parley/workflows/flow"
)

func rehearseCommand() *cobra.Command {
	r, against, mapping := &remote{}, "", ""
	cmd := r.command("rehearse FILE|NAME@VERSION --against recorded", "Run a version over recorded conversations",
		`Runs a version of a flow over the conversations that were recorded, and tells how many
would have gone otherwise, and where. Nothing is sent or called: what connectors
answered is taken from the recording where the same operation was called in the same
block with the same input; where it was not, the conversation is undecided. The clock
is that of the recorded events. The conversations do not leave the engine: the report
has counts, blocks and opaque IDs. What was said is shown in its examples if the key
has the scope messages:read as well.

--map FILE names blocks that are called otherwise, as for migrate.

Exit code 0: none would go another way. 1: some would, or it failed. 2: wrong usage.`, "flows:write", cobra.ExactArgs(1),
		func(cmd *cobra.Command, args []string) error {
			if against != "recorded" {
				return exit.Misused("--against must be recorded: the conversations that the workspace has")
			}
			name, in, err := r.rehearsal(cmd, args[0], mapping)
			if err != nil {
				return err
			}
			total := api.Rehearsal{Places: []api.RehearsalPlace{}}
			for {
				var part api.Rehearsal
				if err := r.post(cmd.Context(), name, "rehearsals", in, &part); err != nil {
					return err
				}
				addRehearsal(&total, part)
				if part.Next == nil {
					break
				}
				in["after"] = part.Next
			}
			if r.json {
				err = printJSON(cmd.OutOrStdout(), total)
			} else {
				err = printRehearsal(cmd.OutOrStdout(), total)
			}
			if err == nil && total.Way > 0 {
				err = exit.Failed()
			}
			return err
		})
	cmd.Flags().StringVar(&against, "against", "", "what it is run over: recorded")
	cmd.Flags().StringVar(&mapping, "map", "", "file with blocks that are called otherwise (YAML)")
	return cmd
}

// rehearsal finds what is rehearsed: the flow's name and the route's body.
func (r *remote) rehearsal(cmd *cobra.Command, what, mapping string) (string, map[string]any, error) {
	in := map[string]any{}
	if mapping != "" {
		text, err := os.ReadFile(mapping)
		if err != nil {
			return "", nil, exit.Misused("%v", err)
		}
		m, err := flow.ParseMapping(text)
		if err != nil {
			return "", nil, err
		}
		in["renamed"] = m.Blocks
	}
	name, version, named := strings.Cut(what, "@")
	if _, err := os.Stat(what); err != nil && named {
		all, err := r.versions(cmd.Context(), name)
		if err != nil {
			return "", nil, err
		}
		v, err := pick(all, version)
		in["hash"] = v.Hash
		return name, in, err
	}
	src, err := read(what)
	if err != nil {
		return "", nil, err
	}
	doc, err := readable(cmd.OutOrStdout(), what)
	if err != nil {
		return "", nil, err
	}
	in["document"] = src.text
	return doc.Name(), in, nil
}

func addRehearsal(t *api.Rehearsal, part api.Rehearsal) {
	t.Conversations += part.Conversations
	t.Same, t.Words, t.Way = t.Same+part.Same, t.Words+part.Words, t.Way+part.Way
	t.Undecided, t.Unrepeatable = t.Undecided+part.Undecided, t.Unrepeatable+part.Unrepeatable
	for _, p := range part.Places {
		i := slices.IndexFunc(t.Places, func(o api.RehearsalPlace) bool {
			return o.Kind == p.Kind && o.Block == p.Block && o.Before == p.Before && o.After == p.After && o.Why == p.Why
		})
		if i < 0 {
			t.Places = append(t.Places, p)
			continue
		}
		t.Places[i].Count += p.Count
	}
	slices.SortStableFunc(t.Places, func(a, b api.RehearsalPlace) int { return b.Count - a.Count })
}

func printRehearsal(w io.Writer, r api.Rehearsal) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d conversations: %d the same, %d in other words, %d another way, %d undecided, %d not repeatable\n",
		r.Conversations, r.Same, r.Words, r.Way, r.Undecided, r.Unrepeatable)
	for _, p := range r.Places {
		fmt.Fprintf(&b, "\n%5d  %s\n", p.Count, differs(p))
		for _, e := range p.Examples {
			fmt.Fprintf(&b, "       %s, turn %d\n", e.Conversation, e.Turn)
			quote(&b, ">", e.Said)
			quote(&b, "-", e.Answered)
			quote(&b, "+", e.Answers)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func quote(b *strings.Builder, sign string, lines []string) {
	for _, l := range lines {
		fmt.Fprintf(b, "         %s %s\n", sign, strings.ReplaceAll(l, "\n", " "))
	}
}

func differs(p api.RehearsalPlace) string {
	at := "at the beginning"
	if p.Block != "" {
		at = "in block " + p.Block
	}
	switch p.Kind {
	case "words":
		return at + ": other words"
	case "way":
		return fmt.Sprintf("%s: %s became %s", at, dash(p.Before), dash(p.After))
	case "undecided":
		return at + ": undecided, since " + p.Why
	}
	return at + ": not repeatable, since " + p.Why
}
