// Package probe measures what a connector's manifest claims, against a sandbox or
// a test account: whether an operation's sample works and how long it takes,
// whether a repeated key is recognised, what becomes of a lost answer, how long a
// search lags, and what the answers say of the provider's limits.
//
// It makes things at the provider, and must never be pointed at an account in use.
package probe

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/sample"
)

// Evidence is what was measured, ready to be JSON.
type Evidence struct {
	Connector  string      `json:"connector"`
	At         time.Time   `json:"at"`
	Host       string      `json:"host"`
	Operations []Operation `json:"operations"`
	// Limits is what the last answer that spoke of them said.
	Limits *Limits `json:"limits,omitempty"`
}

// Operation is what was seen of one operation. A finding begins with "as claimed",
// "not as claimed" or "not measured".
type Operation struct {
	Name      string         `json:"name"`
	Effect    sdk.EffectKind `json:"effect"`
	Sample    string         `json:"sample"`
	TookMS    int64          `json:"took_ms,omitempty"`
	Repeat    string         `json:"repeat,omitempty"`
	LostReply string         `json:"lost_reply,omitempty"`
	SearchLag string         `json:"search_lag,omitempty"`
}

// Limits is how much was left, of which time.
type Limits struct {
	Remaining int    `json:"remaining"`
	Reset     string `json:"reset"`
}

const (
	asClaimed  = "as claimed"
	not        = "not as claimed: "
	unmeasured = "not measured: "
)

// patience is how long a search is asked beyond what the manifest states.
const patience = 30 * time.Second

// prober is one run.
type prober struct {
	connector sdk.Connector
	conn      any
	wire      *wire
	outputs   map[string]json.RawMessage
	poll      time.Duration
}

// Run measures a connector. Only a configuration that is refused is an error; what
// does not work is part of the evidence. The host is that of the client.
func Run(ctx context.Context, c sdk.Connector, config json.RawMessage, host sdk.Host) (Evidence, error) {
	w := &wire{next: host.HTTP.Transport, learn: c.Limits.Learn}
	client := *host.HTTP
	client.Transport = w
	host.HTTP = &client
	conn, err := c.Open(config, host)
	if err != nil {
		return Evidence{}, err
	}
	p := &prober{connector: c, conn: conn, wire: w, outputs: map[string]json.RawMessage{}, poll: 500 * time.Millisecond}
	e := Evidence{Connector: c.Name, At: time.Now().UTC().Truncate(time.Second), Operations: []Operation{}}
	for _, op := range c.Operations {
		e.Operations = append(e.Operations, p.measure(ctx, op))
	}
	e.Host = w.host()
	if pace := w.pace(); pace.Known {
		e.Limits = &Limits{Remaining: pace.Remaining, Reset: pace.Reset.String()}
	}
	return e, nil
}

func (p *prober) measure(ctx context.Context, op sdk.Operation) Operation {
	out := Operation{Name: op.Name, Effect: op.Effect.Kind}
	if len(op.Samples) == 0 {
		out.Sample = unmeasured + "it has no sample"
		return out
	}
	input, err := sample.Resolve(op.Samples[0], func(name string) (json.RawMessage, error) { return p.output(ctx, name) })
	if err != nil {
		out.Sample = unmeasured + word(err)
		return out
	}
	call := newCall(op)
	writes, began := p.wire.writes(), time.Now()
	first, err := op.Run(ctx, p.conn, call, input)
	out.TookMS = time.Since(began).Milliseconds()
	if err != nil {
		out.Sample = not + word(err)
		return out
	}
	out.Sample = asClaimed
	writes = p.wire.writes() - writes
	if p.outputs[op.Name] == nil {
		p.outputs[op.Name] = first
	}
	switch op.Effect.Kind {
	case sdk.Keyed:
		out.Repeat = p.repeat(ctx, op, call, input, first)
	case sdk.Lookup:
		out.SearchLag = p.lag(ctx, op, call, input, first)
	}
	if op.Effect.Kind != sdk.Read {
		out.LostReply = p.lose(ctx, op, input, writes)
	}
	return out
}

