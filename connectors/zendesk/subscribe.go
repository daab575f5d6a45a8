package zendesk

import (
	"context"
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"parley/connectors/sdk"
)

// webhookName is the webhook's name in Zendesk's Admin Center.
const webhookName = "Parley"

// webhook is Zendesk's webhook
// (https://developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks/).
type webhook struct {
	ID            string   `json:"id,omitempty"`
	Name          string   `json:"name"`
	Endpoint      string   `json:"endpoint"`
	Method        string   `json:"http_method"`
	Format        string   `json:"request_format"`
	Status        string   `json:"status"`
	Subscriptions []string `json:"subscriptions"`
}

// Subscribe makes sure that Zendesk pushes the events of tickets to the address, to
// which it adds which user is Parley's own. It needs a user with the role admin.
// Zendesk makes the signing secret: as long as webhook_secret is another, Subscribe
// fails with what to do. Webhooks to other addresses are somebody else's.
func (c *connection) Subscribe(ctx context.Context, hook string) error {
	own, err := c.me(ctx)
	if err != nil {
		return err
	}
	have, found, err := c.webhook(ctx, hook)
	if e := sdk.AsError(err); err != nil && e.Class == sdk.Auth && own.Role != "admin" {
		e.Message = "Parley's user at Zendesk is no admin: give it that role, or make the webhook by hand (docs/connectors.md)"
	}
	if err != nil {
		return err
	}
	want := webhook{Name: webhookName, Endpoint: hook + "?" + url.Values{ownParameter: {string(own.ID)}}.Encode(),
		Method: http.MethodPost, Format: "json", Status: "active", Subscriptions: subscriptions}
	switch {
	case !found:
		have, err = c.make(ctx, want)
	case !have.does(want):
		err = c.mend(ctx, have.ID, want)
	}
	if err != nil {
		return err
	}
	return c.checkSecret(ctx, have.ID)
}

// does tells whether a webhook pushes what is wanted, and perhaps more.
func (w webhook) does(want webhook) bool {
	return w.Endpoint == want.Endpoint && w.Status == want.Status && w.Method == want.Method && w.Format == want.Format &&
		!slices.ContainsFunc(want.Subscriptions, func(s string) bool { return !slices.Contains(w.Subscriptions, s) })
}

// webhook finds the one to our address, whatever user it names.
func (c *connection) webhook(ctx context.Context, hook string) (webhook, bool, error) {
	query := url.Values{"page[size]": {"100"}}
	for range mostPages {
		var page struct {
			Webhooks []webhook `json:"webhooks"`
			Meta     struct {
				More  bool   `json:"has_more"`
				After string `json:"after_cursor"`
			} `json:"meta"`
		}
		if err := c.get(ctx, "/api/v2/webhooks", query, &page); err != nil {
			return webhook{}, false, err
		}
		for _, w := range page.Webhooks {
			if address, _, _ := strings.Cut(w.Endpoint, "?"); address == hook {
				return w, true, nil
			}
		}
		if !page.Meta.More || page.Meta.After == "" {
			return webhook{}, false, nil
		}
		query.Set("page[after]", page.Meta.After)
	}
	return webhook{}, false, &sdk.Error{Class: sdk.Unavailable, Message: "there are more webhooks than can be looked through"}
}

func (c *connection) make(ctx context.Context, w webhook) (webhook, error) {
	var answer struct {
		Webhook webhook `json:"webhook"`
	}
	err := c.call(ctx, request{method: http.MethodPost, path: "/api/v2/webhooks", body: map[string]any{"webhook": w}}, &answer)
	if err == nil && answer.Webhook.ID == "" {
		err = unreadable()
	}
	return answer.Webhook, err
}

// mend answers with no body.
func (c *connection) mend(ctx context.Context, id string, w webhook) error {
	return c.call(ctx, request{method: http.MethodPut, path: "/api/v2/webhooks/" + url.PathEscape(id), body: map[string]any{"webhook": w}}, nil)
}

func (c *connection) checkSecret(ctx context.Context, id string) error {
	var answer struct {
		Signing struct {
			Secret string `json:"secret"`
		} `json:"signing_secret"`
	}
	if err := c.get(ctx, "/api/v2/webhooks/"+url.PathEscape(id)+"/signing_secret", nil, &answer); err != nil {
		return err
	}
	for _, secret := range c.secrets {
		if subtle.ConstantTimeCompare([]byte(secret), []byte(answer.Signing.Secret)) == 1 {
			return nil
		}
	}
	return sdk.Invalidf("webhook_secret is not the signing secret of the webhook %q: copy the one that Zendesk shows for it "+
		"(Admin Center, Apps and integrations, Webhooks) into the connection", webhookName)
}
