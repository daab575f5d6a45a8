// Package flowcmd is `parley flow`: flow documents checked and published from
// the command line.
package flowcmd

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"parley/cmd/internal/catalogue"
	"parley/cmd/parley/exit"
	"parley/connectors/sdk"
	"parley/workflows/flow"
)

// New returns the command; flows may call the operations of the list.
func New(list []sdk.Connector) *cobra.Command {
	return exit.Group(&cobra.Command{Use: "flow", Short: "Check and publish flows"}, checkCommand(list), publishCommand(list))
}

func checkCommand(list []sdk.Connector) *cobra.Command {
	return &cobra.Command{
		Use: "check FILE…", Short: "Find what is wrong with flow documents",
		Long: `Finds what is wrong with flow documents and prints it as file:line:col: message,
which editors understand. Nothing is printed for documents that are right.

Exit code 0: all are right. 1: there are problems. 2: wrong usage.`,
		Args: exit.Args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error {
			known := catalogue.Of(list)
			good := true
			for _, file := range files {
				_, ok, err := check(cmd.OutOrStdout(), file, known)
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
}

// document is a flow that was read.
type document struct {
	name, text string
}

// check reads a document and prints its problems. It reports whether there are none.
func check(w io.Writer, file string, known flow.Catalogue) (document, bool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return document{}, false, exit.Misused("%v", err)
	}
	doc, _ := flow.Parse(file, text) // Check gives the problems of reading too
	problems := flow.Check(doc, known)
	for _, p := range problems {
		if _, err := fmt.Fprintln(w, p); err != nil {
			return document{}, false, err
		}
	}
	return document{doc.Name(), string(text)}, len(problems) == 0, nil
}
