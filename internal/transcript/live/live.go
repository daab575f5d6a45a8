// Package live plays transcripts on a running engine: the customer is a phone of the
// sandbox, the bot is whatever answers there, and connectors are the sandbox's fakes.
// It knows both by their HTTP interfaces alone.
//
// Time cannot be skipped on a running engine, what calls answer is the fakes' affair,
// and the API does not show what calls were given or what a flow keeps. [Prepare]
// refuses a transcript that cannot do without, and leaves out what cannot be looked at.
package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"parley/connectors/sdk"
	"parley/internal/transcript"
	"parley/workflows/flow"
)

// API is the engine's HTTP API.
type API interface {
	Do(ctx context.Context, method, path string, in, out any) error
}

// Phone is one customer on one channel of a running engine. It is a
// [transcript.Stage], for one transcript, and not safe for concurrent use.
type Phone struct {
	Context context.Context
	API     API
	// Sandbox is its address; Account the engine's account that is written to.
	Sandbox, Account string
	// Channel is the connector's name, From the customer's number on it, Name their
	// display name.
	Channel, From, Name string
	// Patience is how long an answer may take.
	Patience time.Duration

	seen         []*transcript.Seen
	last         int64 // of what the phone has shown
	spoken, busy bool  // whether the customer has said anything, and a call is under way
	effects      map[string]bool
	conversation conversation
	found        transcript.Captures
}

// conversation is what the API tells of one.
type conversation struct {
	ID      string `json:"id"`
	Contact string `json:"contact"`
	Channel string `json:"channel"`
	State   string `json:"state"`
	Owner   struct {
		Kind  string `json:"kind"`
		Queue string `json:"queue"`
	} `json:"owner"`
	LastNumber int64 `json:"last_number"`
	Cursor     int64 `json:"cursor"`
}

// pause is how long is waited between two looks.
const pause = 200 * time.Millisecond

// Seen is what has appeared so far.
func (p *Phone) Seen() []*transcript.Seen { return p.seen }

// Found is what patterns have found.
func (p *Phone) Found() transcript.Captures {
	if p.found == nil {
		p.found = transcript.Captures{}
	}
	return p.found
}

// State cannot be seen from outside.
func (p *Phone) State() (flow.State, error) {
	return flow.State{}, errors.New("the state of a running flow cannot be seen")
}

// Answer is not for a transcript to give here.
func (p *Phone) Answer(call *transcript.Seen, _ transcript.Answer) error {
	return fmt.Errorf("%s is answered by the sandbox", call.Operation)
}

// Act does what a line says, when the engine has answered what came before.
func (p *Phone) Act(l *transcript.Line, _ []transcript.Line) error {
	switch l.Verb {
	case "fault":
		return p.fault(*l.Reply)
	case "customer":
		for _, s := range l.Says {
			if err := p.say(map[string]any{"text": p.Found().Fill(s)}); err != nil {
				return err
			}
		}
		return nil
	case "tap":
		return p.tap(p.Found().Fill(l.Name))
	case "send":
		return p.say(map[string]any{"file": l.Media})
	case "location":
		return p.say(map[string]any{"location": l.Location})
	case "skip":
		return p.wait(l.Skip.Span(time.Now(), time.UTC))
	case "agent":
		return p.agent(l.Name)
	case "news":
		return p.pay(l.Name)
	}
	return fmt.Errorf("the line %q cannot be played on a running engine", l.Verb)
}

// tap taps a choice that the phone shows, or writes its label where it cannot.
func (p *Phone) tap(what string) error {
	c, err := transcript.ChoiceOf(transcript.Offered(p.seen), what)
	if err != nil {
		return p.say(map[string]any{"text": what})
	}
	return p.say(map[string]any{"tap": c.ID})
}

func (p *Phone) say(what map[string]any) error {
	p.spoken = true
	what["connector"], what["account"], what["from"], what["name"] = p.Channel, p.Account, p.From, p.Name
	return p.control(http.MethodPost, "/_control/say", what, nil)
}

// faults are how the sandbox acts out a class of errors.
var faults = map[sdk.Class]string{sdk.Auth: "401", sdk.Throttled: "429", sdk.Unavailable: "503"}

func (p *Phone) fault(r transcript.Reply) error {
	connector, operation, _ := strings.Cut(r.Operation, ".")
	times := r.Times
	if times == 0 {
		times = 1000
	}
	return p.control(http.MethodPost, "/_control/faults", map[string]any{"connector": connector, "operation": operation, "fault": faults[r.Error.Class], "times": times}, nil)
}

// agent takes or gives back the conversation.
func (p *Phone) agent(does string) error {
	if err := p.find(); err != nil {
		return err
	}
	action := map[string]string{"takes": "take", "returns": "return"}[does]
	path := "/v1/conversations/" + p.conversation.ID
	if action == "return" && p.conversation.Owner.Kind == "human" { // who gives back must have it
		_ = p.API.Do(p.Context, http.MethodPost, path+"/take", map[string]any{"agent": "transcript"}, nil) // or has it already
	}
	return p.API.Do(p.Context, http.MethodPost, path+"/"+action, map[string]any{"agent": "transcript"}, nil)
}

// pay presses a button of the newest payment page.
func (p *Phone) pay(news string) error {
	action := map[string]string{"payment.paid": "pay", "payment.failed": "decline"}[news]
	link := ""
	for _, s := range p.seen {
		if s.Content.Link != nil {
			link = s.Content.Link.URL
		}
	}
	if link == "" {
		return errors.New("there is no payment page: the bot has sent no link")
	}
	req, err := http.NewRequestWithContext(p.Context, http.MethodPost, link, strings.NewReader(url.Values{"action": {action}}.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the payment page does not answer: %w", err)
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode >= 400 {
		return fmt.Errorf("the payment page answered %s", resp.Status)
	}
	return nil
}

// wait lets real time pass.
func (p *Phone) wait(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-p.Context.Done():
		return p.Context.Err()
	}
}

// control calls the sandbox.
func (p *Phone) control(method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(p.Context, method, p.Sandbox+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the sandbox does not answer: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		var problem struct{ Detail string }
		_ = json.NewDecoder(resp.Body).Decode(&problem) // the status says enough where it is none
		return fmt.Errorf("the sandbox answered %s %s", resp.Status, problem.Detail)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(out)
}
