// Package templatecmd is `parley template`: messages that a provider approves before
// they may be sent unasked.
package templatecmd

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"text/tabwriter"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"parley/api"
	"parley/cmd/parley/apiclient"
	"parley/cmd/parley/exit"
)

// New returns the command.
func New() *cobra.Command {
	return exit.Group(&cobra.Command{Use: "template", Short: "Submit templates for approval, and see what became of them"},
		list(), submit(), remove())
}

const needs = "\n\nThe key of the API is read from " + apiclient.EnvKey + "; it needs the scope "

func path(connection string, rest ...string) string {
	p := "/v1/connections/" + url.PathEscape(connection) + "/templates"
	for _, r := range rest {
		p += "/" + url.PathEscape(r)
	}
	return p
}

func list() *cobra.Command {
	var c apiclient.Client
	var asJSON bool
	cmd := &cobra.Command{Use: "list CONNECTION", Short: "List a connection's templates",
		Long: "Lists a connection's templates, with what its provider thinks of them." + needs + "templates:read.", Args: exit.Args(cobra.ExactArgs(1))}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := c.PrepareKey("templates:read"); err != nil {
			return err
		}
		var page api.Page[api.Template]
		if err := c.Do(cmd.Context(), http.MethodGet, path(args[0]), nil, &page); err != nil {
			return err
		}
		if asJSON {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(page.Items)
		}
		t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "NAME\tLANGUAGE\tCATEGORY\tSTATUS\tREASON\tSINCE")
		for _, x := range page.Items {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", x.Name, x.Language, x.Category, x.Status, x.Reason, x.ChangedAt.UTC().Format(time.RFC3339))
		}
		return t.Flush()
	}
	c.Flags(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "as a JSON array")
	return cmd
}

func submit() *cobra.Command {
	var c apiclient.Client
	cmd := &cobra.Command{Use: "submit CONNECTION FILE", Short: "Ask the provider to approve a template",
		Long: `Asks the provider to approve a template, which FILE (YAML or JSON, - for standard input) describes:

  name: parcel_left
  language: en_US
  category: utility          # marketing, utility or authentication
  body: Your parcel {{1}} has left.
  examples: ["1042"]         # one for each placeholder; nothing personal
  footer: Corner Coffee
  buttons: [{label: Track it, url: "https://example.com/track"}, {label: Thanks}]

The provider's answer comes within minutes or a day: see parley template list.` + needs + "templates:write.", Args: exit.Args(cobra.ExactArgs(2))}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := c.PrepareKey("templates:write"); err != nil {
			return err
		}
		raw, err := read(args[1], cmd.InOrStdin())
		if err != nil {
			return exit.Misused("%s", err)
		}
		body, err := yaml.YAMLToJSON(raw)
		if err != nil {
			return exit.Misused("%s: %s", args[1], yaml.FormatError(err, false, false))
		}
		var made api.Template
		if err := c.Do(cmd.Context(), http.MethodPost, path(args[0]), json.RawMessage(body), &made); err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s (%s) is %s\n", made.Name, made.Language, made.Status)
		return err
	}
	c.Flags(cmd.Flags())
	return cmd
}

func read(file string, stdin io.Reader) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(file)
}

func remove() *cobra.Command {
	var c apiclient.Client
	cmd := &cobra.Command{Use: "delete CONNECTION NAME LANGUAGE", Short: "Delete a template in one language, also at the provider",
		Long: "Deletes a template in one language, also at the provider." + needs + "templates:write.", Args: exit.Args(cobra.ExactArgs(3))}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := c.PrepareKey("templates:write"); err != nil {
			return err
		}
		return c.Do(cmd.Context(), http.MethodDelete, path(args[0], args[1], args[2]), nil, nil)
	}
	c.Flags(cmd.Flags())
	return cmd
}
