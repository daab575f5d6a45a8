package razorpayfake

import (
	"regexp"
	"strings"
)

var currency = regexp.MustCompile(`^[A-Z]{3}$`)

func checkMoney(o object) *apiError {
	switch {
	case o["amount"] == nil:
		return badField("amount", "The amount field is required.")
	case o.number("amount") < 100:
		return badField("amount", "The amount must be atleast INR 1.00")
	case !currency.MatchString(o.text("currency")):
		return badField("currency", "Currency is not supported")
	}
	return nil
}

func (s *server) createLink(c call) (any, *apiError) {
	if err := checkMoney(c.body); err != nil {
		return nil, err
	}
	reference := c.body.text("reference_id")
	if by := c.body.number("expire_by"); by != 0 && by < s.env.Now().Unix()+15*60 {
		return nil, badField("expire_by", "expire_by should be at least 15 minutes after current time")
	}
	if len(reference) > 40 {
		return nil, badField("reference_id", "The reference_id may not be greater than 40 characters.")
	}
	o := clone(c.body)
	id := s.newID("plink")
	o["id"], o["amount_paid"], o["status"], o["short_url"], o["payments"] = id, 0, "created", s.env.BaseURL()+"/pay/"+id, []any{}
	o["notes"], o["cancelled_at"], o["expired_at"], o["user_id"], o["updated_at"] = notesOf(c.body), 0, 0, "", s.env.Now().Unix()
	if reference == "" {
		return s.make(c.owner, "plink", "", o), nil
	}
	// A reference is taken once, and as long as keys are remembered.
	taken, forgotten := false, s.forgotten(c)
	s.env.State().Update("references", c.owner+"/"+reference, func(old rawMessage) any {
		if taken = old != nil && !forgotten; taken {
			return old
		}
		return id
	})
	if taken {
		return nil, bad("payment link with given reference_id (" + reference + ") already exists")
	}
	return s.make(c.owner, "plink", "", o), nil
}

func (s *server) listLinks(c call) (any, *apiError) {
	return object{"payment_links": s.search(c, "payment_links", "reference_id")}, nil
}

func (s *server) cancelLink(c call) (any, *apiError) {
	o, err := s.change(c.owner, c.id(), func(o object) *apiError {
		switch o.text("status") {
		case "created":
			o["status"], o["cancelled_at"] = "cancelled", s.env.Now().Unix()
			return nil
		case "expired", "cancelled":
			return bad("cannot cancel or expire an expired link")
		}
		return bad("cannot cancel or expire an already paid/partially paid link")
	})
	if err != nil {
		return nil, err
	}
	s.announce(c.owner, "payment_link.cancelled", part{"payment_link", o})
	return o, nil
}

func (s *server) notifyLink(c call) (any, *apiError) {
	if medium := c.r.PathValue("medium"); medium != "sms" && medium != "email" {
		return nil, bad("not a valid notification medium")
	}
	if _, err := s.get(c.owner, c.id()); err != nil {
		return nil, err
	}
	return object{"success": true}, nil
}

func (s *server) createOrder(c call) (any, *apiError) {
	if err := checkMoney(c.body); err != nil {
		return nil, err
	}
	if len(c.body.text("receipt")) > 40 {
		return nil, badField("receipt", "The receipt may not be greater than 40 characters.")
	}
	o := clone(c.body)
	o["amount_paid"], o["amount_due"], o["attempts"], o["status"], o["notes"] = 0, c.body.number("amount"), 0, "created", notesOf(c.body)
	return s.make(c.owner, "order", "order", o), nil
}

func (s *server) capture(c call) (any, *apiError) {
	if err := checkMoney(c.body); err != nil {
		return nil, err
	}
	o, err := s.change(c.owner, c.id(), func(o object) *apiError {
		switch {
		case o.text("status") == "captured":
			return bad("This payment has already been captured")
		case o.text("status") != "authorized":
			return bad("Only payments which have been authorized and not yet captured can be captured: payment status should be authorized")
		case o.number("amount") != c.body.number("amount"):
			return bad("Capture amount must be equal to the amount authorized")
		}
		o["status"], o["captured"] = "captured", true
		return nil
	})
	if err == nil {
		s.announce(c.owner, "payment.captured", part{"payment", o})
	}
	return o, err
}

