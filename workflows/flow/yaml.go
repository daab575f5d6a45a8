package flow

import "slices"

// NodeKind is what a place in a YAML document holds.
type NodeKind string

const (
	NullNode    NodeKind = "nothing"
	BoolNode    NodeKind = "true or false"
	NumberNode  NodeKind = "a number"
	TextNode    NodeKind = "a text"
	ListNode    NodeKind = "a list"
	MappingNode NodeKind = "a mapping"
)

// Node is a YAML document's content with its places, for documents that go with
// flows. It is immutable.
type Node struct {
	// Line and Col count from 1; Col in characters.
	Line, Col int
	Kind      NodeKind
	// Scalar is the text, the number as a float64, or the bool.
	Scalar any
	Items  []*Node
	Pairs  []Pair
}

// Pair is one entry of a mapping.
type Pair struct {
	Key   string
	At    *Node
	Value *Node
}

// ReadYAML reads one YAML (or JSON) document as flows are read: without anchors,
// tags and doubled keys, within the same bounds.
func ReadYAML(file string, src []byte) (*Node, []Problem) {
	root, problems := parseYAML(src)
	if len(problems) > 0 || root == nil {
		return nil, sorted(file, problems)
	}
	return root.export(), nil
}

func (n *node) export() *Node {
	out := &Node{Line: n.line, Col: n.col, Kind: [...]NodeKind{NullNode, BoolNode, NumberNode, TextNode, ListNode, MappingNode}[n.kind]}
	switch n.kind {
	case boolNode:
		out.Scalar = n.flag
	case numberNode:
		out.Scalar = n.number
	case stringNode:
		out.Scalar = n.text
	}
	for _, item := range n.items {
		out.Items = append(out.Items, item.export())
	}
	for _, p := range n.pairs {
		out.Pairs = append(out.Pairs, Pair{p.key.text, p.key.export(), p.value.export()})
	}
	return out
}

// Get finds a key's value in a mapping; nil if it has none.
func (n *Node) Get(key string) *Node {
	if i := slices.IndexFunc(n.Pairs, func(p Pair) bool { return p.Key == key }); i >= 0 {
		return n.Pairs[i].Value
	}
	return nil
}

// Value gives the content as encoding/json would decode it.
func (n *Node) Value() any {
	switch n.Kind {
	case ListNode:
		out := make([]any, len(n.Items))
		for i, item := range n.Items {
			out[i] = item.Value()
		}
		return out
	case MappingNode:
		out := make(map[string]any, len(n.Pairs))
		for _, p := range n.Pairs {
			out[p.Key] = p.Value.Value()
		}
		return out
	}
	return n.Scalar
}

// Problem is a problem at the node's place.
func (n *Node) Problem(file, format string, args ...any) Problem {
	p := pos{n.Line, n.Col}.problem(format, args...)
	p.File = file
	return p
}

// DidYouMean gives `; did you mean "x"?` for the known name nearest to a mistyped
// one, or nothing.
func DidYouMean(name string, known []string) string { return didYouMean(name, known) }
