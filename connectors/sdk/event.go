package sdk

import (
	"encoding/json"
	"time"
)

// EventKind says what a webhook event is about.
type EventKind string

const (
	// EventMessage is a message from a customer; Event.Message is set.
	EventMessage EventKind = "message"
	// EventStatus is the fate of a message that we sent; Event.Status is set.
	EventStatus EventKind = "status"
	// EventProvider is anything that a provider reports about its own objects
	// (a payment, an order); Event.Provider is set.
	EventProvider EventKind = "provider"
	// EventIgnored is an event of a type this connector does not use. It is
	// counted, and nothing else.
	EventIgnored EventKind = "ignored"
)

// Event is one thing that a webhook reports.
type Event struct {
	// ID is the provider's identifier of the event, by which repeats are known.
	// It must be the same in every delivery of the same event.
	ID   string
	Kind EventKind
	// Type is the provider's own name for it, e.g. "checkout.session.completed".
	Type string
	// Account is the provider's ID of the number or page concerned, where the
	// event names one; see [Accounts].
	Account string
	// At is the provider's time of the event; zero if it gives none.
	At time.Time

	Message  *Incoming      `json:",omitempty"`
	Status   *Status        `json:",omitempty"`
	Provider *ProviderEvent `json:",omitempty"`
}

// Address names a person on a channel. A person may have several at once.
type Address struct {
	// Kind is what sort of identifier it is: "phone" (E.164 digits without +),
	// "user" (a provider's user ID), "username", "visitor" (web chat).
	Kind string `json:"kind"`
	// Value as the provider writes it.
	Value string `json:"value"`
}

// Incoming is a message from a customer.
type Incoming struct {
	// ID is the provider's ID of the message, to quote it or mark it read.
	ID string `json:"id,omitempty"`
	// From lists all identifiers that the event gives of its sender, the one to
	// answer to first.
	From []Address `json:"from"`
	// Name is the sender's own display name, where given.
	Name string `json:"name,omitempty"`

	// Text is what was written, or the label of what was tapped.
	Text string `json:"text,omitempty"`
	// Tap is the ID of the choice that was tapped.
	Tap string `json:"tap,omitempty"`
	// ReplyTo is the provider's ID of the message that was quoted.
	ReplyTo  string    `json:"reply_to,omitempty"`
	Media    *Media    `json:"media,omitempty"`
	Location *Location `json:"location,omitempty"`
	// Contact is a contact card that was sent.
	Contact *ContactCard `json:"contact,omitempty"`
	// Form is what was filled in, as a JSON object by field.
	Form json.RawMessage `json:"form,omitempty"`
	// Reaction is the emoji that was put to the message ReplyTo. It is kept and
	// shown, and flows do not hear it: it asks for no answer.
	Reaction string `json:"reaction,omitempty"`
	// Ref is what a link that led here carried (m.me, ig.me, t.me), to tell where
	// a customer came from. It is chosen by who made the link.
	Ref string `json:"ref,omitempty"`
	// Reply, if set, is what the connection's own settings answer in the flow's
	// place, e.g. to a call that was not taken.
	Reply *Content `json:"reply,omitempty"`
	// Unsupported names a kind of message the connector cannot read ("sticker",
	// "order"); the flow answers it as something it did not understand.
	Unsupported string `json:"unsupported,omitempty"`
}

// MessageStatus is how far a sent message has come. It only moves forward.
type MessageStatus string

const (
	StatusSent      MessageStatus = "sent"
	StatusDelivered MessageStatus = "delivered"
	StatusRead      MessageStatus = "read"
	StatusFailed    MessageStatus = "failed"
)

// Status is the fate of a message that we sent.
type Status struct {
	// MessageID is the provider's ID of the message.
	MessageID string        `json:"message_id"`
	Status    MessageStatus `json:"status"`
	// EffectKey is our own key, where the provider echoes it (WhatsApp's
	// biz_opaque_callback_data).
	EffectKey string `json:"effect_key,omitempty"`
	// Error says why it failed.
	Error *Error `json:"error,omitempty"`
}

// ProviderEvent is news of an object at a provider.
type ProviderEvent struct {
	// Name is the normalised type, one of the manifest's triggers, e.g. "payment.paid".
	Name string `json:"name"`
	// EffectKey is our own key, carried in the provider's metadata. It leads to
	// the case or conversation concerned.
	EffectKey string `json:"effect_key,omitempty"`
	// Refs are the provider's IDs of the objects concerned, most specific
	// first, by which the case is found where no key can travel.
	Refs []string `json:"refs,omitempty"`
	// Data is the trigger's payload: what a case or flow may need, and no more.
	Data json.RawMessage `json:"data,omitempty"`
}
