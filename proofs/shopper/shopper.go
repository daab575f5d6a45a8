// Package shopper is a customer of the commerce stack: somebody who reads what
// the phone shows, taps, writes and pays, until an order is confirmed. Now and
// then he says something else entirely, as people do.
//
// He reacts to what is on the phone and to nothing else, so he finds his way
// whatever the order and timing of the answers.
package shopper

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/internal/sandbox"
	"parley/internal/sandbox/sandboxclient"
)

// Shopper is one customer. It is used by one goroutine.
type Shopper struct {
	Sandbox sandboxclient.Client
	// From is the phone number, digits only; Name the profile's.
	From, Name string
	// Rand decides what is said and tapped.
	Rand *rand.Rand
	// Straight takes the shortest way to the checkout.
	Straight bool
	// Talk is what is said beside the matter, Chatter how often: 0 for never, 1
	// for at every turn.
	Talk    []string
	Chatter float64
	// Decline is how often the first try of a payment is declined.
	Decline float64
	// Patience is how long an answer may take, 2 minutes by default.
	Patience time.Duration
	// OnReply, if set, hears how long each answer took.
	OnReply func(time.Duration)
	// Said counts the messages that the customer has sent.
	Said int
	// Paid are the payment pages on which the customer has paid.
	Paid []string

	seen     int64 // the newest message acted on
	declined map[string]bool
	sober    int // acts since something was said beside the matter
}

const (
	channel = "whatsapp"
	account = "demo"
)

func (s *Shopper) patience() time.Duration {
	if s.Patience == 0 {
		return 2 * time.Minute
	}
	return s.Patience
}

// Buy makes one purchase, from hello to the confirmation.
func (s *Shopper) Buy(ctx context.Context) error {
	if s.declined == nil {
		s.declined = map[string]bool{}
	}
	begun := s.seen
	if err := s.Speak(ctx, fake.Utterance{Text: []string{"hi", "Hello", "start", "menu", "#"}[s.Rand.IntN(5)]}); err != nil {
		return err
	}
	for range 200 {
		checkedOut := false
		m, err := s.await(ctx, "something to act on", func(m fake.Shown) bool {
			checkedOut = checkedOut || m.Seq > begun && strings.Contains(m.Text, "I am preparing your order")
			return m.Link != nil || isConfirmed(m) || !checkedOut && (len(m.Choices) > 0 || asks(m))
		})
		if err != nil {
			return err
		}
		if isConfirmed(m) {
			return nil
		}
		if checkedOut && m.Link == nil {
			continue // asked before the checkout, shown together with it
		}
		if err := s.act(ctx, m); err != nil {
			return err
		}
	}
	return fmt.Errorf("customer %s walks in circles", s.From)
}

// act does what a message asks for, sometimes after something beside the matter,
// whose answer is then either awaited or not.
func (s *Shopper) act(ctx context.Context, m fake.Shown) error {
	if s.beside() {
		if err := s.Speak(ctx, fake.Utterance{Text: s.Talk[s.Rand.IntN(len(s.Talk))]}); err != nil {
			return err
		}
		if m.Link == nil && s.Rand.IntN(2) == 0 {
			return nil
		}
	}
	switch {
	case m.Link != nil:
		return s.pay(ctx, m.Link.URL)
	case len(m.Choices) > 0:
		return s.Speak(ctx, fake.Utterance{Tap: s.choose(m.Choices).ID})
	}
	return s.Speak(ctx, fake.Utterance{Text: s.answer(m)})
}

func isConfirmed(m fake.Shown) bool { return strings.Contains(m.Text, " is confirmed (") }

// asks tells whether a message is a question that is answered in writing.
func asks(m fake.Shown) bool {
	return len(m.Choices) == 0 && m.Link == nil && strings.HasSuffix(strings.TrimSpace(m.Text), "?")
}

func (s *Shopper) answer(m fake.Shown) string {
	if strings.Contains(m.Text, "How many") {
		return fmt.Sprint(1 + s.Rand.IntN(3))
	}
	return []string{"tea", "coffee", "something nice for my mother"}[s.Rand.IntN(3)]
}

// avoided are choices that do not lead to a purchase.
var avoided = map[string]bool{"Talk to a person": true, "My order": true, "Cancel this order": true, "Remove something": true, "Nothing": true}

// direct are choices on the shortest way, and how likely they are taken at once.
var direct = map[string]float64{"Check out": 0.8, "No, thank you": 0.6}

// choose taps on through the flow: towards the checkout where it is offered,
// else anything that does not lead away from it.
func (s *Shopper) choose(choices []sdk.Choice) sdk.Choice {
	var good []sdk.Choice
	for _, c := range choices {
		if likely, known := direct[c.Label]; known && (s.Straight || s.Rand.Float64() < likely) {
			return c
		}
		if !avoided[c.Label] {
			good = append(good, c)
		}
	}
	if len(good) == 0 {
		good = choices
	}
	if s.Straight {
		return good[0]
	}
	return good[s.Rand.IntN(len(good))]
}

