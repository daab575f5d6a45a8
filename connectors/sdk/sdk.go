// Package sdk is the seam between Parley and a provider: what an integrator
// writes a connector against.
//
// A connector is a value of type [Connector]: a manifest and a function that
// opens a connection from its configuration. An operation is a plain Go function
// from an input struct to an output struct, registered with [Op] or [LookupOp];
// schemas, documentation and checks are derived from those types. What else a
// connection can do is said by implementing one of the small optional
// interfaces: [Receiver] (webhooks), [Handshaker] (the provider verifies our
// address), [Subscriber] (webhooks are set up by a call), [Poller] (the provider
// pushes nothing, or not all), [Sender] (it is a channel), [Understander] (it
// understands language), [Checker] (tell whether it works).
//
// The package uses the standard library only, so that an integrator's module
// takes on nothing else.
package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Connector is one provider. The zero value is not usable; fill Name, Title,
// Config and Open.
type Connector struct {
	// Name is the connector's name in URLs, flows and configuration: lower case
	// letters and digits.
	Name string
	// Title is the provider's own name, for people.
	Title string
	// Docs is the address of the provider's documentation.
	Docs string
	// Config is a pointer to a zero value of the configuration struct; its JSON
	// tags name the settings, its `doc` tags explain them, and fields tagged
	// `secret:"true"` are never shown again.
	Config any
	// ConfigSchema is the JSON Schema of the configuration of a connector that has
	// no Go type for it; Config is nil then. Secrets are writeOnly.
	ConfigSchema json.RawMessage
	// Operations in the order in which they are documented.
	Operations []Operation
	// Triggers are the typed events that its webhooks give.
	Triggers []Trigger
	// Channel says what its messages can carry; nil if it carries none.
	Channel *Channel
	// Understands says that its connections are an [Understander], which flows may
	// then name among their engines.
	Understands bool
	// Limits is how fast the provider may be called with one connection.
	Limits Limits
	// OAuth says how connections are authorised by OAuth 2.0; nil if they are not.
	OAuth *OAuth
	// PollEvery is how often connections that are a [Poller] are polled; a minute
	// if zero.
	PollEvery time.Duration
	// Open checks the configuration (an *[Error] of class [Invalid] names the
	// setting) and returns the connection, on which operations run and which may
	// implement Receiver, Handshaker, Sender and Checker. It does no I/O. The
	// connection must be safe for concurrent use.
	Open func(config json.RawMessage, host Host) (any, error)
}

// Host is what the engine gives a connection to work with.
type Host struct {
	// HTTP is the one client a connection may use. It has time-outs, a response
	// size limit, tracing and metrics, follows no redirect to another host, and
	// never repeats a request. A nil HTTP means [NewHTTPClient] with defaults.
	HTTP *http.Client
	// PublicURL is where Parley's webhooks are reachable, without a trailing
	// slash, for providers that are told or that sign it.
	PublicURL string
	// Hook is the full address of this connection's own webhooks, for providers
	// that are told it with each request; empty where nothing can arrive.
	Hook string
	// Tokens gives access tokens to a connector that declares [OAuth]; else nil.
	Tokens TokenSource
}

// Trigger is a kind of event that a provider pushes.
type Trigger struct {
	// Name is the normalised event type that flows and cases see, e.g. "payment.paid".
	Name string
	// Source lists the provider's own event types that give it.
	Source []string
	// Summary is one sentence for people.
	Summary string
	// Payload is a zero value of the struct that Event.Data holds as JSON.
	Payload any
}

// EffectKind says what repeating an operation does in the outside world.
type EffectKind string

const (
	// Read changes nothing and may be repeated at will.
	Read EffectKind = "read"
	// Keyed is de-duplicated by the provider on our key, for a stated time.
	Keyed EffectKind = "keyed"
	// Lookup is searched for by our key before it is done again.
	Lookup EffectKind = "lookup"
	// Once is attempted once; when its outcome is unknown it is uncertain.
	Once EffectKind = "once"
)

// Effect is what an operation declares about being repeated.
type Effect struct {
	Kind EffectKind
	// KeyLifetime is how long the provider remembers our key (Keyed only).
	// After it the operation is treated as Once.
	KeyLifetime time.Duration
	// Settle is how long the provider's search may lag behind a write (Lookup, and
	// what else [FoundBy] makes searchable).
	Settle time.Duration
}

// Call is what the engine says about one attempt of an operation.
type Call struct {
	// Key is the idempotency key: stable over attempts, opaque, at most 64
	// characters of [a-z0-9-]. Empty for reads.
	Key string
	// Attempt counts from 1.
	Attempt int
	// Workspace and Case name whose work it is, in opaque identifiers that may
	// travel in the provider's metadata beside the key.
	Workspace string
}

