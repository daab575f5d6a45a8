package flow

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Lesson is something that customers say and the intent that they mean by it.
type Lesson struct {
	Intent string
	// Language is needed where the intent has examples by language.
	Language string
	Text     string
}

// Teach adds examples to the intents of a document and leaves everything else as it
// is written, comments and spaces too. What an intent has already is left out; taught
// is what was added. The document must be readable.
func Teach(src []byte, lessons []Lesson) (out []byte, taught []Lesson, err error) {
	out = src
	for _, l := range lessons {
		next, added, err := teachOne(out, l)
		if err != nil {
			return src, nil, err
		}
		if added {
			out, taught = next, append(taught, l)
		}
	}
	return out, taught, nil
}

func teachOne(src []byte, l Lesson) (out []byte, added bool, err error) {
	root, problems := parseYAML(src)
	if len(problems) > 0 {
		return nil, false, Problems(problems)
	}
	list, err := examplesOf(root, l)
	if err != nil {
		return nil, false, err
	}
	if other, known := taughtBefore(root, l.Text); known && other != l.Intent {
		return nil, false, fmt.Errorf("%q is an example of the intent %s already", clip(l.Text, 60), other)
	} else if known {
		return src, false, nil
	}
	for _, insert := range []func([]byte, *node, string) []byte{inFlowList, belowLast, aboveFirst} {
		out := insert(src, list, asYAML(l.Text))
		if out != nil && onlyAdds(root, out, l) {
			return out, true, nil
		}
	}
	return nil, false, fmt.Errorf("the examples of %s are written in a way that cannot be added to: write them one a line, with a dash before each", l.Intent)
}

// examplesOf finds the list that a lesson belongs to.
func examplesOf(root *node, l Lesson) (*node, error) {
	intents := root.get("intents")
	if intents == nil {
		return nil, errors.New("the flow has no intents")
	}
	one := intents.get(l.Intent)
	if one == nil {
		var names []string
		for _, p := range intents.pairs {
			names = append(names, p.key.text)
		}
		return nil, fmt.Errorf("there is no intent %q%s", clip(l.Intent, 40), didYouMean(l.Intent, names))
	}
	list := one.get("examples")
	if list != nil && list.kind == mapNode {
		if list = list.get(l.Language); list == nil {
			return nil, fmt.Errorf("the intent %s has examples by language, and none in %q: add a first one by hand", l.Intent, clip(l.Language, 40))
		}
	}
	if list == nil || list.kind != listNode || len(list.items) == 0 {
		return nil, fmt.Errorf("the intent %s has no examples to add to: write a first one by hand", l.Intent)
	}
	return list, nil
}

// taughtBefore finds the intent of which a text is an example.
func taughtBefore(root *node, text string) (intent string, known bool) {
	for _, p := range root.get("intents").pairs {
		lists := []*node{p.value.get("examples")}
		if lists[0] != nil {
			for _, byLanguage := range lists[0].pairs {
				lists = append(lists, byLanguage.value)
			}
		}
		for _, list := range lists {
			if list != nil && slices.ContainsFunc(list.items, func(n *node) bool { return fold(n.text) == fold(text) }) {
				return p.key.text, true
			}
		}
	}
	return "", false
}

var (
	plainText = regexp.MustCompile(`^\p{L}[\p{L}\p{M}\p{N} '’?!.-]*[\p{L}\p{M}\p{N}?!.]$`)
	// dashed is what stands before an item that has a line of its own.
	dashed = regexp.MustCompile(`^[ ]*-[ ]+$`)
)

// asYAML is a text as YAML.
func asYAML(text string) string {
	switch strings.ToLower(text) {
	case "true", "false", "null", "yes", "no", "on", "off":
	default:
		if plainText.MatchString(text) {
			return text
		}
	}
	js, _ := json.Marshal(text) // a string cannot fail
	return string(js)
}

// offset is where a position stands in the source, or -1.
func offset(src []byte, at pos) int {
	i := 0
	for line := 1; line < at.line; line++ {
		n := bytes.IndexByte(src[i:], '\n')
		if n < 0 {
			return -1
		}
		i += n + 1
	}
	for col := 1; col < at.col; col++ {
		if i >= len(src) || src[i] == '\n' {
			return -1
		}
		i++
		for i < len(src) && src[i]&0xC0 == 0x80 { // within a character
			i++
		}
	}
	return i
}

// put writes a text into the source.
func put(src []byte, at int, text string) []byte {
	return slices.Concat(src[:at], []byte(text), src[at:])
}

// inFlowList adds to a list in brackets, behind its last item.
func inFlowList(src []byte, list *node, text string) []byte {
	at := offset(src, list.items[len(list.items)-1].pos)
	if at < 0 {
		return nil
	}
	rest := src[at:]
	end := bytes.IndexAny(rest, ",]")
	if q := rest[0]; q == '"' || q == '\'' {
		for end = 1; end < len(rest) && rest[end] != q; end++ {
			if q == '"' && rest[end] == '\\' {
				end++
			}
		}
		end++
	}
	if end < 0 || end > len(rest) {
		return nil
	}
	end = len(bytes.TrimRight(rest[:end], " \n"))
	return put(src, at+end, ", "+text)
}

// belowLast adds a line behind the last item of a list with dashes.
func belowLast(src []byte, list *node, text string) []byte {
	at := offset(src, list.items[len(list.items)-1].pos)
	prefix := lead(src, at)
	if prefix == "" {
		return nil
	}
	end := bytes.IndexByte(src[at:], '\n')
	if end < 0 {
		return slices.Concat(src, []byte("\n"+prefix+text+"\n"))
	}
	return put(src, at+end+1, prefix+text+"\n")
}

// aboveFirst adds a line before the first item of a list with dashes.
func aboveFirst(src []byte, list *node, text string) []byte {
	at := offset(src, list.items[0].pos)
	prefix := lead(src, at)
	if prefix == "" {
		return nil
	}
	return put(src, at-len(prefix), prefix+text+"\n")
}

// lead is what stands before an item on its line, if that is a dash.
func lead(src []byte, at int) string {
	if at < 0 {
		return ""
	}
	prefix := string(src[bytes.LastIndexByte(src[:at], '\n')+1 : at])
	if !dashed.MatchString(prefix) {
		return ""
	}
	return prefix
}

// onlyAdds tells whether a source is the document with the lesson in it, and nothing
// else.
func onlyAdds(before *node, src []byte, l Lesson) bool {
	after, problems := parseYAML(src)
	if len(problems) > 0 {
		return false
	}
	list, err := examplesOf(after, l)
	if err != nil {
		return false
	}
	at := slices.IndexFunc(list.items, func(n *node) bool { return n.text == l.Text })
	if at < 0 {
		return false
	}
	list.items = slices.Delete(list.items, at, at+1)
	var a, b bytes.Buffer
	before.canonical(&a)
	after.canonical(&b)
	return bytes.Equal(a.Bytes(), b.Bytes())
}
