package flow

import (
	"errors"
	"math"

	"parley/connectors/sdk/role"
)

var errRefund = errors.New("what is refunded must be a whole number of minor units above 0")

// refundStep gives a payment back, all that is left of it or a part: by the
// connection that took it.
//
//   - refund: paid
//     amount: 1200
//     save: refund
//     errors: not_refunded
type refundStep struct {
	// Refund is the payment made last in the conversation where none is named.
	Refund optionalExpr `flow:"refund,required" doc:"the payment: what the pay step or a case has saved, or the provider's ID; the one made last in the conversation where not said"`
	Amount *expr        `flow:"amount" doc:"how much, in the currency's minor unit; all that is left where not said"`
	Reason *fill        `flow:"reason" doc:"duplicate, fraudulent or requested_by_customer"`
	performer
}

// optionalExpr is an expression that may be left empty.
type optionalExpr struct{ *expr }

func (o *optionalExpr) read(r *reader, n *node) {
	if n.kind != nullNode {
		o.expr = &expr{}
		o.expr.read(r, n)
	}
}

func (s *refundStep) finish(r *reader, _ *node) { s.complete(r, role.Payments, "refund") }

func (s *refundStep) performedBy() (*performer, role.Name) { return &s.performer, role.Payments }
func (s *refundStep) performed() (operation, what string)  { return "refund_create", "a refund" }

func (s *refundStep) run(m *machine) move {
	input := map[string]any{}
	connection, err := s.payment(m, input)
	if err != nil {
		return m.trouble(err)
	}
	if len(input) == 0 {
		return s.missing(m, "no_payment")
	}
	if s.Amount != nil {
		v, err := m.eval(s.Amount)
		if err != nil {
			return m.trouble(err)
		}
		f, ok := number(v)
		if !ok || f != math.Trunc(f) || f <= 0 || f > maxAmount {
			return m.trouble(errRefund)
		}
		input["amount"] = f
	}
	if s.Reason != nil {
		reason, err := m.text(&s.Reason.phrase)
		if err != nil {
			return m.trouble(err)
		}
		input["reason"] = reason
	}
	return m.perform(&s.performer, role.Payments, "refund_create", connection, input)
}

// payment finds what is given back, and the connection that took it where the
// flow knows. The payment of a case is found by the engine.
func (s *refundStep) payment(m *machine, input map[string]any) (connection string, err error) {
	last := m.st.Objects[objectPayment]
	id := last.ID
	if s.Refund.expr != nil {
		v, err := m.eval(s.Refund.expr)
		if err != nil {
			return "", err
		}
		switch v := v.(type) {
		case map[string]any:
			if of, isCase := v["case_id"].(string); isCase {
				input["case_id"] = of
				return "", nil
			}
			id, _ = v["payment_intent"].(string)
			connection, _ = v["connection"].(string)
		default:
			id = text(v)
		}
	}
	if id == "" {
		return "", nil
	}
	if connection == "" && id == last.ID {
		connection = last.Connection
	}
	input["payment_intent"] = id
	return connection, nil
}

func (s *refundStep) result(m *machine, ev *Event) move { return m.finishCall(ev, s.Save, s.Errors) }
