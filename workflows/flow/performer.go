package flow

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/types"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

// performer is what the steps share that name no provider: a ticket is opened by
// the workspace's helpdesk, whichever it is. The engine finds the connection by
// the role.
type performer struct {
	By      *connectorName `flow:"by" doc:"the connector that does it, or a name given under use; the workspace's own where not said"`
	Save    *variable      `flow:"save" doc:"the variable that takes what comes of it"`
	Errors  errorJumps     `flow:"errors" doc:"where the flow goes by the error's class, or by default; error then tells more"`
	Timeout span           `flow:"timeout" doc:"how long the result is waited for"`
}

// performs is a step that has a performer.
type performs interface {
	// performedBy gives who does it, and the role.
	performedBy() (*performer, role.Name)
	// performed gives the operation, and what it is for people.
	performed() (operation, what string)
}

// complete finds who was named for a role under "use", and says what is known of
// the result: nothing but what the role promises, unless a connector is named.
func (p *performer) complete(r *reader, name role.Name, record string) {
	if use := r.uses.of(string(name)); p.By == nil && use != string(name) {
		p.By = &connectorName{connector: use}
	}
	if p.Save == nil {
		return
	}
	if p.Save.typ = record; p.By != nil {
		p.Save.typ = "map"
	}
}

func (p *performer) exits() exits { return p.Errors.jumps(saving(p.Save)) }

// perform has an operation done, by the connection that keeps what it is about if
// that is known.
func (m *machine) perform(p *performer, by role.Name, operation, connection string, input map[string]any) move {
	values, _, err := normalise(input)
	if err != nil {
		return m.trouble(err)
	}
	js, err := json.Marshal(values)
	if err != nil {
		return m.trouble(errNotJSON)
	}
	e := Effect{Kind: EffectCall, Role: by, Operation: operation, Connection: connection, Input: js, Timeout: time.Duration(p.Timeout)}
	if p.By != nil {
		e.Connector = p.By.connector
	}
	m.st.Pending = m.emit(e)
	return park
}

// missing takes the errors branch of a step that has nothing to be about.
func (p *performer) missing(m *machine, code string) move {
	return m.finishCall(&Event{Error: &sdk.Error{Class: sdk.NotFound, Code: code}}, nil, p.Errors)
}

// What a conversation keeps of providers' objects, in State.Objects.
const (
	objectPayment = "payment"
	objectTicket  = "ticket"
	objectContact = "contact"
	objectLead    = "lead"
	objectDeal    = "deal"
)

// maxObjectID bounds the ID of what is kept.
const maxObjectID = 500

// Object is what a provider keeps for a conversation.
type Object struct {
	// ID is the provider's.
	ID string `json:"id"`
	// Connection is the engine's ID of the connection that has it; "" if not known.
	Connection string `json:"connection,omitempty"`
	// Ref of the effect that made it.
	Ref string `json:"ref,omitempty"`
}

// keepObject remembers what was made last of a kind.
func (m *machine) keepObject(kind string, o Object) {
	if o.ID == "" || len(o.ID) > maxObjectID {
		return
	}
	objects := maps.Clone(m.st.Objects)
	if objects == nil {
		objects = map[string]Object{}
	}
	objects[kind] = o
	m.st.Objects = objects
}

// made remembers what a call has made.
func (m *machine) made(kind string, ev *Event) {
	var out struct {
		ID string `json:"id"`
	}
	if ev.Error == nil && json.Unmarshal(ev.Output, &out) == nil {
		m.keepObject(kind, Object{ID: out.ID, Connection: ev.Connection, Ref: m.st.Pending})
	}
}

// records are the types of what the steps give, by the names that variables have
// for them.
var records = map[string]types.Map{
	"ticket": recordOf(reflect.TypeFor[role.TicketState]()),
	"person": recordOf(reflect.TypeFor[role.Person]()),
	"id":     recordOf(reflect.TypeFor[role.ID]()),
	"record": recordOf(reflect.TypeFor[role.Upserted]()),
	"refund": recordOf(reflect.TypeFor[role.RefundMade]()),
	"booking": {"id": types.String, "calendar": types.String, "start": types.String, "end": types.String,
		"day": types.String, "time": types.String, "when": types.String},
	"payment": {"payment_intent": types.String, "amount": types.Float64, "currency": types.String, "connection": types.String},
}

// recordOf gives the type of a role's answer. What may be absent can be anything.
func recordOf(t reflect.Type) types.Map {
	out := types.Map{}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "":
		case options != "":
			out[name] = types.Any
		case f.Type.Kind() == reflect.String:
			out[name] = types.String
		case f.Type.Kind() == reflect.Bool:
			out[name] = types.Bool
		default:
			out[name] = types.Float64
		}
	}
	return out
}

// fieldsOfRecords are the names of all their fields.
func fieldsOfRecords() []string {
	var out []string
	for _, r := range records {
		out = slices.AppendSeq(out, maps.Keys(r))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// performed checks a step that a connector of the workspace does by its role.
func (c *linter) performed(at pos, s performs) {
	p, _ := s.performedBy()
	name, what := s.performed()
	if name == "" {
		return // not readable, and reported
	}
	if !strings.HasSuffix(name, "_get") && p.Errors.of("") == nil {
		c.fail(at, "%s can fail: say with the key \"errors\" where to go then", what)
	}
	if p.By == nil {
		return
	}
	if _, problem := c.catalogue.find(operation{connector: p.By.connector, name: name}); problem != "" {
		if p.By.line > 0 {
			at = p.By.pos
		}
		c.fail(at, "%s", problem)
	}
}
