package flow

import (
	"maps"
	"slices"
)

// translations are texts in other languages, by language and by the text in the
// flow's own: what catalogue files hold.
//
//	translations:
//	  hi: {Hello!: नमस्ते!}
type translations struct{ languages []translation }

type translation struct {
	pos
	language string
	texts    map[string]*node
}

func (t *translations) read(r *reader, n *node) {
	if n.kind != mapNode {
		r.fail(n.pos, "\"translations\" must map languages to texts")
		return
	}
	for _, p := range n.pairs {
		if !slices.Contains(r.voices.languages, p.key.text) {
			r.fail(p.key.pos, "%q is not a language of this flow: name it under \"languages\"", clip(p.key.text, 40))
		}
		if p.value.kind != mapNode {
			r.fail(p.value.pos, "the translations must map texts to their translations")
			continue
		}
		one := translation{pos: p.key.pos, language: p.key.text, texts: map[string]*node{}}
		for _, text := range p.value.pairs {
			one.texts[text.key.text] = text.value
		}
		t.languages = append(t.languages, one)
	}
}

// translate gives each text its translations. What translates no text of the
// flow is told: its original has changed, or was mistyped.
func (r *reader) translate(t translations) {
	leaves := map[string][]*phrase{}
	for _, p := range r.phrases {
		for _, leaf := range p.leaves() {
			leaves[leaf.source] = append(leaves[leaf.source], leaf)
		}
	}
	for _, one := range t.languages {
		for _, source := range sortedKeys(one.texts) {
			n := one.texts[source]
			originals := leaves[source]
			if len(originals) == 0 {
				r.fail(n.pos, "no text of the flow reads %q%s", clip(source, 60), didYouMean(source, slices.Collect(maps.Keys(leaves))))
			}
			for _, leaf := range originals {
				if leaf.translated == nil {
					leaf.translated = map[string]*phrase{}
				}
				said := &phrase{}
				said.readForms(r, n)
				for _, e := range said.exprs() {
					e.locals = append(e.locals, leaf.locals()...)
				}
				leaf.translated[one.language] = said
			}
		}
	}
}

// locals are the names that only the phrase's expressions see.
func (p *phrase) locals() []string {
	for _, part := range p.parts {
		if part.expr != nil {
			return part.expr.locals
		}
	}
	return nil
}

// Texts lists the texts of the document in its own language that have no
// translation into another one, in the order of their first use: what a catalogue
// file for that language has to hold.
func (d *Document) Texts(language string) []string {
	var out []string
	seen := map[string]bool{}
	for _, p := range d.phrases {
		if !p.lacks(language) {
			continue
		}
		for _, leaf := range p.leaves() {
			if leaf.lacks(language) && !seen[leaf.source] {
				seen[leaf.source] = true
				out = append(out, leaf.source)
			}
		}
	}
	return out
}

// Languages lists the languages that the flow speaks, its own first.
func (d *Document) Languages() []string {
	if len(d.voices.languages) == 0 {
		return nil
	}
	return slices.Clone(d.voices.languages)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
