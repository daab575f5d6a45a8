package activities

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"parley/connectors/sdk"
	"parley/internal/connections"
	"parley/internal/conversations"
	"parley/workflows/flow"
)

const (
	// takesPayments is the operation that makes a connector one that takes payments.
	takesPayments = "payment_link_create"
	// chosen is the name of the connection that a workspace pays with, whichever
	// others it has; firstChoice is the connector where none has that name.
	chosen      = "payments"
	firstChoice = "stripe"
)

// choosePayments names the connector of each payment that a turn has planned and
// that the flow leaves open, so that all attempts at it go to the same.
func (a *Activities) choosePayments(ctx context.Context, turn *conversations.Turn) error {
	for i := range turn.Effects {
		e := &turn.Effects[i]
		request, ok := e.Request.(conversations.Requested)
		if !ok || flow.EffectKind(request.Kind) != flow.EffectPay || e.Connector != "" {
			continue
		}
		name, err := a.payments(ctx, turn.Snapshot.Workspace)
		if err != nil {
			return err
		}
		request.Connector = name
		e.Connector, e.Request = name, request
		for j := range turn.Calls {
			if turn.Calls[j].Key == e.Key {
				turn.Calls[j].Connector = name
			}
		}
	}
	return nil
}

// payments names the connector that takes a workspace's payments: that of its
// connection named "payments", else Stripe, else that of its oldest connection
// that can take any.
func (a *Activities) payments(ctx context.Context, ws uuid.UUID) (string, error) {
	all, err := a.Connections.List(ctx, ws)
	if err != nil {
		return "", err
	}
	able := slices.DeleteFunc(all, func(c *connections.Connection) bool {
		return !slices.ContainsFunc(c.Connector.Operations, func(op sdk.Operation) bool { return op.Name == takesPayments })
	})
	if len(able) == 0 {
		return firstChoice, nil // the call then says that there is none
	}
	rank := func(c *connections.Connection) int {
		switch {
		case c.Name == chosen:
			return 0
		case c.Connector.Name == firstChoice:
			return 1
		}
		return 2
	}
	best := slices.MinFunc(able, func(x, y *connections.Connection) int {
		if rank(x) != rank(y) {
			return rank(x) - rank(y)
		}
		return x.CreatedAt.Compare(y.CreatedAt)
	})
	return best.Connector.Name, nil
}
