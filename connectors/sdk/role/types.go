package role

import "time"

// ID names one object of a provider by the provider's own ID.
type ID struct {
	ID string `json:"id" doc:"The provider's ID of the object."`
}

// PaymentLink asks for a page on which one payment can be made.
type PaymentLink struct {
	Description    string            `json:"description" doc:"What is paid for, as the customer reads it; at most 250 characters."`
	Amount         int64             `json:"amount" doc:"What is charged in total, in the currency's minor unit."`
	Currency       string            `json:"currency" doc:"ISO 4217 code in capitals."`
	Metadata       map[string]string `json:"metadata,omitempty" doc:"Identifiers of your own, kept with the payment. Nothing personal."`
	SuccessMessage string            `json:"success_message,omitempty" doc:"What the customer reads after the payment, where the provider can show it."`
	Expires        time.Time         `json:"expires,omitzero" doc:"When the page closes."`
}

// PaymentLinkMade is such a page.
type PaymentLinkMade struct {
	ID       string `json:"id" doc:"The provider's ID of the page."`
	URL      string `json:"url" doc:"Address of the page."`
	Amount   int64  `json:"amount" doc:"In the currency's minor unit."`
	Currency string `json:"currency" doc:"ISO 4217 code in capitals."`
}

// Refund asks for a payment to be given back.
type Refund struct {
	PaymentIntent string `json:"payment_intent" doc:"The provider's ID of the payment."`
	Amount        int64  `json:"amount,omitempty" doc:"How much, in the currency's minor unit; all that is left unless given."`
	Reason        string `json:"reason,omitempty" doc:"duplicate, fraudulent or requested_by_customer."`
}

// RefundMade is a refund as the provider took it.
type RefundMade struct {
	ID     string `json:"id" doc:"The provider's ID of the refund."`
	Status string `json:"status" doc:"succeeded, pending or failed, or a word of the provider's."`
	Amount int64  `json:"amount" doc:"In the currency's minor unit."`
}

// Statuses of a ticket.
const (
	TicketOpen    = "open"
	TicketPending = "pending" // waits for the customer
	TicketSolved  = "solved"
	TicketClosed  = "closed" // for good
)

// Person is a customer as helpdesks and CRMs keep one. At least one of ExternalID,
// Email and Phone is given.
type Person struct {
	ExternalID string `json:"external_id,omitempty" doc:"Your own identifier of the person, by which they are found again."`
	Name       string `json:"name,omitempty" doc:"Full name."`
	Email      string `json:"email,omitempty" doc:"E-mail address."`
	Phone      string `json:"phone,omitempty" doc:"Phone number in E.164 form, with +."`
	Company    string `json:"company,omitempty" doc:"Name of their company, which is found or made."`
	Language   string `json:"language,omitempty" doc:"BCP 47 tag, such as hi."`
	// Properties are further fields by the provider's own names.
	Properties map[string]string `json:"properties,omitempty" doc:"Further fields, by the provider's own names."`
}

// Ticket asks for a ticket to be opened.
type Ticket struct {
	Subject  string   `json:"subject" doc:"What it is about, in a line."`
	Text     string   `json:"text" doc:"What the customer says."`
	Customer Person   `json:"customer" doc:"Whose ticket it is; found or made."`
	Priority string   `json:"priority,omitempty" doc:"low, normal, high or urgent."`
	Tags     []string `json:"tags,omitempty" doc:"Labels."`
	Group    string   `json:"group,omitempty" doc:"The provider's ID of the group of people who take it."`
}

// TicketState is a ticket as it now is.
type TicketState struct {
	ID       string `json:"id" doc:"The provider's ID of the ticket."`
	Status   string `json:"status" doc:"open, pending, solved or closed."`
	Subject  string `json:"subject,omitempty" doc:"What it is about, where it is told."`
	Priority string `json:"priority,omitempty" doc:"low, normal, high or urgent."`
	Assignee string `json:"assignee,omitempty" doc:"The provider's ID of the person who has it."`
	URL      string `json:"url,omitempty" doc:"Where people read it."`
}

// TicketChange changes what is given and leaves the rest.
type TicketChange struct {
	ID       string   `json:"id" doc:"The provider's ID of the ticket."`
	Status   string   `json:"status,omitempty" doc:"open, pending, solved or closed."`
	Priority string   `json:"priority,omitempty" doc:"low, normal, high or urgent."`
	Tags     []string `json:"tags,omitempty" doc:"Labels that are added."`
	Group    string   `json:"group,omitempty" doc:"The provider's ID of the group of people who take it."`
	Assignee string   `json:"assignee,omitempty" doc:"The provider's ID of the person who takes it."`
}

