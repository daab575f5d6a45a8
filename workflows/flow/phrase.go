package flow

import (
	"strings"
)

// maxText bounds a rendered text, in bytes.
const maxText = 16 << 10

// phrase is text for people that may hold {{ expressions }}.
type phrase struct {
	pos
	source string
	parts  []part
}

// part is a piece of literal text, or an expression.
type part struct {
	literal string
	expr    *expr
}

func (p *phrase) read(r *reader, n *node) {
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

// literal gives the text of a phrase without expressions.
func (p *phrase) literal() (string, bool) {
	if p == nil || len(p.parts) > 1 || len(p.parts) == 1 && p.parts[0].expr != nil {
		return "", false
	}
	return p.source, true
}

func (p *phrase) exprs() []*expr {
	var out []*expr
	if p != nil {
		for _, part := range p.parts {
			if part.expr != nil {
				out = append(out, part.expr)
			}
		}
	}
	return out
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
	for _, part := range p.parts {
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
