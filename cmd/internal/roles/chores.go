package roles

import (
	"context"

	"parley/api/ingress"
	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/chores"
	"parley/internal/connections"
	"parley/internal/reconcile"
)

// chores returns what looks after subscriptions and polls. Polled events go the way
// of webhooks.
func (e *Engine) chores(d *bus.Dispatcher) (*chores.Sweeper, error) {
	m, err := chores.NewMetrics(e.Registry, e.DB)
	if err != nil {
		return nil, err
	}
	h := hooks{e: e, in: e.Intake(d)}
	delivery := ingress.Delivery{Inbox: h, Router: h}
	return &chores.Sweeper{DB: e.DB, Vault: e.Vault, Connections: e.Connections, Log: e.Log, OnDone: m.Done,
		Hook: func(k *connections.Connection) (string, error) {
			if e.PublicURL == "" {
				return "", sdk.Invalidf("public_url is not set: the provider could not reach us")
			}
			return e.hook(k.Connector.Name, k.Account), nil
		},
		Accept: func(ctx context.Context, k *connections.Connection, events []sdk.Event) error {
			return delivery.Deliver(ctx, edgeConnection(k), events)
		}}, nil
}

// reconciler settles effects of unknown outcome.
func (e *Engine) reconciler(d *bus.Dispatcher) *reconcile.Reconciler {
	return &reconcile.Reconciler{Ledger: e.Ledger, Connections: e.Connections, Dispatch: d, Log: e.Log}
}
