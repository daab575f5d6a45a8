package transcript

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"parley/connectors/sdk"
	"parley/workflows/flow"
)

// Recorder plays a conversation line by line and writes it down as a transcript,
// which then passes against the same flow.
type Recorder struct {
	*Rehearsal
	lines []yaml.MapSlice
	noted int
}

// NewRecorder writes down what happens on a rehearsal from now on.
func NewRecorder(r *Rehearsal) *Recorder { return &Recorder{Rehearsal: r, noted: len(r.seen)} }

// Do does a line and notes it, and then what the flow does.
func (r *Recorder) Do(l Line) error {
	err := r.Act(&l, nil)
	if err != nil {
		return err
	}
	r.lines = append(r.lines, writeLine(&l))
	r.note()
	return nil
}

// Waits is the call that the flow waits for; nil if for none.
func (r *Recorder) Waits() *Seen {
	for i := len(r.seen) - 1; i >= 0 && r.state.Pending != ""; i-- {
		s := r.seen[i]
		if s.Ref != r.state.Pending {
			continue
		}
		for _, p := range r.state.Payments {
			if p.Ref == s.Ref {
				return nil // its link was sent: it is the customer who is waited for
			}
		}
		return s
	}
	return nil
}

// Entered are the blocks entered since the last line began.
func (r *Recorder) Entered() []string { return r.entered }

// End ends the call that the flow waits for, and notes it.
func (r *Recorder) End(a Answer) error {
	call := r.Waits()
	if call == nil {
		return errors.New("the flow waits for no call")
	}
	a.After = 0
	if err := r.Answer(call, a); err != nil {
		return err
	}
	r.lines = append(r.lines, writeCall(call, a))
	r.note()
	return nil
}

// note writes down what was seen since.
func (r *Recorder) note() {
	for _, s := range r.seen[r.noted:] {
		if line := writeSeen(s); line != nil {
			r.lines = append(r.lines, line)
		}
	}
	r.noted = len(r.seen)
}

// Write writes the file of the one transcript. flowFile is relative to it; with an
// empty one the flow's file is the one of the same name without _test.
func (r *Recorder) Write(w io.Writer, flowFile, name string) error {
	if len(r.lines) == 0 {
		return errors.New("nothing was said yet")
	}
	var file yaml.MapSlice
	if flowFile != "" {
		file = append(file, item("flow", flowFile))
	}
	one := yaml.MapSlice{item("channel", r.set.Channel)}
	if len(r.set.Contact) > 0 {
		one = append(one, item("contact", r.set.Contact))
	}
	if len(r.set.Vars) > 0 {
		one = append(one, item("vars", r.set.Vars))
	}
	one = append(one, item("now", r.set.Now.UTC().Format(time.RFC3339)), item("seed", r.set.Seed))
	if r.set.Conversation != "" {
		one = append(one, item("conversation", r.set.Conversation), item("person", r.set.Person))
	}
	one = append(one, item("lines", r.lines))
	file = append(file, item("transcripts", yaml.MapSlice{item(name, one)}))
	return yaml.NewEncoder(w, yaml.IndentSequence(true), yaml.UseLiteralStyleIfMultiline(true)).Encode(file)
}

func item(key string, value any) yaml.MapItem { return yaml.MapItem{Key: key, Value: whole(value)} }

// whole gives numbers without a fraction as people write them.
func whole(v any) any {
	switch v := v.(type) {
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return int64(v)
		}
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = whole(one)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, one := range v {
			out[k] = whole(one)
		}
		return out
	}
	return v
}

// writeLine writes what is done.
func writeLine(l *Line) yaml.MapSlice {
	switch l.Verb {
	case "customer":
		return writeSaid(l)
	case "send":
		out := yaml.MapSlice{item("send", l.Media.Kind)}
		for _, one := range []struct{ key, value string }{{"url", l.Media.URL}, {"mime", l.Media.MIME}, {"filename", l.Media.Filename}, {"caption", l.Media.Caption}} {
			if one.value != "" {
				out = append(out, item(one.key, one.value))
			}
		}
		return out
	case "location":
		return yaml.MapSlice{item("location", yaml.MapSlice{item("latitude", l.Location.Latitude), item("longitude", l.Location.Longitude),
			item("name", l.Location.Name), item("address", l.Location.Address)})}
	case "skip":
		return yaml.MapSlice{item("skip", writeSpan(l.Skip.span))}
	case "news":
		out := yaml.MapSlice{item("news", l.Name)}
		if l.Text != nil {
			out = append(out, item("of", l.Text.String()))
		}
		if l.With != nil {
			out = append(out, item("with", l.With))
		}
		return out
	}
	return yaml.MapSlice{item(l.Verb, l.Name)}
}

