package razorpay

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"parley/connectors/sdk"
)

const (
	// maxDescription is the longest text of a payment link.
	maxDescription = 2048
	// shortest is how soon Razorpay lets a link expire, with a minute for clocks.
	shortest = 16 * time.Minute
)

// LinkInput asks for a payment page. Its fields are those of every connector that
// takes payments, but for the last two.
type LinkInput struct {
	Description string `json:"description" doc:"What is paid for, as the customer reads it; at most 250 characters."`
	Amount      int64  `json:"amount" doc:"What is charged in total, in the currency's minor unit (paise)."`
	Currency    string `json:"currency" doc:"ISO 4217 code in capitals, such as INR."`
	Lines       []Line `json:"lines,omitempty" doc:"What the amount is made of, at most 20; their sum must be the amount. They are shown behind the description."`
	// Metadata must hold nothing personal: Razorpay shows it in its dashboard.
	Metadata       map[string]string `json:"metadata,omitempty" doc:"Identifiers of your own, at most 13, kept with the link and its payment as notes."`
	SuccessMessage string            `json:"success_message,omitempty" doc:"Not shown: Razorpay has a message of its own. It is taken so that a flow may be paid with any provider."`
	Expires        time.Time         `json:"expires,omitzero" doc:"When the page closes; Razorpay keeps one open for at least 15 minutes and at most six months."`
	Customer       *Customer         `json:"customer,omitempty" doc:"Whom payment_link_notify tells."`
	CallbackURL    string            `json:"callback_url,omitempty" doc:"Where the customer is sent after the payment, with a signed query."`
}

// Line is one item of a payment.
type Line struct {
	Title    string `json:"title" doc:"Name of the item, at most 250 characters."`
	Quantity int64  `json:"quantity" doc:"How many, from 1 to 999999."`
	Amount   int64  `json:"amount" doc:"Price of one, in the currency's minor unit."`
}

// Customer is a person as Razorpay keeps one with a link or an invoice.
type Customer struct {
	Name    string `json:"name,omitempty" doc:"3 to 50 characters."`
	Email   string `json:"email,omitempty" doc:"At most 64 characters."`
	Contact string `json:"contact,omitempty" doc:"Phone number with country code, at most 15 characters."`
}

// LinkOutput is a payment page that was made.
type LinkOutput struct {
	ID       string `json:"id" doc:"Razorpay's ID of the link (plink_…)."`
	URL      string `json:"url" doc:"Address of the page."`
	Amount   int64  `json:"amount" doc:"In the currency's minor unit."`
	Currency string `json:"currency" doc:"ISO 4217 code in capitals."`
}

// Validate holds what Razorpay would refuse, or would charge differently.
func (in LinkInput) Validate() error {
	if err := checkMoney(in.Amount, in.Currency); err != nil {
		return err
	}
	if err := checkText("description", in.Description, 250); err != nil {
		return err
	}
	if utf8.RuneCountInString(in.SuccessMessage) > 500 {
		return sdk.Invalidf("success_message has more than 500 characters")
	}
	if in.CallbackURL != "" {
		if u, err := url.Parse(in.CallbackURL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return sdk.Invalidf("callback_url must be an absolute http or https address")
		}
	}
	if err := in.Customer.check(); err != nil {
		return err
	}
	if err := checkNotes(in.Metadata); err != nil {
		return err
	}
	return checkLines(in.Lines, in.Amount, 20)
}

func (c *Customer) check() error {
	switch {
	case c == nil:
		return nil
	case c.Name != "" && (utf8.RuneCountInString(c.Name) < 3 || utf8.RuneCountInString(c.Name) > 50):
		return sdk.Invalidf("customer.name must be 3 to 50 characters")
	case len(c.Email) > 64:
		return sdk.Invalidf("customer.email has more than 64 characters")
	case len(c.Contact) > 15:
		return sdk.Invalidf("customer.contact has more than 15 characters")
	}
	return nil
}

func checkLines(lines []Line, amount int64, most int) error {
	if len(lines) == 0 {
		return nil
	}
	if len(lines) > most {
		return sdk.Invalidf("lines has more than %d items", most)
	}
	var sum int64
	for i, l := range lines {
		switch {
		case checkText("title", l.Title, 250) != nil:
			return sdk.Invalidf("lines[%d]: title must be 1 to 250 characters", i)
		case l.Quantity < 1 || l.Quantity > 999_999:
			return sdk.Invalidf("lines[%d]: quantity must be from 1 to 999999", i)
		case l.Amount < 0 || l.Amount > maxAmount:
			return sdk.Invalidf("lines[%d]: amount must not be negative or have more than 12 digits", i)
		}
		sum += l.Quantity * l.Amount
	}
	if sum != amount {
		return sdk.Invalidf("the sum of quantity times amount over lines is not amount")
	}
	return nil
}

// link is a payment link as Razorpay writes it.
type link struct {
	ID          string `json:"id"`
	ShortURL    string `json:"short_url"`
	Status      string `json:"status"`
	Amount      int64  `json:"amount"`
	AmountPaid  int64  `json:"amount_paid"`
	Currency    string `json:"currency"`
	ReferenceID string `json:"reference_id"`
	OrderID     string `json:"order_id"`
	UpdatedAt   int64  `json:"updated_at"`
	Notes       notes  `json:"notes"`
	// Payments are those that have succeeded.
	Payments []struct {
		PaymentID string `json:"payment_id"`
		Status    string `json:"status"`
	} `json:"payments"`
}

