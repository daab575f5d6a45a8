package livechat

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"parley/connectors/sdk"
)

// wanted are the webhooks that the connection needs.
var wanted = []string{"incoming_event", "chat_deactivated", "chat_transferred"}

// hookState is a webhook as the Configuration API lists it: without its secret.
type hookState struct {
	ID          string `json:"id"`
	URL         string `json:"url"`
	Action      string `json:"action"`
	Description string `json:"description"`
}

// Subscribe registers the webhooks that are missing, and the chat property that
// holds our key. What is there for the same address is left alone, unless it was
// registered with another secret: it is then replaced.
func (c *connection) Subscribe(ctx context.Context, hook string) error {
	if c.WebhookSecret == "" {
		return sdk.Invalidf("webhook_secret is missing: make one up, and LiveChat repeats it in each webhook")
	}
	if err := c.registerKey(ctx); err != nil {
		return err
	}
	var there []hookState
	if err := c.configure(ctx, "list_webhooks", map[string]string{"owner_client_id": c.ClientID}, &there); err != nil {
		return err
	}
	for _, action := range wanted {
		if err := c.keepWebhook(ctx, hook, action, there); err != nil {
			return err
		}
	}
	return nil
}

// keepWebhook makes sure that an action is told to the address with our secret. The
// description says which secret a webhook has.
func (c *connection) keepWebhook(ctx context.Context, hook, action string, there []hookState) error {
	sum := sha256.Sum256([]byte("parley webhook secret " + c.WebhookSecret))
	description := "Parley, secret " + hex.EncodeToString(sum[:6])
	mine := slices.DeleteFunc(slices.Clone(there), func(h hookState) bool { return h.URL != hook || h.Action != action })
	if !slices.ContainsFunc(mine, func(h hookState) bool { return h.Description == description }) {
		filters := map[string]any{"only_my_chats": true}
		if action == "incoming_event" {
			filters["author_type"] = "agent"
		}
		body := map[string]any{"action": action, "secret_key": c.WebhookSecret, "url": hook, "owner_client_id": c.ClientID, "type": "license",
			"additional_data": []string{"chat_properties"}, "filters": filters, "description": description}
		if err := c.configure(ctx, "register_webhook", body, nil); err != nil {
			return err
		}
	}
	for _, h := range mine {
		if h.Description == description {
			continue
		}
		if err := c.configure(ctx, "unregister_webhook", map[string]string{"id": h.ID, "owner_client_id": c.ClientID}, nil); err != nil {
			return err
		}
	}
	return nil
}

// registerKey makes the chat property that holds our key known, once.
func (c *connection) registerKey(ctx context.Context) error {
	owner := map[string]any{"owner_client_id": c.ClientID}
	var there map[string]any
	if err := c.configure(ctx, "list_properties", owner, &there); err != nil {
		return err
	}
	if _, ok := there[keyProperty]; ok {
		return nil
	}
	everybody := map[string][]string{"agent": {"read"}, "customer": {"read", "write"}}
	owner["name"], owner["type"], owner["access"] = keyProperty, "string", map[string]any{"chat": everybody}
	owner["description"] = "Parley's key of what began the chat"
	return c.configure(ctx, "register_property", owner, nil)
}
