package shopifyfake

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// keyLifetime is how long the shop remembers an idempotency key.
const keyLifetime = 24 * time.Hour

// usedKey is what is kept of a mutation with an idempotency key.
type usedKey struct {
	Input    string    `json:"input"`
	RefundID string    `json:"refund_id"`
	Amount   int64     `json:"amount"`
	At       time.Time `json:"at"`
}

func (s *shop) refundCreate(r request) (any, error) {
	if strings.TrimSpace(r.key) == "" {
		return nil, &graphqlError{"The @idempotent directive is required for this mutation", "BAD_REQUEST"}
	}
	raw, err := json.Marshal(r.args["input"])
	if err != nil {
		return nil, err
	}
	var before usedKey
	known := s.env.State().Get("idempotency", r.key, &before) && s.env.Now().Sub(before.At) < keyLifetime
	if _, forget := s.env.Fault("forget_keys", r.op); known && !forget {
		if before.Input != string(raw) {
			return nil, &graphqlError{"The same idempotency key cannot be used with different operation parameters", "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"}
		}
		return refundObject(before.RefundID, before.Amount), nil
	}
	var in struct {
		OrderID      string `json:"orderId"`
		Transactions []struct {
			Amount string `json:"amount"`
		} `json:"transactions"`
	}
	if err := decode(r.args["input"], &in); err != nil {
		return nil, err
	}
	refuse := func(field, message string) (any, error) {
		return userErrors("userErrors", []string{field}, message, "").with("refund", nil).with("order", nil), nil
	}
	o, ok := s.getOrder(in.OrderID)
	if !ok {
		return refuse("orderId", "Order does not exist")
	}
	var amount int64
	for _, t := range in.Transactions {
		cents, err := parseCents(t.Amount)
		if err != nil {
			return refuse("transactions", "Amount is invalid")
		}
		amount += cents
	}
	if amount <= 0 || amount > total(o.Lines)-o.Refunded {
		return refuse("transactions", "Refund amount cannot be more than the amount available to refund")
	}
	id := s.refund(&o, amount, r.key)
	s.put(o)
	s.env.State().Put("idempotency", r.key, usedKey{Input: string(raw), RefundID: id, Amount: amount, At: s.env.Now()})
	return refundObject(id, amount), nil
}

// refund gives money back and tells about it; the caller keeps the order.
func (s *shop) refund(o *order, amount int64, key string) string {
	if amount <= 0 {
		return ""
	}
	o.Refunded += amount
	n := 4_000_000_000 + s.count("refund")
	id := gid("Refund", n)
	s.env.State().Put("refund", id, object{"order": o.ID, "amount": amount, "key": key})
	s.tell(object{
		"id": n, "order_id": orderBase + o.Number, "admin_graphql_api_id": id, "created_at": s.env.Now(), "note": nil,
		"transactions": []object{{"id": n, "kind": "refund", "status": "success", "amount": decimal(amount), "currency": currency, "gateway": "manual"}},
	}, "refunds/create")
	return id
}

func refundObject(id string, amount int64) object {
	return object{"refund": object{"__typename": "Refund", "id": id, "totalRefundedSet": moneyBag(amount)},
		"order": nil, "userErrors": []object{}}
}

// parseCents reads "12.5" or "12.50".
func parseCents(s string) (int64, error) {
	whole, fraction, _ := strings.Cut(s, ".")
	if len(fraction) > 2 {
		return 0, fmt.Errorf("more than two decimals")
	}
	return strconv.ParseInt(whole+(fraction + "00")[:2], 10, 64)
}
