package flowcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"parley/api"
	"parley/api/problem"
	"parley/cmd/parley/apiclient"
	"parley/cmd/parley/exit"
	"parley/connectors/sdk"
	"parley/workflows/flow"
)

var bindForm = regexp.MustCompile(`^[a-z][a-z0-9]*/[a-z0-9][a-z0-9_-]*$`)

// publishing is one call of publish.
type publishing struct {
	client apiclient.Client
	bind   []string
	stage  string
}

func publishCommand(list []sdk.Connector) *cobra.Command {
	var p publishing
	var watch bool
	cmd := &cobra.Command{
		Use: "publish FILE --workspace W [--bind CONNECTOR/ACCOUNT]", Short: "Check a flow and make it the live version",
		Long: `Checks a flow and publishes it by the HTTP API. New conversations get it at once;
conversations in the middle of a flow keep their version. With --bind, accounts of
channels answer with it from now on; what these cannot carry is a problem. Files of
translations beside the document become part of what is published.

With --stage staging it runs only on connections that are marked for staging, with
--stage draft nowhere yet: "promote" puts it there. Where the workspace asks that a
second person approves, what is published to live is proposed and waits for
"approve".

With --watch it goes on: whenever the file, or one of translations beside it, is
saved, it is checked and published again, until the command is interrupted.

The key of the API is read from ` + apiclient.EnvKey + `; it needs the scope flows:write.

Exit code 0: it is there, or proposed. 1: it has problems, or the API refused it. 2: wrong usage.`,
		Args: exit.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.usable(); err != nil {
				return err
			}
			if watch {
				return p.watch(cmd.Context(), cmd.OutOrStdout(), args[0], list, time.Tick(watchPause))
			}
			return p.once(cmd.Context(), cmd.OutOrStdout(), args[0], list)
		},
	}
	f := cmd.Flags()
	p.client.Flags(f)
	f.BoolVar(&watch, "watch", false, "publish again whenever the file is saved")
	f.StringVar(&p.stage, "stage", "live", "where it runs: draft, staging or live")
	f.StringSliceVar(&p.bind, "bind", nil, "account that answers with the flow, as CONNECTOR/ACCOUNT; may be repeated")
	return cmd
}

// once checks and publishes a file.
func (p *publishing) once(ctx context.Context, w io.Writer, file string, list []sdk.Connector) error {
	var channels []string
	for _, b := range p.bind {
		connector, _, _ := strings.Cut(b, "/")
		channels = append(channels, connector)
	}
	doc, ok, err := check(w, file, list, channels)
	if err != nil {
		return err
	}
	if !ok {
		return exit.Failed()
	}
	live, err := p.publish(ctx, doc)
	if err != nil {
		return say(w, doc.source, err)
	}
	return tell(w, live)
}

func (p *publishing) usable() error {
	if err := p.client.Prepare("flows:write"); err != nil {
		return err
	}
	if err := knownStage(p.stage, "draft", "staging", "live"); err != nil {
		return err
	}
	for _, b := range p.bind {
		if !bindForm.MatchString(b) {
			return exit.Misused("--bind must be CONNECTOR/ACCOUNT, such as whatsapp/demo")
		}
	}
	return nil
}

// publish puts the document. What the API refuses is a *[problem.Problem].
func (p *publishing) publish(ctx context.Context, doc document) (api.Flow, error) {
	in := map[string]any{"document": doc.source.text}
	if p.stage != "live" {
		in["stage"] = p.stage
	}
	if p.bind != nil {
		in["bind"] = p.bind
	}
	var out api.Flow
	err := p.client.Do(ctx, http.MethodPut, "/v1/flows/"+url.PathEscape(doc.name), in, &out)
	if err == nil && out.Hash == "" {
		err = errors.New("what answered is not Parley's API")
	}
	return out, err
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
