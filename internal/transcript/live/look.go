package live

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"parley/connectors/sdk"
	"parley/internal/transcript"
	"parley/workflows/flow"
)

// shown is a message on the phone.
type shown struct {
	Seq        int64            `json:"seq"`
	Key        string           `json:"key"`
	From       string           `json:"from"`
	Text       string           `json:"text"`
	Header     string           `json:"header"`
	Footer     string           `json:"footer"`
	Choices    []sdk.Choice     `json:"choices"`
	ListButton string           `json:"list_button"`
	Link       *sdk.Link        `json:"link"`
	Media      *sdk.Media       `json:"media"`
	Location   *sdk.Location    `json:"location"`
	Template   *sdk.Template    `json:"template"`
	Contact    *sdk.ContactCard `json:"contact"`
	Cards      []sdk.Card       `json:"cards"`
	At         time.Time        `json:"at"`
}

// effect is a row of the ledger.
type effect struct {
	Key       string    `json:"key"`
	Connector string    `json:"connector"`
	Operation string    `json:"operation"`
	State     string    `json:"state"`
	CreatedAt time.Time `json:"created_at"`
}

// More waits until something appears.
func (p *Phone) More() (bool, error) {
	for began := time.Now(); time.Since(began) < p.Patience; {
		grown, err := p.look()
		if grown || err != nil {
			return grown, err
		}
		if err := p.wait(pause); err != nil {
			return false, err
		}
	}
	return false, nil
}

// Settle waits until the engine has answered all that it was told, and all that it
// has called has ended; and takes in what it has said.
func (p *Phone) Settle() error {
	if !p.spoken {
		return p.skipOld()
	}
	idle := 0
	for began := time.Now(); idle < 2; { // twice, since the end of a call is another event
		if _, err := p.look(); err != nil {
			return err
		}
		if idle++; p.busy || p.conversation.ID == "" || p.conversation.State == "active" || p.conversation.Cursor < p.conversation.LastNumber {
			idle = 0
		}
		if time.Since(began) > p.Patience {
			return errors.New("the engine does not answer: is a flow bound to the account, and does what it calls answer?")
		}
		if err := p.wait(pause); err != nil {
			return err
		}
	}
	return nil
}

// skipOld passes over what an earlier customer of this number was shown.
func (p *Phone) skipOld() error {
	messages, err := p.phone()
	if err == nil && len(messages) > 0 {
		p.last = messages[len(messages)-1].Seq
	}
	return err
}

func (p *Phone) phone() (messages []shown, err error) {
	q := url.Values{"connector": {p.Channel}, "from": {p.From}}
	return messages, p.control(http.MethodGet, "/_control/phone?"+q.Encode(), nil, &messages)
}

// look takes in what is new on the phone and in the ledger.
func (p *Phone) look() (bool, error) {
	before := len(p.seen)
	messages, err := p.phone()
	if err != nil {
		return false, err
	}
	if err := p.find(); err != nil {
		return false, err
	}
	others, err := p.others(messages)
	if err != nil {
		return false, err
	}
	for _, m := range messages {
		if m.Seq <= p.last {
			continue
		}
		if p.last = m.Seq; m.From == "business" && !others[m.Key] {
			p.seen = append(p.seen, &transcript.Seen{Kind: flow.EffectSend, At: m.At, Content: sdk.Content{Text: m.Text, Header: m.Header, Footer: m.Footer,
				Choices: m.Choices, ListButton: m.ListButton, Link: m.Link, Media: m.Media, Location: m.Location, Template: m.Template, Contact: m.Contact, Cards: m.Cards}})
		}
	}
	if p.conversation.ID != "" {
		err = p.ledger()
	}
	return len(p.seen) > before, err
}

// others are the keys of messages that are not the flow's, but a case's or a person's.
func (p *Phone) others(messages []shown) (map[string]bool, error) {
	isNew := func(m shown) bool { return m.Seq > p.last && m.From == "business" && m.Key != "" }
	if p.conversation.ID == "" || !slices.ContainsFunc(messages, isNew) {
		return nil, nil
	}
	out := map[string]bool{}
	for after := ""; ; {
		var page struct {
			Items []struct {
				ID   string `json:"id"`
				From string `json:"from"`
			} `json:"items"`
			Next string `json:"next"`
		}
		path := "/v1/conversations/" + p.conversation.ID + "/messages?limit=200&after=" + url.QueryEscape(after)
		if err := p.API.Do(p.Context, http.MethodGet, path, nil, &page); err != nil {
			return nil, err
		}
		for _, m := range page.Items {
			out[m.ID] = m.From == "case" || m.From == "human"
		}
		if page.Next == "" {
			return out, nil
		}
		after = page.Next
	}
}

