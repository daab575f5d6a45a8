package flow

import (
	"encoding/json"
	"regexp"
	"time"

	"parley/connectors/sdk"
)

// callStep runs an operation of a connector and goes on with its result. What
// the customer writes meanwhile is answered once with a request for patience;
// keywords and global words leave the step, and its result is then ignored.
//
//   - call: shopify.search_products
//     with: {query: =words, limit: 8}
//     save: found
//     errors: {default: shop_closed}
type callStep struct {
	Operation operation  `flow:"call,required" doc:"the operation, as connector.operation; the connector may be a name given under use"`
	With      *arguments `flow:"with" doc:"its input"`
	Save      *variable  `flow:"save" doc:"the variable that takes its output"`
	// Errors leads to a block by the error's class, where error tells more: its
	// class, code, and a text fit for the customer.
	Errors errorJumps `flow:"errors" doc:"where the flow goes by the error's class, or by default; error then tells more"`
	// Timeout bounds the call; the engine's default where none is given.
	Timeout span `flow:"timeout" doc:"how long the result is waited for"`
	// Delayed is said once while the provider is out.
	Delayed *phrase `flow:"delayed" doc:"said once when the provider is out, so that the step has to wait for it"`
}

// patient is a step that may have to wait for the end of a provider's outage, and
// has words for that.
type patient interface{ delay() *phrase }

func (s *callStep) delay() *phrase { return s.Delayed }

// operation is written as connector.operation.
type operation struct {
	pos
	connector, name string
}

var aliasName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

var operationName = regexp.MustCompile(`^([a-z][a-z0-9]*)\.([a-z][a-z0-9_]*)$`)

func (o *operation) read(r *reader, n *node) {
	o.pos = n.pos
	text, ok := r.plain(n, "an operation")
	if !ok {
		return
	}
	m := operationName.FindStringSubmatch(text)
	if m == nil {
		r.fail(n.pos, "%q is not an operation: write connector.operation", clip(text, 60))
		return
	}
	o.connector, o.name = r.uses.of(m[1]), m[2]
}

// errorJumps lead to blocks by an error's class, or by default.
type errorJumps []errorJump

type errorJump struct {
	class string
	to    *target
}

var errorClasses = []string{
	string(sdk.Invalid), string(sdk.Auth), string(sdk.NotFound), string(sdk.Rejected),
	string(sdk.Throttled), string(sdk.Unavailable), string(sdk.Uncertain), "default",
}

func (e *errorJumps) read(r *reader, n *node) {
	if n.kind != mapNode {
		one := errorJump{"default", &target{}}
		one.to.read(r, n)
		*e = append(*e, one)
		return
	}
	for _, p := range n.pairs {
		known := false
		for _, c := range errorClasses {
			known = known || c == p.key.text
		}
		if !known {
			r.fail(p.key.pos, "there is no error class %q%s", clip(p.key.text, 40), didYouMean(p.key.text, errorClasses))
		}
		one := errorJump{p.key.text, &target{}}
		one.to.read(r, p.value)
		*e = append(*e, one)
	}
}

// of gives the jump for a class, or nil.
func (e errorJumps) of(class sdk.Class) *target {
	var byDefault *target
	for _, j := range e {
		if j.class == string(class) {
			return j.to
		}
		if j.class == "default" {
			byDefault = j.to
		}
	}
	return byDefault
}

func (e errorJumps) jumps(out exits) exits {
	for _, j := range e {
		out = out.jump(j.to, false)
	}
	return out
}

func (s *callStep) exits() exits { return s.Errors.jumps(saving(s.Save)) }

func (s *callStep) run(m *machine) move {
	input, err := m.input(s.With)
	if err != nil {
		return m.trouble(err)
	}
	m.st.Pending = m.emit(Effect{
		Kind: EffectCall, Connector: s.Operation.connector, Operation: s.Operation.name,
		Input: input, Timeout: time.Duration(s.Timeout),
	})
	return park
}

func (s *callStep) result(m *machine, ev *Event) move { return m.finishCall(ev, s.Save, s.Errors) }

// caseStep starts a case: a long-lived process that from then on speaks to the
// customer by itself.
//
//   - case: order
//     with: {lines: =cart, currency: USD}
//     save: order
//     errors: {default: order_failed}
type caseStep struct {
	Case   string     `flow:"case,required" doc:"the kind of case"`
	With   *arguments `flow:"with" doc:"what it begins with"`
	Save   *variable  `flow:"save" doc:"the variable that takes {case_id}"`
	Errors errorJumps `flow:"errors" doc:"where the flow goes by the error's class, or by default"`
}

func (s *caseStep) finish(r *reader, n *node) {
	if !blockName.MatchString(s.Case) {
		r.fail(n.pos, "%q cannot name a kind of case", clip(s.Case, 60))
	}
}

func (s *caseStep) exits() exits { return s.Errors.jumps(saving(s.Save)) }

func (s *caseStep) run(m *machine) move {
	input, err := m.input(s.With)
	if err != nil {
		return m.trouble(err)
	}
	m.st.Pending = m.emit(Effect{Kind: EffectStartCase, Operation: s.Case, Input: input})
	return park
}

func (s *caseStep) result(m *machine, ev *Event) move { return m.finishCall(ev, s.Save, s.Errors) }

// arguments are an effect's input: a mapping of templates.
type arguments struct{ template }

func (a *arguments) read(r *reader, n *node) {
	if n.kind != mapNode {
		r.fail(n.pos, "\"with\" must map the input's names to values, and is %s", n.kind)
		return
	}
	a.template.read(r, n)
}

// input makes an effect's JSON; what has no value is left out.
func (m *machine) input(with *arguments) (json.RawMessage, error) {
	if with == nil {
		return json.RawMessage("{}"), nil
	}
	v, err := m.value(&with.template)
	if err == nil {
		v, _, err = normalise(v)
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// finishCall keeps a call's output, or goes where its error leads.
func (m *machine) finishCall(ev *Event, save *variable, errs errorJumps) move {
	if ev.Error != nil {
		if err := m.rememberError(ev.Error); err != nil {
			return m.trouble(err)
		}
		if to := errs.of(ev.Error.Class); to != nil {
			return to.to
		}
		return m.trouble(errUnhandled)
	}
	if save == nil {
		return advance
	}
	var out any
	if len(ev.Output) > 0 {
		if err := json.Unmarshal(ev.Output, &out); err != nil {
			return m.trouble(errNotJSON)
		}
	}
	if err := m.store(save.name, out); err != nil {
		return m.trouble(err)
	}
	return advance
}

// rememberError lets the error's branch see what went wrong.
func (m *machine) rememberError(e *sdk.Error) error {
	return m.store("error", map[string]any{
		"class": string(e.Class), "code": clip(e.Code, 100), "customer": clip(e.Customer, 1000),
	})
}
