package shopify

import (
	"context"
	"slices"
	"strings"

	"parley/connectors/sdk"
	"parley/connectors/shopify/admin"
)

// topics are those of our triggers as GraphQL names them: ORDERS_CREATE for
// orders/create.
var topics = func() (out []string) {
	for _, t := range triggers {
		for _, source := range t.Source {
			topic := strings.ToUpper(strings.ReplaceAll(source, "/", "_"))
			if !slices.Contains(out, topic) {
				out = append(out, topic)
			}
		}
	}
	return out
}()

// Subscribe implements sdk.Subscriber: it creates the webhook subscriptions that are
// missing. Shopify deletes one that was made by the API after eight failed
// deliveries in a row ("Troubleshooting webhooks"), so they are looked after.
// Subscriptions to other addresses are somebody else's. A topic that is refused, for
// want of a scope say, keeps none of the others from being subscribed to.
func (c *conn) Subscribe(ctx context.Context, hook string) error {
	have, err := c.subscribed(ctx, hook)
	if err != nil {
		return err
	}
	var first error
	for _, topic := range topics {
		if have[topic] {
			continue
		}
		got, err := admin.WebhookCreate(ctx, c.admin, topic, hook)
		if err != nil {
			return err
		}
		if refused := mutationError(got.WebhookSubscriptionCreate.UserErrors, sdk.Rejected); refused != nil && first == nil {
			first = refused
		}
	}
	return first
}

// subscribed are the topics that Shopify pushes to the address.
func (c *conn) subscribed(ctx context.Context, hook string) (map[string]bool, error) {
	have := map[string]bool{}
	after := ""
	for {
		got, err := admin.WebhookList(ctx, c.admin, topics, after)
		if err != nil {
			return nil, err
		}
		list := got.WebhookSubscriptions
		for _, w := range list.Nodes {
			if w.Uri == hook && w.Format == "JSON" {
				have[w.Topic] = true
			}
		}
		if !list.PageInfo.HasNextPage || list.PageInfo.EndCursor == after {
			return have, nil
		}
		after = list.PageInfo.EndCursor
	}
}