// output runs another operation with its first sample, once.
func (p *prober) output(ctx context.Context, name string) (json.RawMessage, error) {
	if out := p.outputs[name]; out != nil {
		return out, nil
	}
	for _, op := range p.connector.Operations {
		if op.Name != name || len(op.Samples) == 0 {
			continue
		}
		input, err := sample.Resolve(op.Samples[0], func(name string) (json.RawMessage, error) { return p.output(ctx, name) })
		if err != nil {
			return nil, err
		}
		out, err := op.Run(ctx, p.conn, newCall(op), input)
		if err == nil {
			p.outputs[name] = out
		}
		return out, err
	}
	return nil, fmt.Errorf("its sample needs %s, which no operation gives", name)
}

func newCall(op sdk.Operation) sdk.Call {
	if op.Effect.Kind == sdk.Read {
		return sdk.Call{Attempt: 1}
	}
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return sdk.Call{Key: "probe-" + hex.EncodeToString(b[:]), Attempt: 1}
}

// repeat sends one key again.
func (p *prober) repeat(ctx context.Context, op sdk.Operation, call sdk.Call, input, first json.RawMessage) string {
	call.Attempt = 2
	again, err := op.Run(ctx, p.conn, call, input)
	switch {
	case err != nil:
		return not + word(err)
	case !sameIDs(first, again):
		return not + "the repeat made another object"
	}
	return asClaimed + ": the repeat names the same objects (of the key's lifetime, nothing is seen)"
}

// lag asks the search until it finds what was made.
func (p *prober) lag(ctx context.Context, op sdk.Operation, call sdk.Call, input, first json.RawMessage) string {
	took, found, err := p.find(ctx, op, call, input)
	claim := fmt.Sprintf(", and the manifest states %s", op.Effect.Settle)
	switch {
	case err != nil:
		return unmeasured + word(err)
	case found == nil:
		return not + fmt.Sprintf("not found within %s", took) + claim
	case !sameIDs(first, found):
		return not + "the search finds another object"
	case took > op.Effect.Settle+p.poll:
		return not + fmt.Sprintf("found after %s", took) + claim
	}
	return asClaimed + fmt.Sprintf(": found after %s", took) + claim
}

func (p *prober) find(ctx context.Context, op sdk.Operation, call sdk.Call, input json.RawMessage) (time.Duration, json.RawMessage, error) {
	tick := time.NewTicker(p.poll)
	defer tick.Stop()
	call.Attempt = 2
	for began := time.Now(); ; {
		out, found, err := op.Find(ctx, p.conn, call, input)
		took := time.Since(began).Round(time.Millisecond)
		if err != nil || found || took > op.Effect.Settle+patience {
			return took, out, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return took, nil, ctx.Err()
		}
	}
}

// lose lets the provider act and loses its answer, then repeats as the engine does.
func (p *prober) lose(ctx context.Context, op sdk.Operation, input json.RawMessage, writes int) string {
	if writes == 0 {
		return unmeasured + "it sends nothing but reads"
	}
	call := newCall(op)
	p.wire.cut(writes)
	_, err := op.Run(ctx, p.conn, call, input)
	if struck := p.wire.uncut(); !struck {
		return unmeasured + "a second run came to another end"
	}
	if err == nil {
		return not + "the answer was lost, and all was said to be well"
	}
	if e := sdk.AsError(err); e.Class != sdk.Uncertain && !e.Wrote {
		return not + "a lost answer is reported as not sent"
	}
	switch op.Effect.Kind {
	case sdk.Once:
		return asClaimed + ": it is reported as perhaps done"
	case sdk.Lookup:
		took, found, err := p.find(ctx, op, call, input)
		if err != nil || found == nil {
			return unmeasured + "the search did not find it"
		}
		return asClaimed + fmt.Sprintf(": the search found it after %s", took)
	}
	again, err := op.Run(ctx, p.conn, call, input)
	if err != nil {
		return not + "the repeat: " + word(err)
	}
	once, err := op.Run(ctx, p.conn, call, input)
	if err != nil || !sameIDs(again, once) {
		return not + "the repeats made different objects"
	}
	return asClaimed + ": the repeat was recognised"
}

// word tells an error in the seam's words, which hold nothing personal.
func word(err error) string {
	if e, ok := err.(*sdk.Error); ok {
		return e.Error()
	}
	return err.Error()
}

// sameIDs tells whether two outputs name the same objects.
func sameIDs(a, b json.RawMessage) bool {
	var x, y map[string]any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	for k, v := range x {
		if (k == "id" || strings.HasSuffix(k, "_id")) && v != y[k] {
			return false
		}
	}
	return true
}
