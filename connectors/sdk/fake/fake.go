// Package fake is what a connector's stand-in for its provider is written
// against. A fake is an HTTP handler with state: what was created through it can
// be fetched again, its webhooks are signed as the provider signs them, and it
// fails on demand. The sandbox mounts every fake, records every request, injects
// faults and keeps the state over restarts; tests mount one alone with [NewMemory].
//
// Fakes are for development and tests only and are never part of the parley binary.
package fake

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"parley/connectors/sdk"
)

// Provider describes a fake to the sandbox.
type Provider struct {
	// Connector is the name of the connector it stands in for; it is mounted at
	// {sandbox}/{connector}/ with that prefix stripped.
	Connector string
	// New builds the handler. If the handler also implements [Messaging],
	// customers can speak through it.
	New func(env Env) http.Handler
	// Operation names the operation of a request, for faults and the record
	// ("payment_link_create"); "" if the request belongs to none.
	Operation func(r *http.Request, body []byte) string
	// Account returns a ready configuration for the connector that points at
	// this fake, for seeding: baseURL is {sandbox}/{connector}. Secrets are drawn
	// from secret, which gives the same value for the same name every time.
	Account func(baseURL string, secret func(name string) string) json.RawMessage
	// Page is the path below the mount of what there is for people to look at
	// ("admin"), "" if nothing. That of a channel is a customer's device, and holds
	// {from} where their number or ID goes; the sandbox has a plain one for others.
	Page string
}

// What the engine does by itself, as [Provider.Operation] names it. A fault befalls it
// only if it names it, not by "*": whoever makes a provider fail means what a flow or
// case asks for, and could not tell when these come.
const (
	Poll      = "poll"
	Subscribe = "subscribe"
)

// Env is what a fake lives in.
type Env interface {
	// State is the fake's durable memory.
	State() State
	// BaseURL is where this fake is reached from outside, without trailing slash.
	BaseURL() string
	// Accounts lists the connections that Parley has for this connector.
	Accounts() []Account
	// Deliver queues a webhook. It is sent in the background, at least once,
	// in order for each Delivery.Order, repeated with growing pauses until the
	// answer is 2xx.
	Deliver(d Delivery)
	// Fault tells whether a fault that only the fake itself can act out is on:
	// "forget_keys" (idempotency keys are forgotten), "search_lag" (searches
	// do not see what is younger than lag) or "stop_pushing" (a webhook is not sent;
	// where the provider then ends the subscription, that too). It counts as one of the fault's times.
	Fault(name, operation string) (lag time.Duration, on bool)
	// Now is the fake's clock.
	Now() time.Time
	// NextID returns a new identifier with the prefix, unique over restarts.
	NextID(prefix string) string
}

// Account is one connection as Parley knows it.
type Account struct {
	Account string          `json:"account"`
	Hook    string          `json:"hook"` // full URL of the webhook
	Config  json.RawMessage `json:"config"`
}

// Delivery is one webhook on its way to Parley.
type Delivery struct {
	URL    string      `json:"url"`
	Header http.Header `json:"header"`
	Body   []byte      `json:"body"`
	// Order names the queue within which deliveries keep their order; empty
	// means none is kept, as with most providers.
	Order string `json:"order,omitempty"`
}

// Signer is implemented by handlers whose provider puts the time into its
// signature and signs every attempt of a webhook anew. The sandbox asks it
// before each attempt, so that one that waited out an outage is not stale.
type Signer interface {
	// Sign returns d with the headers of an attempt made now.
	Sign(d Delivery, now time.Time) Delivery
}

// State is a durable map of JSON values in named buckets. It is safe for
// concurrent use; Update is atomic for its key.
type State interface {
	// Get decodes the value into v and reports whether there was one.
	Get(bucket, key string, v any) bool
	Put(bucket, key string, v any)
	Delete(bucket, key string)
	// Update calls change with the current raw value (nil if none) under a lock
	// and stores what it returns (nil deletes).
	Update(bucket, key string, change func(old json.RawMessage) any)
	// Each visits the keys of a bucket in ascending order until visit returns false.
	Each(bucket string, visit func(key string, raw json.RawMessage) bool)
}

// Messaging is implemented by fakes of channels.
type Messaging interface {
	// Say sends what a customer says as the provider's webhook.
	Say(ctx context.Context, account Account, from string, u Utterance) error
	// Phone is what the customer's device shows, oldest first.
	Phone(from string) []Shown
}

// Utterance is what a customer does; one of the fields is set.
type Utterance struct {
	Text string `json:"text,omitempty"`
	// Tap is the ID of a choice of the newest message that has it.
	Tap      string        `json:"tap,omitempty"`
	File     *sdk.Media    `json:"file,omitempty"`
	Location *sdk.Location `json:"location,omitempty"`
	// Name is the display name that the provider reports.
	Name string `json:"name,omitempty"`
	// Raw is a provider-shaped message object, for kinds that nothing else makes.
	Raw json.RawMessage `json:"raw,omitempty"`
}

// Shown is one message on the customer's device.
type Shown struct {
	// Seq grows with each message shown on any device of this fake.
	Seq int64 `json:"seq"`
	// From is "customer" or "business".
	From string `json:"from"`
	// ID is the provider's ID of the message.
	ID string `json:"id"`
	// Key is Parley's key, where the channel carries it.
	Key     string       `json:"key,omitempty"`
	Text    string       `json:"text,omitempty"`
	Header  string       `json:"header,omitempty"`
	Footer  string       `json:"footer,omitempty"`
	Choices []sdk.Choice `json:"choices,omitempty"`
	// ListButton is the label that opens the list, where the choices are one.
	ListButton string           `json:"list_button,omitempty"`
	Link       *sdk.Link        `json:"link,omitempty"`
	Media      *sdk.Media       `json:"media,omitempty"`
	Location   *sdk.Location    `json:"location,omitempty"`
	Template   *sdk.Template    `json:"template,omitempty"`
	Contact    *sdk.ContactCard `json:"contact,omitempty"`
	Cards      []sdk.Card       `json:"cards,omitempty"`
	At         time.Time        `json:"at"`
}
