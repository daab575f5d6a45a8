package flow

import (
	"slices"
	"strings"
	"unicode"
)

// maxText bounds a rendered text, in bytes.
const maxText = 16 << 10

// phrase is text for customers that may hold {{ expressions }}. It may be written
// several times: by language, by persona, or as a list of variants of which one
// is taken at random.
//
//	say: Hello!
//	say: {en: Hello!, hi: नमस्ते!}
//	say: [Hello!, "Hi there!"]
type phrase struct {
	pos
	source string
	parts  []part
	// forms are the several ways of writing it; such a phrase has no parts.
	forms []form
	// translated is the same text in other languages, from the document's
	// translations.
	translated map[string]*phrase
	// ours marks the engine's own texts.
	ours bool
}

// part is a piece of literal text, or an expression.
type part struct {
	literal string
	expr    *expr
}

// form is one way of writing a phrase: for a language, for a persona, or, with
// neither, a variant.
type form struct {
	language, persona string
	*phrase
}

func (p *phrase) read(r *reader, n *node) {
	p.readForms(r, n)
	r.phrases = append(r.phrases, p)
}

func (p *phrase) readForms(r *reader, n *node) {
	switch n.kind {
	case listNode:
		p.pos = n.pos
		if len(n.items) == 0 {
			r.fail(n.pos, "a list of variants must hold a text")
		}
		for _, item := range n.items {
			one := form{phrase: &phrase{}}
			one.readForms(r, item)
			p.forms = append(p.forms, one)
		}
	case mapNode:
		p.readVoices(r, n)
	default:
		p.readText(r, n)
	}
}

// readVoices reads a text by languages or by personas.
func (p *phrase) readVoices(r *reader, n *node) {
	p.pos = n.pos
	spoken := 0
	for _, pair := range n.pairs {
		one := form{phrase: &phrase{}}
		switch key := pair.key.text; {
		case slices.Contains(r.voices.languages, key):
			one.language = key
			spoken++
		case slices.Contains(r.voices.personas, key):
			one.persona = key
		default:
			known := slices.Concat(r.voices.languages, r.voices.personas)
			r.fail(pair.key.pos, "%q is neither a language nor a persona of this flow%s", clip(key, 40), didYouMean(key, known))
			continue
		}
		one.readForms(r, pair.value)
		p.forms = append(p.forms, one)
	}
	switch base := r.voices.base(); {
	case spoken > 0 && spoken < len(p.forms):
		r.fail(n.pos, "a text is written by languages or by personas; to have both, write one within the other")
	case spoken > 0 && n.get(base) == nil:
		r.fail(n.pos, "the text is missing in the flow's own language: add the key %q", base)
	}
}

// readText reads a text that is written once.
func (p *phrase) readText(r *reader, n *node) {
	text, ok := r.plain(n, "a text")
	if !ok {
		return
	}
	*p = phrase{pos: n.pos, source: text}
	for at := 0; at < len(text); {
		open := strings.Index(text[at:], "{{")
		if open < 0 {
			p.parts = append(p.parts, part{literal: text[at:]})
			return
		}
		open += at
		end := strings.Index(text[open:], "}}")
		if end < 0 {
			r.fail(n.at(open), "{{ is not closed by }}")
			return
		}
		if open > at {
			p.parts = append(p.parts, part{literal: text[at:open]})
		}
		inner := text[open+2 : open+end]
		begin := open + 2 + len(inner) - len(strings.TrimLeft(inner, " \t\n"))
		e := &expr{}
		r.compile(e, strings.TrimSpace(inner), n.at(begin))
		p.parts = append(p.parts, part{expr: e})
		at = open + end + 2
	}
}

// leaves lists the texts of which a phrase is made.
func (p *phrase) leaves() []*phrase {
	if p == nil {
		return nil
	}
	if len(p.forms) == 0 {
		return []*phrase{p}
	}
	var out []*phrase
	for _, f := range p.forms {
		out = append(out, f.leaves()...)
	}
	return out
}

// first gives the text in the flow's own language, the first persona's, the first
// variant.
func (p *phrase) first(base string) *phrase {
	for p != nil && len(p.forms) > 0 {
		i := slices.IndexFunc(p.forms, func(f form) bool { return f.language == base })
		p = p.forms[max(0, i)].phrase
	}
	return p
}

// literal gives the text of a phrase that is written once and holds no expressions.
func (p *phrase) literal() (string, bool) {
	if p == nil || len(p.forms) > 0 || len(p.translated) > 0 || len(p.parts) > 1 || len(p.parts) == 1 && p.parts[0].expr != nil {
		return "", false
	}
	return p.source, true
}

// wordless tells that there is nothing to translate: no letters outside of
// expressions, or an address.
func (p *phrase) wordless() bool {
	if strings.Contains(p.source, "://") && !strings.ContainsAny(p.source, " \n") {
		return true
	}
	for _, part := range p.parts {
		if strings.ContainsFunc(part.literal, unicode.IsLetter) {
			return false
		}
	}
	return true
}

// lacks tells whether a part of the phrase has no translation into a language.
func (p *phrase) lacks(language string) bool {
	if len(p.forms) == 0 {
		return p.translated[language] == nil && !p.wordless()
	}
	spoken := p.forms[0].language != ""
	for _, f := range p.forms {
		if spoken && f.language == language {
			return false // as many variants as there may be
		}
		if !spoken && f.lacks(language) {
			return true
		}
	}
	return spoken
}

func (p *phrase) exprs() []*expr {
	var out []*expr
	for _, leaf := range p.leaves() {
		for _, part := range leaf.parts {
			if part.expr != nil {
				out = append(out, part.expr)
			}
		}
		for _, language := range sortedKeys(leaf.translated) {
			out = append(out, leaf.translated[language].exprs()...)
		}
	}
	return out
}

// form chooses how a phrase is said now.
func (m *machine) form(p *phrase) *phrase {
	for len(p.forms) > 0 {
		at := 0
		switch {
		case p.forms[0].language != "":
			spoken := m.language()
			if p.ours {
				spoken, _, _ = strings.Cut(spoken, "-")
			}
			at = slices.IndexFunc(p.forms, func(f form) bool { return f.language == spoken })
		case p.forms[0].persona != "":
			at = slices.IndexFunc(p.forms, func(f form) bool { return f.persona == m.persona() })
		default:
			at = int(m.chance(p.line, p.col) % uint64(len(p.forms)))
		}
		p = p.forms[max(0, at)].phrase
	}
	if t := p.translated[m.language()]; t != nil {
		return t
	}
	return p
}

// text renders a phrase; a nil phrase is empty.
func (m *machine) text(p *phrase) (string, error) {
	if p == nil {
		return "", nil
	}
	if s, ok := p.literal(); ok {
		return s, nil
	}
	var b strings.Builder
	for _, part := range m.form(p).parts {
		if part.expr == nil {
			b.WriteString(part.literal)
			continue
		}
		v, err := m.eval(part.expr)
		if err != nil {
			return "", err
		}
		b.WriteString(strings.ToValidUTF8(text(v), "\uFFFD"))
		if b.Len() > maxText {
			return clip(b.String(), maxText), nil
		}
	}
	return b.String(), nil
}

// fill is text that is not for reading, such as an address or a note to people on
// our side. It is written as a [phrase] is, and needs no translation.
type fill struct{ phrase }

func (f *fill) read(r *reader, n *node) { f.readForms(r, n) }

// or gives a phrase that may be missing.
func (f *fill) or(other *phrase) *phrase {
	if f == nil {
		return other
	}
	return &f.phrase
}
