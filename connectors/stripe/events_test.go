package stripe_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/stripe"

	"github.com/stretchr/testify/require"
)

func TestEveryNewsOfAPaymentCarriesOurKey(t *testing.T) {
	r := newRig(t)
	l := r.link("k1")
	r.press(l, "decline")
	r.press(l, "pay")
	paid, payments := named(t, r.news(), "payment.paid")
	require.Len(t, paid, 1, "Stripe reports a payment with three events; it is paid once")
	require.Equal(t, "checkout.session.completed", paid[0].Type)
	require.Equal(t, r.now, paid[0].At)
	p := payments[0]
	require.Equal(t, stripe.Payment{Status: "paid", Amount: 5900, Currency: "EUR", PaymentIntent: p.PaymentIntent, PaymentLink: l.ID}, p)
	require.Equal(t, []string{p.PaymentIntent, l.ID}, paid[0].Provider.Refs[:2])
	require.True(t, strings.HasPrefix(paid[0].Provider.Refs[2], "cs_"))

	run[stripe.RefundOutput](t, r.conn, "refund_create", call("k2"), stripe.RefundInput{PaymentIntent: p.PaymentIntent})
	refunded, payments := named(t, r.news(), "payment.refunded")
	require.Len(t, refunded, 1)
	require.Equal(t, stripe.Payment{Status: "refunded", Amount: 5900, Refunded: 5900, Currency: "EUR", PaymentIntent: p.PaymentIntent}, payments[0])

	ids := map[string]bool{}
	for _, e := range r.news() {
		require.False(t, ids[e.ID], "event IDs are unique")
		ids[e.ID] = true
		if e.Provider != nil {
			require.Equal(t, "k1", e.Provider.EffectKey)
		}
	}
}

func TestNoCustomerIsNamed(t *testing.T) {
	r := newRig(t)
	l := r.link("k1")
	r.press(l, "decline")
	r.press(l, "pay")
	sent := r.env.Deliveries()
	require.Contains(t, string(sent[len(sent)-1].Body), "jenny.rosen@example.com", "the webhook does name the customer")
	for _, e := range r.news() {
		raw, err := json.Marshal(e)
		require.NoError(t, err)
		require.NotContains(t, strings.ToLower(string(raw)), "jenny")
	}
}

func TestParse(t *testing.T) {
	session := func(more string) string {
		return `{"id":"cs_1","mode":"payment","amount_total":500,"currency":"usd","payment_intent":"pi_1","payment_link":"plink_1","metadata":{"parley_effect":"k"}` + more + `}`
	}
	refund := func(status string) string {
		return `{"id":"re_1","status":"` + status + `","amount":200,"currency":"usd","payment_intent":"pi_1","charge":"ch_1","metadata":{"parley_effect":"r"}}`
	}
	sessionRefs := []string{"pi_1", "plink_1", "cs_1"}
	cases := map[string]struct {
		kind, object string
		name, key    string // name "" means ignored
		refs         []string
		data         stripe.Payment
	}{
		"paid": {"checkout.session.completed", session(`,"payment_status":"paid"`), "payment.paid", "k", sessionRefs,
			stripe.Payment{Status: "paid", Amount: 500, Currency: "USD", PaymentIntent: "pi_1", PaymentLink: "plink_1"}},
		"completed, the money still on its way": {kind: "checkout.session.completed", object: session(`,"payment_status":"unpaid"`)},
		"paid later": {"checkout.session.async_payment_succeeded", session(`,"payment_status":"paid"`), "payment.paid", "k", sessionRefs,
			stripe.Payment{Status: "paid", Amount: 500, Currency: "USD", PaymentIntent: "pi_1", PaymentLink: "plink_1"}},
		"failed later": {"checkout.session.async_payment_failed", session(`,"payment_status":"unpaid"`), "payment.failed", "k", sessionRefs,
			stripe.Payment{Status: "failed", Amount: 500, Currency: "USD", PaymentIntent: "pi_1", PaymentLink: "plink_1"}},
		"expired": {"checkout.session.expired", session(``), "payment.expired", "k", sessionRefs,
			stripe.Payment{Status: "expired", Amount: 500, Currency: "USD", PaymentIntent: "pi_1", PaymentLink: "plink_1"}},
		"a subscription": {kind: "checkout.session.completed", object: `{"id":"cs_1","mode":"subscription","payment_status":"paid"}`},
		"declined": {"payment_intent.payment_failed", `{"id":"pi_1","amount":500,"currency":"usd","metadata":{"parley_effect":"k"},"last_payment_error":{"code":"card_declined","decline_code":"lost_card","message":"Jane"}}`,
			"payment.failed", "k", []string{"pi_1"},
			stripe.Payment{Status: "failed", Amount: 500, Currency: "USD", PaymentIntent: "pi_1", Reason: "lost_card"}},
		"the payment behind a session": {"payment_intent.succeeded", `{"id":"pi_1","amount":500,"currency":"usd","metadata":{"parley_effect":"k"}}`,
			"payment.captured", "k", []string{"pi_1"}, stripe.Payment{Status: "paid", Amount: 500, Currency: "USD", PaymentIntent: "pi_1"}},
		"refunded in part": {"charge.refunded", `{"id":"ch_1","amount":500,"amount_refunded":200,"refunded":false,"currency":"usd","payment_intent":{"id":"pi_1"},"metadata":{"parley_effect":"k"}}`,
			"payment.refunded", "k", []string{"pi_1", "ch_1"},
			stripe.Payment{Status: "paid", Amount: 500, Refunded: 200, Currency: "USD", PaymentIntent: "pi_1"}},
		"a refund has arrived": {"refund.updated", refund("succeeded"), "payment.refunded", "r", []string{"re_1", "pi_1", "ch_1"},
			stripe.Payment{Refunded: 200, Refund: "re_1", Currency: "USD", PaymentIntent: "pi_1"}},
		"a refund on its way": {kind: "refund.updated", object: refund("pending")},
		"somebody else's payment": {"charge.refunded", `{"id":"ch_1","amount":5,"amount_refunded":5,"refunded":true,"currency":"usd","payment_intent":null,"metadata":null}`,
			"payment.refunded", "", []string{"ch_1"}, stripe.Payment{Status: "refunded", Amount: 5, Refunded: 5, Currency: "USD"}},
		"a kind of tomorrow": {kind: "payment.teleported", object: `7`},
	}
	r := receiver(t, `{"webhook_secret":"x"}`)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			events, err := r.Parse(signedRequest("", `{"id":"evt_9","object":"event","created":1780000000,"type":"`+c.kind+`","data":{"object":`+c.object+`}}`))
			require.NoError(t, err)
			require.Len(t, events, 1)
			e := events[0]
			require.Equal(t, "evt_9", e.ID)
			require.Equal(t, c.kind, e.Type)
			require.Equal(t, time.Unix(1780000000, 0).UTC(), e.At)
			if c.name == "" {
				require.Equal(t, sdk.EventIgnored, e.Kind)
				require.Nil(t, e.Provider)
				return
			}
			require.Equal(t, sdk.EventProvider, e.Kind)
			require.Equal(t, c.key, e.Provider.EffectKey)
			require.Equal(t, c.refs, e.Provider.Refs)
			_, data := named(t, events, c.name)
			require.Equal(t, []stripe.Payment{c.data}, data)
		})
	}
}