// open tells whether the link takes a payment yet.
func (l link) open() bool { return l.Status == "created" || l.Status == "partially_paid" }

func (l link) output() LinkOutput {
	return LinkOutput{ID: l.ID, URL: l.ShortURL, Amount: l.Amount, Currency: l.Currency}
}

func (c *connection) createLink(ctx context.Context, call sdk.Call, in LinkInput) (LinkOutput, error) {
	body := map[string]any{
		"amount": in.Amount, "currency": in.Currency, "description": in.text(), "accept_partial": false,
		"notes": withOrigin(call, in.Metadata),
		// Parley tells the customer: Razorpay is to send nothing by itself.
		"notify": map[string]bool{"sms": false, "email": false}, "reminder_enable": false,
	}
	if call.Key != "" {
		body["reference_id"] = reference(call)
	}
	if !in.Expires.IsZero() {
		body["expire_by"] = latest(in.Expires, time.Now().Add(shortest)).Unix()
	}
	if in.Customer != nil {
		body["customer"] = in.Customer
	}
	if in.CallbackURL != "" {
		body["callback_url"], body["callback_method"] = in.CallbackURL, "get"
	}
	var made link
	err := c.post(ctx, "/v1/payment_links", body, &made)
	if err == nil {
		return made.output(), nil
	}
	// A reference ID is good for one link: a repeat is refused and finds the first.
	if call.Key != "" && sdk.AsError(err).Class == sdk.Rejected {
		if out, found, ferr := c.findLink(ctx, call, in); ferr == nil && found {
			return out, nil
		}
	}
	return LinkOutput{}, err
}

func (c *connection) findLink(ctx context.Context, call sdk.Call, _ LinkInput) (LinkOutput, bool, error) {
	l, found, err := find[link](ctx, c, call, "/v1/payment_links", url.Values{"reference_id": {reference(call)}}, "payment_links")
	return l.output(), found, err
}

// text is the description with what there is room for of the lines.
func (in LinkInput) text() string {
	if len(in.Lines) == 0 || len(in.Lines) == 1 && in.Lines[0].Title == in.Description {
		return in.Description
	}
	titles := make([]string, len(in.Lines))
	for i, l := range in.Lines {
		if titles[i] = l.Title; l.Quantity > 1 {
			titles[i] = strconv.FormatInt(l.Quantity, 10) + " × " + l.Title
		}
	}
	whole := in.Description + " (" + strings.Join(titles, ", ") + ")"
	if utf8.RuneCountInString(whole) > maxDescription {
		return in.Description
	}
	return whole
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// LinkState is a payment page as it now is.
type LinkState struct {
	LinkOutput
	Status        string `json:"status" doc:"created, partially_paid, paid, cancelled or expired."`
	AmountPaid    int64  `json:"amount_paid" doc:"What was paid, in the currency's minor unit."`
	PaymentIntent string `json:"payment_intent,omitempty" doc:"Razorpay's ID of the payment (pay_…), once there is one."`
}

func (c *connection) fetchLink(ctx context.Context, _ sdk.Call, in IDInput) (LinkState, error) {
	l, err := c.link(ctx, in.ID)
	return LinkState{LinkOutput: l.output(), Status: l.Status, AmountPaid: l.AmountPaid, PaymentIntent: l.payment()}, err
}

func (c *connection) link(ctx context.Context, id string) (l link, err error) {
	err = c.get(ctx, "/v1/payment_links/"+id, nil, &l)
	return l, err
}

// payment is the ID of the payment that the link has taken last, "" if none.
func (l link) payment() string {
	if len(l.Payments) == 0 {
		return ""
	}
	return l.Payments[len(l.Payments)-1].PaymentID
}

// DeactivateOutput is a payment page as it now is.
type DeactivateOutput struct {
	ID     string `json:"id" doc:"Razorpay's ID of the link."`
	Active bool   `json:"active" doc:"Whether the page still takes payments."`
}

// deactivateLink cancels a link. Razorpay refuses that for one that is paid,
// cancelled or expired: it takes no payment any more, which is what is wanted.
func (c *connection) deactivateLink(ctx context.Context, _ sdk.Call, in IDInput) (DeactivateOutput, error) {
	var l link
	err := c.post(ctx, "/v1/payment_links/"+in.ID+"/cancel", nil, &l)
	if err != nil && sdk.AsError(err).Class == sdk.Rejected {
		if l, ferr := c.link(ctx, in.ID); ferr == nil && !l.open() {
			return DeactivateOutput{ID: l.ID}, nil
		}
	}
	if err != nil {
		return DeactivateOutput{}, err
	}
	return DeactivateOutput{ID: l.ID, Active: l.open()}, nil
}

// NotifyInput says which way a customer is told of a link.
type NotifyInput struct {
	ID     string `json:"id" doc:"Razorpay's ID of the link (plink_…)."`
	Medium string `json:"medium" doc:"sms or email."`
}

// Validate checks the ID's form and the medium.
func (in NotifyInput) Validate() error {
	if in.Medium != "sms" && in.Medium != "email" {
		return sdk.Invalidf("medium must be sms or email")
	}
	return checkID("id", in.ID)
}

// NotifyOutput tells whether the message is on its way.
type NotifyOutput struct {
	Success bool `json:"success" doc:"Whether Razorpay sends the message."`
}

func (c *connection) notifyLink(ctx context.Context, _ sdk.Call, in NotifyInput) (out NotifyOutput, err error) {
	err = c.post(ctx, "/v1/payment_links/"+in.ID+"/notify_by/"+in.Medium, nil, &out)
	return out, err
}
