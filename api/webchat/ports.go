package webchat

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"parley/connectors/sdk"
	channel "parley/connectors/webchat"
)

// Connection is one widget of one workspace.
type Connection struct {
	Workspace uuid.UUID
	ID        uuid.UUID
	Account   string
	Conn      *channel.Connection
}

// ErrUnknownAccount is what a [Resolver] answers for an account that is not
// there.
var ErrUnknownAccount = errors.New("no web chat has this account")

// Resolver finds the widget that an address names.
type Resolver interface {
	// Resolve returns the account's connection, opened. It is called with every
	// request and should answer from memory. An account that does not exist is
	// ErrUnknownAccount. It must be safe for concurrent use.
	Resolve(ctx context.Context, account string) (Connection, error)
}

// Inbox keeps what visitors say.
type Inbox interface {
	// Accept is durable when it returns nil: the visitor is told that the message
	// was sent. An event whose ID the account has seen before is accepted again
	// without effect. Events of one call keep their order, and so do calls that
	// follow one another. An *sdk.Error of a final class refuses the events for
	// good; any other error makes the widget try again.
	Accept(ctx context.Context, c Connection, events []sdk.Event) error
}

// Who wrote an entry.
const (
	FromCustomer = "customer"
	FromBusiness = "business"
	FromAgent    = "agent"
)

// Entry is one message of a conversation as the widget shows it.
type Entry struct {
	// Cursor is the entry's place. It grows within a conversation.
	Cursor int64 `json:"cursor"`
	// From is FromCustomer, FromBusiness or FromAgent.
	From string `json:"from"`
	// ID of the message. For a customer's it is the sdk.Incoming.ID under which
	// it was accepted, by which the widget knows its own messages again.
	ID      string      `json:"id"`
	Content sdk.Content `json:"content"`
	At      time.Time   `json:"at"`
}

// History reads what was said.
type History interface {
	// Messages returns the visitor's messages in ascending order of cursor: the
	// newest limit ones if after is 0, else the oldest limit ones after it. A
	// visitor without a conversation has none, and that is no error. An entry may
	// become visible only when all with smaller cursors are; otherwise the widget
	// would miss one.
	Messages(ctx context.Context, c Connection, visitor sdk.Address, after int64, limit int) ([]Entry, error)
}

// Watch tells when a look into the history is worthwhile.
type Watch interface {
	// Subscribe returns a channel that receives when the visitor may have new
	// messages, and a function that ends the subscription. Signals may be merged,
	// spurious or lost: the history is also read at a slow pace without them.
	Subscribe(c Connection, visitor sdk.Address) (<-chan struct{}, func())
}
