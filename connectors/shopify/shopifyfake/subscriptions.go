package shopifyfake

import (
	"encoding/json"
	"strings"
)

// A shop whose webhooks somebody has set up by hand pushes everything. From the
// first subscription of an address on, it pushes what the address is subscribed to.

// subscription is one as it is kept, by address and topic.
type subscription struct {
	ID    string `json:"id"`
	Topic string `json:"topic"` // as GraphQL names it
	URI   string `json:"uri"`
}

const (
	bucketSubscriptions = "subscriptions"
	bucketManaged       = "managed" // addresses that are subscribed, or were
)

func (s subscription) key() string { return s.URI + " " + s.Topic }

func (s *shop) webhookSubscriptions(r request) (any, error) {
	wanted := map[string]bool{}
	topics, _ := r.args["topics"].([]any)
	for _, t := range topics {
		if name, ok := t.(string); ok {
			wanted[name] = true
		}
	}
	nodes := []object{}
	s.env.State().Each(bucketSubscriptions, func(_ string, raw json.RawMessage) bool {
		var sub subscription
		if json.Unmarshal(raw, &sub) == nil && (len(wanted) == 0 || wanted[sub.Topic]) {
			nodes = append(nodes, object{"id": sub.ID, "topic": sub.Topic, "uri": sub.URI, "format": "JSON"})
		}
		return true
	})
	list := connection(nodes)
	list["pageInfo"] = object{"hasNextPage": false, "endCursor": nil}
	return list, nil
}

func (s *shop) webhookSubscriptionCreate(r request) (any, error) {
	var in struct {
		URI string `json:"uri"`
	}
	if err := decode(r.args["webhookSubscription"], &in); err != nil {
		return nil, err
	}
	sub := subscription{Topic: r.text("topic"), URI: in.URI}
	refused := func(field, message string) (any, error) {
		return userErrors("userErrors", []string{"webhookSubscription", field}, message, "").with("webhookSubscription", object(nil)), nil
	}
	switch {
	case !strings.HasPrefix(sub.URI, "https://") && !strings.HasPrefix(sub.URI, "http://"):
		return refused("uri", "Address is invalid")
	case s.env.State().Get(bucketSubscriptions, sub.key(), new(subscription)):
		return refused("uri", "Address for this topic has already been taken")
	}
	sub.ID = s.env.NextID("gid://shopify/WebhookSubscription/")
	s.env.State().Put(bucketSubscriptions, sub.key(), sub)
	s.env.State().Put(bucketManaged, sub.URI, true)
	return object{"webhookSubscription": object{"id": sub.ID}, "userErrors": []object{}}, nil
}

// pushes tells whether the shop pushes a topic ("orders/create") to an address. Under
// the fault stop_pushing it forgets the address's subscriptions, as Shopify does
// after eight failed deliveries in a row.
func (s *shop) pushes(hook, topic string) bool {
	if _, on := s.env.Fault("stop_pushing", topic); on {
		s.unsubscribe(hook)
		return false
	}
	if !s.env.State().Get(bucketManaged, hook, new(bool)) {
		return true
	}
	sub := subscription{URI: hook, Topic: strings.ToUpper(strings.ReplaceAll(topic, "/", "_"))}
	return s.env.State().Get(bucketSubscriptions, sub.key(), new(subscription))
}

func (s *shop) unsubscribe(hook string) {
	s.env.State().Put(bucketManaged, hook, true)
	var keys []string
	s.env.State().Each(bucketSubscriptions, func(key string, raw json.RawMessage) bool {
		var sub subscription
		if json.Unmarshal(raw, &sub) == nil && sub.URI == hook {
			keys = append(keys, key)
		}
		return true
	})
	for _, key := range keys {
		s.env.State().Delete(bucketSubscriptions, key)
	}
}
