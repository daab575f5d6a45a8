// Package apiclient is how parley's commands talk to the HTTP API.
package apiclient

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
	"strings"
	"time"

	"github.com/spf13/pflag"

	"parley/api"
	"parley/api/problem"
	"parley/cmd/parley/exit"
)

// Environment of the commands. A key on the command line would be visible to other
// users of the machine.
const (
	EnvURL = "PARLEY_API_URL"
	EnvKey = "PARLEY_API_KEY"
)

// maxAnswer bounds what is read of the API's answer, in bytes.
const maxAnswer = 4 << 20

// timeout bounds a request.
const timeout = time.Minute

// Client is one workspace's access to the API.
type Client struct{ Address, Workspace, key string }

// New returns access with a key that is at hand.
func New(address, workspace, key string) Client {
	return Client{Address: address, Workspace: workspace, key: key}
}

// Flags adds --api and --workspace.
func (c *Client) Flags(f *pflag.FlagSet) {
	address := os.Getenv(EnvURL)
	if address == "" {
		address = "http://127.0.0.1:8080"
	}
	f.StringVar(&c.Workspace, "workspace", "", "workspace to work in; "+EnvKey+" must be a key of it")
	f.StringVar(&c.Address, "api", address, "address of the API; "+EnvURL+" is the default")
}

// Prepare reads the key and checks the flags; scope is what the key needs. The
// workspace must be named.
func (c *Client) Prepare(scope string) error {
	if c.Workspace == "" {
		return exit.Misused("--workspace is missing: the workspace to work in")
	}
	return c.PrepareKey(scope)
}

// PrepareKey is [Client.Prepare] for commands that work in the key's own workspace
// unless one is named.
func (c *Client) PrepareKey(scope string) error {
	c.key = os.Getenv(EnvKey)
	if c.key == "" {
		return exit.Misused("%s is not set: it must hold an API key of the workspace with the scope %s", EnvKey, scope)
	}
	if u, err := url.Parse(c.Address); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return exit.Misused("--api must be an address that begins with http:// or https://")
	}
	return nil
}

// Do makes one request and decodes the answer into out, unless that is nil. in is
// the body; nil for none.
// What the API refuses is a *[problem.Problem].
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.Address, "/")+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	if c.Workspace != "" {
		req.Header.Set(api.WorkspaceHeader, c.Workspace)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the API does not answer: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("the API's answer broke off: %w", err)
	}
	if resp.StatusCode/100 == 2 {
		if out != nil && json.Unmarshal(raw, out) != nil {
			return errors.New("what answered is not Parley's API")
		}
		return nil
	}
	refused := &problem.Problem{}
	if err := json.Unmarshal(raw, refused); err != nil || refused.Title == "" {
		return fmt.Errorf("the API answered %s", resp.Status)
	}
	return refused
}
