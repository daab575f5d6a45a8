package flow

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// otpStep sends a code by an operation and asks for it: whoever writes it has the
// phone or mailbox that it went to. The code is kept as a hash only.
//
//   - otp: Please write the code that we sent to {{ email }}.
//     call: mail.send
//     with: {to: =email, text: "Your code is {{ code }}."}
//     expires: 10m
//     failed: not_proven
type otpStep struct {
	Otp phrase `flow:"otp,required" doc:"asks for the code"`
	// Call sends the code, which With sees as code.
	Call operation  `flow:"call,required" doc:"the operation that sends the code"`
	With *arguments `flow:"with,required" doc:"its input, which sees the code as code"`
	// Digits is how long the code is, Expires how long it is good for.
	Digits  *int  `flow:"digits" doc:"how many digits the code has, from 4 to 8; 6 where not said"`
	Expires *span `flow:"expires" doc:"how long a code is good for; 10m where not said"`
	// Tries is how many wrong codes, and how many codes sent, lead to Failed.
	Tries  *int       `flow:"tries" doc:"how many wrong codes lead to failed, and how many are sent at most; 3 where not said"`
	Failed *target    `flow:"failed,required" doc:"where the flow goes without the right code"`
	Errors errorJumps `flow:"errors" doc:"where it goes when no code could be sent; failed where not said"`
}

var errEntropy = errors.New("the engine gave no entropy for a code")

func (s *otpStep) finish(r *reader, n *node) {
	if s.With != nil {
		for _, e := range s.With.exprs() {
			e.locals = append(e.locals, "code")
		}
	}
	if s.Digits != nil && (*s.Digits < 4 || *s.Digits > 8) {
		r.fail(n.get("digits").pos, "digits must be from 4 to 8")
	}
	if s.Tries != nil && (*s.Tries < 1 || *s.Tries > 10) {
		r.fail(n.get("tries").pos, "tries must be from 1 to 10")
	}
}

func (s *otpStep) exits() exits {
	return s.Errors.jumps(exits{next: true, waits: true}).jump(s.Failed, false)
}

func (s *otpStep) tries() int {
	if s.Tries == nil {
		return 3
	}
	return *s.Tries
}

func (s *otpStep) rules(*machine) rules { return rules{tries: s.tries(), failed: s.Failed} }

func (s *otpStep) run(m *machine) move {
	m.st.Asked = Asked{}
	return s.send(m)
}

// send makes a code and has it sent.
func (s *otpStep) send(m *machine) move {
	if len(m.in.Entropy) < 16 {
		return m.trouble(errEntropy)
	}
	if m.st.Asked.Codes >= s.tries() {
		return s.Failed.to
	}
	digits := 6
	if s.Digits != nil {
		digits = *s.Digits
	}
	mac := hmac.New(sha256.New, m.in.Entropy)
	fmt.Fprint(mac, m.in.Conversation, " ", m.st.Seq)
	modulus := uint64(1)
	for range digits {
		modulus *= 10
	}
	code := fmt.Sprintf("%0*d", digits, binary.BigEndian.Uint64(mac.Sum(nil))%modulus)
	var input json.RawMessage
	err := m.with("code", code, func() (err error) {
		input, err = m.input(s.With)
		return err
	})
	if err != nil {
		return m.trouble(err)
	}
	m.st.Pending = m.emit(Effect{Kind: EffectCall, Connector: s.Call.connector, Operation: s.Call.name, Input: input})
	m.st.Asked.Code, m.st.Asked.Sent = hashOf(m.st.Pending, code), m.in.Now.UTC().Round(0)
	m.st.Asked.Codes++
	m.st.Choices = nil
	return park
}

// hashOf keeps a code from being read in a state; the state itself is encrypted.
func hashOf(ref, code string) string {
	sum := sha256.Sum256([]byte(ref + " " + code))
	return ref + " " + hex.EncodeToString(sum[:])
}

func (s *otpStep) result(m *machine, ev *Event) move {
	if ev.Error != nil {
		if err := m.rememberError(ev.Error); err != nil {
			return m.trouble(err)
		}
		return s.Errors.of(ev.Error.Class).or(s.Failed.to)
	}
	m.st.Pending, m.st.Misses = "", 0
	return s.put(m, "")
}

