// Package demo fills a fresh system with a demo workspace. It knows the sandbox,
// which is why it stands apart from the roles that run in production.
package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/google/uuid"
	"parley/cmd/internal/roles"
	"parley/connectors/sdk/fake"
	"parley/internal/access"
	"parley/internal/bookings"
	"parley/internal/connections"
	"parley/internal/sandbox"
	"parley/stacks"
	"parley/workflows/flow"
)

// Options is what a fresh data folder is seeded with.
type Options struct {
	// Workspace is the slug, "demo" by default.
	Workspace string
	Stack     string
	AdminKey  string
	// APIURL and SandboxURL are where the two are reached.
	APIURL     string
	SandboxURL string
	SandboxKey []byte
	// Fakes to connect to.
	Fakes []fake.Provider
}

// account is the name of the demo account of every channel and connector.
const account = "demo"

// Account is one demo account: as PUT /v1/connections takes it.
type Account struct {
	Account string          `json:"account"`
	Hook    string          `json:"hook"`
	Config  json.RawMessage `json:"config"`
}

// Seed makes the demo workspace with its admin key, a published stack, and a
// connection of every connector to the sandbox, and tells the sandbox of them. It
// changes nothing that is there.
func Seed(ctx context.Context, e *roles.Engine, d Options) (map[string]Account, error) {
	if d.Workspace == "" {
		d.Workspace = "demo"
	}
	keys := access.New(e.DB)
	ws, err := keys.Workspace(ctx, d.Workspace)
	if err != nil {
		return nil, err
	}
	if err := keys.AddKey(ctx, ws, "admin", d.AdminKey, []string{"*"}); err != nil {
		return nil, err
	}
	name, err := publishStack(ctx, e, ws, d.Stack)
	if err != nil {
		return nil, err
	}
	if err := makeCalendars(ctx, e, ws, d.Stack); err != nil {
		return nil, err
	}
	out := map[string]Account{}
	for _, f := range d.Fakes {
		out[f.Connector] = Account{Account: account, Hook: "/hooks/" + f.Connector + "/" + account,
			Config: f.Account(d.SandboxURL+"/"+f.Connector, sandbox.Secrets(d.SandboxKey, f.Connector))}
	}
	chat, err := json.Marshal(map[string]any{"webhook_secret": sandbox.Secrets(d.SandboxKey, "webchat")("session"),
		"allowed_origins": []string{"*"}, "title": "Corner Coffee", "color": "#a4502b",
		"greeting": "Hello! Fresh beans, orders and questions: we are here.", "suggestions": []string{"Hi", "Where is my order?"}})
	if err != nil {
		return nil, err
	}
	out["webchat"] = Account{Account: account, Hook: "/hooks/webchat/" + account, Config: chat}
	for _, connector := range slices.Sorted(maps.Keys(out)) { // which one is the oldest of a role is no matter of chance
		if err := connect(ctx, e, ws, connector, out[connector], name); err != nil {
			return nil, err
		}
	}
	return out, tellSandbox(ctx, d, out)
}

// makeCalendars makes the calendars that a stack makes appointments in, unless they
// are there.
func makeCalendars(ctx context.Context, e *roles.Engine, ws uuid.UUID, stack string) error {
	s, err := stacks.Load(stack)
	if err != nil {
		return err
	}
	for _, name := range s.Calendars {
		if _, err := e.Bookings.Calendar(ctx, ws, name); !errors.Is(err, bookings.ErrNoCalendar) {
			if err != nil {
				return err
			}
			continue
		}
		if _, err := e.Bookings.Put(ctx, ws, name, bookings.Calendar{Title: "Demo", Zone: "Asia/Kolkata", Minutes: 30,
			Week: map[string]string{"mon-sat": "9:00-19:00"}}, "seed"); err != nil {
			return err
		}
	}
	return nil
}

// publishStack publishes the stack's flows where there are none of their names, and
// returns the name of the one that answers.
func publishStack(ctx context.Context, e *roles.Engine, ws uuid.UUID, stack string) (string, error) {
	s, err := stacks.Load(stack)
	if err != nil {
		return "", err
	}
	first := ""
	for _, f := range s.Flows {
		doc, problems := flow.Parse(f.File, f.Source)
		if len(problems) > 0 {
			return "", errors.New(problems[0].String())
		}
		p, err := flow.Compile(doc)
		if err != nil {
			return "", err
		}
		if first == "" {
			first = p.Name()
		}
		if _, err := e.Flows.Live(ctx, ws, p.Name()); err == nil {
			continue // also one that was changed since
		}
		if err := e.Flows.Publish(ctx, ws, p.Name(), p.Hash(), string(f.Source), "seed"); err != nil {
			return "", err
		}
	}
	return first, nil
}

func connect(ctx context.Context, e *roles.Engine, ws uuid.UUID, connector string, a Account, flowName string) error {
	_, err := e.Connections.ByName(ctx, ws, connector)
	if err == nil {
		return nil
	}
	if !errors.Is(err, connections.ErrNotFound) {
		return err
	}
	if _, err := e.Connections.Put(ctx, ws, connector, connector, a.Account, flowName, a.Config, "seed"); err != nil {
		return fmt.Errorf("demo connection of %s: %w", connector, err)
	}
	return nil
}

func tellSandbox(ctx context.Context, d Options, accounts map[string]Account) error {
	list := map[string][]fake.Account{}
	for _, f := range d.Fakes {
		a := accounts[f.Connector]
		list[f.Connector] = []fake.Account{{Account: a.Account, Hook: d.APIURL + a.Hook, Config: a.Config}}
	}
	body, err := json.Marshal(list)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, d.SandboxURL+"/_control/accounts", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the sandbox does not answer: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the sandbox refused the accounts: %s", resp.Status)
	}
	return nil
}
