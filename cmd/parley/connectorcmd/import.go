package connectorcmd

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"parley/cmd/parley/exit"
	"parley/connectors/declared/openapi"
	"parley/connectors/sdk"
)

// largestDocument is how long an OpenAPI document may be, in bytes.
const largestDocument = 64 << 20

func importCommand() *cobra.Command {
	var source, name, out string
	cmd := &cobra.Command{
		Use:   "import --openapi FILE|URL --name NAME --out DIR",
		Short: "Make a connector of a provider's OpenAPI document",
		Long: `Makes a connector without Go of an OpenAPI document (3.0 or 3.1): connector.yaml
and schemas.json in DIR, and overrides.yaml for what you want otherwise, which a
later import leaves alone. Use it with --connectors DIR. References to other files
are followed within FILE's folder, not out of it. See docs/import.md.

Exit code 0: the connector is there; standard output tells what was imported and
what was not. 1: the document cannot be used. 2: wrong usage.`,
		Args: exit.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			for flag, value := range map[string]string{"--openapi": source, "--name": name, "--out": out} {
				if value == "" {
					return exit.Misused("%s is missing; usage: %s", flag, cmd.UseLine())
				}
			}
			raw, left, err := readDocument(cmd.Context(), source)
			if err != nil {
				return exit.Misused("--openapi: %v", err)
			}
			r, err := openapi.Import(raw, openapi.Options{Name: name})
			if err != nil {
				return &exit.Error{Code: exit.Failure, Message: fmt.Sprintf("%s: %v", source, err)}
			}
			r.Report.Notes = append(r.Report.Notes, left...)
			if err := r.Write(out); err != nil {
				return &exit.Error{Code: exit.Failure, Message: err.Error()}
			}
			return r.Report.Print(cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&source, "openapi", "", "file or http(s) address of the document, JSON or YAML (required)")
	cmd.Flags().StringVar(&name, "name", "", "the connector's name: lower case letters and digits (required)")
	cmd.Flags().StringVar(&out, "out", "", "folder for the connector, made if missing (required)")
	return cmd
}

// readDocument reads a document; a file with those beside it that it refers to.
// left are references that were not followed.
func readDocument(ctx context.Context, source string) (raw []byte, left []openapi.Note, err error) {
	u, err := url.Parse(source)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		raw, err = fetchDocument(ctx, source, u.Host)
		return raw, nil, err
	}
	folder, err := os.OpenRoot(filepath.Dir(source))
	if err != nil {
		return nil, nil, err
	}
	defer folder.Close()
	return openapi.Bundle(folder.FS(), filepath.Base(source))
}

func fetchDocument(ctx context.Context, source, host string) ([]byte, error) {
	client := sdk.NewHTTPClient(sdk.HTTPOptions{Timeout: time.Minute, AllowHost: host})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be fetched: %s", host, strings.TrimPrefix(err.Error(), "Get "))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", host, resp.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, largestDocument+1))
	if err == nil && len(raw) > largestDocument {
		err = fmt.Errorf("the document is larger than %d MiB", largestDocument>>20)
	}
	return raw, err
}
