package flow

import (
	"encoding/json"
	"errors"
	"slices"

	"parley/connectors/sdk"
)

// maxPayments bounds those that are kept in a state.
const maxPayments = 16

// Names of an EventProvider that flows understand, and what State keeps of them.
const (
	paymentPaid    = "payment.paid"
	paymentExpired = "payment.expired"
	paymentFailed  = "payment.failed"

	statusPaid    = "paid"
	statusExpired = "expired"
	statusFailed  = "failed"
)

var errPayments = errors.New("too many payments are open")

// provider takes news of a payment. A payment that was made is answered wherever
// the customer is by now: the flow leaves that place for the pay step's paid
// branch, unless people have the conversation: then it does so when they give it
// back. News of failure or expiry matters only to a flow that still waits for it.
func (m *machine) provider(ev *Event) {
	if w, waits := m.standing().(waiter); waits && !m.st.Handed {
		if mv := w.news(m, ev); mv != park {
			m.proceed(mv)
			return
		}
	}
	i := slices.IndexFunc(m.st.Payments, func(p Payment) bool { return p.Ref == ev.Ref })
	if ev.Ref == "" || i < 0 || m.st.Payments[i].Status == statusPaid {
		return
	}
	p := &m.st.Payments[i]
	awaited := m.st.Pending == ev.Ref && !m.st.Handed
	pay, _ := m.standing().(*payStep)
	switch ev.Name {
	case paymentPaid:
		p.Status, p.Made = statusPaid, madeOf(ev)
		if !m.st.Handed {
			m.proceed(m.settle())
		}
	case paymentExpired:
		p.Status = statusExpired
		if awaited && pay != nil {
			m.proceed(pay.Expired.or(finish))
		}
	case paymentFailed:
		p.Status = statusFailed
		if awaited && pay != nil {
			m.proceed(pay.failed(m, &sdk.Error{Class: sdk.Rejected, Code: "payment_failed"}))
		}
	}
}

// settle enters the paid branch of the first payment that waits for it, or parks
// if there is none.
func (m *machine) settle() move {
	for {
		i := slices.IndexFunc(m.st.Payments, func(p Payment) bool { return p.Status == statusPaid })
		if i < 0 {
			return park
		}
		p := m.st.Payments[i]
		m.st.Payments = slices.Delete(m.st.Payments, i, i+1)
		if pay, ok := m.stepAt(p.Block, p.Step).(*payStep); ok {
			m.st.Block, m.st.Step = p.Block, p.Step
			if err := m.paid(pay, &p); err != nil {
				return m.trouble(err)
			}
			return pay.Paid.or(advance)
		}
	}
}

// madeOf reads what the news of a payment says; nothing where it says nothing.
func madeOf(ev *Event) *Paid {
	made := &Paid{}
	if json.Unmarshal(ev.Output, made) != nil || len(made.PaymentIntent) > maxObjectID {
		return nil
	}
	made.Currency = clip(made.Currency, 3)
	return made
}

// paid keeps a payment, so that it can be given back.
func (m *machine) paid(pay *payStep, p *Payment) error {
	made := p.Made
	if made == nil {
		made = &Paid{}
	}
	m.keepObject(objectPayment, Object{ID: made.PaymentIntent, Connection: p.Connection, Ref: p.Ref})
	if pay.Save == nil {
		return nil
	}
	return m.store(pay.Save.name, map[string]any{"payment_intent": made.PaymentIntent, "amount": made.Amount,
		"currency": made.Currency, "connection": p.Connection})
}

// open remembers a payment whose link is about to be sent. The oldest that has
// expired makes room where it must; open ones are never dropped.
func (m *machine) open(p Payment) {
	if len(m.st.Payments) >= maxPayments {
		i := slices.IndexFunc(m.st.Payments, expired)
		m.st.Payments = slices.Delete(m.st.Payments, max(0, i), max(0, i)+1)
	}
	m.st.Payments = append(m.st.Payments, p)
}

func expired(p Payment) bool { return p.Status == statusExpired }

// openPayments counts those that may still be answered.
func (m *machine) openPayments() int {
	open := 0
	for _, p := range m.st.Payments {
		if !expired(p) {
			open++
		}
	}
	return open
}
