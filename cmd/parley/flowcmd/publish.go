package flowcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"parley/api"
	"parley/api/problem"
	"parley/cmd/parley/exit"
	"parley/connectors/sdk"
	"parley/workflows/flow"
)

// Environment of publish. A key on the command line would be visible to other
// users of the machine.
const (
	envURL = "PARLEY_API_URL"
	envKey = "PARLEY_API_KEY"
)

// maxAnswer bounds what is read of the API's answer, in bytes.
const maxAnswer = 4 << 20

var bindForm = regexp.MustCompile(`^[a-z][a-z0-9]*/[a-z0-9][a-z0-9_-]*$`)

// publishing is one call of publish.
type publishing struct {
	api, key, workspace string
	bind                []string
}

func publishCommand(list []sdk.Connector) *cobra.Command {
	var p publishing
	cmd := &cobra.Command{
		Use: "publish FILE --workspace W [--bind CONNECTOR/ACCOUNT]", Short: "Check a flow and make it the live version",
		Long: `Checks a flow and publishes it by the HTTP API. New conversations get it at once;
conversations in the middle of a flow keep their version. With --bind, accounts of
channels answer with it from now on; what these cannot carry is a problem. Files of
translations beside the document become part of what is published.

The key of the API is read from ` + envKey + `; it needs the scope flows:write.

Exit code 0: it is live. 1: it has problems, or the API refused it. 2: wrong usage.`,
		Args: exit.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.key = os.Getenv(envKey)
			if err := p.usable(); err != nil {
				return err
			}
			var channels []string
			for _, b := range p.bind {
				connector, _, _ := strings.Cut(b, "/")
				channels = append(channels, connector)
			}
			doc, ok, err := check(cmd.OutOrStdout(), args[0], list, channels)
			if err != nil {
				return err
			}
			if !ok {
				return exit.Failed()
			}
			live, err := p.publish(cmd.Context(), doc)
			if err != nil {
				return say(cmd.OutOrStdout(), doc.source, err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is live as version %s\n", live.Name, live.Hash)
			return err
		},
	}
	address := os.Getenv(envURL)
	if address == "" {
		address = "http://127.0.0.1:8080"
	}
	f := cmd.Flags()
	f.StringVar(&p.workspace, "workspace", "", "workspace to publish in; "+envKey+" must be a key of it (required)")
	f.StringVar(&p.api, "api", address, "address of the API; "+envURL+" is the default")
	f.StringSliceVar(&p.bind, "bind", nil, "account that answers with the flow, as CONNECTOR/ACCOUNT; may be repeated")
	return cmd
}

func (p publishing) usable() error {
	if p.workspace == "" {
		return exit.Misused("--workspace is missing: the workspace to publish in")
	}
	if p.key == "" {
		return exit.Misused("%s is not set: it must hold an API key of the workspace with the scope flows:write", envKey)
	}
	if u, err := url.Parse(p.api); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return exit.Misused("--api must be an address that begins with http:// or https://")
	}
	for _, b := range p.bind {
		if !bindForm.MatchString(b) {
			return exit.Misused("--bind must be CONNECTOR/ACCOUNT, such as whatsapp/demo")
		}
	}
	return nil
}

// publish puts the document. What the API refuses is a *[problem.Problem].
func (p publishing) publish(ctx context.Context, doc document) (api.Flow, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var out api.Flow
	body, err := json.Marshal(map[string]any{"document": doc.source.text, "bind": p.bind})
	if p.bind == nil {
		body, err = json.Marshal(map[string]any{"document": doc.source.text})
	}
	if err != nil {
		return out, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, strings.TrimRight(p.api, "/")+"/v1/flows/"+url.PathEscape(doc.name), bytes.NewReader(body))
	if err != nil {
		return out, err
	}
	req.Header.Set("Authorization", "Bearer "+p.key)
	req.Header.Set(api.WorkspaceHeader, p.workspace)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return out, fmt.Errorf("the API does not answer: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return out, fmt.Errorf("the API's answer broke off: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(raw, &out); err != nil || out.Hash == "" {
			return out, errors.New("what answered is not Parley's API")
		}
		return out, nil
	}
	refused := &problem.Problem{}
	if err := json.Unmarshal(raw, refused); err != nil || refused.Title == "" {
		return out, fmt.Errorf("the API answered %s", resp.Status)
	}
	return out, refused
}

// say prints what the API found wrong in the document as check does, and returns
// how the command ends.
func say(w io.Writer, src source, err error) error {
	refused, ok := errors.AsType[*problem.Problem](err)
	if !ok {
		return err
	}
	var rest []string
	for _, f := range refused.Errors {
		if f.Line == 0 {
			rest = append(rest, strings.TrimSpace(f.Pointer+" "+f.Detail))
			continue
		}
		if _, err := fmt.Fprintln(w, src.place(flow.Problem{File: src.file, Line: f.Line, Col: max(f.Column, 1), Message: f.Detail})); err != nil {
			return err
		}
	}
	if len(rest) == 0 && len(refused.Errors) > 0 {
		return exit.Failed()
	}
	return fmt.Errorf("%s", strings.Join(append([]string{refused.Error()}, rest...), "; "))
}