func (s *server) createRefund(c call) (any, *apiError) {
	amount := c.body.number("amount")
	paid, err := s.change(c.owner, c.id(), func(o object) *apiError {
		left := o.number("amount") - o.number("amount_refunded")
		if c.body["amount"] == nil {
			amount = left
		}
		switch {
		case o.text("status") == "refunded" || left == 0:
			return bad("The payment has been fully refunded already")
		case o.text("status") != "captured":
			return bad("The payment status should be captured for action to be taken")
		case amount < 100:
			return bad("The amount must be at least INR 1.00")
		case amount > left:
			return bad("The refund amount provided is greater than amount captured")
		}
		o["amount_refunded"], o["refund_status"] = o.number("amount_refunded")+amount, "partial"
		if amount == left {
			o["status"], o["refund_status"] = "refunded", "full"
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r := s.make(c.owner, "rfnd", "refund", object{"amount": amount, "currency": paid["currency"], "payment_id": c.id(), "status": "processed",
		"notes": notesOf(c.body), "receipt": nil, "speed_requested": c.body["speed"], "speed_processed": "normal"})
	s.announce(c.owner, "refund.created", part{"refund", r}, part{"payment", paid})
	s.announce(c.owner, "refund.processed", part{"refund", r}, part{"payment", paid})
	return r, nil
}

// same keeps one object for all requests that say the same of the given fields.
func (s *server) same(c call, prefix, entity string, o object, fields ...string) (any, *apiError) {
	key := c.owner
	for _, f := range fields {
		key += "\n" + string(encode(c.body[f]))
	}
	id := s.newID(prefix)
	s.env.State().Update("same_"+entity, key, func(old rawMessage) any {
		if old != nil {
			id = strings.Trim(string(old), `"`)
		}
		return id
	})
	if old, err := s.get(c.owner, id); err == nil {
		return old, nil
	}
	o["id"] = id
	return s.make(c.owner, prefix, entity, o), nil
}

func (s *server) createContact(c call) (any, *apiError) {
	if len(c.body.text("name")) < 3 {
		return nil, badField("name", "The name field is required.")
	}
	o := clone(c.body)
	o["active"], o["notes"] = true, notesOf(c.body)
	return s.same(c, "cont", "contact", o, "name", "email", "contact", "type", "reference_id")
}

func (s *server) createFundAccount(c call) (any, *apiError) {
	if _, err := s.get(c.owner, c.body.text("contact_id")); err != nil {
		return nil, err
	}
	kind := c.body.text("account_type")
	if kind != "bank_account" && kind != "vpa" || c.body[kind] == nil {
		return nil, badField("account_type", "The account type field is required.")
	}
	o := clone(c.body)
	o["active"] = true
	return s.same(c, "fa", "fund_account", o, "contact_id", "account_type", "bank_account", "vpa")
}

func (s *server) createPayout(c call) (any, *apiError) {
	if err := checkMoney(c.body); err != nil {
		return nil, err
	}
	switch {
	case c.body.text("account_number") == "":
		return nil, badField("account_number", "The account number field is required.")
	case c.body.text("purpose") == "":
		return nil, badField("purpose", "The purpose field is required.")
	}
	if _, err := s.get(c.owner, c.body.text("fund_account_id")); err != nil {
		return nil, err
	}
	o := clone(c.body)
	delete(o, "account_number")
	o["fees"], o["tax"], o["status"], o["utr"], o["notes"] = 590, 90, "processing", nil, notesOf(c.body)
	o = s.make(c.owner, "pout", "payout", o)
	s.announce(c.owner, "payout.initiated", part{"payout", o})
	done, err := s.move(c.owner, o.text("id"), "payout.processed")
	if err != nil {
		return nil, err
	}
	s.announce(c.owner, "payout.processed", part{"payout", done})
	return o, nil
}

func (s *server) createInvoice(c call) (any, *apiError) {
	items, _ := c.body["line_items"].([]any)
	if len(items) == 0 {
		return nil, badField("line_items", "line_items is required.")
	}
	var amount int64
	for _, raw := range items {
		item := object{"item": raw}.object("item")
		amount += item.number("amount") * max(1, item.number("quantity"))
	}
	o := clone(c.body)
	id := s.newID("inv")
	o["id"], o["amount"], o["notes"], o["status"], o["short_url"] = id, amount, notesOf(c.body), "draft", nil
	o["customer_details"], o["payment_id"], o["order_id"] = c.body["customer"], nil, nil
	if c.body.text("draft") != "1" {
		o["status"], o["short_url"] = "issued", s.env.BaseURL()+"/pay/"+id
	}
	return s.make(c.owner, "inv", "invoice", o), nil
}

func (s *server) moveInvoice(from, to string) endpoint {
	return func(c call) (any, *apiError) {
		page := s.env.BaseURL() + "/pay/" + c.id()
		return s.change(c.owner, c.id(), func(o object) *apiError {
			now := o.text("status")
			if now != from && (to != "cancelled" || now != "draft") {
				return bad("Operation not allowed for Invoice in " + now + " status.")
			}
			if o["status"] = to; to == "issued" {
				o["short_url"] = page
			}
			return nil
		})
	}
}

func (s *server) createSubscription(c call) (any, *apiError) {
	switch {
	case !strings.HasPrefix(c.body.text("plan_id"), "plan_"):
		return nil, missing()
	case c.body.number("total_count") < 1:
		return nil, badField("total_count", "The total count field is required.")
	}
	o := clone(c.body)
	id := s.newID("sub")
	o["id"], o["status"], o["paid_count"], o["notes"], o["short_url"] = id, "created", 0, notesOf(c.body), s.env.BaseURL()+"/pay/"+id
	return s.make(c.owner, "sub", "subscription", o), nil
}

func (s *server) cancelSubscription(c call) (any, *apiError) {
	atEnd, _ := c.body["cancel_at_cycle_end"].(bool)
	o, err := s.change(c.owner, c.id(), func(o object) *apiError {
		switch now := o.text("status"); now {
		case "cancelled", "completed", "expired":
			return bad("Subscription is not cancellable in " + now + " status.")
		}
		if !atEnd {
			o["status"] = "cancelled"
		}
		return nil
	})
	if err == nil && !atEnd {
		s.announce(c.owner, "subscription.cancelled", part{"subscription", o})
	}
	return o, err
}

// reconcile reports the owner's captured payments and its refunds as settled.
func (s *server) reconcile(c call) (any, *apiError) {
	query := c.r.URL.Query()
	if query.Get("year") == "" || query.Get("month") == "" {
		return nil, bad("The year field is required.")
	}
	items := []object{}
	for _, o := range s.search(c, "payments") {
		if o.text("status") == "captured" || o.text("status") == "refunded" {
			items = append(items, object{"entity_id": o["id"], "type": "payment", "debit": 0, "credit": o["amount"], "amount": o["amount"],
				"currency": o["currency"], "fee": 0, "tax": 0, "settled": true, "settlement_id": "setl_7IZKKI4Pnt2kEe", "order_id": o["order_id"]})
		}
	}
	return object{"entity": "collection", "count": len(items), "items": items}, nil
}