func TestEveryNewsIsADeclaredTrigger(t *testing.T) {
	for _, trigger := range stripe.Connector.Triggers {
		for _, source := range trigger.Source {
			body := `{"id":"evt_1","type":"` + source + `","data":{"object":{"id":"x","status":"succeeded","payment_status":"paid"}}}`
			events, err := receiver(t, `{"webhook_secret":"x"}`).Parse(signedRequest("", body))
			require.NoError(t, err)
			require.NotNil(t, events[0].Provider, source)
			require.Equal(t, trigger.Name, events[0].Provider.Name)
		}
	}
}

func TestMalformedWebhooksAreInvalid(t *testing.T) {
	for _, body := range []string{"", "{", "[]", "7", "null", `{"id":"evt_1"}`, `{"type":"charge.refunded"}`, `{"id":7,"type":"ping"}`,
		`{"id":"evt_1","type":"charge.refunded"}`, `{"id":"evt_1","type":"charge.refunded","data":{"object":[]}}`,
		`{"id":"evt_1","type":"charge.refunded","data":{"object":{"amount":"five"}}}`} {
		_, err := receiver(t, `{"webhook_secret":"x"}`).Parse(signedRequest("", body))
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, body)
	}
}

func FuzzParse(f *testing.F) {
	for _, kind := range []string{"checkout.session.completed", "payment_intent.payment_failed", "charge.refunded", "refund.updated", "ping"} {
		f.Add([]byte(`{"id":"evt_1","type":"` + kind + `","created":1,"data":{"object":{"id":"x","payment_status":"paid","status":"succeeded","amount":1,"currency":"usd","payment_intent":{"id":"pi_1"},"metadata":{"parley_effect":"k"}}}}`))
	}
	conn, err := stripe.Connector.Open(json.RawMessage(`{"webhook_secret":"x"}`), sdk.Host{})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := conn.(sdk.Receiver).Parse(sdk.WebhookRequest{Body: body})
		if err != nil {
			require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
			return
		}
		require.Len(t, events, 1)
		require.NotEmpty(t, events[0].ID)
		require.Equal(t, events[0].Kind == sdk.EventProvider, events[0].Provider != nil)
		if p := events[0].Provider; p != nil {
			require.True(t, json.Valid(p.Data))
			require.LessOrEqual(t, len(p.EffectKey), 64)
			require.NotContains(t, p.Refs, "")
		}
	})
}
