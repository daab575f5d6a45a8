// Package stacks offers ready-made solutions: flows with what they need to run.
package stacks

import (
	"fmt"
	"slices"
	"strings"

	"parley/stacks/commerce"
	"parley/stacks/leads"
	"parley/stacks/service"
)

// Stack is one solution.
type Stack struct {
	Name string
	// Title is one sentence for people.
	Title string
	// Flows are its documents; the first one answers the customers.
	Flows []Flow
	// Connectors names those that must be connected, beside a channel; Roles those
	// that a connection of any provider must have taken on, such as helpdesk.
	Connectors, Roles []string
	// Calendars names those of the workspace in which appointments are made.
	Calendars []string
}

// Flow is one document.
type Flow struct {
	// File is the document's name in problems, e.g. "commerce.yaml".
	File   string
	Source []byte
}

var all = map[string]Stack{
	"commerce": {
		Title:      "A shop in a chat: catalogue, cart, payment, order status, people.",
		Flows:      []Flow{{"commerce.yaml", commerce.Flow}},
		Connectors: commerce.Connectors,
	},
	"customer-service": {
		Title: "Customer service in a chat: common questions, tickets, people, feedback; English and Hindi.",
		Flows: []Flow{{"service.yaml", service.Flow}},
		Roles: service.Roles,
	},
	"leads": {
		Title:     "Lead generation in a chat: qualifying questions, a score, the CRM, an appointment; English and Hindi.",
		Flows:     []Flow{{"leads.yaml", leads.Flow}},
		Roles:     leads.Roles,
		Calendars: []string{leads.Calendar},
	},
}

// Names lists the stacks in alphabetical order.
func Names() []string {
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Load gives a stack by its name; the error lists those that exist. The result
// is the caller's own.
func Load(name string) (Stack, error) {
	s, ok := all[name]
	if !ok {
		return Stack{}, fmt.Errorf("there is no stack %q; there are: %s", name, strings.Join(Names(), ", "))
	}
	s.Name = name
	s.Connectors, s.Roles, s.Calendars = slices.Clone(s.Connectors), slices.Clone(s.Roles), slices.Clone(s.Calendars)
	s.Flows = slices.Clone(s.Flows)
	for i, f := range s.Flows {
		s.Flows[i].Source = slices.Clone(f.Source)
	}
	return s, nil
}
