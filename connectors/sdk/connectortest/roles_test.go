package connectortest

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

type desk struct{}

type odd struct {
	ID    string `json:"id"`
	Extra string `json:"extra"` // required, which the role's is not
}

func did[In, Out any](name string) sdk.Operation {
	return sdk.Op(name, "", sdk.Effect{}, func(desk, context.Context, sdk.Call, In) (out Out, err error) { return out, nil })
}

func TestARoleIsTakenOnWholly(t *testing.T) {
	whole := []sdk.Operation{
		did[role.Ticket, role.TicketState]("ticket_create"),
		did[role.ID, role.TicketState]("ticket_get"),
		did[role.TicketChange, role.TicketState]("ticket_update"),
		did[role.Comment, role.ID]("ticket_comment"),
	}
	news := []sdk.Trigger{{Name: role.AgentSaid, Payload: role.Said{}}, {Name: "ticket.changed", Payload: role.TicketState{}}}
	found := func(ops []sdk.Operation, triggers []sdk.Trigger) string {
		s := Subject{Connector: sdk.Connector{Operations: ops, Triggers: triggers}}
		var all []string
		for _, c := range s.roleChecks() {
			all = append(all, attempt(t, c.Run)...)
		}
		return strings.Join(all, "; ")
	}
	require.Empty(t, found(whole, news))
	require.Contains(t, found(whole[:3], news), "has an operation ticket_comment too")
	require.Contains(t, found(whole, news[:1]), "has a trigger ticket.changed too")
	require.Contains(t, found(append(whole[:3:3], did[role.ID, role.ID]("ticket_comment")), news), "ticket_comment's input has no field text")
	require.Contains(t, found(append([]sdk.Operation{whole[0], did[odd, role.TicketState]("ticket_get")}, whole[2:]...), news), "extra is required")
	require.Empty(t, found([]sdk.Operation{whole[1]}, nil), "a connector that opens no tickets takes on nothing")
}
