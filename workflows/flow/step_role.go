package flow

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"parley/connectors/sdk/role"
)

// ticketStep opens a ticket at the workspace's helpdesk, or goes on with one: the
// one that was opened last in the conversation where with names no id.
//
//   - ticket: open
//     with: {subject: Parcel is late, text: "{{ what }}", priority: high}
//     save: ticket
//     errors: no_ticket
//
//   - ticket: comment
//     with: {text: "{{ more }}"}
//     errors: not_added
type ticketStep struct {
	Ticket ticketAction `flow:"ticket,required" doc:"what is done: open, comment, update, or get, which reads how it stands"`
	With   *arguments   `flow:"with" doc:"the fields of it, as listed under roles below; id is the ticket opened last in the conversation where not said"`
	performer
}

// crmStep keeps a customer and what is sold to them in the workspace's CRM.
//
//   - crm: lead
//     with: {email: =email, score: =score, source: web}
//     errors: not_kept
//
//   - crm: note
//     with: {text: "Wants to move in {{ month }}"}
//     errors: not_kept
type crmStep struct {
	CRM  crmAction  `flow:"crm,required" doc:"what is kept: contact, lead, deal, update_deal or note; or get, which reads a contact"`
	With *arguments `flow:"with" doc:"the fields of it, as listed under roles below; contact and id are those kept last in the conversation where not said"`
	performer
}

// action is one thing that is done by a role.
type action struct {
	operation string
	// record is the type of the result, as in [variable].
	record string
	// makes is the kind of object that comes of it.
	makes string
	// of are fields that name an object, by the kinds that stand for it where it is
	// not said; the first one that the conversation has.
	of map[string][]string
	// person is the field that describes the customer, "." if the input itself does.
	person string
}

var ticketActions = map[string]action{
	"open":    {operation: "ticket_create", record: "ticket", makes: objectTicket, person: "customer"},
	"comment": {operation: "ticket_comment", record: "id", of: map[string][]string{"id": {objectTicket}}},
	"update":  {operation: "ticket_update", record: "ticket", of: map[string][]string{"id": {objectTicket}}},
	"get":     {operation: "ticket_get", record: "ticket", of: map[string][]string{"id": {objectTicket}}},
}

var crmActions = map[string]action{
	"contact":     {operation: "contact_upsert", record: "record", makes: objectContact, person: "."},
	"lead":        {operation: "lead_upsert", record: "record", makes: objectLead, person: "."},
	"get":         {operation: "contact_get", record: "person", of: map[string][]string{"id": {objectContact}}},
	"deal":        {operation: "deal_create", record: "id", makes: objectDeal, of: map[string][]string{"contact": {objectContact}}},
	"update_deal": {operation: "deal_update", record: "id", of: map[string][]string{"id": {objectDeal}}},
	"note":        {operation: "note_create", record: "id", of: map[string][]string{"contact": {objectContact, objectLead}}},
}

type (
	ticketAction string
	crmAction    string
)

func (a *ticketAction) read(r *reader, n *node) { *a = ticketAction(r.action(n, ticketActions)) }
func (a *crmAction) read(r *reader, n *node)    { *a = crmAction(r.action(n, crmActions)) }

// action reads what a step does, one of a few words.
func (r *reader) action(n *node, actions map[string]action) string {
	words := sortedKeys(actions)
	word, ok := r.plain(n, "one of "+strings.Join(words, ", "))
	if _, known := actions[word]; ok && !known {
		r.fail(n.pos, "%q is none of %s%s", clip(word, 40), strings.Join(words, ", "), didYouMean(word, words))
		return ""
	}
	return word
}

func (s *ticketStep) finish(r *reader, n *node) {
	r.acts(n, ticketActions[string(s.Ticket)], role.Helpdesk, s.With, &s.performer)
}

func (s *crmStep) finish(r *reader, n *node) {
	r.acts(n, crmActions[string(s.CRM)], role.CRM, s.With, &s.performer)
}

func (s *ticketStep) performedBy() (*performer, role.Name) { return &s.performer, role.Helpdesk }
func (s *crmStep) performedBy() (*performer, role.Name)    { return &s.performer, role.CRM }

func (s *ticketStep) performed() (operation, what string) {
	return ticketActions[string(s.Ticket)].operation, "ticket: " + string(s.Ticket)
}

func (s *crmStep) performed() (operation, what string) {
	return crmActions[string(s.CRM)].operation, "crm: " + string(s.CRM)
}

func (s *ticketStep) run(m *machine) move {
	return m.act(ticketActions[string(s.Ticket)], role.Helpdesk, s.With, &s.performer)
}

func (s *crmStep) run(m *machine) move {
	return m.act(crmActions[string(s.CRM)], role.CRM, s.With, &s.performer)
}

func (s *ticketStep) result(m *machine, ev *Event) move {
	return m.acted(ticketActions[string(s.Ticket)], ev, &s.performer)
}

func (s *crmStep) result(m *machine, ev *Event) move {
	return m.acted(crmActions[string(s.CRM)], ev, &s.performer)
}

// words are the values of fields that take one of a few.
var wordsOfFields = map[string][]string{
	"status":   {role.TicketOpen, role.TicketPending, role.TicketSolved, role.TicketClosed},
	"priority": {"low", "normal", "high", "urgent"},
}

