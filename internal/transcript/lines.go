package transcript

import (
	"regexp"
	"slices"
	"strings"

	"parley/connectors/sdk"
	"parley/workflows/flow"
)

// line reads one line; what is wrong with it is noted.
func (r *reader) line(n *flow.Node) (Line, bool) {
	if word, ok := n.Scalar.(string); ok {
		if v, known := findVerb(word); known && v.optional {
			empty := *n
			empty.Kind, empty.Scalar = flow.NullNode, nil
			n = &flow.Node{Line: n.Line, Col: n.Col, Kind: flow.MappingNode, Pairs: []flow.Pair{{Key: word, At: n, Value: &empty}}}
		}
	}
	if n.Kind != flow.MappingNode || len(n.Pairs) == 0 {
		r.fail(n, "a line must begin with who does what: %s", strings.Join(verbNames(), ", "))
		return Line{}, false
	}
	first := n.Pairs[0]
	v, ok := findVerb(first.Key)
	if !ok {
		hint := flow.DidYouMean(first.Key, verbNames())
		if hint == "" {
			hint = "; a line begins with one of: " + strings.Join(verbNames(), ", ")
		}
		r.fail(first.At, "there is no line %q%s", first.Key, hint)
		return Line{}, false
	}
	keys := r.keys(n, "the line \""+v.name()+"\"", v.keys)
	if first.Value.Kind == flow.NullNode && !v.optional {
		r.fail(first.At, "%q needs to be told %s", v.name(), v.keys[0].doc)
		return Line{}, false
	}
	if first.Value.Kind == flow.NullNode {
		delete(keys, v.name())
	}
	l := Line{File: r.file, Line: n.Line, Col: n.Col, Verb: v.name()}
	before := len(r.problems)
	r.fill(&l, v, first.Value, keys)
	return l, len(r.problems) == before
}

// fill reads a line's keys by its verb.
func (r *reader) fill(l *Line, v verb, own *flow.Node, keys map[string]*flow.Node) {
	switch v.keys[0].shape {
	case shapeText:
		l.Name = r.text(keys[l.Verb])
	case shapeNone:
		if own.Kind != flow.NullNode {
			r.fail(own, "nothing may follow here; write just the word")
		}
	}
	if v.keys[0].shape == shapeMatch && l.Verb != "bot" && own.Kind != flow.NullNode {
		l.Text = r.matcher(own)
	}
	l.With = r.object(keys["with"])
	l.Is = !r.flag(keys["remove"], false) && r.flag(keys["granted"], true)
	switch l.Verb {
	case "customer":
		l.Says = r.texts(own)
		l.Understood = r.understood(keys)
	case "send":
		l.Media = &sdk.Media{Kind: r.oneOf(own, mediaKinds), URL: r.text(keys["url"]), MIME: r.text(keys["mime"]),
			Filename: r.text(keys["filename"]), Caption: r.text(keys["caption"])}
	case "location":
		l.Location = r.place(own)
	case "skip":
		l.Skip = r.skip(own)
	case "agent":
		l.Name = r.oneOf(own, []string{"takes", "returns"})
	case "bot":
		l.Message = r.message(own, keys)
	case "news":
		if of := keys["of"]; of != nil {
			l.Text = exactly(r.operation(of, r.text(of)))
		}
	case "reply", "fault":
		r.rule(l, own, keys)
	case "call":
		l.Name, l.Answer = r.operation(own, l.Name), r.answer(keys)
	case "case":
		l.Name, l.Answer = "case."+l.Name, r.answer(keys)
	case "pay":
		l.With, l.Name, l.Answer = r.payment(l.Text, keys), "pay", r.answer(keys)
	case "signal":
		l.With = r.signal(l.Name, keys)
		l.Name, l.Answer = "parley.case_signal", r.answer(keys)
	case "handoff":
		if keys["note"] != nil {
			l.Text = r.matcher(keys["note"])
		}
	case "state":
		l.State = r.state(own)
	}
}

func (r *reader) rule(l *Line, own *flow.Node, keys map[string]*flow.Node) {
	one := r.replyOf(l.Verb, keys)
	one.Operation = r.operation(own, l.Name)
	l.Reply = &one
	if l.Verb == "reply" && keys["give"] == nil && keys["error"] == nil {
		r.fail(own, "a reply needs the key \"give\" or \"error\"")
	}
}

