package connectortest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

func (s Subject) webhookChecks() (list []Check) {
	conn := s.connType()
	if conn == nil || !conn.Implements(reflect.TypeFor[sdk.Receiver]()) || s.Connector.Channel != nil && s.Connector.Channel.Hosted {
		if conn != nil && conn.Implements(reflect.TypeFor[sdk.Poller]()) {
			return s.pollChecks()
		}
		for _, t := range s.Connector.Triggers {
			list = append(list, Check{"trigger/" + t.Name, func(p *Probe) {
				p.Errorf("the connector declares triggers, and its connection is neither an sdk.Receiver nor an sdk.Poller")
			}})
		}
		return list
	}
	for name, run := range map[string]func(Subject, *Probe, *Rig, fake.Delivery){
		"understood": Subject.understands, "stable_ids": Subject.keepsIDs, "altered_body": Subject.refusesAlteredBody,
		"altered_signature": Subject.refusesAlteredSignature, "unsigned": Subject.refusesUnsigned, "stale": Subject.refusesStale,
	} {
		list = append(list, Check{"webhook/" + name, func(p *Probe) {
			all := s.deliveries(p)
			require.NotEmpty(p, all, "the fake delivers no webhook: let an operation's sample or Subject.Triggers cause one")
			for _, d := range all {
				run(s, p, d.rig, d.Delivery)
			}
		}})
	}
	list = append(list, Check{"webhook/garbage", s.survivesGarbage})
	for _, t := range s.Connector.Triggers {
		list = append(list, Check{"trigger/" + t.Name, func(p *Probe) { s.triggers(p, t) }})
	}
	slices.SortStableFunc(list, func(a, b Check) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// sent is a delivery with the rig whose fake made it.
type sent struct {
	rig *Rig
	fake.Delivery
}

// deliveries are all webhooks that samples, triggers and a customer cause.
func (s Subject) deliveries(p *Probe) (all []sent) {
	collect := func(do func(*Rig)) {
		r := s.Rig(p)
		do(r)
		for _, d := range r.Env.Deliveries() {
			all = append(all, sent{r, d})
		}
	}
	for _, op := range s.Connector.Operations {
		if len(op.Samples) > 0 {
			collect(func(r *Rig) { r.Output(op.Name) })
		}
	}
	for _, do := range s.Triggers {
		collect(do)
	}
	if s.Connector.Channel != nil {
		collect(func(r *Rig) { r.Incoming(fake.Utterance{Text: "hello"}) })
	}
	return all
}

// understands: every webhook verifies and parses into events that are complete.
func (s Subject) understands(p *Probe, r *Rig, d fake.Delivery) {
	for _, e := range r.Events(d) {
		s.complete(p, e)
	}
}

func (s Subject) complete(p *Probe, e sdk.Event) {
	if e.Kind == sdk.EventIgnored {
		return
	}
	require.NotEmpty(p, e.ID, "an event of type %s has no ID, by which repeats are known", e.Type)
	switch e.Kind {
	case sdk.EventMessage:
		require.NotNil(p, e.Message)
		require.NotEmpty(p, e.Message.From, "a message without a sender")
	case sdk.EventStatus:
		require.NotNil(p, e.Status)
		require.NotEmpty(p, e.Status.MessageID+e.Status.EffectKey, "a status that leads to no message")
	case sdk.EventProvider:
		require.NotNil(p, e.Provider)
		i := slices.IndexFunc(s.Connector.Triggers, func(t sdk.Trigger) bool { return t.Name == e.Provider.Name })
		require.GreaterOrEqual(p, i, 0, "the event %s is none of the manifest's triggers", e.Provider.Name)
		if payload := s.Connector.Triggers[i].Payload; payload != nil {
			fits(p, reflect.TypeOf(payload), e.Provider.Data, "the payload of "+e.Provider.Name)
		}
		require.NotEmpty(p, e.Provider.EffectKey+strings.Join(e.Provider.Refs, ""), "an event %s that leads to no case", e.Provider.Name)
	default:
		p.Errorf("an event of the unknown kind %q", e.Kind)
	}
}

// keepsIDs: a delivery that comes again has the same IDs.
func (s Subject) keepsIDs(p *Probe, r *Rig, d fake.Delivery) {
	first := r.Events(d)
	r.Advance(time.Minute)
	require.Equal(p, ids(first), ids(r.Events(d)), "a webhook that is delivered again has other event IDs")
}

func ids(events []sdk.Event) (out []string) {
	for _, e := range events {
		out = append(out, e.ID)
	}
	return out
}

// ordinary are headers that carry no signature.
var ordinary = []string{"Accept", "Accept-Encoding", "Content-Type", "Content-Length", "User-Agent", "Date", "Host"}

// verdict is what the connection says of a request, altered.
func verdict(r *Rig, req sdk.WebhookRequest) error {
	return r.Conn.(sdk.Receiver).Verify(req, r.Now())
}

func (s Subject) refusesAlteredBody(p *Probe, r *Rig, d fake.Delivery) {
	req := r.request(d)
	req.Body = alter(req.Body)
	refused(p, verdict(r, req), "a webhook whose body was altered")
}

func (s Subject) refusesAlteredSignature(p *Probe, r *Rig, d fake.Delivery) {
	req := r.request(d)
	for name, values := range req.Header {
		if slices.Contains(ordinary, name) {
			continue
		}
		altered := req
		altered.Header = req.Header.Clone()
		altered.Header.Set(name, string(alter([]byte(values[0]))))
		if err := verdict(r, altered); err != nil {
			refused(p, err, "")
			return
		}
	}
	if u, err := url.Parse(req.URL); err == nil && u.RawQuery != "" {
		altered := req
		altered.URL = strings.Replace(req.URL, u.RawQuery, string(alter([]byte(u.RawQuery))), 1)
		if verdict(r, altered) != nil {
			return
		}
	}
	p.Errorf("a webhook whose signature was altered is accepted")
}

func (s Subject) refusesUnsigned(p *Probe, r *Rig, d fake.Delivery) {
	req := r.request(d)
	bare := http.Header{}
	for _, name := range ordinary {
		if v := req.Header.Get(name); v != "" {
			bare.Set(name, v)
		}
	}
	req.Header = bare
	req.URL, _, _ = strings.Cut(req.URL, "?")
	refused(p, verdict(r, req), "a webhook without a signature")
}

// refusesStale: where the time is signed, an old webhook is a replay.
func (s Subject) refusesStale(p *Probe, r *Rig, d fake.Delivery) {
	if _, signs := r.Handler.(fake.Signer); !signs {
		return
	}
	req := r.request(d)
	r.Advance(25 * time.Hour)
	refused(p, verdict(r, req), "a webhook whose signed time is a day old")
}

func refused(p *Probe, err error, what string) {
	require.Error(p, err, "%s is accepted", what)
	e := seamError(p, err)
	require.Contains(p, []sdk.Class{sdk.Auth, sdk.Invalid, sdk.Rejected}, e.Class, "%s is refused as %s", what, e.Class)
}

// alter changes one letter or digit near the middle: the ends of base64 hold
// bits that mean nothing.
func alter(text []byte) []byte {
	out := bytes.Clone(text)
	for i := len(out) / 2; i < len(out); i++ {
		switch c := out[i]; {
		case c == '9' || c == 'z' || c == 'Z':
			out[i]--
		case c >= '0' && c < '9', c >= 'a' && c < 'z', c >= 'A' && c < 'Z':
			out[i]++
		default:
			continue
		}
		return out
	}
	return append(out, '7')
}

// survivesGarbage: whatever is posted to the webhook's address, nothing panics.
func (s Subject) survivesGarbage(p *Probe) {
	r := s.Rig(p)
	requests := []sdk.WebhookRequest{{Method: http.MethodPost, URL: "::", Header: http.Header{}}}
	for _, body := range []string{"", "null", "[]", "{}", `"text"`, "1e999", "{\"a\":", "\xff\xfe", "a=1&b=%zz", strings.Repeat("[", 10_000)} {
		requests = append(requests, sdk.WebhookRequest{Method: http.MethodPost, URL: hook, Header: http.Header{}, Body: []byte(body)})
	}
	random := rand.New(rand.NewPCG(1, 2)) // the same garbage every time
	for _, d := range s.deliveries(p) {
		for range 50 {
			req := d.rig.request(d.Delivery)
			req.Body = mutate(random, req.Body)
			requests = append(requests, req)
		}
	}
	receiver := r.Conn.(sdk.Receiver)
	for _, req := range requests {
		for what, do := range map[string]func() error{
			"Verify": func() error { return receiver.Verify(req, time.Now()) },
			"Parse":  func() error { _, err := receiver.Parse(req); return err },
		} {
			var err error
			require.NotPanics(p, func() { err = do() }, "%s of %q", what, fmt.Sprintf("%.200s", req.Body))
			if err != nil {
				seamError(p, err)
			}
		}
	}
}

// mutate spoils a body in a few places.
func mutate(random *rand.Rand, body []byte) []byte {
	out := bytes.Clone(body)
	for range 1 + random.IntN(4) {
		if len(out) == 0 {
			break
		}
		i := random.IntN(len(out))
		switch random.IntN(4) {
		case 0:
			out[i] = byte(random.IntN(256))
		case 1:
			out = out[:i]
		case 2:
			out = slices.Delete(out, i, min(i+1+random.IntN(20), len(out)))
		default:
			out = slices.Insert(out, i, []byte(`null{}[]0"`)[random.IntN(10)])
		}
	}
	return out
}

// triggers: the fake can produce the event.
func (s Subject) triggers(p *Probe, t sdk.Trigger) {
	if do := s.Triggers[t.Name]; do != nil {
		r := s.Rig(p)
		do(r)
		for _, d := range r.Env.Deliveries() {
			for _, e := range r.Events(d) {
				if e.Provider != nil && e.Provider.Name == t.Name {
					return
				}
			}
		}
		p.Errorf("Subject.Triggers[%q] does not make the fake push it", t.Name)
		return
	}
	for _, d := range s.deliveries(p) {
		for _, e := range d.rig.Events(d.Delivery) {
			if e.Provider != nil && e.Provider.Name == t.Name {
				return
			}
		}
	}
	p.Errorf("no sample makes the fake push it: say how in Subject.Triggers")
}
