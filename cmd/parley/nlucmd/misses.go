package nlucmd

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"parley/api"
	"parley/cmd/parley/apiclient"
	"parley/cmd/parley/exit"
)

// pageSize is how many are asked for at once.
const pageSize = 200

func missesCommand() *cobra.Command {
	var c apiclient.Client
	var flowName, guess, language string
	var limit int
	var asJSON, asCSV bool
	cmd := &cobra.Command{
		Use: "misses --workspace W [--flow NAME] [--csv]", Short: "List what customers wrote and flows did not understand",
		Long: `Lists what customers wrote and flows did not understand, newest first, with the
intent that came nearest. These are words of customers: they are kept encrypted for
90 days, and that they were read is recorded.

With --csv they are a table to work on: write into the column label what each one
means, leave it empty where it is nothing to learn, and give the file to

    parley nlu learn FLOW.yaml --from FILE

The key of the API is read from ` + apiclient.EnvKey + `; it needs the scope messages:read.`,
		Args: exit.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.Prepare("messages:read"); err != nil {
				return err
			}
			if limit < 1 || asJSON && asCSV {
				return exit.Misused("--limit must be at least 1, and --json and --csv exclude each other")
			}
			q := url.Values{}
			for name, v := range map[string]string{"flow": flowName, "guess": guess, "language": language} {
				if v != "" {
					q.Set(name, v)
				}
			}
			found, err := listMisses(cmd, &c, q, limit)
			switch {
			case err != nil:
				return err
			case asJSON:
				return json.NewEncoder(cmd.OutOrStdout()).Encode(found)
			case asCSV:
				return writeCSV(cmd.OutOrStdout(), found)
			}
			return table(cmd.OutOrStdout(), found)
		},
	}
	f := cmd.Flags()
	c.Flags(f)
	f.StringVar(&flowName, "flow", "", "only this flow's")
	f.StringVar(&guess, "guess", "", "only those that came nearest to this intent")
	f.StringVar(&language, "language", "", "only those in this language, a BCP 47 tag")
	f.IntVar(&limit, "limit", 100, "most to list")
	f.BoolVar(&asJSON, "json", false, "as a JSON array")
	f.BoolVar(&asCSV, "csv", false, "as CSV, to be labelled")
	return cmd
}

// listMisses asks page by page for as many as are wanted.
func listMisses(cmd *cobra.Command, c *apiclient.Client, q url.Values, limit int) ([]api.Miss, error) {
	found := []api.Miss{}
	for len(found) < limit {
		q.Set("limit", strconv.Itoa(min(limit-len(found), pageSize)))
		var page api.Page[api.Miss]
		if err := c.Do(cmd.Context(), http.MethodGet, "/v1/misses?"+q.Encode(), nil, &page); err != nil {
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

func table(w io.Writer, found []api.Miss) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "WHEN\tFLOW\tBLOCK\tLANGUAGE\tNEAREST\tTEXT")
	for _, m := range found {
		nearest := m.Guess
		if nearest != "" {
			nearest += fmt.Sprintf(" %.2f", m.Confidence)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", m.At.UTC().Format(time.RFC3339), m.Flow, m.Block, m.Language, nearest, oneLine(m.Text))
	}
	return t.Flush()
}

// oneLine is a text without what would break a table or move the cursor.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

// columns of the table that is labelled.
var columns = []string{"text", "label", "language", "guess", "confidence", "id"}

func writeCSV(w io.Writer, found []api.Miss) error {
	out := csv.NewWriter(w)
	if err := out.Write(columns); err != nil {
		return err
	}
	for _, m := range found {
		if err := out.Write([]string{guarded(m.Text), "", m.Language, m.Guess, fmt.Sprintf("%.2f", m.Confidence), m.ID.String()}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// formula are the beginnings by which spreadsheets take a text for something to
// work out. The apostrophe before one keeps it a text
// (https://owasp.org/www-community/attacks/CSV_Injection).
const formula = "=+-@\t\r"

func guarded(text string) string {
	if text != "" && strings.ContainsRune(formula, rune(text[0])) {
		return "'" + text
	}
	return text
}

func unguarded(text string) string {
	if rest, ok := strings.CutPrefix(text, "'"); ok && guarded(rest) == text {
		return rest
	}
	return text
}
