package flow

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

const (
	// MaxSource is the largest document, in bytes.
	MaxSource = 1 << 20
	// maxKeys bounds the keys of a whole document: the YAML library's time grows
	// with the square of those of one mapping.
	maxKeys = 30_000
	// maxNesting bounds lists and mappings within one another.
	maxNesting = 32
)

// nodeKind is what a place in the document holds.
type nodeKind uint8

const (
	nullNode nodeKind = iota
	boolNode
	numberNode
	stringNode
	listNode
	mapNode
)

func (k nodeKind) String() string {
	return [...]string{"nothing", "true or false", "a number", "a text", "a list", "a mapping"}[k]
}

// node is a document's content without its formatting.
type node struct {
	pos
	kind nodeKind
	// flag, number and text hold the scalars.
	flag   bool
	number float64
	text   string
	// inset is how many columns after pos the text itself begins, or -1 where
	// text and source differ (escapes, several lines).
	inset int
	items []*node
	pairs []pair
}

type pair struct {
	key   *node
	value *node
}

// at gives the position of the i-th byte of a text.
func (n *node) at(i int) pos {
	if n.inset < 0 {
		return n.pos
	}
	return pos{n.line, n.col + n.inset + len([]rune(n.text[:min(i, len(n.text))]))}
}

// get finds a key's value in a mapping.
func (n *node) get(key string) *node {
	for _, p := range n.pairs {
		if p.key.text == key {
			return p.value
		}
	}
	return nil
}

// parseYAML reads one YAML (or JSON) document.
func parseYAML(src []byte) (root *node, problems []Problem) {
	if p := refuseSource(src); p != nil {
		return nil, []Problem{*p}
	}
	defer func() {
		// The YAML library panics on some malformed documents.
		if recover() != nil {
			root, problems = nil, []Problem{pos{1, 1}.problem("this cannot be read as YAML")}
		}
	}()
	file, err := parser.ParseBytes(src, 0)
	if err != nil {
		return nil, []Problem{yamlProblem(err)}
	}
	var body ast.Node
	for _, d := range file.Docs {
		if d.Body == nil {
			continue
		}
		if body != nil {
			return nil, []Problem{place(d.Body).problem("a file holds one flow; put the second document into a file of its own")}
		}
		body = d.Body
	}
	if body == nil {
		return nil, []Problem{pos{1, 1}.problem("the document is empty")}
	}
	b := &builder{}
	root = b.build(body, 0)
	return root, b.problems
}

// refuseSource keeps from the YAML library what it would only choke on.
func refuseSource(src []byte) *Problem {
	fail := func(at pos, format string, args ...any) *Problem {
		p := at.problem(format, args...)
		return &p
	}
	if len(src) > MaxSource {
		return fail(pos{1, 1}, "the document has %d bytes; at most %d are read", len(src), MaxSource)
	}
	line, depth, dashes, keys := 1, 0, 0, 0
	for i, c := range src {
		switch c {
		case '\n':
			line, dashes = line+1, 0
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(0, depth-1)
		case '-', '?', ':':
			if i+1 < len(src) && src[i+1] == ' ' {
				dashes++
			}
			if c == ':' {
				keys++
			}
		case 0:
			return fail(pos{line, 1}, "the document holds a zero byte; it must be text in UTF-8")
		}
		if keys > maxKeys {
			return fail(pos{line, 1}, "the document has more than %d keys; split it into several flows", maxKeys)
		}
		if depth > 8*maxNesting || dashes > 8*maxNesting {
			return fail(pos{line, 1}, "the document is nested too deeply")
		}
	}
	return nil
}

func yamlProblem(err error) Problem {
	var ye yaml.Error
	if errors.As(err, &ye) && ye.GetToken() != nil && ye.GetToken().Position != nil {
		at := ye.GetToken().Position
		hint := ""
		if strings.Contains(ye.GetMessage(), "mapping value is not allowed") {
			hint = " (quote a text in which a space follows a colon)"
		}
		return pos{max(1, at.Line), max(1, at.Column)}.problem("YAML: %s%s", ye.GetMessage(), hint)
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return pos{1, 1}.problem("YAML: %s", first)
}

// builder turns the library's tree into nodes.
type builder struct{ problems []Problem }

func (b *builder) fail(at pos, format string, args ...any) {
	b.problems = append(b.problems, at.problem(format, args...))
}

func place(n ast.Node) pos {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return place(n.Values[0])
		}
	case *ast.MappingValueNode:
		return place(n.Key)
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return pos{1, 1}
	}
	at := n.GetToken().Position
	return pos{max(1, at.Line), max(1, at.Column)}
}

