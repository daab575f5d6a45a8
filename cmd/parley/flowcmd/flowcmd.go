// Package flowcmd is `parley flow`: flow documents checked, drawn and published
// from the command line.
package flowcmd

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"parley/cmd/internal/catalogue"
	"parley/cmd/parley/exit"
	"parley/connectors/sdk"
	"parley/internal/transcript"
	"parley/workflows/flow"
)

// New returns the command; flows may call the operations of the list.
func New(list []sdk.Connector) *cobra.Command {
	return exit.Group(&cobra.Command{Use: "flow", Short: "Check, test, draw and publish flows"},
		slices.Concat([]*cobra.Command{checkCommand(list), testCommand(list), replCommand(list), recordCommand(list), publishCommand(list), schemaCommand(), graphCommand(), textsCommand()}, releaseCommands())...)
}

func checkCommand(list []sdk.Connector) *cobra.Command {
	var channels []string
	cmd := &cobra.Command{
		Use: "check FILE…", Short: "Find what is wrong with flow documents",
		Long: `Finds what is wrong with flow documents and prints it as file:line:col: message,
which editors understand. Nothing is printed for documents that are right.

Files beside a document hold its translations: shop.hi.yaml those of shop.yaml into
Hindi, as a mapping from texts to their translations.

With --channel, what that channel cannot carry is a problem too.

Exit code 0: all are right. 1: there are problems. 2: wrong usage.`,
		Args: exit.Args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error {
			if err := knownChannels(list, channels); err != nil {
				return err
			}
			good := true
			for _, file := range files {
				_, ok, err := check(cmd.OutOrStdout(), file, list, channels)
				if err != nil {
					return err
				}
				good = good && ok
			}
			if !good {
				return exit.Failed()
			}
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&channels, "channel", nil, "channel that must carry the flow, by its connector's name; may be repeated")
	return cmd
}

func knownChannels(list []sdk.Connector, channels []string) error {
	var names []string
	for _, c := range list {
		if c.Channel != nil {
			names = append(names, c.Name)
		}
	}
	for _, name := range channels {
		if !slices.Contains(names, name) {
			return exit.Misused("--channel: there is no channel %q; there are: %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}

// document is a flow that was read.
type document struct {
	name   string
	source source
}

// check reads a document and prints its problems. It reports whether there are none.
func check(w io.Writer, file string, list []sdk.Connector, channels []string) (document, bool, error) {
	src, err := read(file)
	if err != nil {
		return document{}, false, err
	}
	doc, _ := flow.Parse(file, []byte(src.text)) // Check gives the problems of reading too
	problems := flow.Check(doc, catalogue.Of(list))
	if len(problems) == 0 {
		problems = carried(doc, file, list, channels)
	}
	for _, p := range problems {
		if _, err := fmt.Fprintln(w, src.place(p)); err != nil {
			return document{}, false, err
		}
	}
	return document{doc.Name(), src}, len(problems) == 0, nil
}

func schemaCommand() *cobra.Command {
	var transcripts bool
	cmd := &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of flow documents",
		Long: `Prints the JSON Schema of flow documents, with which editors complete and explain
keys: in VS Code with the YAML extension, put

    # yaml-language-server: $schema=flow.schema.json

into a document's first line. With --transcripts it is the schema of files of
transcripts.`,
		Args: exit.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			schema := flow.Schema
			if transcripts {
				schema = transcript.Schema
			}
			_, err := cmd.OutOrStdout().Write(schema())
			return err
		},
	}
	cmd.Flags().BoolVar(&transcripts, "transcripts", false, "the schema of transcripts")
	return cmd
}

func graphCommand() *cobra.Command {
	return &cobra.Command{
		Use: "graph FILE", Short: "Draw a flow as a Mermaid flowchart",
		Args: exit.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			doc, err := readable(cmd.OutOrStdout(), args[0])
			if err != nil {
				return err
			}
			_, err = io.WriteString(cmd.OutOrStdout(), doc.Graph())
			return err
		},
	}
}

// readable reads a document; what keeps it from being read is printed.
func readable(w io.Writer, file string) (*flow.Document, error) {
	src, err := read(file)
	if err != nil {
		return nil, err
	}
	doc, problems := flow.Parse(file, []byte(src.text))
	for _, p := range problems {
		if _, err := fmt.Fprintln(w, src.place(p)); err != nil {
			return nil, err
		}
	}
	if len(problems) > 0 {
		return nil, exit.Failed()
	}
	return doc, nil
}
