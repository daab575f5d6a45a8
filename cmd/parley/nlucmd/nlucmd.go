// Package nlucmd is `parley nlu`: the built-in understanding of language judged, what
// it missed looked at, and flows taught, from the command line.
package nlucmd

import (
	"github.com/spf13/cobra"

	"parley/cmd/parley/exit"
	"parley/connectors/sdk"
)

// New returns the command; flows may name the connectors of the list.
func New(list []sdk.Connector) *cobra.Command {
	return exit.Group(&cobra.Command{Use: "nlu", Short: "Judge and teach the understanding of language"},
		evalCommand(), missesCommand(), learnCommand(list))
}
