// Package sandboxclient drives a sandbox over its control API, from tests and
// from programs that run it as a process of its own.
package sandboxclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"parley/connectors/sdk/fake"
	"parley/internal/sandbox"
)

// Client talks to one sandbox. It is safe for concurrent use.
type Client struct {
	// URL of the sandbox, without a trailing slash.
	URL string
	// HTTP is http.DefaultClient if nil.
	HTTP *http.Client
}

// Say lets a customer speak. The webhook is durable when it returns.
func (c Client) Say(ctx context.Context, say sandbox.Say) error {
	return c.call(ctx, http.MethodPost, "/_control/say", say, nil)
}

// Phone is what the customer's device shows, oldest first.
func (c Client) Phone(ctx context.Context, connector, from string) (shown []fake.Shown, err error) {
	q := url.Values{"connector": {connector}, "from": {from}}
	return shown, c.call(ctx, http.MethodGet, "/_control/phone?"+q.Encode(), nil, &shown)
}

// Requests lists the recorded requests after since, of one connector or, if it
// is empty, of all.
func (c Client) Requests(ctx context.Context, connector string, since uint64) (out []sandbox.Record, err error) {
	q := url.Values{"since": {strconv.FormatUint(since, 10)}}
	if connector != "" {
		q.Set("connector", connector)
	}
	return out, c.call(ctx, http.MethodGet, "/_control/requests?"+q.Encode(), nil, &out)
}

// Fault turns a fault on.
func (c Client) Fault(ctx context.Context, f sandbox.Fault) error {
	return c.call(ctx, http.MethodPost, "/_control/faults", f, nil)
}

// Chaos sets how webhooks are delivered from now on.
func (c Client) Chaos(ctx context.Context, x sandbox.Chaos) error {
	return c.call(ctx, http.MethodPost, "/_control/delivery", x, nil)
}

// Forget drops the record of requests, the faults and the chaos.
func (c Client) Forget(ctx context.Context) error {
	return c.call(ctx, http.MethodDelete, "/_control", nil, nil)
}

// Deliveries gives the state of the webhooks by connector.
func (c Client) Deliveries(ctx context.Context) (out map[string]sandbox.Counts, err error) {
	return out, c.call(ctx, http.MethodGet, "/_control/deliveries", nil, &out)
}

// SetAccounts replaces Parley's connections, by connector.
func (c Client) SetAccounts(ctx context.Context, accounts map[string][]fake.Account) error {
	return c.call(ctx, http.MethodPut, "/_control/accounts", accounts, nil)
}

// call returns the problem's detail as an error.
func (c Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, body)
	if err != nil {
		return err
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		var p struct{ Detail string }
		_ = json.NewDecoder(resp.Body).Decode(&p) // the status says enough where it is none
		return fmt.Errorf("sandbox: %d %s", resp.StatusCode, p.Detail)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(out)
}
