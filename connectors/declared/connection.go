package declared

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"parley/connectors/declared/template"
	"parley/connectors/sdk"
)

// Connection is one configured connection of a declared connector. It is
// immutable and safe for concurrent use.
type Connection struct {
	c        *connector
	settings map[string]any
	base     string
	client   *http.Client
	tokens   sdk.TokenSource
}

// receiving is a connection whose connector has a webhook section.
type receiving struct{ *Connection }

// handshaking is one whose provider verifies the address, too.
type handshaking struct{ receiving }

func (c *connector) open(raw json.RawMessage, host sdk.Host) (any, error) {
	settings, err := c.config.Object(raw)
	if err != nil {
		return nil, err
	}
	k := &Connection{c: c, settings: settings, client: host.HTTP, tokens: host.Tokens}
	base, ok := settings["base_url"].(string)
	if !ok {
		if base, ok = c.base.Text(func(path string) (any, bool) {
			v := k.setting(strings.TrimPrefix(path, "$settings."))
			return v, v != ""
		}); !ok {
			return nil, sdk.Invalidf("base_url needs a setting that is missing; see the connector's settings")
		}
	}
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, sdk.Invalidf("base_url must be an http or https address without query and fragment")
	}
	k.base = strings.TrimRight(base, "/")
	if k.client == nil {
		var allowed string
		if _, explicit := settings["base_url"]; explicit {
			allowed = u.Host
		}
		k.client = sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: allowed})
	}
	switch {
	case c.hook == nil:
		return k, nil
	case c.d.Webhook.Handshake == nil:
		return receiving{k}, nil
	}
	return handshaking{receiving{k}}, nil
}

// setting is a setting's text, or its default.
func (k *Connection) setting(name string) string {
	if v, ok := k.settings[name].(string); ok && v != "" {
		return v
	}
	return k.c.d.Settings[name].Default
}

// Check implements [sdk.Checker] with the operation that the definition names.
func (k *Connection) Check(ctx context.Context) error {
	if k.c.d.Check == "" {
		return nil
	}
	_, err := k.Run(ctx, k.c.d.Check, sdk.Call{Attempt: 1}, json.RawMessage("{}"))
	return err
}

// Verify implements [sdk.Receiver].
func (r receiving) Verify(req sdk.WebhookRequest, now time.Time) error {
	return r.c.hook.Verify(req, now, r.setting)
}

// Parse implements [sdk.Receiver].
func (r receiving) Parse(req sdk.WebhookRequest) ([]sdk.Event, error) { return r.c.hook.Parse(req) }

// Handshake implements [sdk.Handshaker].
func (h handshaking) Handshake(req sdk.WebhookRequest) (string, error) {
	return h.c.hook.Handshake(req, h.setting)
}

// scope gives a request's templates their values.
func (k *Connection) scope(call sdk.Call, input map[string]any) template.Scope {
	return func(path string) (any, bool) {
		switch {
		case path == "$key":
			return call.Key, call.Key != ""
		case path == "$workspace":
			return call.Workspace, call.Workspace != ""
		case strings.HasPrefix(path, "$settings."):
			v := k.setting(path[len("$settings."):])
			return v, v != ""
		}
		return template.Lookup(input, path)
	}
}