// ledger takes in what the conversation has caused beside messages.
func (p *Phone) ledger() error {
	var page struct {
		Items []effect `json:"items"`
	}
	if err := p.API.Do(p.Context, http.MethodGet, "/v1/effects?limit=200&subject="+p.conversation.ID, nil, &page); err != nil {
		return err
	}
	if p.effects == nil {
		p.effects = map[string]bool{}
	}
	p.busy = false
	for _, e := range slices.Backward(page.Items) { // oldest first
		p.busy = p.busy || e.State == "planned" || e.State == "attempting"
		if p.effects[e.Key] || e.Operation == "send" {
			continue
		}
		p.effects[e.Key] = true
		p.seen = append(p.seen, seenEffect(e))
	}
	queue := p.conversation.Owner.Queue
	if handed := "handoff " + queue; p.conversation.Owner.Kind == "human" && !p.effects[handed] {
		p.effects[handed] = true
		p.seen = append(p.seen, &transcript.Seen{Kind: flow.EffectHandoff, Operation: queue, At: time.Now()})
	}
	return nil
}

// engineOperations are what the engine does itself; other operations of its own are
// kinds of cases.
var engineOperations = []string{"case_list", "case_signal", "contact_tag", "contact_consent", "contact_language"}

func seenEffect(e effect) *transcript.Seen {
	s := &transcript.Seen{Kind: flow.EffectCall, Operation: e.Connector + "." + e.Operation, At: e.CreatedAt}
	switch {
	case e.Operation == "payment_link_create":
		s.Kind, s.Operation = flow.EffectPay, "pay"
	case e.Connector == "parley" && !slices.Contains(engineOperations, e.Operation):
		s.Kind, s.Operation = flow.EffectStartCase, "case."+e.Operation
	}
	return s
}

// find finds the conversation of this customer among the newest, and afterwards how
// it stands.
func (p *Phone) find() error {
	if p.conversation.ID != "" {
		return p.API.Do(p.Context, http.MethodGet, "/v1/conversations/"+p.conversation.ID, nil, &p.conversation)
	}
	var page struct {
		Items []conversation `json:"items"`
	}
	if err := p.API.Do(p.Context, http.MethodGet, "/v1/conversations?limit=20", nil, &page); err != nil {
		return err
	}
	for _, c := range page.Items {
		if c.Channel != p.Channel {
			continue
		}
		var contact struct {
			Addresses []sdk.Address `json:"addresses"`
		}
		if err := p.API.Do(p.Context, http.MethodGet, "/v1/contacts/"+c.Contact, nil, &contact); err != nil {
			return err
		}
		if slices.ContainsFunc(contact.Addresses, func(a sdk.Address) bool { return a.Value == p.From || a.Value == "+"+p.From }) {
			p.conversation = c
			return nil
		}
	}
	return nil
}

// longestWait is how much time a line may skip that is waited for here.
const longestWait = time.Minute

// Prepare gives the transcript as it can be played on a running engine, and how many
// lines or parts of them cannot be looked at there. It refuses, with the place, a
// transcript that does what cannot be done.
func Prepare(t *transcript.Transcript) (*transcript.Transcript, int, error) {
	out, lost := *t, 0
	out.Lines = nil
	for _, l := range t.Lines {
		refuse := func(why string) error { return fmt.Errorf("%s:%d:%d: %s", l.File, l.Line, l.Col, why) }
		switch {
		case l.Verb == "skip" && l.Skip.Span(t.Now, t.Zone) > longestWait:
			return nil, 0, refuse("time cannot be skipped on a running engine; without --live it can")
		case l.Verb == "reply" || l.Answer != nil:
			return nil, 0, refuse("on a running engine the sandbox's fakes answer; without --live this line can")
		case l.Verb == "fault" && (faults[l.Reply.Error.Class] == "" || l.Reply.When != nil || l.Reply.After > 0):
			return nil, 0, refuse("the sandbox makes connectors fail with auth, throttled or unavailable, whatever the input")
		case l.Verb == "news" && l.Name != "payment.paid" && l.Name != "payment.failed":
			return nil, 0, refuse("a payment page can be paid or declined; other news cannot be made up on a running engine")
		case l.Verb == "enter", l.Verb == "customer" && l.Understood != nil:
			return nil, 0, refuse("this cannot be done on the sandbox's phones; without --live it can")
		case slices.Contains([]string{"state", "ends", "trouble", "refused", "emit"}, l.Verb):
			lost++
			continue
		case l.With != nil || l.Verb == "tag" || l.Verb == "consent" || l.Verb == "subscribe" || l.Verb == "language" || l.Verb == "handoff" && l.Text != nil:
			lost++
			l.Blind = true
		}
		out.Lines = append(out.Lines, l)
	}
	return &out, lost, nil
}