func (r *reader) replyOf(verb string, keys map[string]*flow.Node) Reply {
	if verb == "reply" {
		return r.reply(keys)
	}
	return Reply{When: r.object(keys["when"]), Times: r.count(keys["times"]), Answer: Answer{Error: r.failure(keys), After: r.span(keys["after"])}}
}

func (r *reader) signal(name string, keys map[string]*flow.Node) any {
	out := map[string]any{"signal": name}
	if of := keys["of"]; of != nil {
		out["case_id"] = r.text(of)
	}
	return out
}

func (r *reader) payment(what *Matcher, keys map[string]*flow.Node) any {
	out := map[string]any{}
	if what != nil {
		out["description"] = what
	}
	if n := keys["amount"]; n != nil {
		out["amount"] = float64(r.count(n))
	}
	if n := keys["currency"]; n != nil {
		out["currency"] = r.text(n)
	}
	return out
}

var operationForm = regexp.MustCompile(`^(pay|\*|case\.[a-z*][a-z0-9_]*|[a-z][a-z0-9]*\.(\*|[a-z][a-z0-9_]*))$`)

func (r *reader) operation(at *flow.Node, name string) string {
	if !operationForm.MatchString(name) {
		r.fail(at, "%q is not an operation: write connector.operation, connector.*, pay or case.KIND", name)
	}
	return name
}

var mediaKinds = []string{"image", "video", "audio", "document", "sticker"}

func (r *reader) oneOf(n *flow.Node, names []string) string {
	name := r.text(n)
	if !slices.Contains(names, name) {
		r.fail(n, "%q must be one of %s%s", name, strings.Join(names, ", "), flow.DidYouMean(name, names))
	}
	return name
}

func (r *reader) place(n *flow.Node) *sdk.Location {
	keys := r.keys(n, "a place", placeKeys)
	if keys["latitude"] == nil || keys["longitude"] == nil {
		r.fail(n, "a place needs latitude and longitude")
	}
	return &sdk.Location{
		Latitude:  r.number(keys["latitude"], -90, 90, "degrees from -90 to 90"),
		Longitude: r.number(keys["longitude"], -180, 180, "degrees from -180 to 180"),
		Name:      r.text(keys["name"]), Address: r.text(keys["address"]),
	}
}

func (r *reader) understood(keys map[string]*flow.Node) *sdk.Understanding {
	u := sdk.Understanding{Intent: r.text(keys["intent"]), Sentiment: r.text(keys["mood"]), Answer: r.text(keys["answer"])}
	if keys["intent"] != nil {
		u.Confidence, u.Margin = 1, 1
	}
	if n := keys["confidence"]; n != nil {
		u.Confidence = r.number(n, 0, 1, "a number from 0 to 1")
	}
	if found, ok := r.object(keys["entities"]).(map[string]any); ok {
		u.Entities = found
	}
	if u.Intent == "" && u.Sentiment == "" && u.Answer == "" && u.Entities == nil {
		return nil
	}
	return &u
}

func (r *reader) message(own *flow.Node, keys map[string]*flow.Node) *Message {
	one := func(name string) *Matcher {
		if n := keys[name]; n != nil {
			return r.matcher(n)
		}
		return nil
	}
	m := &Message{Header: one("header"), Footer: one("footer"), Button: one("button"), Link: one("link"), URL: one("url"),
		Location: one("location"), Contact: one("contact"), Template: r.text(keys["template"]),
		Choices: r.matchers(keys["choices"]), Cards: r.matchers(keys["cards"]), Params: r.matchers(keys["params"])}
	if own.Kind != flow.NullNode {
		m.Text = r.matcher(own)
	}
	if n := keys["media"]; n != nil {
		m.Media = r.oneOf(n, mediaKinds)
	}
	return m
}

func (r *reader) state(n *flow.Node) *StateCheck {
	keys := r.keys(n, "a state", stateKeys)
	s := &StateCheck{Vars: r.object(keys["vars"])}
	if b := keys["block"]; b != nil {
		name := r.text(b)
		s.Block = &name
	}
	if h := keys["handed"]; h != nil {
		is := r.flag(h, false)
		s.Handed = &is
	}
	return s
}
