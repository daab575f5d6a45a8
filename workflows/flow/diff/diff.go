// Package diff tells what differs between two versions of a flow, for people who
// decide whether a version goes live: by blocks and steps, not by lines. It is
// pure.
package diff

import (
	"slices"
	"strconv"

	"github.com/goccy/go-yaml"

	"parley/workflows/flow"
)

// Kinds of changes.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
	Renamed = "renamed"
)

// Change is one thing that differs.
type Change struct {
	Kind string `json:"kind"`
	// Path says where: keys, and steps counted from 1, as "step 2 / options / Browse".
	Path string `json:"path"`
	// Before and After are what stood and stands there, on one line; a long value is cut.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Block is a block that differs.
type Block struct {
	Kind string `json:"kind"`
	// Name of the block, that of a sub-flow's as SUB/NAME; From is the former name of
	// one that was renamed and does the same.
	Name    string   `json:"name"`
	From    string   `json:"from,omitempty"`
	Changes []Change `json:"changes,omitempty"`
}

// Report is everything that differs between two versions.
type Report struct {
	// Settings are the changes at the head.
	Settings []Change `json:"settings"`
	Blocks   []Block  `json:"blocks"`
	Intents  []Change `json:"intents"`
	// TextsAdded and TextsRemoved are what customers read, in the flow's own
	// language: what translators have to look at.
	TextsAdded   []string `json:"texts_added"`
	TextsRemoved []string `json:"texts_removed"`
}

// Same tells that nothing differs but formatting, comments, or the order of keys.
func (r Report) Same() bool {
	return len(r.Settings)+len(r.Blocks)+len(r.Intents)+len(r.TextsAdded)+len(r.TextsRemoved) == 0
}

// Documents compares two documents. One that cannot be read is refused with
// [flow.Problems].
func Documents(before, after flow.Source) (Report, error) {
	a, err := open(before)
	if err != nil {
		return Report{}, err
	}
	b, err := open(after)
	if err != nil {
		return Report{}, err
	}
	r := Report{Settings: []Change{}, Blocks: blocks(a.blocks, b.blocks), Intents: []Change{}}
	walk(&r.Settings, nil, a.head, b.head)
	walk(&r.Intents, nil, a.intents, b.intents)
	r.TextsAdded, r.TextsRemoved = without(b.texts, a.texts), without(a.texts, b.texts)
	return r, nil
}

// opened is a document taken apart.
type opened struct {
	head, intents yaml.MapSlice
	blocks        yaml.MapSlice
	texts         []string
}

func open(s flow.Source) (opened, error) {
	doc, problems := flow.Parse(s.File, s.Text)
	if len(problems) > 0 {
		return opened{}, flow.Problems(problems)
	}
	var o opened
	for _, t := range doc.Wording() {
		o.texts = append(o.texts, t.Source)
	}
	var all yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(s.Text, &all, yaml.UseOrderedMap()); err != nil {
		return opened{}, flow.Problems{{File: s.File, Line: 1, Col: 1, Message: "this cannot be read as YAML"}}
	}
	for _, item := range all {
		inner, _ := item.Value.(yaml.MapSlice)
		switch item.Key {
		case "blocks":
			o.blocks = append(o.blocks, inner...)
		case "steps":
			o.blocks = append(o.blocks, yaml.MapItem{Key: "start", Value: item.Value})
		case "menu":
			o.blocks = append(o.blocks, yaml.MapItem{Key: "menu", Value: []any{item.Value}})
		case "subs":
			o.subs(inner)
		case "intents":
			o.intents = inner
		default:
			o.head = append(o.head, item)
		}
	}
	return o, nil
}

// subs takes the blocks of sub-flows out; what else they have stays at the head.
func (o *opened) subs(all yaml.MapSlice) {
	var rest yaml.MapSlice
	for _, sub := range all {
		name := key(sub.Key)
		body, _ := sub.Value.(yaml.MapSlice)
		var own yaml.MapSlice
		for _, item := range body {
			inner, nested := item.Value.(yaml.MapSlice)
			if item.Key != "blocks" || !nested {
				own = append(own, item)
				continue
			}
			for _, b := range inner {
				o.blocks = append(o.blocks, yaml.MapItem{Key: name + "/" + key(b.Key), Value: b.Value})
			}
		}
		rest = append(rest, yaml.MapItem{Key: name, Value: own})
	}
	o.head = append(o.head, yaml.MapItem{Key: "subs", Value: rest})
}

// blocks compares blocks by name. One that is gone and does what a new one does
// was renamed.
func blocks(a, b yaml.MapSlice) []Block {
	out := []Block{}
	var gone, come []yaml.MapItem
	for _, item := range a {
		if _, there := get(b, item.Key); !there {
			gone = append(gone, item)
		}
	}
	for _, item := range b {
		before, there := get(a, item.Key)
		if !there {
			come = append(come, item)
			continue
		}
		block := Block{Kind: Changed, Name: key(item.Key)}
		if walk(&block.Changes, nil, before, item.Value); len(block.Changes) > 0 {
			out = append(out, block)
		}
	}
	for _, item := range come {
		i := slices.IndexFunc(gone, func(g yaml.MapItem) bool { return equal(g.Value, item.Value) })
		if i < 0 {
			out = append(out, Block{Kind: Added, Name: key(item.Key), Changes: steps(Added, item.Value)})
			continue
		}
		out = append(out, Block{Kind: Renamed, Name: key(item.Key), From: key(gone[i].Key)})
		gone = slices.Delete(gone, i, i+1)
	}
	for _, item := range gone {
		out = append(out, Block{Kind: Removed, Name: key(item.Key), Changes: steps(Removed, item.Value)})
	}
	return out
}

// steps lists all steps of a block.
func steps(kind string, v any) []Change {
	list, _ := v.([]any)
	var out []Change
	for i, s := range list {
		add(&out, kind, []string{"step " + strconv.Itoa(i+1)}, s)
	}
	return out
}

func without(all, those []string) []string {
	out := []string{}
	for _, s := range all {
		if !slices.Contains(those, s) {
			out = append(out, s)
		}
	}
	return out
}
