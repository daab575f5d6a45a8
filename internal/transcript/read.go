package transcript

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"parley/connectors/sdk"
	"parley/workflows/flow"
)

// Parse reads a file of transcripts. Without problems the file is complete; the
// source is not touched again.
func Parse(path string, src []byte) (*File, []flow.Problem) {
	root, problems := flow.ReadYAML(path, src)
	f := &File{Path: path}
	if len(problems) > 0 {
		return f, problems
	}
	r := &reader{file: path}
	r.whole(f, root)
	slices.SortStableFunc(r.problems, func(a, b flow.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return f, r.problems
}

// reader collects what is wrong.
type reader struct {
	file     string
	problems []flow.Problem
}

func (r *reader) fail(at *flow.Node, format string, args ...any) {
	r.problems = append(r.problems, at.Problem(r.file, format, args...))
}

func (r *reader) whole(f *File, root *flow.Node) {
	keys := r.keys(root, "a file of transcripts", fileKeys)
	if root.Kind != flow.MappingNode {
		return
	}
	f.Flow = r.text(keys["flow"])
	own := Setting{Channel: defaultChannel, Now: defaultNow, Zone: time.UTC}
	r.setting(&own, keys)
	f.Setting = own
	list := keys["transcripts"]
	if list == nil || list.Kind != flow.MappingNode || len(list.Pairs) == 0 {
		at := root
		if list != nil {
			at = list
		}
		r.fail(at, "\"transcripts\" must map names to conversations")
		return
	}
	for _, p := range list.Pairs {
		t := &Transcript{Name: p.Key, File: r.file, Line: p.At.Line, Col: p.At.Col, Setting: own}
		t.Contact = maps.Clone(own.Contact)
		r.transcript(t, p.Value)
		f.Transcripts = append(f.Transcripts, t)
	}
}

func (r *reader) transcript(t *Transcript, n *flow.Node) {
	lines := n
	if n.Kind == flow.MappingNode {
		keys := r.keys(n, "a transcript", transcriptKeys)
		r.setting(&t.Setting, keys)
		if lines = keys["lines"]; lines == nil {
			r.fail(n, "the transcript needs the key \"lines\"")
			return
		}
	}
	if t.Seed == "" {
		t.Seed = t.Name
	}
	if lines.Kind != flow.ListNode || len(lines.Items) == 0 {
		r.fail(lines, "a transcript must be a list of lines, such as \"customer: hello\" and \"bot: Welcome!\"")
		return
	}
	for _, item := range lines.Items {
		if l, ok := r.line(item); ok {
			t.Lines = append(t.Lines, l)
		}
	}
}

func (r *reader) setting(s *Setting, keys map[string]*flow.Node) {
	if n := keys["channel"]; n != nil {
		s.Channel = r.text(n)
	}
	if n := keys["contact"]; n != nil {
		facts, _ := r.object(n).(map[string]any)
		s.Contact = facts
	}
	if n := keys["vars"]; n != nil {
		s.Vars, _ = r.object(n).(map[string]any)
	}
	if n := keys["now"]; n != nil {
		at, err := time.Parse(time.RFC3339, r.text(n))
		if err != nil {
			r.fail(n, "a time is written as 2026-01-05T09:00:00Z")
		}
		s.Now = at
	}
	if n := keys["zone"]; n != nil {
		if zone, ok := r.zone(n); ok {
			s.Zone = zone
		}
	}
	if n := keys["seed"]; n != nil {
		s.Seed = r.text(n)
	}
	if n := keys["conversation"]; n != nil {
		s.Conversation = r.text(n)
	}
	if n := keys["person"]; n != nil {
		s.Person = r.text(n)
	}
	if n := keys["replies"]; n != nil {
		s.Replies = append(r.replies(n), s.Replies...)
	}
}

func (r *reader) zone(n *flow.Node) (*time.Location, bool) {
	zone, err := time.LoadLocation(r.text(n))
	if err != nil || r.text(n) == "" {
		r.fail(n, "this is no time zone; write an IANA name such as Europe/Madrid")
		return nil, false
	}
	return zone, true
}

func (r *reader) replies(n *flow.Node) (out []Reply) {
	if n.Kind != flow.MappingNode {
		r.fail(n, "\"replies\" must map operations to their answers")
		return nil
	}
	for _, p := range n.Pairs {
		rules := []*flow.Node{p.Value}
		if p.Value.Kind == flow.ListNode {
			rules = p.Value.Items
		}
		for _, rule := range rules {
			keys := r.keys(rule, "a reply", replyKeys)
			one := r.reply(keys)
			one.Operation = r.operation(p.At, p.Key)
			if keys["give"] == nil && keys["error"] == nil {
				r.fail(rule, "a reply needs the key \"give\" or \"error\"")
			}
			out = append(out, one)
		}
	}
	return out
}

func (r *reader) reply(keys map[string]*flow.Node) Reply {
	out := Reply{When: r.object(keys["when"]), Times: r.count(keys["times"])}
	if a := r.answer(keys); a != nil {
		out.Answer = *a
	}
	return out
}

// answer reads how a call ends; nil where nothing is said of it.
func (r *reader) answer(keys map[string]*flow.Node) *Answer {
	give, failed := keys["give"], keys["error"]
	switch {
	case give == nil && failed == nil:
		for _, k := range []string{"code", "customer", "after"} {
			if n := keys[k]; n != nil {
				r.fail(n, "%q belongs to an answer: add the key \"give\" or \"error\"", k)
			}
		}
		return nil
	case give != nil && failed != nil:
		r.fail(failed, "an answer has either \"give\" or \"error\"")
	case failed == nil && (keys["code"] != nil || keys["customer"] != nil):
		r.fail(give, "\"code\" and \"customer\" belong to the key \"error\"")
	}
	a := &Answer{After: r.span(keys["after"])}
	if failed != nil {
		a.Error = r.failure(keys)
	} else {
		a.Give = give.Value()
	}
	return a
}

var classes = []string{string(sdk.Invalid), string(sdk.Auth), string(sdk.NotFound), string(sdk.Rejected),
	string(sdk.Throttled), string(sdk.Unavailable), string(sdk.Uncertain)}

// Classes are the classes of errors with which a call can end.
func Classes() []string { return slices.Clone(classes) }

func (r *reader) failure(keys map[string]*flow.Node) *sdk.Error {
	e := &sdk.Error{Class: sdk.Unavailable, Code: r.text(keys["code"]), Customer: r.text(keys["customer"]), Message: "the transcript says so"}
	if n := keys["error"]; n != nil {
		if e.Class = sdk.Class(r.text(n)); !slices.Contains(classes, string(e.Class)) {
			r.fail(n, "there is no error class %q%s; there are: %s", e.Class, flow.DidYouMean(string(e.Class), classes), strings.Join(classes, ", "))
		}
	}
	return e
}

// keys reads a mapping of known keys.
func (r *reader) keys(n *flow.Node, what string, known []key) map[string]*flow.Node {
	out := map[string]*flow.Node{}
	if n.Kind != flow.MappingNode {
		r.fail(n, "%s must be a mapping, and is %s", what, n.Kind)
		return out
	}
	var names []string
	for _, k := range known {
		names = append(names, k.name)
	}
	for _, p := range n.Pairs {
		if !slices.Contains(names, p.Key) {
			hint := flow.DidYouMean(p.Key, names)
			if hint == "" {
				hint = "; it has: " + strings.Join(names, ", ")
			}
			r.fail(p.At, "%s has no key %q%s", what, p.Key, hint)
			continue
		}
		out[p.Key] = p.Value
	}
	return out
}

// text reads a scalar as it is written; a missing one is empty.
func (r *reader) text(n *flow.Node) string {
	if n == nil {
		return ""
	}
	switch v := n.Scalar.(type) {
	case string:
		return v
	case float64:
		js, _ := json.Marshal(v) // a finite number
		return string(js)
	}
	hint := ""
	if n.Kind == flow.BoolNode {
		hint = "; put it in quotes if it is a text"
	}
	r.fail(n, "a text must stand here, not %s%s", n.Kind, hint)
	return ""
}

func (r *reader) texts(n *flow.Node) []string {
	if n.Kind != flow.ListNode {
		return []string{r.text(n)}
	}
	var out []string
	for _, item := range n.Items {
		out = append(out, r.text(item))
	}
	if len(out) == 0 {
		r.fail(n, "the list is empty")
	}
	return out
}

func (r *reader) object(n *flow.Node) any {
	if n == nil {
		return nil
	}
	if n.Kind != flow.MappingNode {
		r.fail(n, "a mapping must stand here, not %s", n.Kind)
		return nil
	}
	return n.Value()
}

func (r *reader) flag(n *flow.Node, otherwise bool) bool {
	if n == nil {
		return otherwise
	}
	v, ok := n.Scalar.(bool)
	if !ok {
		r.fail(n, "true or false must stand here, not %s", n.Kind)
	}
	return v
}

func (r *reader) number(n *flow.Node, low, high float64, what string) float64 {
	if n == nil {
		return 0
	}
	v, ok := n.Scalar.(float64)
	if !ok || v < low || v > high {
		r.fail(n, "%s must stand here", what)
	}
	return v
}

func (r *reader) count(n *flow.Node) int {
	v := r.number(n, 1, 1e12, "a whole number above 0")
	if v != float64(int(v)) {
		r.fail(n, "a whole number above 0 must stand here")
	}
	return int(v)
}

func (r *reader) span(n *flow.Node) time.Duration {
	if n == nil {
		return 0
	}
	d, ok := parseSpan(r.text(n))
	if !ok {
		r.fail(n, "this is no time span; write 30s, 15 minutes, 2h, 3 days or 2w")
	}
	return d
}
