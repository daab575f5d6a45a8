package stripefake

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"parley/connectors/sdk/fake"

	"github.com/stripe/stripe-go/v85/webhook"
)

// announce keeps one event in the list of the Stripe account that owns the object and
// sends it to every webhook endpoint of that account. Stripe keeps no order, so none
// is asked for. Under the fault stop_pushing it is in the list only.
func (s *server) announce(owner, kind string, about object) {
	now := s.env.Now()
	id := s.env.NextID("evt_")
	body, err := json.Marshal(envelope(id, kind, now, about))
	if err != nil {
		panic(err) // the objects are ours
	}
	s.env.State().Put("events", id, listedEvent{Owner: owner, Type: kind, Created: now.Unix(), Body: body})
	for _, a := range s.env.Accounts() {
		if c, ok := readAccount(a); ok && ownerOf(c.SecretKey) == owner && !s.silent(kind) {
			d := fake.Delivery{URL: a.Hook, Body: body}
			d.Header = signed(body, c.WebhookSecret, now)
			s.env.Deliver(d)
		}
	}
}

// Sign signs a delivery anew, as Stripe does for every attempt: a signature is
// good for five minutes, and Stripe repeats for three days. A delivery whose
// endpoint is gone is returned as it is.
func (s *server) Sign(d fake.Delivery, now time.Time) fake.Delivery {
	for _, a := range s.env.Accounts() {
		if c, ok := readAccount(a); ok && a.Hook == d.URL {
			d.Header = signed(d.Body, c.WebhookSecret, now)
			return d
		}
	}
	return d
}

func readAccount(a fake.Account) (account, bool) {
	var c account
	err := json.Unmarshal(a.Config, &c)
	return c, err == nil
}

// signed makes the headers of a webhook, with one v1 for each secret that is in
// use (https://docs.stripe.com/webhooks#verify-manually).
func signed(body []byte, secrets string, at time.Time) http.Header {
	signature := fmt.Sprintf("t=%d", at.Unix())
	for secret := range strings.SplitSeq(secrets, ",") {
		sum := webhook.ComputeSignature(at, body, strings.TrimSpace(secret))
		signature += ",v1=" + hex.EncodeToString(sum)
	}
	return http.Header{
		"Content-Type":     {"application/json; charset=utf-8"},
		"User-Agent":       {"Stripe/1.0 (+https://stripe.com/docs/webhooks)"},
		"Stripe-Signature": {signature},
	}
}
