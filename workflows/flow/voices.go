package flow

import (
	"hash/fnv"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// languageTag is the part of BCP 47 that flows use: a language, perhaps with a
// script or region.
var languageTag = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}$`)

// voices are the ways in which a document's texts may be written. They are read
// before all else, since texts may stand anywhere.
type voices struct {
	// languages begin with the flow's own.
	languages []string
	personas  []string
}

func (v voices) base() string { return v.languages[0] }

// voicesOf reads the names of languages and personas; what is wrong with them is
// told when the document's head is read.
func voicesOf(root *node) voices {
	v := voices{languages: []string{"en"}}
	if n := root.get("language"); n != nil && n.text != "" {
		v.languages[0] = n.text
	}
	if n := root.get("languages"); n != nil {
		for _, item := range n.items {
			if !slices.Contains(v.languages, item.text) {
				v.languages = append(v.languages, item.text)
			}
		}
	}
	if n := root.get("personas"); n != nil {
		for _, p := range n.pairs {
			v.personas = append(v.personas, p.key.text)
		}
	}
	return v
}

// persona is a tone in which the bot may speak.
type persona struct {
	name string
	// About tells authors what it is like.
	about string
}

// personas are named tones: `friendly: Warm and brief.`
type personas []persona

func (p *personas) read(r *reader, n *node) {
	if n.kind != mapNode {
		r.fail(n.pos, "\"personas\" must map names to what they are like")
		return
	}
	for _, pair := range n.pairs {
		if !variableName.MatchString(pair.key.text) || slices.Contains(r.voices.languages, pair.key.text) {
			r.fail(pair.key.pos, "%q cannot name a persona: use letters, digits and _, and no language's tag", clip(pair.key.text, 40))
		}
		about, _ := r.plain(pair.value, "what a persona is like")
		*p = append(*p, persona{pair.key.text, about})
	}
}

// bot is who speaks.
type bot struct {
	// Name and Picture (an address) are shown where the channel can, and stand in
	// expressions as bot.name and bot.picture.
	Name    string `flow:"name" doc:"the bot's name"`
	Picture string `flow:"picture" doc:"address of its picture"`
	// Persona is the tone in which it speaks, or an expression that gives one.
	Persona *template `flow:"persona" doc:"the persona it speaks as; may be an expression"`
}

// language is the one in which the customer is spoken to: the one chosen, else
// the contact's, if the flow speaks it, else the flow's own.
func (m *machine) language() string {
	if m.spoken == "" {
		m.spoken = m.p.voices.base()
		if len(m.p.voices.languages) > 1 {
			known, _ := m.in.Contact["language"].(string)
			if m.st.Language != "" {
				known = m.st.Language
			}
			if l, ok := m.p.voices.speaks(known); ok {
				m.spoken = l
			}
		}
	}
	return m.spoken
}

// speaks finds the flow's language that a tag means: hi for hi-IN.
func (v voices) speaks(tag string) (string, bool) {
	for tag != "" {
		for _, l := range v.languages {
			if strings.EqualFold(l, tag) {
				return l, true
			}
		}
		tag = tag[:max(0, strings.LastIndexByte(tag, '-'))]
	}
	return "", false
}

func (m *machine) persona() string {
	if m.tone == "" {
		m.tone = m.p.voices.personas[0]
		v, err := m.value(m.p.doc.head.Bot.Persona)
		if name, _ := v.(string); err == nil && slices.Contains(m.p.voices.personas, name) {
			m.tone = name
		}
	}
	return m.tone
}

// chance gives a number that looks random and is the same whenever the same turn
// of the same conversation is stepped again.
func (m *machine) chance(line, col int) uint64 {
	return m.fate(m.in.Conversation, strconv.FormatInt(m.st.Turns, 10), strconv.Itoa(line), strconv.Itoa(col), strconv.FormatInt(m.st.Seq, 10))
}

// fate makes a number of names; the same names always give the same one.
func (m *machine) fate(names ...string) uint64 {
	h := fnv.New64a()
	for _, s := range names {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	// The lower bits of FNV depend on few bits of the last byte: mix them.
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	return x ^ x>>33
}
