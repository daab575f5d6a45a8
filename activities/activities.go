// Package activities is what workflows cause: turns, calls of connectors, stages
// and messages of cases. It is the only place where Temporal meets connectors,
// store and bus, and it holds the one map from an error's class to Temporal's terms.
package activities

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/golang-lru/v2/expirable"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"parley/internal/bookings"
	"parley/internal/bus"
	"parley/internal/cases"
	"parley/internal/connections"
	"parley/internal/contacts"
	"parley/internal/conversations"
	"parley/internal/flows"
	"parley/internal/ledger"
	"parley/internal/misses"
	"parley/internal/models"
	"parley/internal/outages"
	"parley/internal/templates"
	"parley/internal/vault"
	"parley/workflows/conversation"
	"parley/workflows/flow"
	"parley/workflows/process"
)

// Starter starts workflows; a client.Client is one.
type Starter interface {
	ExecuteWorkflow(ctx context.Context, o client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
}

// Deps are what activities work with.
type Deps struct {
	Vault         *vault.Vault
	Conversations *conversations.Conversations
	Inbox         *bus.Inbox
	Ledger        *ledger.Ledger
	Cases         *cases.Cases
	Bookings      *bookings.Bookings
	Contacts      *contacts.Contacts
	Connections   *connections.Connections
	Outages       *outages.Outages
	Templates     *templates.Templates
	Flows         *flows.Flows
	Models        *models.Models
	Misses        *misses.Misses
	Starter       Starter
	Waker         bus.Waker
	Log           *slog.Logger
	Metrics       *Metrics
	// Settings of new cases by kind, as JSON: order.Settings.
	CaseSettings map[string]json.RawMessage
}

// Activities are registered with a worker by [Activities.Register]. They are safe
// for concurrent use.
type Activities struct {
	Deps
	programs *expirable.LRU[string, *flow.Program] // by workspace and hash: immutable
	live     *expirable.LRU[string, string]        // workspace, stage and name → hash, briefly
	bots     *expirable.LRU[string, heardBy]       // by workspace and hash: what understands for a program
}

// New returns the activities.
func New(d Deps) *Activities {
	return &Activities{Deps: d,
		programs: expirable.NewLRU[string, *flow.Program](1000, nil, 0),
		bots:     expirable.NewLRU[string, heardBy](200, nil, 0),
		live:     expirable.NewLRU[string, string](1000, nil, 2*time.Second)}
}

// Register registers all activities by the names that workflows call them by.
func (a *Activities) Register(r worker.ActivityRegistry) {
	for name, fn := range map[string]any{
		conversation.TurnActivity: a.Turn,
		conversation.CallActivity: a.CallConnector,
		process.OperationActivity: a.RunOperation,
		process.AdvanceActivity:   a.AdvanceCase,
		process.TellActivity:      a.TellContact,
		process.OutageActivity:    a.OutageOf,
	} {
		r.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
}

// program returns the flow that a conversation is in: the version it began with
// while a flow is under way, else the version of its connection's flow and stage.
// It returns nil for a connection without a flow.
func (a *Activities) program(ctx context.Context, ws uuid.UUID, conn *connections.Connection, hash string, underWay bool) (*flow.Program, error) {
	if !underWay || hash == "" {
		if conn.Flow == "" {
			return nil, nil
		}
		var err error
		if hash, err = a.hashOn(ctx, ws, conn.Flow, conn.Stage); err != nil {
			return nil, err
		}
	}
	key := ws.String() + hash
	if p, ok := a.programs.Get(key); ok {
		return p, nil
	}
	v, err := a.Flows.Get(ctx, ws, hash)
	if err != nil {
		return nil, err
	}
	p, err := compile(v.Name, v.Document)
	if err != nil {
		return nil, err
	}
	a.programs.Add(key, p)
	return p, nil
}

func (a *Activities) hashOn(ctx context.Context, ws uuid.UUID, name, stage string) (string, error) {
	key := ws.String() + stage + "/" + name
	if h, ok := a.live.Get(key); ok {
		return h, nil
	}
	v, err := a.Flows.On(ctx, ws, name, stage)
	if err != nil {
		return "", err
	}
	a.live.Add(key, v.Hash)
	return v.Hash, nil
}

func compile(name, document string) (*flow.Program, error) {
	return flow.Source{File: name + ".yaml", Text: []byte(document)}.Compile()
}
