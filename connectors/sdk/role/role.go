// Package role describes what several providers do alike: take payments, keep
// tickets, keep customers, let a person chat. Flows say "open a ticket"; whichever
// helpdesk a workspace has connected does it.
//
// A connector takes on a role by having the role's first operation. It then has all
// the others too, by the same names, and takes and gives at least the fields of the
// types here; more fields of its own are welcome if none of them is required. The
// conformance kit holds it to that.
//
// The package uses the standard library and the sdk only.
package role

import (
	"reflect"
	"slices"

	"parley/connectors/sdk"
)

// Name of a role, as flows and connections use it.
type Name string

// The roles.
const (
	Payments Name = "payments"
	Helpdesk Name = "helpdesk"
	CRM      Name = "crm"
	LiveChat Name = "livechat"
	// Templates is the role of channels whose provider approves messages that go out
	// unasked, and may change its mind.
	Templates Name = "templates"
)

// Role is what a connector of one kind can do at least.
type Role struct {
	Name       Name
	Operations []Operation
	Triggers   []Trigger
}

// Operation is one of the things done alike.
type Operation struct {
	Name          string
	Input, Output reflect.Type
}

// Trigger is news that is told alike.
type Trigger struct {
	Name    string
	Payload reflect.Type
}

func op[In, Out any](name string) Operation {
	return Operation{name, reflect.TypeFor[In](), reflect.TypeFor[Out]()}
}

func trigger[P any](name string) Trigger { return Trigger{name, reflect.TypeFor[P]()} }

// All lists the roles. The slice is the caller's.
func All() []Role {
	return []Role{
		{Payments, []Operation{
			op[PaymentLink, PaymentLinkMade]("payment_link_create"),
			op[ID, ID]("payment_link_deactivate"),
			op[Refund, RefundMade]("refund_create"),
		}, []Trigger{trigger[struct{}]("payment.paid")}},
		{Helpdesk, []Operation{
			op[Ticket, TicketState]("ticket_create"),
			op[ID, TicketState]("ticket_get"),
			op[TicketChange, TicketState]("ticket_update"),
			op[Comment, ID]("ticket_comment"),
		}, []Trigger{trigger[Said](AgentSaid), trigger[TicketState]("ticket.changed")}},
		{CRM, []Operation{
			op[Person, Upserted]("contact_upsert"),
			op[Lead, Upserted]("lead_upsert"),
			op[ID, Person]("contact_get"),
			op[Deal, ID]("deal_create"),
			op[DealChange, ID]("deal_update"),
			op[Note, ID]("note_create"),
		}, nil},
		{LiveChat, []Operation{
			op[Chat, ChatStarted]("chat_start"),
			op[ChatMessage, ID]("chat_say"),
			op[ChatTyping, struct{}]("chat_typing"),
			op[ChatTransfer, struct{}]("chat_transfer"),
			op[ID, struct{}]("chat_close"),
			op[Group, Available]("agents_available"),
		}, []Trigger{trigger[Said](AgentSaid), trigger[ChatEnded](ChatClosed)}},
		{Templates, []Operation{
			op[TemplateDraft, TemplateState]("template_submit"),
			op[TemplatesAfter, TemplatePage]("template_list"),
			op[TemplateName, struct{}]("template_delete"),
		}, []Trigger{trigger[TemplateState](TemplateChanged)}},
	}
}

// Names of news that the engine itself acts on.
const (
	// AgentSaid tells that a person wrote to the customer at a provider: in a
	// ticket, or in a chat. It goes to the customer on the channel they wrote from.
	AgentSaid = "agent.said"
	// ChatClosed tells that a live chat is over: the bot has the conversation again.
	ChatClosed = "chat.closed"
	// TemplateChanged tells that a provider has approved, refused, paused or
	// re-categorised a template.
	TemplateChanged = "template.changed"
)

// Of lists the roles that a connector takes on.
func Of(c sdk.Connector) []Role {
	return slices.DeleteFunc(All(), func(r Role) bool { return !Has(c, r.Name) })
}

// Has tells whether a connector takes on a role.
func Has(c sdk.Connector, name Name) bool {
	first := of(name).Operations[0].Name
	return slices.ContainsFunc(c.Operations, func(o sdk.Operation) bool { return o.Name == first })
}

func of(name Name) Role {
	all := All()
	return all[slices.IndexFunc(all, func(r Role) bool { return r.Name == name })]
}