func (b *builder) build(n ast.Node, depth int) *node {
	out := &node{pos: place(n), inset: -1}
	if depth > maxNesting {
		b.fail(out.pos, "the document is nested too deeply")
		return out
	}
	switch n := n.(type) {
	case *ast.NullNode:
	case *ast.BoolNode:
		out.kind, out.flag = boolNode, n.Value
	case *ast.IntegerNode:
		out.kind = numberNode
		switch v := n.Value.(type) {
		case int64:
			out.number = float64(v)
		case uint64:
			out.number = float64(v)
		}
	case *ast.FloatNode:
		out.kind, out.number = numberNode, n.Value
		if math.IsInf(n.Value, 0) {
			b.fail(out.pos, "this number is too large")
		}
	case *ast.StringNode:
		b.text(out, n)
	case *ast.LiteralNode:
		out.kind, out.text = stringNode, strings.ToValidUTF8(n.Value.Value, "\uFFFD")
	case *ast.SequenceNode:
		out.kind = listNode
		for _, v := range n.Values {
			out.items = append(out.items, b.build(v, depth+1))
		}
	case *ast.MappingNode:
		out.kind = mapNode
		b.pairs(out, n.Values, depth)
	case *ast.MappingValueNode:
		out.kind = mapNode
		b.pairs(out, []*ast.MappingValueNode{n}, depth)
	case *ast.AnchorNode, *ast.AliasNode:
		b.fail(out.pos, "anchors and aliases (& and *) are not part of the flow language; quote the text if it begins with that sign")
	case *ast.TagNode:
		b.fail(out.pos, "tags (!) are not part of the flow language; quote the text if it begins with that sign")
	default:
		b.fail(out.pos, "this is not a value that a flow can hold")
	}
	return out
}

// text takes over a one-line scalar and finds out where its characters stand.
func (b *builder) text(out *node, n *ast.StringNode) {
	out.kind, out.text = stringNode, strings.ToValidUTF8(n.Value, "\uFFFD")
	origin := strings.TrimSpace(n.Token.Origin)
	if at := strings.Index(origin, out.text); at >= 0 && !strings.Contains(origin, "\n") {
		out.inset = at
	}
}

func (b *builder) pairs(out *node, values []*ast.MappingValueNode, depth int) {
	seen := make(map[string]bool, len(values))
	for _, v := range values {
		key := b.key(v.Key)
		switch {
		case key == nil:
		case seen[key.text]:
			b.fail(key.pos, "%q is given twice", key.text)
		default:
			seen[key.text] = true
			out.pairs = append(out.pairs, pair{key, b.build(v.Value, depth+1)})
		}
	}
}

func (b *builder) key(n ast.MapKeyNode) *node {
	key := &node{pos: place(n), kind: stringNode, inset: -1}
	switch k := n.(type) {
	case *ast.MergeKeyNode:
		b.fail(key.pos, "merge keys (<<) are not part of the flow language")
		return nil
	case *ast.StringNode:
		b.text(key, k)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		key.text = k.GetToken().Value
	default:
		b.fail(key.pos, "a key must be a plain text")
		return nil
	}
	return key
}

// canonical writes a node so that two documents with the same content, and only
// they, give the same bytes. The order of a mapping's keys is content.
func (n *node) canonical(w *bytes.Buffer) {
	switch n.kind {
	case nullNode:
		w.WriteString("null")
	case boolNode:
		fmt.Fprint(w, n.flag)
	case numberNode:
		w.WriteString(formatNumber(n.number))
	case stringNode:
		js, _ := json.Marshal(n.text) // a string cannot fail
		w.Write(js)
	case listNode:
		w.WriteByte('[')
		for _, item := range n.items {
			item.canonical(w)
			w.WriteByte(',')
		}
		w.WriteByte(']')
	case mapNode:
		w.WriteByte('{')
		for _, p := range n.pairs {
			p.key.canonical(w)
			w.WriteByte(':')
			p.value.canonical(w)
			w.WriteByte(',')
		}
		w.WriteByte('}')
	}
}
