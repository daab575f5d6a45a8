package razorpayfake

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// object is one of Razorpay's, as Razorpay writes it.
type object map[string]any

func (o object) text(field string) string {
	text, _ := o[field].(string)
	return text
}

// number reads an amount or a count: what came as JSON is a float64.
func (o object) number(field string) int64 {
	switch n := o[field].(type) {
	case float64:
		return int64(n)
	case int64:
		return n
	case int:
		return int64(n)
	}
	return 0
}

func (o object) object(field string) object {
	switch inner := o[field].(type) {
	case object:
		return inner
	case map[string]any:
		return inner
	}
	return object{}
}

// record is an object as it is kept.
type record struct {
	Owner  string    `json:"owner"`
	Made   time.Time `json:"made"`
	Object object    `json:"object"`
}

// kinds are the buckets by the prefix of an ID.
var kinds = map[string]string{"plink": "payment_links", "order": "orders", "pay": "payments", "rfnd": "refunds", "cont": "contacts",
	"fa": "fund_accounts", "pout": "payouts", "inv": "invoices", "setl": "settlements", "sub": "subscriptions"}

func kindOf(id string) string {
	prefix, _, _ := strings.Cut(id, "_")
	return kinds[prefix]
}

// newID is an ID in Razorpay's form: a prefix and 14 characters.
func (s *server) newID(prefix string) string {
	digits := s.env.NextID("")
	return prefix + "_" + strings.Repeat("0", max(0, 14-len(digits))) + digits
}

// make keeps a new object with an ID, its kind and its time.
func (s *server) make(owner, prefix, entity string, o object) object {
	now := s.env.Now()
	if o["id"] == nil {
		o["id"] = s.newID(prefix)
	}
	if entity != "" {
		o["entity"] = entity
	}
	o["created_at"] = now.Unix()
	s.env.State().Put(kinds[prefix], o.text("id"), record{owner, now, o})
	return o
}

// seeds are what every account has from the start, so that everything can be
// tried: a payment to capture, one to refund, a settlement.
var seeds = map[string]object{
	"pay_00000Authorized": {"id": "pay_00000Authorized", "entity": "payment", "amount": int64(50000), "currency": "INR", "status": "authorized", "amount_refunded": int64(0), "notes": []any{}},
	"pay_000000Captured":  {"id": "pay_000000Captured", "entity": "payment", "amount": int64(100000000), "currency": "INR", "status": "captured", "captured": true, "amount_refunded": int64(0), "notes": []any{}},
	"setl_7IZKKI4Pnt2kEe": {"id": "setl_7IZKKI4Pnt2kEe", "entity": "settlement", "amount": int64(60000), "status": "processed", "fees": int64(123), "tax": int64(12), "utr": "RZRP111111111111", "created_at": int64(1455696913)},
}

// place is where an object is kept. Seeds are every account's own.
func place(owner, id string) string {
	if seeds[id] != nil {
		return owner + "/" + id
	}
	return id
}

// change changes an owner's object in one atomic step and returns it as it then
// is; an error leaves it as it was.
func (s *server) change(owner, id string, do func(o object) *apiError) (object, *apiError) {
	var out object
	failed, now := missing(), s.env.Now()
	if kindOf(id) == "" {
		return nil, failed
	}
	s.env.State().Update(kindOf(id), place(owner, id), func(old json.RawMessage) any {
		var r record
		if old != nil {
			_ = json.Unmarshal(old, &r) // we wrote it
		} else if seed := seeds[id]; seed != nil {
			r = record{owner, now, clone(seed)}
		}
		if r.Object == nil || r.Owner != owner {
			return keep(old)
		}
		if failed = do(r.Object); failed != nil {
			return keep(old)
		}
		out = r.Object
		return r
	})
	return out, failed
}

func keep(old json.RawMessage) any {
	if old == nil {
		return nil
	}
	return old
}

func clone(o object) object {
	out := object{}
	for k, v := range o {
		out[k] = v
	}
	return out
}

func (s *server) get(owner, id string) (object, *apiError) {
	var r record
	if kindOf(id) != "" && s.env.State().Get(kindOf(id), place(owner, id), &r) && r.Owner == owner {
		return r.Object, nil
	}
	if seed := seeds[id]; seed != nil {
		return seed, nil
	}
	return nil, missing()
}

// fetch answers with an object.
func (s *server) fetch(kind string) endpoint {
	return func(c call) (any, *apiError) {
		if kindOf(c.id()) != kind {
			return nil, missing()
		}
		return s.get(c.owner, c.id())
	}
}

// list answers with the owner's objects, the newest first, that have what the
// query says of the given fields.
func (s *server) list(kind string, fields ...string) endpoint {
	return func(c call) (any, *apiError) {
		items := s.search(c, kind, fields...)
		return object{"entity": "collection", "count": len(items), "items": items}, nil
	}
}

func (s *server) search(c call, kind string, fields ...string) []object {
	lag, lagging := s.env.Fault("search_lag", operation(c.r.Method, c.r.URL.Path))
	query := c.r.URL.Query()
	found := []object{}
	s.env.State().Each(kind, func(_ string, raw json.RawMessage) bool {
		var r record
		if json.Unmarshal(raw, &r) != nil || r.Owner != c.owner || lagging && s.env.Now().Sub(r.Made) < lag {
			return true
		}
		for _, f := range fields {
			if want := query.Get(f); want != "" && r.Object.text(f) != want {
				return true
			}
		}
		found = append(found, r.Object)
		return true
	})
	slices.Reverse(found)
	found = found[min(atoi(query.Get("skip"), 0), len(found)):]
	return found[:min(atoi(query.Get("count"), 10), len(found))]
}

func atoi(text string, absent int) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return absent
	}
	return n
}

// notesOf is what a request says of notes, in the form that Razorpay gives back.
func notesOf(o object) any {
	if n := o.object("notes"); len(n) > 0 {
		return n
	}
	return []any{}
}