func writeSaid(l *Line) yaml.MapSlice {
	out := yaml.MapSlice{item("customer", l.Says)}
	if len(l.Says) == 1 {
		out = yaml.MapSlice{item("customer", l.Says[0])}
	}
	u := l.Understood
	if u == nil {
		return out
	}
	if u.Intent != "" {
		out = append(out, item("intent", u.Intent), item("confidence", u.Confidence))
	}
	if len(u.Entities) > 0 {
		out = append(out, item("entities", u.Entities))
	}
	if u.Sentiment != "" {
		out = append(out, item("mood", u.Sentiment))
	}
	if u.Answer != "" {
		out = append(out, item("answer", u.Answer))
	}
	return out
}

// writeSpan writes a span in whole seconds as a transcript reads it.
func writeSpan(d time.Duration) string {
	var out []string
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := d / unit.size; n > 0 {
			out = append(out, fmt.Sprintf("%d%s", n, unit.name))
			d -= n * unit.size
		}
	}
	return strings.Join(out, " ")
}

// writeCall writes a call with its answer.
func writeCall(s *Seen, a Answer) yaml.MapSlice {
	var out yaml.MapSlice
	switch kind, found := strings.CutPrefix(s.Operation, "case."); {
	case found:
		out = yaml.MapSlice{item("case", kind), item("with", s.Input)}
	case s.Operation == "pay":
		in, _ := s.Input.(map[string]any)
		out = yaml.MapSlice{item("pay", in["description"]), item("amount", in["amount"]), item("currency", in["currency"])}
	default:
		out = yaml.MapSlice{item("call", s.Operation), item("with", s.Input)}
	}
	if a.After > 0 {
		out = append(out, item("after", writeSpan(a.After)))
	}
	if a.Error == nil {
		return append(out, item("give", a.Give))
	}
	out = append(out, item("error", string(a.Error.Class)))
	if a.Error.Code != "" {
		out = append(out, item("code", a.Error.Code))
	}
	if a.Error.Customer != "" {
		out = append(out, item("customer", a.Error.Customer))
	}
	return out
}

// writeSeen writes what the flow did, as far as a transcript must or can expect it;
// calls that are waited for are written with their answers.
func writeSeen(s *Seen) yaml.MapSlice {
	in, _ := s.Input.(map[string]any)
	switch s.Kind {
	case Fault:
		return yaml.MapSlice{item("trouble", s.Operation)}
	case flow.EffectSend:
		if s.Refused != "" {
			return yaml.MapSlice{item("refused", s.Refused)}
		}
		return writeContent(s.Content)
	case flow.EffectHandoff:
		return yaml.MapSlice{item("handoff", s.Operation)}
	case flow.EffectEmit:
		return yaml.MapSlice{item("emit", s.Operation), item("with", s.Input)}
	}
	switch s.Operation {
	case "parley.contact_tag":
		return yaml.MapSlice{item("tag", in["tag"]), item("remove", in["remove"])}
	case "parley.contact_consent":
		return yaml.MapSlice{item("consent", in["purpose"]), item("granted", in["granted"])}
	case "parley.contact_language":
		return yaml.MapSlice{item("language", in["language"])}
	}
	if s.ended == nil || s.Kind == flow.EffectPay && s.ended.Error == nil && s.ended.After == 0 && isOwnLink(s) {
		return nil
	}
	return writeCall(s, *s.ended)
}

// isOwnLink tells whether a payment got the link that needs no reply.
func isOwnLink(s *Seen) bool {
	give, _ := s.ended.Give.(map[string]any)
	return give["url"] == paymentLink(s)
}

func writeContent(c sdk.Content) yaml.MapSlice {
	out := yaml.MapSlice{item("bot", c.Text)}
	if c.Text == "" {
		out[0].Value = nil
	}
	add := func(key, value string) {
		if value != "" {
			out = append(out, item(key, value))
		}
	}
	add("header", c.Header)
	add("footer", c.Footer)
	if len(c.Choices) > 0 {
		var labels []string
		for _, one := range c.Choices {
			labels = append(labels, one.Label)
		}
		out = append(out, item("choices", labels))
	}
	if c.Link != nil {
		add("link", c.Link.URL)
		add("button", c.Link.Label)
	} else {
		add("button", c.ListButton)
	}
	if c.Media != nil {
		add("media", c.Media.Kind)
		add("url", c.Media.URL)
		if c.Text == "" && c.Media.Caption != "" {
			out[0].Value = c.Media.Caption
		}
	}
	if len(c.Cards) > 0 {
		var titles []string
		for _, one := range c.Cards {
			titles = append(titles, one.Title)
		}
		out = append(out, item("cards", titles))
	}
	add("location", placeName(c))
	add("contact", contactName(c))
	if c.OnlyTemplate() {
		add("template", c.Template.Name)
	}
	return out
}
