package flow

// Text is something that customers read, in the flow's own language.
type Text struct {
	Source string
	// Line and Col of its first use; Block is the block that it stands in, empty at
	// the head.
	Line, Col int
	Block     string
	// Translations by language; a text that is written in several variants there
	// is not among them.
	Translations map[string]string
	// Varied are the languages whose translation is written in several variants.
	Varied map[string]bool
}

// Wording lists the texts of the document that are written in its own language
// only, each once, in the order of their first use. Those without words, such as
// addresses, are left out, as are those that are written in all languages where
// they stand.
func (d *Document) Wording() []Text {
	var out []Text
	seen := map[string]bool{}
	for _, p := range d.phrases {
		for _, leaf := range p.ownLeaves() {
			if seen[leaf.source] || leaf.wordless() {
				continue
			}
			seen[leaf.source] = true
			t := Text{Source: leaf.source, Line: leaf.line, Col: leaf.col, Block: d.blockAt(leaf.line), Translations: map[string]string{}, Varied: map[string]bool{}}
			for language, said := range leaf.translated {
				if len(said.forms) > 0 {
					t.Varied[language] = true
				} else {
					t.Translations[language] = said.source
				}
			}
			out = append(out, t)
		}
	}
	return out
}

// ownLeaves lists the texts of which a phrase is made and that need translations.
func (p *phrase) ownLeaves() []*phrase {
	if len(p.forms) == 0 {
		return []*phrase{p}
	}
	if p.forms[0].language != "" {
		return nil
	}
	var out []*phrase
	for _, f := range p.forms {
		out = append(out, f.ownLeaves()...)
	}
	return out
}

// blockAt finds the named block that a line stands in.
func (d *Document) blockAt(line int) string {
	name, first := "", 0
	for _, b := range d.blocks {
		if b.outer == nil && b.line <= line && b.line > first {
			name, first = b.name, b.line
		}
	}
	return name
}

// Source is a document as it is written.
type Source struct {
	// File is its name, for problems.
	File string
	Text []byte
}

// Compile makes a program of a document that was checked before; one that cannot
// be read or stepped is refused with [Problems].
func (s Source) Compile() (*Program, error) {
	doc, problems := Parse(s.File, s.Text)
	if len(problems) > 0 {
		return nil, Problems(problems)
	}
	return Compile(doc)
}
