package connectioncmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"parley/api"
	"parley/api/problem"
	"parley/cmd/parley/exit"
)

// Environment. A key on the command line would be visible to other users of the
// machine.
const (
	envURL = "PARLEY_API_URL"
	envKey = "PARLEY_API_KEY"
)

// maxAnswer bounds what is read of the API's answer, in bytes.
const maxAnswer = 4 << 20

// client calls the API with one key.
type client struct{ api, key, workspace string }

func (c *client) usable() error {
	if c.key == "" {
		return exit.Misused("%s is not set: it must hold an API key of the workspace", envKey)
	}
	if u, err := url.Parse(c.api); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return exit.Misused("--api must be an address that begins with http:// or https://")
	}
	return nil
}

// do makes one call. What the API refuses is a *[problem.Problem].
func (c *client) do(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.api, "/")+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Content-Type", "application/json")
	if c.workspace != "" {
		req.Header.Set(api.WorkspaceHeader, c.workspace)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the API does not answer: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("the API's answer broke off: %w", err)
	}
	switch {
	case resp.StatusCode/100 != 2:
		refused := &problem.Problem{}
		if err := json.Unmarshal(raw, refused); err != nil || refused.Title == "" {
			return fmt.Errorf("the API answered %s", resp.Status)
		}
		return refused
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return errors.New("what answered is not Parley's API")
	}
	return nil
}

// pages returns all items of a list.
func pages[T any](ctx context.Context, c *client, path string) ([]T, error) {
	all := []T{}
	for after := ""; ; {
		var p api.Page[T]
		if err := c.do(ctx, http.MethodGet, path+page(after), nil, &p); err != nil {
			return nil, err
		}
		all = append(all, p.Items...)
		if p.Next == "" {
			return all, nil
		}
		after = p.Next
	}
}

func page(after string) string {
	q := url.Values{"limit": {"200"}}
	if after != "" {
		q.Set("after", after)
	}
	return "?" + q.Encode()
}