// Operation is one thing a connector can do. Make it with [Op] or [LookupOp], or
// with [SchemaOp] where there are no Go types.
type Operation struct {
	Name    string
	Summary string
	Effect  Effect
	// Input and Output are the struct types; schemas are derived from them.
	Input, Output reflect.Type
	// InputSchema and OutputSchema are JSON Schemas (draft 2020-12) of objects, for
	// operations without Go types; Input and Output are nil then.
	InputSchema, OutputSchema json.RawMessage
	// Samples are inputs that work, for documentation and for the conformance kit.
	Samples []json.RawMessage

	run  func(ctx context.Context, conn any, call Call, input json.RawMessage) (json.RawMessage, error)
	find func(ctx context.Context, conn any, call Call, input json.RawMessage) (json.RawMessage, bool, error)
}

// Run performs the operation on a connection of its connector. Unknown or
// mistyped input is refused with class [Invalid] before anything is sent.
func (o Operation) Run(ctx context.Context, conn any, call Call, input json.RawMessage) (json.RawMessage, error) {
	return o.run(ctx, conn, call, input)
}

// CanFind tells whether [Operation.Find] can be asked.
func (o Operation) CanFind() bool { return o.find != nil }

// Find looks for the effect of an earlier attempt with the same key. It reports
// false if there is none. Operations made with [LookupOp] or [FoundBy] can be asked.
func (o Operation) Find(ctx context.Context, conn any, call Call, input json.RawMessage) (json.RawMessage, bool, error) {
	if o.find == nil {
		return nil, false, fmt.Errorf("sdk: operation %s has no search by key", o.Name)
	}
	return o.find(ctx, conn, call, input)
}

// Op makes an operation of a method on the connection type C.
func Op[C, In, Out any](name, summary string, effect Effect, do func(C, context.Context, Call, In) (Out, error)) Operation {
	return Operation{
		Name: name, Summary: summary, Effect: effect,
		Input: reflect.TypeFor[In](), Output: reflect.TypeFor[Out](),
		run: func(ctx context.Context, conn any, call Call, raw json.RawMessage) (json.RawMessage, error) {
			in, err := decodeInput[In](raw)
			if err != nil {
				return nil, err
			}
			out, err := do(conn.(C), ctx, call, in)
			if err != nil {
				return nil, err
			}
			return json.Marshal(out)
		},
	}
}

// LookupOp makes an operation of kind Lookup: find is asked for the effect of
// call.Key before a second attempt, at the earliest settle after the first.
func LookupOp[C, In, Out any](name, summary string, settle time.Duration,
	do func(C, context.Context, Call, In) (Out, error),
	find func(C, context.Context, Call, In) (Out, bool, error)) Operation {
	return FoundBy(Op(name, summary, Effect{Kind: Lookup, Settle: settle}, do), find)
}

// FoundBy returns the operation with a search for the effect of a key, of whatever
// kind it is: an attempt whose outcome is unknown is then settled by asking the
// provider. That nothing is found counts after the effect's Settle, and for kinds
// other than Lookup only if that is set.
func FoundBy[C, In, Out any](op Operation, find func(C, context.Context, Call, In) (Out, bool, error)) Operation {
	op.find = func(ctx context.Context, conn any, call Call, raw json.RawMessage) (json.RawMessage, bool, error) {
		in, err := decodeInput[In](raw)
		if err != nil {
			return nil, false, err
		}
		out, found, err := find(conn.(C), ctx, call, in)
		if err != nil || !found {
			return nil, false, err
		}
		js, err := json.Marshal(out)
		return js, err == nil, err
	}
	return op
}

// SchemaOp completes an operation whose input and output are described by JSON
// Schemas: o has its name, summary, effect, samples and both schemas. The input
// reaches do as it came; do refuses what does not fit with class [Invalid] before
// it sends anything. find is nil unless the effect's kind is Lookup.
func SchemaOp[C any](o Operation,
	do func(C, context.Context, Call, json.RawMessage) (json.RawMessage, error),
	find func(C, context.Context, Call, json.RawMessage) (json.RawMessage, bool, error)) Operation {
	o.run = func(ctx context.Context, conn any, call Call, raw json.RawMessage) (json.RawMessage, error) {
		return do(conn.(C), ctx, call, raw)
	}
	if find != nil {
		o.find = func(ctx context.Context, conn any, call Call, raw json.RawMessage) (json.RawMessage, bool, error) {
			return find(conn.(C), ctx, call, raw)
		}
	}
	return o
}

// EffectOn is the operation's effect on one connection: a connection that is a
// [KeyKeeper] knows better than the manifest how long its keys are remembered.
func (o Operation) EffectOn(conn any) Effect {
	e := o.Effect
	if k, ok := conn.(KeyKeeper); ok && e.Kind == Keyed {
		if d := k.KeyLifetime(o.Name); d > 0 {
			e.KeyLifetime = d
		}
	}
	return e
}

// Sample returns the operation with one more input that works. A text that holds
// {{operation.field}} stands for that field of the output of another operation
// of the connector, which is run first with its own first sample. The field may be
// a path ("products.0.id"); a text that is a reference and nothing else becomes
// the value, of whatever type. The operation "incoming" stands for a message with a
// picture that a customer has sent ({{incoming.id}}, {{incoming.media.id}}).
func (o Operation) Sample(input string) Operation {
	o.Samples = append(slices.Clone(o.Samples), json.RawMessage(input))
	return o
}

