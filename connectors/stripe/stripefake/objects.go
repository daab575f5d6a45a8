package stripefake

import (
	"time"

	stripego "github.com/stripe/stripe-go/v85"
)

// The objects as Stripe writes them, with the fields that the connector and a
// reader of the sandbox's record need. https://docs.stripe.com/api

type object map[string]any

// link is a payment link as it is kept. Session and Intent are made when the
// page is first used and serve every attempt on it, as in a real checkout.
type link struct {
	ID             string            `json:"id"`
	Owner          string            `json:"owner"`
	Active         bool              `json:"active"`
	Currency       string            `json:"currency"`
	Items          []item            `json:"items"`
	Metadata       map[string]string `json:"metadata"`
	IntentMetadata map[string]string `json:"intent_metadata"`
	Description    string            `json:"description"`
	SuccessMessage string            `json:"success_message"`
	Limit          int64             `json:"limit"` // completed sessions allowed; 0 means any number
	Count          int64             `json:"count"`
	Session        string            `json:"session"`
	Intent         string            `json:"intent"`
}

type item struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	Quantity int64  `json:"quantity"`
	Amount   int64  `json:"amount"`
}

func (l link) total() (sum int64) {
	for _, i := range l.Items {
		sum += i.Quantity * i.Amount
	}
	return sum
}

func (l link) full() bool { return l.Limit > 0 && l.Count >= l.Limit }

func (l link) render(base string, withItems bool) object {
	o := object{
		"id": l.ID, "object": "payment_link", "active": l.Active, "currency": l.Currency, "livemode": false,
		"metadata": l.Metadata, "url": base + "/pay/" + l.ID,
		"payment_intent_data": object{"description": l.Description, "metadata": l.IntentMetadata},
		"after_completion":    object{"type": "hosted_confirmation", "hosted_confirmation": object{"custom_message": nullable(l.SuccessMessage)}},
	}
	if l.Limit > 0 {
		o["restrictions"] = object{"completed_sessions": object{"count": l.Count, "limit": l.Limit}}
	}
	if withItems {
		data := make([]object, len(l.Items))
		for n, i := range l.Items {
			data[n] = object{"id": i.ID, "object": "item", "description": i.Title, "quantity": i.Quantity,
				"currency": l.Currency, "amount_total": i.Quantity * i.Amount, "amount_subtotal": i.Quantity * i.Amount}
		}
		o["line_items"] = list(data, "/v1/payment_links/"+l.ID+"/line_items")
	}
	return o
}

func list(data []object, url string) object {
	return object{"object": "list", "data": data, "has_more": false, "url": url}
}

func nullable(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// payment is one use of a link: the checkout session, payment intent and charge
// in one record, so that they change together. It is kept by the intent's ID.
type payment struct {
	Intent      string            `json:"intent"`
	Session     string            `json:"session"`
	Charge      string            `json:"charge"`
	Link        string            `json:"link"`
	Owner       string            `json:"owner"`
	Amount      int64             `json:"amount"`
	Refunded    int64             `json:"refunded"`
	Currency    string            `json:"currency"`
	Description string            `json:"description"`
	Paid        bool              `json:"paid"`
	Metadata    map[string]string `json:"metadata"`
	Intended    map[string]string `json:"intended"`
	Created     time.Time         `json:"created"`
}

// The page's customer, who is told of in webhooks as at Stripe; the connector
// must keep none of it.
const (
	payerName  = "Jenny Rosen"
	payerEmail = "jenny.rosen@example.com"
)

func (p payment) session() object {
	o := object{
		"id": p.Session, "object": "checkout.session", "mode": "payment", "livemode": false, "created": p.Created.Unix(),
		"amount_subtotal": p.Amount, "amount_total": p.Amount, "currency": p.Currency, "metadata": p.Metadata,
		"payment_intent": p.Intent, "payment_link": p.Link, "payment_status": "unpaid", "status": "open",
		"customer_details": object{"email": payerEmail, "name": payerName},
	}
	if p.Link == p.Session {
		o["payment_link"] = nil // a session of its own
	}
	if p.Paid {
		o["payment_status"], o["status"] = "paid", "complete"
	}
	return o
}

func (p payment) intent(expandCharge bool) object {
	o := object{
		"id": p.Intent, "object": "payment_intent", "amount": p.Amount, "amount_received": 0, "currency": p.Currency,
		"created": p.Created.Unix(), "livemode": false, "metadata": p.Intended, "description": nullable(p.Description),
		"receipt_email": payerEmail, "latest_charge": p.Charge,
	}
	if expandCharge {
		o["latest_charge"] = p.charge()
	}
	if p.Paid {
		o["status"], o["amount_received"] = "succeeded", p.Amount
		return o
	}
	o["status"] = "requires_payment_method"
	o["last_payment_error"] = object{"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds",
		"charge": p.Charge, "message": "Your card has insufficient funds."}
	return o
}

func (p payment) charge() object {
	o := object{
		"id": p.Charge, "object": "charge", "amount": p.Amount, "amount_refunded": p.Refunded, "currency": p.Currency,
		"created": p.Created.Unix(), "livemode": false, "metadata": p.Intended, "payment_intent": p.Intent,
		"paid": p.Paid, "captured": p.Paid, "refunded": p.Paid && p.Refunded == p.Amount, "status": "failed",
		"billing_details": object{"email": payerEmail, "name": payerName},
	}
	if p.Paid {
		o["status"] = "succeeded"
	} else {
		o["failure_code"] = "card_declined"
	}
	return o
}

type refund struct {
	ID       string            `json:"id"`
	Intent   string            `json:"intent"`
	Charge   string            `json:"charge"`
	Amount   int64             `json:"amount"`
	Currency string            `json:"currency"`
	Reason   string            `json:"reason"`
	Metadata map[string]string `json:"metadata"`
	Created  time.Time         `json:"created"`
}

func (r refund) render() object {
	return object{
		"id": r.ID, "object": "refund", "amount": r.Amount, "currency": r.Currency, "charge": r.Charge, "payment_intent": r.Intent,
		"created": r.Created.Unix(), "metadata": r.Metadata, "reason": nullable(r.Reason), "status": "succeeded",
	}
}

// envelope is the event that carries an object to a webhook.
func envelope(id, kind string, at time.Time, about object) object {
	return object{
		"id": id, "object": "event", "api_version": stripego.APIVersion, "created": at.Unix(), "livemode": false,
		"pending_webhooks": 1, "type": kind, "data": object{"object": about},
		"request": object{"id": nil, "idempotency_key": nil},
	}
}