// beside tells whether to say something beside the matter. It is not said again
// before the conversation has gone on: who is not understood again and again is
// handed to a person.
func (s *Shopper) beside() bool {
	s.sober++
	if s.sober < 4 || len(s.Talk) == 0 || s.Rand.Float64() >= s.Chatter {
		return false
	}
	s.sober = 0
	return true
}

// Say says something and returns the first answer that satisfies the condition.
func (s *Shopper) Say(ctx context.Context, u fake.Utterance, want func(fake.Shown) bool) (fake.Shown, error) {
	if err := s.Speak(ctx, u); err != nil {
		return fake.Shown{}, err
	}
	return s.await(ctx, "the answer", want)
}

// await returns the newest message of the business that is wanted and was not
// there before, when the phone has come to rest.
func (s *Shopper) await(ctx context.Context, what string, want func(fake.Shown) bool) (fake.Shown, error) {
	began := time.Now()
	rest := int64(-1)
	for pause := 100 * time.Millisecond; ; pause = min(pause+pause/4, 700*time.Millisecond) {
		shown, err := s.phone(ctx)
		if err == nil {
			var found *fake.Shown
			for i, m := range shown {
				if m.From == "business" && want(m) && m.Seq > s.seen {
					found = &shown[i]
				}
			}
			last := shown[len(shown)-1].Seq
			if found != nil && rest == last {
				s.seen = last
				if s.OnReply != nil {
					s.OnReply(time.Since(began))
				}
				return *found, nil
			}
			rest = last
		}
		if time.Since(began) > s.patience() {
			if err != nil {
				return fake.Shown{}, fmt.Errorf("customer %s waits for %s since %s: %w", s.From, what, began.Format(time.TimeOnly), err)
			}
			return fake.Shown{}, fmt.Errorf("customer %s waits for %s since %s; the phone shows: %s", s.From, what, began.Format(time.TimeOnly), newest(shown, 12))
		}
		if err := wait(ctx, pause); err != nil {
			return fake.Shown{}, err
		}
	}
}

// newest describes the end of a phone for a failed proof.
func newest(shown []fake.Shown, n int) string {
	var b strings.Builder
	for _, m := range shown[max(0, len(shown)-n):] {
		fmt.Fprintf(&b, "\n  %s %s %.60q %d choices key %s", m.At.Format(time.TimeOnly), m.From, m.Text, len(m.Choices), m.Key)
	}
	return b.String()
}

func (s *Shopper) phone(ctx context.Context) ([]fake.Shown, error) {
	shown, err := s.Sandbox.Phone(ctx, channel, s.From)
	if err == nil && len(shown) == 0 {
		err = fmt.Errorf("the phone shows nothing")
	}
	return shown, err
}

// Speak says something exactly once: where the sandbox was cut off in between,
// the phone tells whether it was said.
func (s *Shopper) Speak(ctx context.Context, u fake.Utterance) error {
	u.Name = s.Name
	s.Said++
	began := time.Now()
	for {
		err := s.Sandbox.Say(ctx, sandbox.Say{Connector: channel, Account: account, From: s.From, Utterance: u})
		if err == nil {
			return nil
		}
		if time.Since(began) > s.patience() {
			return fmt.Errorf("customer %s cannot speak: %w", s.From, err)
		}
		if err := wait(ctx, 300*time.Millisecond); err != nil {
			return err
		}
		if shown, err := s.Sandbox.Phone(ctx, channel, s.From); err == nil && spoken(shown) >= s.Said {
			return nil
		}
	}
}

func spoken(shown []fake.Shown) (n int) {
	for _, m := range shown {
		if m.From == "customer" {
			n++
		}
	}
	return n
}

// pay pays on a page, once; now and then the first try is declined.
func (s *Shopper) pay(ctx context.Context, page string) error {
	for _, paid := range s.Paid {
		if paid == page {
			return nil
		}
	}
	if !s.declined[page] && s.Rand.Float64() < s.Decline {
		s.declined[page] = true
		_, err := s.post(ctx, page, "decline")
		return err
	}
	status, err := s.post(ctx, page, "pay")
	if err != nil {
		return err
	}
	if status != http.StatusOK && status != http.StatusConflict { // paid now, or by a try whose answer was lost
		return fmt.Errorf("the payment page answered %d", status)
	}
	s.Paid = append(s.Paid, page)
	return nil
}

func (s *Shopper) post(ctx context.Context, page, action string) (int, error) {
	began := time.Now()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, page, strings.NewReader(url.Values{"action": {action}}.Encode()))
		if err != nil {
			return 0, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			return resp.StatusCode, resp.Body.Close()
		}
		if time.Since(began) > s.patience() {
			return 0, fmt.Errorf("the payment page does not answer: %w", err)
		}
		if err := wait(ctx, 300*time.Millisecond); err != nil {
			return 0, err
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
