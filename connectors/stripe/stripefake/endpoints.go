package stripefake

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var currency = regexp.MustCompile(`^[a-z]{3}$`)

func (s *server) createLink(c call) (any, *apiError) {
	l := link{
		ID: s.env.NextID("plink_"), Owner: c.owner, Active: true,
		Metadata: group(c, "metadata"), IntentMetadata: group(c, "payment_intent_data[metadata]"),
		Description:    c.params.Get("payment_intent_data[description]"),
		SuccessMessage: c.params.Get("after_completion[hosted_confirmation][custom_message]"),
	}
	var err *apiError
	if l.Limit, err = integer(c, "restrictions[completed_sessions][limit]", 0); err != nil {
		return nil, err
	}
	if err := s.readItems(c, &l); err != nil {
		return nil, err
	}
	s.env.State().Put("links", l.ID, l)
	return l.render(s.env.BaseURL(), expands(c, "line_items")), nil
}

func (s *server) readItems(c call, l *link) *apiError {
	for n := 0; ; n++ {
		at := fmt.Sprintf("line_items[%d]", n)
		price := at + "[price_data]"
		if !c.params.Has(at+"[quantity]") && !c.params.Has(price+"[currency]") {
			break
		}
		unit, err := integer(c, price+"[unit_amount]", -1)
		if err != nil {
			return err
		}
		quantity, err := integer(c, at+"[quantity]", -1)
		if err != nil {
			return err
		}
		i := item{ID: s.env.NextID("li_"), Title: c.params.Get(price + "[product_data][name]"), Quantity: quantity, Amount: unit}
		code := c.params.Get(price + "[currency]")
		switch {
		case quantity < 1:
			return invalid("parameter_invalid_integer", at+"[quantity]", "Quantity must be at least 1.")
		case i.Title == "":
			return invalid("parameter_missing", price+"[product_data][name]", "Missing required param.")
		case !currency.MatchString(code) || l.Currency != "" && l.Currency != code:
			return invalid("", price+"[currency]", "Invalid currency.")
		}
		l.Currency = code
		l.Items = append(l.Items, i)
	}
	switch {
	case len(l.Items) == 0:
		return invalid("parameter_missing", "line_items", "Missing required param: line_items.")
	case len(l.Items) > 20:
		return invalid("", "line_items", "Up to 20 line items are supported.")
	case l.total() < 1:
		return invalid("amount_too_small", "line_items", "The total amount is too small.")
	}
	return nil
}

func (s *server) getLink(c call) (any, *apiError) {
	var l link
	if !s.env.State().Get("links", c.id(), &l) {
		return nil, missing("payment link", "payment_link")
	}
	return l.render(s.env.BaseURL(), expands(c, "line_items")), nil
}

func (s *server) updateLink(c call) (any, *apiError) {
	var l *link
	s.env.State().Update("links", c.id(), func(old json.RawMessage) any {
		if l = decodeLink(old); l == nil {
			return nil
		}
		if active := c.params.Get("active"); active != "" {
			l.Active = active == "true"
		}
		return l
	})
	if l == nil {
		return nil, missing("payment link", "payment_link")
	}
	return l.render(s.env.BaseURL(), expands(c, "line_items")), nil
}

func decodeLink(raw json.RawMessage) *link {
	var l link
	if raw == nil || json.Unmarshal(raw, &l) != nil {
		return nil
	}
	return &l
}

// payments visits the payments in the order in which they were begun.
func (s *server) payments(visit func(payment) bool) {
	s.env.State().Each("payments", func(_ string, raw json.RawMessage) bool {
		var p payment
		return json.Unmarshal(raw, &p) != nil || visit(p)
	})
}

func (s *server) listSessions(c call) (any, *apiError) {
	limit, err := integer(c, "limit", 10)
	if err != nil {
		return nil, err
	}
	data := []object{}
	s.payments(func(p payment) bool {
		o := p.session()
		for param, field := range map[string]string{"payment_link": "payment_link", "payment_intent": "payment_intent", "status": "status"} {
			if want := c.params.Get(param); want != "" && want != o[field] {
				return true
			}
		}
		switch {
		case expands(c, "data.payment_intent.latest_charge"):
			o["payment_intent"] = p.intent(true)
		case expands(c, "data.payment_intent"):
			o["payment_intent"] = p.intent(false)
		}
		data = append(data, o)
		return int64(len(data)) < limit
	})
	return list(data, "/v1/checkout/sessions"), nil
}

