package flowcmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"parley/cmd/parley/apiclient"
	"parley/cmd/parley/connected"
	"parley/cmd/parley/exit"
	"parley/connectors"
	"parley/connectors/sdk"
	"parley/internal/transcript"
	"parley/internal/transcript/live"
)

// patience is how long a running engine may take for an answer.
const patience = 30 * time.Second

// engine is a running parley-dev, as its endpoints.json tells.
type engine struct {
	API      string `json:"api"`
	Sandbox  string `json:"sandbox"`
	AdminKey string `json:"admin_key"`
	Accounts map[string]struct {
		Account string          `json:"account"`
		Config  json.RawMessage `json:"config"`
	} `json:"accounts"`

	conns map[string]any
	// bound are the flows that answer, by channel.
	bound map[string]string
	calls int
}

// openEngine reads where a parley-dev is; dir is its data folder or its endpoints.json.
func openEngine(dir string) (*engine, error) {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		dir = filepath.Join(dir, "endpoints.json")
	}
	raw, err := os.ReadFile(dir)
	if err != nil {
		return nil, exit.Misused("--sandbox: no parley-dev has run there: %v", err)
	}
	e := &engine{conns: map[string]any{}, bound: map[string]string{}}
	if json.Unmarshal(raw, e) != nil || e.Sandbox == "" || e.API == "" {
		return nil, exit.Misused("--sandbox: %s is not what parley-dev writes", dir)
	}
	return e, nil
}

// ask performs one call at a fake.
func (e *engine) ask(ctx context.Context, list []sdk.Connector, connector, operation string, input json.RawMessage) transcript.Answer {
	out, err := e.perform(ctx, list, connector, operation, input)
	if err != nil {
		return transcript.Answer{Error: sdk.AsError(err)}
	}
	var v any
	if err := json.Unmarshal(out, &v); err != nil {
		return transcript.Answer{Error: sdk.Invalidf("the operation's output is no JSON")}
	}
	return transcript.Answer{Give: v}
}

func (e *engine) perform(ctx context.Context, list []sdk.Connector, connector, operation string, input json.RawMessage) (json.RawMessage, error) {
	c, ok := connectors.Find(list, connector)
	if !ok {
		return nil, sdk.Invalidf("there is no connector %s", connector)
	}
	conn, opened := e.conns[connector]
	if !opened {
		account, known := e.Accounts[connector]
		if !known {
			return nil, sdk.Invalidf("the sandbox has no account of %s", connector)
		}
		var err error
		if conn, err = connected.Open(c, account.Config); err != nil {
			return nil, err
		}
		e.conns[connector] = conn
	}
	for _, op := range c.Operations {
		if op.Name == operation {
			return connected.Perform(ctx, op, conn, "", input)
		}
	}
	return nil, sdk.Invalidf("%s has no operation %s", connector, operation)
}

// play plays a transcript on the running engine.
func (e *engine) play(ctx context.Context, w io.Writer, f *rehearsed, script *transcript.Transcript) (*transcript.Failure, error) {
	account, ok := e.Accounts[script.Channel]
	if !ok || script.Channel == "webchat" {
		return &transcript.Failure{File: script.File, Line: script.Line, Col: script.Col, Stage: true,
			Message: "the sandbox has no phone for the channel " + script.Channel}, nil
	}
	prepared, lost, err := live.Prepare(script)
	if err != nil {
		return &transcript.Failure{File: script.File, Line: script.Line, Col: script.Col, Stage: true, Message: err.Error()}, nil
	}
	if lost > 0 {
		fmt.Fprintf(w, "%s:%d:%d: %s: %d lines say what a running engine does not show; it is not looked at\n", script.File, script.Line, script.Col, script.Name, lost)
	}
	access := apiclient.New(e.API, "", e.AdminKey)
	client := &access
	if err := e.bind(ctx, client, f, script.Channel+"/"+account.Account); err != nil {
		return nil, err
	}
	defer e.forget(context.WithoutCancel(ctx))
	e.calls++
	name, _ := script.Contact["name"].(string)
	phone := &live.Phone{Context: ctx, API: client, Sandbox: e.Sandbox, Account: account.Account, Channel: script.Channel,
		From: fmt.Sprintf("1%010d", (time.Now().UnixMilli()*10+int64(e.calls))%1e10), Name: name, Patience: patience}
	return transcript.Run(prepared, phone), nil
}

// bind publishes the flow and lets the account answer with it, once.
func (e *engine) bind(ctx context.Context, client *apiclient.Client, f *rehearsed, account string) error {
	if e.bound[account] == f.program.Hash() {
		return nil
	}
	in := map[string]any{"document": f.text, "bind": []string{account}}
	if err := client.Do(ctx, http.MethodPut, "/v1/flows/"+url.PathEscape(f.program.Name()), in, nil); err != nil {
		return fmt.Errorf("%s cannot be published: %w", f.file, err)
	}
	e.bound[account] = f.program.Hash()
	select { // every worker has it after two seconds
	case <-time.After(2500 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// forget ends the faults that a transcript has made.
func (e *engine) forget(ctx context.Context) {
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, e.Sandbox+"/_control", nil)
	if err != nil {
		return
	}
	if resp, err := http.DefaultClient.Do(req); err == nil { // else the next transcript will tell
		_ = resp.Body.Close()
	}
}
