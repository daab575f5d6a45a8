package connectortest

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/connectors/sdk/manifest"
)

func (s Subject) operationChecks() (list []Check) {
	for _, op := range s.Connector.Operations {
		add := func(what string, run func(Subject, *Probe, sdk.Operation)) {
			list = append(list, Check{what + "/" + op.Name, func(p *Probe) {
				require.NotEmpty(p, op.Samples, "the operation has no sample: give it one with Operation.Sample")
				run(s, p, op)
			}})
		}
		add("works", Subject.works)
		add("refuses", Subject.refuses)
		switch op.Effect.Kind {
		case sdk.Read:
			add("repeat", Subject.readsOnly)
		case sdk.Keyed:
			add("repeat", Subject.repeats)
			add("lifetime", Subject.remembers)
			add("cut", Subject.survivesCut)
		case sdk.Lookup:
			add("repeat", Subject.repeats)
			add("lag", Subject.waitsForSearch)
			add("cut", Subject.survivesCut)
		case sdk.Once:
			add("cut", Subject.survivesCut)
		}
	}
	return list
}

// works: every sample fits the schema, is accepted, and its output fits too.
func (s Subject) works(p *Probe, op sdk.Operation) {
	for i := range op.Samples {
		r := s.Rig(p)
		input := r.Input(op, i)
		fits(p, op.Input, input, "the sample")
		out, err := op.Run(p.Context(), r.Conn, r.Call(op.Name), input)
		require.NoError(p, err, "sample %d does not work on the fake", i)
		fits(p, op.Output, out, "the output")
	}
}

// refuses: input that breaks the schema is refused before any request.
func (s Subject) refuses(p *Probe, op sdk.Operation) {
	r := s.Rig(p)
	for what, input := range badInputs(p, op, r.Input(op, 0)) {
		before := len(r.gate.requests())
		_, err := op.Run(p.Context(), r.Conn, r.Call(op.Name), input)
		if err == nil {
			p.Errorf("%s is accepted", what)
		} else if e := sdk.AsError(err); e.Class != sdk.Invalid {
			p.Errorf("%s is refused as %s, not as invalid", what, e.Class)
		}
		if len(r.gate.requests()) > before {
			p.Errorf("%s is noticed only after a request", what)
		}
	}
}

// badInputs spoils a good input in every way that its schema tells.
func badInputs(p *Probe, op sdk.Operation, good json.RawMessage) map[string]json.RawMessage {
	var schema struct {
		Properties map[string]struct{ Type string }
		Required   []string
	}
	require.NoError(p, json.Unmarshal(manifest.Schema(op.Input), &schema))
	change := func(do func(map[string]any)) json.RawMessage {
		var v map[string]any
		require.NoError(p, decodeExact(good, &v), "an input is a JSON object")
		do(v)
		return sdk.JSONBody(v)
	}
	out := map[string]json.RawMessage{
		"an unknown field": change(func(v map[string]any) { v["parley_no_such_field"] = 1 }),
		"a list":           json.RawMessage(`[]`), "a JSON text that ends early": good[:len(good)-1],
		"more after the value": append(bytes.Clone(good), " {}"...),
	}
	for _, name := range schema.Required {
		out["input without "+name] = change(func(v map[string]any) { delete(v, name) })
	}
	for name, property := range schema.Properties {
		if property.Type == "" {
			continue // the type reads its own JSON
		}
		var wrong any = map[string]any{"wrong": true}
		if property.Type == "object" {
			wrong = "wrong"
		}
		out[name+" of a wrong type"] = change(func(v map[string]any) { v[name] = wrong })
		if property.Type == "string" {
			out["an oversized "+name] = change(func(v map[string]any) { v[name] = strings.Repeat("x", 2*sdk.MaxInput) })
		}
	}
	return out
}

// readsOnly: a read changes nothing at the provider.
func (s Subject) readsOnly(p *Probe, op sdk.Operation) {
	r := s.Rig(p)
	input := r.Input(op, 0)
	before := r.effects()
	for range 2 {
		_, err := op.Run(p.Context(), r.Conn, r.Call(op.Name), input)
		require.NoError(p, err)
	}
	require.Empty(p, growth(before, r.effects()), "the operation says that it reads only, and left something with the fake")
}

// one is what a single run of the operation's first sample leaves with the fake.
func (s Subject) one(p *Probe, op sdk.Operation) (left map[string]int, made []seen) {
	r := s.Rig(p)
	input := r.Input(op, 0)
	before, asked := r.effects(), len(r.gate.requests())
	_, err := op.Run(p.Context(), r.Conn, r.Call(op.Name), input)
	require.NoError(p, err)
	return growth(before, r.effects()), r.gate.requests()[asked:]
}