func (s *otpStep) put(m *machine, why string) move {
	text, err := m.text(&s.Otp)
	if err != nil {
		return m.trouble(err)
	}
	c := sdk.Content{Text: paragraphs(why, text)}
	c.Choices = []sdk.Choice{{ID: m.choiceID("resend"), Label: clip(m.textOr(m.p.texts.Resend, "Send another code"), maxLabel)}}
	m.st.Choices = c.Choices
	m.send(c)
	return park
}

func (s *otpStep) hear(m *machine, msg *sdk.Incoming) move {
	if m.st.Pending != "" {
		return m.moment()
	}
	if i := m.chosen(msg); i >= 0 && (msg.Tap != "" || fold(msg.Text) == fold(m.st.Choices[i].Label)) {
		return s.send(m)
	}
	good := 10 * time.Minute
	if s.Expires != nil {
		good = time.Duration(*s.Expires)
	}
	ref, _, _ := strings.Cut(m.st.Asked.Code, " ")
	written := strings.NewReplacer(" ", "", "-", "").Replace(strings.TrimSpace(msg.Text))
	right := hmac.Equal([]byte(hashOf(ref, written)), []byte(m.st.Asked.Code))
	if !right || m.in.Now.After(m.st.Asked.Sent.Add(good)) {
		return m.miss(m.p.texts.WrongCode, s)
	}
	return advance
}

// signStep has the customer sign a statement by agreeing to it, or by writing
// their name.
//
//   - sign: I have read the terms of {{ today }} and agree to them.
//     save: signature
//     declined: not_signed
type signStep struct {
	Sign phrase `flow:"sign,required" doc:"the statement"`
	// By is tap, or name: then the full name must be written.
	By       string   `flow:"by" doc:"how it is signed: tap (an answer), or name (the full name is written); tap where not said"`
	Document *fill    `flow:"document" doc:"address of what is signed"`
	Save     variable `flow:"save,required" doc:"the variable that takes {statement, signed, at}"`
	Declined *target  `flow:"declined,required" doc:"where the flow goes when it is not signed"`
	Retry    retries  `flow:"retry" doc:"said before the statement is shown again"`
	Timeout  *timeout `flow:"timeout" doc:"what happens when no answer comes"`
}

func (s *signStep) finish(r *reader, n *node) {
	s.Save.typ = "map"
	if s.By == "" {
		s.By = "tap"
	}
	if s.By != "tap" && s.By != "name" {
		r.fail(n.get("by").pos, "by must be tap or name")
	}
}

func (s *signStep) exits() exits {
	e := exits{next: true, waits: true, sets: []*variable{&s.Save}}.jump(s.Declined, true)
	e = e.unanswered(s.Timeout)
	return e
}

func (s *signStep) rules(*machine) rules   { return rules{} }
func (s *signStep) run(m *machine) move    { return s.put(m, "") }
func (s *signStep) timeUp(m *machine) move { return m.unanswered(s.Timeout, s) }

func (s *signStep) put(m *machine, why string) move {
	c, err := m.content(&s.Sign, &parts{Document: s.Document})
	if err != nil {
		return m.trouble(err)
	}
	c.Text = paragraphs(why, c.Text)
	if s.By == "tap" {
		c.Choices = []sdk.Choice{{ID: m.choiceID("agree"), Label: clip(m.textOr(m.p.texts.Agree, "I agree"), maxLabel)}}
	}
	c.Choices = append(c.Choices, sdk.Choice{ID: m.choiceID("decline"), Label: clip(m.textOr(m.p.texts.Decline, "I do not agree"), maxLabel)})
	m.st.Choices = c.Choices
	m.send(c)
	m.arm(s.Timeout)
	return park
}

func (s *signStep) hear(m *machine, msg *sdk.Incoming) move {
	signed := strings.TrimSpace(strings.ToValidUTF8(msg.Text, "\uFFFD"))
	switch i := m.chosen(msg); {
	case i >= 0 && m.st.Choices[i].ID == m.choiceID("decline"):
		return s.Declined.to
	case s.By == "tap" && i < 0, s.By == "name" && (len(strings.Fields(signed)) < 2 || len(signed) > 200 || strings.ContainsAny(signed, "0123456789?")):
		return m.miss(s.Retry.at(m.st.Misses, m.p.texts.Unclear), s)
	case i >= 0:
		signed = m.st.Choices[i].Label
	}
	statement, err := m.text(&s.Sign)
	if err == nil {
		err = m.store(s.Save.name, map[string]any{"statement": statement, "signed": signed, "at": m.in.Now})
	}
	if err != nil {
		return m.trouble(err)
	}
	m.answered()
	return advance
}
