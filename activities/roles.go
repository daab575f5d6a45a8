package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/google/uuid"
	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
	"parley/internal/cases"
	"parley/internal/connections"
	"parley/internal/conversations"
	"parley/internal/ledger"
	"parley/workflows/flow"
)

// takesPayments is the operation by which a payment is asked for.
const takesPayments = "payment_link_create"

// preferred is the connector that a role falls to where no connection has its name:
// workspaces had it before there was a choice.
var preferred = map[role.Name]string{role.Payments: "stripe"}

// chooseConnections says which connection performs each effect that a turn has
// planned by a role, so that all attempts at it go to the same.
func (a *Activities) chooseConnections(ctx context.Context, turn *conversations.Turn) error {
	ws := turn.Snapshot.Workspace
	for i := range turn.Effects {
		e := &turn.Effects[i]
		request, ok := e.Request.(conversations.Requested)
		if !ok || request.Role == "" || e.Connector != "" {
			continue
		}
		conn, err := a.keeper(ctx, ws, request.Connection)
		if err == nil && conn == nil {
			conn, err = a.byRole(ctx, ws, role.Name(request.Role))
		}
		if err != nil {
			return err
		}
		request.Connector = request.Role // the call then says that there is none
		if conn != nil {
			request.Connector, request.Connection = conn.Connector.Name, conn.ID
			e.Connection = conn.ID
		}
		e.Connector, e.Request = request.Connector, request
		for j := range turn.Calls {
			if turn.Calls[j].Key == e.Key {
				turn.Calls[j].Connector = request.Connector
			}
		}
	}
	return nil
}

// keeper is the connection that keeps what an effect is about; nil if it is not
// known, or is no more.
func (a *Activities) keeper(ctx context.Context, ws, id uuid.UUID) (*connections.Connection, error) {
	if id == uuid.Nil {
		return nil, nil
	}
	conn, err := a.Connections.Get(ctx, ws, id)
	if errors.Is(err, connections.ErrNotFound) {
		return nil, nil
	}
	return conn, err
}

// byRole is the connection that a workspace has for a role: the one that is named
// after it, else the preferred connector's, else the oldest whose connector has taken
// it on; nil if there is none.
func (a *Activities) byRole(ctx context.Context, ws uuid.UUID, name role.Name) (*connections.Connection, error) {
	all, err := a.Connections.List(ctx, ws)
	if err != nil {
		return nil, err
	}
	able := slices.DeleteFunc(all, func(c *connections.Connection) bool { return !role.Has(c.Connector, name) })
	if len(able) == 0 {
		return nil, nil
	}
	rank := func(c *connections.Connection) int {
		switch {
		case c.Name == string(name):
			return 0
		case c.Connector.Name == preferred[name]:
			return 1
		}
		return 2
	}
	return slices.MinFunc(able, func(x, y *connections.Connection) int {
		return cmp.Or(rank(x)-rank(y), x.CreatedAt.Compare(y.CreatedAt))
	}), nil
}

// payments names the connector that takes the payments of a workspace's cases.
func (a *Activities) payments(ctx context.Context, ws uuid.UUID) (string, error) {
	conn, err := a.byRole(ctx, ws, role.Payments)
	if err != nil || conn == nil {
		return string(role.Payments), err // the call then says that there is none
	}
	return conn.Connector.Name, nil
}

// connectionOf is the connection that performs an effect, as its turn has chosen
// it; of an effect that names its connector, the workspace's one of that.
func (a *Activities) connectionOf(ctx context.Context, ws uuid.UUID, req conversations.Requested) (*connections.Connection, error) {
	conn, err := a.keeper(ctx, ws, req.Connection)
	if err != nil || conn != nil && conn.Connector.Name == req.Connector { // it may be another provider's by now
		return conn, err
	}
	if conn, err = a.Connections.ForConnector(ctx, ws, req.Connector); !errors.Is(err, connections.ErrNotFound) {
		return conn, err
	}
	if req.Role != "" && req.Connector == req.Role {
		return nil, sdk.Invalidf("the workspace has no connection that takes on the role %s: connect one with parley connection put", req.Role)
	}
	return nil, sdk.Invalidf("the workspace has no connection of connector %s", req.Connector)
}

// roleOf is the role by which an effect of a flow is performed, "" if by none.
func roleOf(e flow.Effect) role.Name {
	if e.Kind == flow.EffectPay {
		return role.Payments
	}
	return e.Role
}

// chosenBefore is the connection that an effect of a flow names.
func chosenBefore(e flow.Effect) uuid.UUID {
	id, err := uuid.Parse(e.Connection)
	if err != nil {
		return uuid.Nil
	}
	return id
}

// refundOfCase completes a refund that names a case with the payment that the case
// has taken, and who took it. Others are left as they are.
func (a *Activities) refundOfCase(ctx context.Context, ref conversations.Ref, req conversations.Requested) (conversations.Requested, error) {
	var in map[string]json.RawMessage
	var id uuid.UUID
	if req.Role != string(role.Payments) || json.Unmarshal(req.Input, &in) != nil || in["case_id"] == nil {
		return req, nil
	}
	if json.Unmarshal(in["case_id"], &id) != nil {
		return req, sdk.Invalidf("case_id is no ID of a case")
	}
	mine, err := a.Cases.OfContact(ctx, ref.Workspace, ref.Contact, "")
	if err != nil {
		return req, err
	}
	if !slices.ContainsFunc(mine, func(c cases.Case) bool { return c.ID == id }) {
		return req, &sdk.Error{Class: sdk.NotFound, Code: "no_case", Message: "the contact has no such case"}
	}
	news, found, err := a.Cases.Last(ctx, cases.Key{Workspace: ref.Workspace, ID: id}, "payment.paid")
	if err != nil {
		return req, err
	}
	var paid flow.Paid
	if !found || json.Unmarshal(news.Data, &paid) != nil || paid.PaymentIntent == "" {
		return req, &sdk.Error{Class: sdk.NotFound, Code: "no_payment", Message: "the case has taken no payment"}
	}
	taken, err := a.Ledger.Get(ctx, ref.Workspace, news.EffectKey)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return req, err
	}
	delete(in, "case_id")
	if in["payment_intent"], err = json.Marshal(paid.PaymentIntent); err != nil {
		return req, err
	}
	req.Connector, req.Connection = taken.Connector, taken.Connection
	req.Input, err = json.Marshal(in)
	return req, err
}