// repeats: one key twice is one effect, and says the same.
func (s Subject) repeats(p *Probe, op sdk.Operation) {
	r := s.Rig(p)
	input, call := r.Input(op, 0), r.Call(op.Name)
	if op.Effect.Kind == sdk.Lookup {
		_, found, err := op.Find(p.Context(), r.Conn, call, input)
		require.NoError(p, err, "the search by key, before anything was done")
		require.False(p, found, "the search by key finds what was never done")
	}
	before := r.effects()
	first, err := op.Run(p.Context(), r.Conn, call, input)
	require.NoError(p, err)
	after := r.effects()
	again := again(p, r, op, call, input)
	require.Equal(p, growth(before, after), growth(before, r.effects()), "the repeat had an effect of its own")
	sameIDs(p, first, again)
}

// again repeats an operation as the engine does: by its key, or by a search first.
func again(p *Probe, r *Rig, op sdk.Operation, call sdk.Call, input json.RawMessage) json.RawMessage {
	call.Attempt++
	if op.Effect.Kind == sdk.Lookup {
		out, found, err := op.Find(p.Context(), r.Conn, call, input)
		require.NoError(p, err, "the search by key")
		if found {
			return out
		}
	}
	out, err := op.Run(p.Context(), r.Conn, call, input)
	require.NoError(p, err, "the repeat")
	return out
}

// sameIDs: both outputs name the same objects.
func sameIDs(p *Probe, first, second json.RawMessage) {
	a, b := map[string]any{}, map[string]any{}
	require.NoError(p, decodeExact(first, &a))
	require.NoError(p, decodeExact(second, &b))
	for _, k := range slices.Sorted(maps.Keys(a)) {
		if k == "id" || strings.HasSuffix(k, "_id") {
			require.Equal(p, a[k], b[k], "the repeat names another %s", k)
		}
	}
}

// remembers: the provider knows the key for as long as the manifest says.
func (s Subject) remembers(p *Probe, op sdk.Operation) {
	r := s.Rig(p)
	input, call := r.Input(op, 0), r.Call(op.Name)
	before := r.effects()
	first, err := op.Run(p.Context(), r.Conn, call, input)
	require.NoError(p, err)
	left := growth(before, r.effects())
	r.Advance(op.Effect.KeyLifetime - op.Effect.KeyLifetime/100)
	second := again(p, r, op, call, input)
	require.Equal(p, left, growth(before, r.effects()), "the fake no longer knows the key near the end of the stated lifetime of %s", op.Effect.KeyLifetime)
	sameIDs(p, first, second)
}

// waitsForSearch: once the stated time has passed, the search finds what was done.
func (s Subject) waitsForSearch(p *Probe, op sdk.Operation) {
	r := s.Rig(p)
	input, call := r.Input(op, 0), r.Call(op.Name)
	lag := op.Effect.Settle
	if lag == 0 {
		lag = searchLag // a search that claims to be immediate
	}
	first, err := op.Run(p.Context(), r.Conn, call, input)
	require.NoError(p, err)
	r.Env.SetFault(fake.FaultSearchLag, lag)
	r.Advance(op.Effect.Settle)
	before := r.effects()
	out, found, err := op.Find(p.Context(), r.Conn, call, input)
	require.NoError(p, err)
	require.True(p, found, "with searches that lag by %s, the search by key finds nothing after the stated %s", lag, op.Effect.Settle)
	require.Empty(p, growth(before, r.effects()), "the search by key had an effect")
	sameIDs(p, first, out)
}

// survivesCut: when the answer is lost, the repeat makes one effect of it, and
// what may not be repeated says that it may have been done.
func (s Subject) survivesCut(p *Probe, op sdk.Operation) {
	want, made := s.one(p, op)
	if len(made) == 0 {
		return
	}
	r := s.Rig(p)
	input, call := r.Input(op, 0), r.Call(op.Name)
	before := r.effects()
	r.gate.set(&fault{name: fake.FaultCutAfterWrite, only: writing(op.Name, made), times: 1})
	_, err := op.Run(p.Context(), r.Conn, call, input)
	require.Error(p, err, "the answer was lost, and the operation says that all is well")
	e := seamError(p, err)
	require.True(p, e.Class == sdk.Uncertain || e.Class == sdk.Unavailable && e.Wrote,
		"the answer was lost after the provider had acted: that is uncertain, or unavailable with Wrote, not %s (Wrote %v)", e.Class, e.Wrote)
	if op.Effect.Kind != sdk.Once {
		r.Advance(op.Effect.Settle)
		again(p, r, op, call, input)
	}
	require.Equal(p, want, growth(before, r.effects()), "a lost answer and a repeat have not one effect")
}

// writing accepts the requests of a run that do what it is for: those that the
// fake takes for the operation, else those that are no GET, else all.
func writing(name string, made []seen) func(seen) bool {
	named := func(s seen) bool { return s.operation == name }
	writes := func(s seen) bool { return s.method != "GET" && s.method != "HEAD" }
	switch {
	case slices.ContainsFunc(made, named):
		return named
	case slices.ContainsFunc(made, writes):
		return writes
	}
	return nil
}

// seamError is an error that is one of the seam's, as every one must be.
func seamError(p *Probe, err error) *sdk.Error {
	e, ok := err.(*sdk.Error)
	require.True(p, ok, "it fails with a %T; every error must be an *sdk.Error", err)
	return e
}

// searchLag is how far searches lag for an operation that claims not to search.
const searchLag = time.Minute