// acts checks an action's fields against what the role's operation takes.
func (r *reader) acts(n *node, a action, by role.Name, with *arguments, p *performer) {
	p.complete(r, by, a.record)
	if a.operation == "" {
		return // not readable, and reported
	}
	what := n.pairs[0].key.text + ": " + n.pairs[0].value.text
	if strings.HasSuffix(a.operation, "_get") && p.Save == nil {
		r.fail(n.pos, "%s needs the key \"save\"", what)
	}
	fields := fieldsOf(inputOf(by, a.operation))
	given := map[string]bool{}
	if with != nil {
		r.fields(&with.template, fields, what, by == role.Helpdesk)
		for _, key := range with.keys {
			given[key] = true
		}
	}
	for _, f := range fields {
		_, kept := a.of[f.name]
		if f.required && !kept && !given[f.name] && f.name != a.person {
			r.fail(n.pos, "%s needs %q in \"with\"", what, f.name)
		}
	}
}

// fields checks a mapping's keys, and what is written out of values that are one
// of a few words.
func (r *reader) fields(t *template, fields []roleField, what string, words bool) {
	for i, key := range t.keys {
		at := slices.IndexFunc(fields, func(f roleField) bool { return f.name == key })
		if at < 0 {
			r.fail(t.items[i].pos, "%s takes no %q%s", what, clip(key, 40), didYouMean(key, namesOf(fields)))
			continue
		}
		if inner := fields[at].fields; inner != nil && t.items[i].kind == mapNode {
			r.fields(t.items[i], inner, what+", "+key+",", false)
		}
		word, fixed := t.items[i].literal.(string)
		if allowed := wordsOfFields[key]; words && allowed != nil && fixed && t.items[i].expr == nil && !slices.Contains(allowed, word) {
			r.fail(t.items[i].pos, "%q is none of %s%s", clip(word, 40), strings.Join(allowed, ", "), didYouMean(word, allowed))
		}
	}
}

// act has an action done.
func (m *machine) act(a action, by role.Name, with *arguments, p *performer) move {
	input := map[string]any{}
	if with != nil {
		v, err := m.value(&with.template)
		if err != nil {
			return m.trouble(err)
		}
		input = maps.Clone(v.(map[string]any)) // arguments are a mapping
	}
	switch a.person {
	case "":
	case ".":
		m.describe(input)
	default:
		who, _ := input[a.person].(map[string]any)
		if who = maps.Clone(who); who == nil {
			who = map[string]any{}
		}
		m.describe(who)
		input[a.person] = who
	}
	connection, missing := m.about(a, by, input)
	if missing != "" {
		return p.missing(m, "no_"+missing)
	}
	return m.perform(p, by, a.operation, connection, input)
}

// about completes the fields that name an object, and finds the connection that
// keeps it. It reports what is missing.
func (m *machine) about(a action, by role.Name, input map[string]any) (connection, missing string) {
	for field, kinds := range a.of {
		for _, kind := range kinds {
			o, kept := m.st.Objects[kind]
			if id, said := input[field]; kept && (!said || text(id) == o.ID) {
				input[field], connection = o.ID, o.Connection
				break
			}
		}
		if _, known := input[field]; !known && requires(by, a.operation, field) {
			return "", kinds[0]
		}
	}
	return connection, ""
}

// describe completes what is known of a customer: the engine's own ID of them, by
// which providers find them again, and the name that the channel gives.
func (m *machine) describe(who map[string]any) {
	if who["external_id"] == nil && m.in.Person != "" {
		who["external_id"] = m.in.Person
	}
	if name, known := m.in.Contact["name"].(string); who["name"] == nil && known && name != "" {
		who["name"] = name
	}
}

func (m *machine) acted(a action, ev *Event, p *performer) move {
	if a.makes != "" {
		m.made(a.makes, ev)
	}
	return m.finishCall(ev, p.Save, p.Errors)
}

// roleField is a field of an operation's input, as the role describes it.
type roleField struct {
	name, doc string
	required  bool
	// fields of a mapping.
	fields []roleField
}

func namesOf(fields []roleField) []string {
	var out []string
	for _, f := range fields {
		out = append(out, f.name)
	}
	return out
}

// inputOf is the type of the input of a role's operation.
func inputOf(name role.Name, operation string) reflect.Type {
	for _, r := range role.All() {
		for _, o := range r.Operations {
			if r.Name == name && o.Name == operation {
				return o.Input
			}
		}
	}
	return reflect.TypeFor[struct{}]()
}

// fieldsOf lists the fields of a type, those of what it embeds included.
func fieldsOf(t reflect.Type) []roleField {
	var out []roleField
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			continue
		}
		one := roleField{name: name, doc: f.Tag.Get("doc"), required: options == ""}
		if f.Type.Kind() == reflect.Struct {
			one.fields = fieldsOf(f.Type)
		}
		out = append(out, one)
	}
	return out
}

func requires(by role.Name, operation, field string) bool {
	return slices.ContainsFunc(fieldsOf(inputOf(by, operation)), func(f roleField) bool { return f.name == field && f.required })
}