func (s *server) getSession(c call) (any, *apiError) {
	var found object
	s.payments(func(p payment) bool {
		if p.Session == c.id() {
			found = p.session()
		}
		return found == nil
	})
	var l link
	if found == nil && strings.HasPrefix(c.id(), "cs_") && s.env.State().Get("links", c.id(), &l) {
		found = l.session(s.env.BaseURL())
	}
	if found == nil {
		return nil, missing("checkout session", "session")
	}
	return found, nil
}

func (s *server) getIntent(c call) (any, *apiError) {
	var p payment
	if !s.env.State().Get("payments", c.id(), &p) {
		return nil, missing("payment_intent", "intent")
	}
	return p.intent(expands(c, "latest_charge")), nil
}

func (s *server) createRefund(c call) (any, *apiError) {
	amount, err := integer(c, "amount", 0)
	if err != nil {
		return nil, err
	}
	r := refund{ID: s.env.NextID("re_"), Intent: c.params.Get("payment_intent"), Amount: amount,
		Reason: c.params.Get("reason"), Metadata: group(c, "metadata"), Created: s.env.Now()}
	var p payment
	s.env.State().Update("payments", r.Intent, func(old json.RawMessage) any {
		if old == nil || json.Unmarshal(old, &p) != nil {
			err = missing("payment_intent", "payment_intent")
			return nil
		}
		if err = p.refund(&r, c.params.Has("amount")); err != nil {
			return old
		}
		return p
	})
	if err != nil {
		return nil, err
	}
	s.env.State().Put("refunds", r.ID, r)
	s.announce(p.Owner, "refund.created", r.render())
	s.announce(p.Owner, "charge.refunded", p.charge())
	return r.render(), nil
}

// refund takes the refund's amount from what is left of the payment.
func (p *payment) refund(r *refund, partial bool) *apiError {
	left := p.Amount - p.Refunded
	if !partial {
		r.Amount = left
	}
	switch {
	case !p.Paid:
		return invalid("payment_intent_unexpected_state", "payment_intent", "This PaymentIntent does not have a successful charge to refund.")
	case left == 0:
		return invalid("charge_already_refunded", "", "The charge has already been refunded.")
	case r.Amount < 1:
		return invalid("parameter_invalid_integer", "amount", "This value must be greater than or equal to 1.")
	case r.Amount > left:
		return invalid("", "amount", "The refund is greater than what is left of the charge.")
	}
	p.Refunded += r.Amount
	r.Charge, r.Currency = p.Charge, p.Currency
	return nil
}

func (s *server) getRefund(c call) (any, *apiError) {
	var r refund
	if !s.env.State().Get("refunds", c.id(), &r) {
		return nil, missing("refund", "id")
	}
	return r.render(), nil
}

func (s *server) balance(call) (any, *apiError) {
	funds := []object{{"amount": 0, "currency": "usd", "source_types": object{"card": 0}}}
	return object{"object": "balance", "livemode": false, "available": funds, "pending": funds}, nil
}

// group reads the parameters prefix[NAME]=value.
func group(c call, prefix string) map[string]string {
	out := map[string]string{}
	for name := range c.params {
		if inner, ok := strings.CutPrefix(name, prefix+"["); ok && strings.HasSuffix(inner, "]") {
			out[strings.TrimSuffix(inner, "]")] = c.params.Get(name)
		}
	}
	return out
}

func integer(c call, name string, absent int64) (int64, *apiError) {
	text := c.params.Get(name)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, invalid("parameter_invalid_integer", name, "Invalid integer.")
	}
	return n, nil
}

// expands tells whether a field is to be written out (expand[]=FIELD).
func expands(c call, field string) bool {
	for name, values := range c.params {
		if strings.HasPrefix(name, "expand[") && slices.Contains(values, field) {
			return true
		}
	}
	return false
}
