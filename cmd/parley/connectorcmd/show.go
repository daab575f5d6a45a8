package connectorcmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"parley/cmd/parley/exit"
	"parley/connectors/sdk"
	"parley/connectors/sdk/manifest"
)

func listCommand(list []sdk.Connector) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the connectors", Args: exit.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			all := []manifest.Manifest{}
			for _, c := range list {
				all = append(all, manifest.Of(c))
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), all)
			}
			return table(cmd.OutOrStdout(), func(w io.Writer) {
				fmt.Fprintln(w, "NAME\tTITLE\tOPERATIONS\tTRIGGERS\tCHANNEL")
				for _, d := range all {
					fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\n", d.Name, d.Title, len(d.Operations), len(d.Triggers), yes(d.Channel != nil))
				}
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the full descriptions as JSON")
	return cmd
}

func showCommand(list []sdk.Connector) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Show a connector's settings, operations, triggers and limits", Args: exit.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := find(list, args[0])
			if err != nil {
				return err
			}
			d := manifest.Of(c)
			if asJSON {
				return printJSON(cmd.OutOrStdout(), d)
			}
			return table(cmd.OutOrStdout(), func(w io.Writer) { describe(w, d) })
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the description, with JSON Schemas, as JSON")
	return cmd
}

// table lines up what fill writes with tabs.
func table(out io.Writer, fill func(w io.Writer)) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fill(w)
	if err := w.Flush(); err != nil {
		return &exit.Error{Code: exit.Failure, Message: "the output cannot be written: " + err.Error()}
	}
	return nil
}

func describe(w io.Writer, d manifest.Manifest) {
	fmt.Fprintf(w, "%s (%s)\n", d.Title, d.Name)
	if d.Docs != "" {
		fmt.Fprintln(w, d.Docs)
	}
	if d.Understands {
		fmt.Fprintln(w, "It understands language: flows may name it among their engines.")
	}
	fmt.Fprintln(w, "\nSETTING\tREQUIRED\tSECRET\tMEANING")
	fields(d.Config, func(name string, f field, required bool) {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", name, yes(required), yes(f.WriteOnly), f.Description)
	})
	if len(d.Operations) > 0 {
		fmt.Fprintln(w, "\nOPERATION\tEFFECT\tINPUT\tMEANING")
		for _, o := range d.Operations {
			var in []string
			fields(o.Input, func(name string, _ field, required bool) {
				if !required {
					name = "[" + name + "]"
				}
				in = append(in, name)
			})
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", o.Name, effect(o.Effect), strings.Join(in, " "), o.Summary)
		}
	}
	if len(d.Triggers) > 0 {
		fmt.Fprintln(w, "\nTRIGGER\tFROM\tMEANING")
		for _, t := range d.Triggers {
			fmt.Fprintf(w, "%s\t%s\t%s\n", t.Name, strings.Join(t.Source, ", "), t.Summary)
		}
	}
	if d.Channel != nil {
		limits(w, *d.Channel)
	}
}

func limits(w io.Writer, c manifest.Channel) {
	fmt.Fprintf(w, "\nCHANNEL\ntext\tup to %d\nchoices\t%d buttons, %d rows\n", c.TextMax, c.ButtonsMax, c.RowsMax)
	if c.Window != "" {
		fmt.Fprintf(w, "window\t%s after the customer's last message, then templates: %s\n", c.Window, yes(c.Templates))
	}
	fmt.Fprintf(w, "a send is\t%s\n", effect(c.Effect))
}

func effect(e manifest.Effect) string {
	switch {
	case e.KeyLifetime != "":
		return fmt.Sprintf("%s %s", e.Kind, e.KeyLifetime)
	case e.Settle != "":
		return fmt.Sprintf("%s, settles in %s", e.Kind, e.Settle)
	}
	return string(e.Kind)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "-"
}

type field struct {
	Description string `json:"description"`
	WriteOnly   bool   `json:"writeOnly"`
}

// fields visits the properties of a schema in the order of the Go struct.
func fields(schema json.RawMessage, visit func(name string, f field, required bool)) {
	var s struct {
		Properties json.RawMessage `json:"properties"`
		Required   []string        `json:"required"`
	}
	if json.Unmarshal(schema, &s) != nil || len(s.Properties) == 0 {
		return
	}
	required := map[string]bool{}
	for _, name := range s.Required {
		required[name] = true
	}
	dec := json.NewDecoder(bytes.NewReader(s.Properties))
	_, err := dec.Token() // {
	for err == nil && dec.More() {
		var name json.Token
		if name, err = dec.Token(); err != nil {
			return
		}
		var raw json.RawMessage
		if err = dec.Decode(&raw); err == nil {
			var f field
			_ = json.Unmarshal(raw, &f) // the schema "true" has no fields
			visit(name.(string), f, required[name.(string)])
		}
	}
}
