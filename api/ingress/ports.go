package ingress

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"parley/connectors/sdk"
)

// Connection is where a webhook belongs.
type Connection struct {
	Workspace uuid.UUID
	ID        uuid.UUID
	Connector string
	// Account is the one in the webhook's path.
	Account string
	// Version changes whenever the configuration does.
	Version int64
	// Conn is what the connector's Open returned. It is asked for
	// [sdk.Receiver], [sdk.Handshaker] and [sdk.Accounts].
	Conn any
	// Former is the configuration before the present one, opened, which verifies
	// webhooks until FormerUntil; nil if there is none.
	Former      any
	FormerUntil time.Time
}

// ErrUnknownAccount is what a [Resolver] and a [Router] answer for an account that
// no connection has.
var ErrUnknownAccount = errors.New("ingress: no connection has this account")

// Resolver finds the connection that an address names.
type Resolver interface {
	// Resolve returns the connection whose webhook address has these parts,
	// opened. It is called with every request, before anything is verified, so it
	// should answer from memory and cache by version. An account that does not
	// exist is ErrUnknownAccount; any other error makes the provider try again.
	// It must be safe for concurrent use.
	Resolve(ctx context.Context, connector, account string) (Connection, error)
}

// Inbox keeps what webhooks report.
type Inbox interface {
	// Accept is durable when it returns nil: the provider is then told 200 and
	// never sends the events again. Events keep their order. What was received
	// before has no effect and counts as a duplicate. After an error all of the
	// events come again, also those that were kept. The context holds the
	// webhook's span, to be stored with the event (observe.TraceParent).
	Accept(ctx context.Context, c Connection, events []sdk.Event) (Outcome, error)
}

// Outcome counts what became of the events given to one Accept.
type Outcome struct {
	// Accepted were kept and numbered.
	Accepted int
	// Duplicates had been received before.
	Duplicates int
	// Blocked came from contacts that the workspace has blocked.
	Blocked int
	// Unknown were kept, but belong to nothing known yet, such as a payment that
	// no effect of ours explains.
	Unknown int
}

// Router finds other connections for events that name an account of their own: one
// webhook address can serve several numbers or pages.
type Router interface {
	// Route returns the connection of the same workspace and connector as c to
	// which the provider's account belongs, or ErrUnknownAccount.
	Route(ctx context.Context, c Connection, account string) (Connection, error)
	// Unrouted keeps visible for an operator that events came for an account that
	// no connection has. The events themselves are not kept. An error makes the
	// provider try again.
	Unrouted(ctx context.Context, c Connection, account string, events []sdk.Event) error
}