// Validator is implemented by input structs whose rules go beyond their types.
// It returns an *Error of class [Invalid], made with [Invalidf].
type Validator interface{ Validate() error }

// MaxInput is the largest input of an operation, in bytes of JSON.
const MaxInput = 1 << 20

func decodeInput[In any](raw json.RawMessage) (In, error) {
	var in In
	if len(raw) == 0 {
		raw = json.RawMessage("{}")
	}
	if len(raw) > MaxInput {
		return in, Invalidf("the input is larger than 1 MiB")
	}
	if err := DecodeStrict(raw, &in); err != nil {
		return in, err
	}
	if name := missing(raw, reflect.TypeFor[In]()); name != "" {
		return in, Invalidf("%s is missing", name)
	}
	if v, ok := any(in).(Validator); ok {
		if err := v.Validate(); err != nil {
			return in, err
		}
	}
	return in, nil
}

// missing names a field that the schema requires (its tag has no omitempty or
// omitzero) and that the JSON object does not have, "" if there is none.
func missing(raw json.RawMessage, t reflect.Type) string {
	var has map[string]json.RawMessage
	if t.Kind() != reflect.Struct || json.Unmarshal(raw, &has) != nil {
		return ""
	}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" || !f.IsExported() || strings.Contains(options, "omit") {
			continue
		}
		if _, ok := has[name]; !ok {
			return name
		}
	}
	return ""
}

// DecodeStrict decodes one JSON value and refuses unknown fields and trailing
// data, as an *Error of class Invalid that names the field but never its value.
func DecodeStrict(raw []byte, into any) error {
	dec := json.NewDecoder(newReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return &Error{Class: Invalid, Message: describeJSON(err)}
	}
	if _, err := dec.Token(); err != io.EOF {
		return &Error{Class: Invalid, Message: "there is more after the JSON value"}
	}
	return nil
}

// WebhookRequest is a request from a provider, as it came.
type WebhookRequest struct {
	Method string
	// URL is the full public address, as the provider called it.
	URL    string
	Header http.Header
	Body   []byte
}

// Receiver is implemented by connections whose provider pushes webhooks.
type Receiver interface {
	// Verify checks the signature over the raw bytes in constant time, and the
	// timestamp where there is one. It returns nil or an error that says why
	// without quoting secrets or content. It is called before Parse.
	Verify(req WebhookRequest, now time.Time) error
	// Parse gives the events of a verified request. A kind of event that it
	// does not know is an Event of kind [EventIgnored] with its Type set: a
	// provider may add kinds at any time, and none is an error. Malformed input
	// is an *Error of class Invalid.
	Parse(req WebhookRequest) ([]Event, error)
}

// Answerer is implemented by receivers whose provider acts on the body of the
// answer to a webhook.
type Answerer interface {
	// Answer gives the body of a 200, after the request's events were kept; an
	// empty content type means none.
	Answer(req WebhookRequest) (contentType string, body []byte)
}

// Handshaker is implemented by connections whose provider verifies our address
// before it pushes anything (Meta's hub.challenge).
type Handshaker interface {
	// Handshake answers a GET on the webhook's address. An error refuses it.
	Handshake(req WebhookRequest) (body string, err error)
}

// Accounts is implemented by connections whose webhooks name the number or
// page an event is for, so that one webhook address can serve several.
type Accounts interface {
	// AccountIDs returns the provider's IDs that belong to this connection.
	AccountIDs() []string
}

// Checker is implemented by connections that can tell whether they work.
type Checker interface {
	// Check makes a harmless call and returns nil, or what is wrong or missing.
	Check(ctx context.Context) error
}

// KeyKeeper is implemented by connections whose configuration says how long the
// provider remembers a key.
type KeyKeeper interface {
	// KeyLifetime is that time for an operation; zero means the manifest's.
	KeyLifetime(operation string) time.Duration
}

// Subscriber is implemented by connections whose webhooks are set up by a call.
type Subscriber interface {
	// Subscribe makes sure that the provider pushes to the address: it creates or
	// mends what is missing and leaves alone what is right, so that calling it
	// again is harmless. The engine calls it when a connection is stored and from
	// time to time, since providers delete subscriptions that failed.
	Subscribe(ctx context.Context, hook string) error
}

// Poller is implemented by connections whose provider pushes nothing, or stops
// pushing, so that the engine asks for news.
type Poller interface {
	// Poll returns events since the cursor (empty at first), oldest first, with
	// the same IDs as their webhooks would have, and the cursor to go on from.
	// The same cursor may be polled again. At most 500 events at once. A cursor
	// that the provider does not know any more is an error of class [NotFound] or
	// [Invalid]: the next poll then begins without one.
	Poll(ctx context.Context, cursor string) (events []Event, next string, err error)
}
