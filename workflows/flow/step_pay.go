package flow

import (
	"encoding/json"
	"errors"
	"math"
	"regexp"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

var (
	errUnhandled = errors.New("a call failed and the step has no errors branch for it")
	errNotJSON   = errors.New("a call's output is not JSON")
	errAmount    = errors.New("the amount must be a whole number of minor units above 0, and the currency three letters")
)

// maxAmount bounds a payment, in minor units.
const maxAmount = 1e12

// payStep sends a payment link and waits for the payment. The value of pay
// describes what is paid for.
//
//   - pay: "Order {{ number }}"
//     amount: total
//     currency: USD
//     paid: thanks
//     expired: too_late
//     failed: not_paid
type payStep struct {
	Pay phrase `flow:"pay,required" doc:"describes what is paid for"`
	// Amount in the currency's minor unit.
	Amount   expr `flow:"amount,required" doc:"the amount in the currency's minor unit"`
	Currency fill `flow:"currency,required" doc:"the currency, three letters (ISO 4217)"`
	// By is the connector that takes the payment.
	By *connectorName `flow:"by" doc:"the connector that takes the payment, or a name given under use; the workspace's own where not said"`
	// Save takes the payment when it is made.
	Save *variable `flow:"save" doc:"the variable that takes the payment: {payment_intent, amount, currency}, which refund can be given"`
	// Expires is how long the link is good for.
	Expires span `flow:"expires" doc:"how long the link is good for"`
	// Text stands above the link, Button on it.
	Text   *phrase `flow:"text" doc:"stands above the link"`
	Button *phrase `flow:"button" doc:"the link's label"`
	// Paid is the next step where no block is named. Failed is entered also when
	// no link could be made.
	Paid    *target `flow:"paid" doc:"where a payment leads; the next step where not said"`
	Expired *target `flow:"expired" doc:"where the link's expiry leads"`
	Failed  *target `flow:"failed" doc:"where a payment that failed leads, or that no link could be made"`
	// Delayed is said once while the provider is out.
	Delayed *phrase `flow:"delayed" doc:"said once when the provider is out, so that the link has to wait for it"`
}

func (s *payStep) delay() *phrase { return s.Delayed }

func (s *payStep) exits() exits {
	open := time.Duration(s.Expires)
	if open == 0 {
		open = 24 * time.Hour
	}
	return exits{next: s.Paid == nil, waits: true, silence: open, sets: s.saved()}.
		late(s.Paid, open, s.saved()...).late(s.Expired, open).jump(s.Failed, false)
}

func (s *payStep) finish(r *reader, _ *node) {
	if use := r.uses.of(string(role.Payments)); s.By == nil && use != string(role.Payments) {
		s.By = &connectorName{connector: use}
	}
	if s.Save != nil {
		s.Save.typ = "payment"
	}
}

// saved are the variables that have a value once it is paid.
func (s *payStep) saved() []*variable {
	if s.Save == nil {
		return nil
	}
	return []*variable{s.Save}
}

func (s *payStep) run(m *machine) move {
	if m.openPayments() >= maxPayments {
		m.fault(errPayments)
		return s.failed(m, &sdk.Error{Class: sdk.Rejected, Code: "too_many_payments"})
	}
	pay := PayInput{Expires: time.Duration(s.Expires)}
	amount, err := m.eval(&s.Amount)
	if err == nil {
		err = m.render(rendering{&s.Pay, &pay.Description}, rendering{&s.Currency.phrase, &pay.Currency})
	}
	if err != nil {
		return m.trouble(err)
	}
	f, ok := number(amount)
	if !ok || f != math.Trunc(f) || f <= 0 || f > maxAmount || !currencyCode.MatchString(pay.Currency) {
		return m.trouble(errAmount)
	}
	pay.Amount = int64(f)
	input, err := json.Marshal(pay)
	if err != nil {
		return m.trouble(err)
	}
	e := Effect{Kind: EffectPay, Input: input}
	if s.By != nil {
		e.Connector = s.By.connector
	}
	m.st.Pending = m.emit(e)
	return park
}

// connectorName is a connector, by its own name or one given under use.
type connectorName struct {
	pos
	connector string
}

func (c *connectorName) read(r *reader, n *node) {
	c.pos = n.pos
	name, ok := r.plain(n, "a connector")
	if ok && !aliasName.MatchString(name) {
		r.fail(n.pos, "%q cannot name a connector", clip(name, 60))
	}
	c.connector = r.uses.of(name)
}

var currencyCode = regexp.MustCompile(`^[A-Z]{3}$`) // ISO 4217

// result sends the link that was made.
func (s *payStep) result(m *machine, ev *Event) move {
	var made struct {
		URL string `json:"url"`
	}
	switch {
	case m.awaitsPayment(): // a repeat: the link is sent already
		return park
	case ev.Error != nil:
		return s.failed(m, ev.Error)
	case json.Unmarshal(ev.Output, &made) != nil || made.URL == "":
		m.fault(errNotJSON)
		return s.failed(m, &sdk.Error{Class: sdk.Unavailable, Code: "no_link"})
	}
	link := &sdk.Link{URL: made.URL}
	var text string
	err := m.render(
		rendering{own(s.Text, m.p.texts.Pay), &text},
		rendering{own(s.Button, m.p.texts.PayButton), &link.Label},
	)
	if err != nil {
		return m.trouble(err)
	}
	m.send(sdk.Content{Text: text, Link: link})
	m.open(Payment{Ref: m.st.Pending, Block: m.st.Block, Step: m.st.Step, Connection: ev.Connection})
	m.st.Misses = 0
	return park
}

// awaitsPayment tells whether the link of the current step was sent.
func (m *machine) awaitsPayment() bool {
	for _, p := range m.st.Payments {
		if p.Ref == m.st.Pending {
			return true
		}
	}
	return false
}

func (s *payStep) hear(m *machine, msg *sdk.Incoming) move {
	if !m.awaitsPayment() {
		return m.moment()
	}
	return m.miss(m.p.texts.Unpaid, nil)
}

// failed enters the branch for a payment that did not come about, which sees why
// as error.
func (s *payStep) failed(m *machine, e *sdk.Error) move {
	if err := m.rememberError(e); err != nil {
		return m.trouble(err)
	}
	return s.Failed.or(finish)
}