// Comment adds what the customer says to a ticket, or a note for the staff.
type Comment struct {
	ID      string `json:"id" doc:"The provider's ID of the ticket."`
	Text    string `json:"text" doc:"What is said."`
	Private bool   `json:"private,omitempty" doc:"Makes it a note that only the staff reads; else it is what the customer says."`
}

// Said is what a person wrote to a customer.
type Said struct {
	Text  string   `json:"text,omitempty" doc:"What was written, in plain text."`
	Agent string   `json:"agent,omitempty" doc:"The name that the customer may see."`
	Files []string `json:"files,omitempty" doc:"Addresses of files that come with it."`
	// Ticket or Chat is where it was written.
	Ticket string `json:"ticket,omitempty" doc:"The provider's ID of the ticket."`
	Chat   string `json:"chat,omitempty" doc:"The provider's ID of the chat."`
}

// Upserted is a record that was found and changed, or made.
type Upserted struct {
	ID      string `json:"id" doc:"The provider's ID of the record."`
	Created bool   `json:"created" doc:"Tells that there was none before."`
}

// Lead is somebody who may become a customer.
type Lead struct {
	Person
	Source string  `json:"source,omitempty" doc:"Where they came from, such as the campaign."`
	Score  float64 `json:"score,omitempty" doc:"How promising they are, from 0 to 100."`
	Status string  `json:"status,omitempty" doc:"A word of the provider's."`
}

// Deal asks for a deal (an opportunity) to be opened.
type Deal struct {
	Title    string `json:"title" doc:"Its name."`
	Contact  string `json:"contact,omitempty" doc:"The provider's ID of the contact."`
	Amount   int64  `json:"amount,omitempty" doc:"In the currency's minor unit."`
	Currency string `json:"currency,omitempty" doc:"ISO 4217 code in capitals."`
	Stage    string `json:"stage,omitempty" doc:"A stage of the provider's; its first if none is given."`
	Owner    string `json:"owner,omitempty" doc:"The provider's ID of the person who has it."`
}

// DealChange changes what is given and leaves the rest.
type DealChange struct {
	ID     string `json:"id" doc:"The provider's ID of the deal."`
	Stage  string `json:"stage,omitempty" doc:"A stage of the provider's."`
	Amount int64  `json:"amount,omitempty" doc:"In the currency's minor unit."`
	Owner  string `json:"owner,omitempty" doc:"The provider's ID of the person who has it."`
}

// Note adds a text to a contact's history.
type Note struct {
	Contact string `json:"contact" doc:"The provider's ID of the contact."`
	Text    string `json:"text" doc:"What is noted."`
	Deal    string `json:"deal,omitempty" doc:"The provider's ID of the deal that it is about."`
}

// Chat asks for a person to be brought in, who sees what was said so far.
type Chat struct {
	Customer   Person `json:"customer" doc:"Who writes; nothing is required."`
	Transcript []Line `json:"transcript,omitempty" doc:"What was said so far, oldest first."`
	Group      string `json:"group,omitempty" doc:"The provider's ID of the group of people who take it."`
}

// Line is something that was said.
type Line struct {
	From string    `json:"from" doc:"customer, bot or agent."`
	Text string    `json:"text" doc:"What was said."`
	At   time.Time `json:"at,omitzero" doc:"When."`
}

// ChatStarted is a chat that was begun.
type ChatStarted struct {
	ID string `json:"id" doc:"The provider's ID of the chat."`
}

// ChatMessage is what the customer says next.
type ChatMessage struct {
	ID   string `json:"id" doc:"The provider's ID of the chat."`
	Text string `json:"text" doc:"What was said."`
	File string `json:"file,omitempty" doc:"Address of a file that comes with it."`
}

// ChatTyping tells whether the customer is writing.
type ChatTyping struct {
	ID     string `json:"id" doc:"The provider's ID of the chat."`
	Typing bool   `json:"typing" doc:"Whether the customer is writing."`
}

// ChatTransfer hands a chat to another group.
type ChatTransfer struct {
	ID    string `json:"id" doc:"The provider's ID of the chat."`
	Group string `json:"group" doc:"The provider's ID of the group."`
}

// ChatEnded tells of a chat that is over.
type ChatEnded struct {
	Chat string `json:"chat" doc:"The provider's ID of the chat."`
}

// Group names a group of people; all of them if it is empty.
type Group struct {
	Group string `json:"group,omitempty" doc:"The provider's ID of the group."`
}

// Available tells whether somebody could take a chat now.
type Available struct {
	Available bool `json:"available" doc:"Whether somebody could take a chat now."`
}
