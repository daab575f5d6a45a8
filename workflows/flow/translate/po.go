package translate

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// PO writes entries as a PO file for a language (GNU gettext manual, "The Format of
// PO Files").
func PO(name, language string, entries []Entry) []byte {
	var b bytes.Buffer
	poText(&b, "msgid", "")
	poText(&b, "msgstr", "Project-Id-Version: "+name+"\nLanguage: "+language+
		"\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n")
	for _, e := range entries {
		b.WriteByte('\n')
		if e.Block != "" {
			fmt.Fprintf(&b, "#. block %s\n", e.Block)
		}
		if len(expressions(e.Source)) > 0 {
			b.WriteString("#. leave what stands in {{ }} as it is\n")
		}
		if e.Line > 0 {
			fmt.Fprintf(&b, "#: %s.yaml:%d\n", name, e.Line)
		}
		if e.Fuzzy {
			b.WriteString("#, fuzzy\n")
		}
		if e.Previous != "" {
			poText(&b, "#| msgid", e.Previous)
		}
		poText(&b, "msgid", e.Source)
		poText(&b, "msgstr", e.Target)
	}
	return b.Bytes()
}

// poText writes a keyword and its text, one of several lines as several strings.
func poText(b *bytes.Buffer, keyword, text string) {
	lines := strings.SplitAfter(text, "\n")
	if last := len(lines) - 1; last > 0 && lines[last] == "" {
		lines = lines[:last]
	}
	if len(lines) > 1 {
		fmt.Fprintf(b, "%s \"\"\n", keyword)
		keyword = strings.Repeat("#| ", strings.Count(keyword, "#|"))
	} else {
		keyword += " "
	}
	for _, l := range lines {
		b.WriteString(keyword + poQuote(l) + "\n")
	}
}

// poQuote writes a string as C does.
func poQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < ' ':
			fmt.Fprintf(&b, `\%03o`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// poReader collects the entry that is being read.
type poReader struct {
	entry Entry
	// into takes the strings that follow; begun and told say which keywords came.
	into        *string
	begun, told bool
	context     string
	out         []Entry
}

// ParsePO reads a PO file. Of an entry, Source, Target and Fuzzy come back; the
// header and obsolete entries are left out.
func ParsePO(src []byte) ([]Entry, error) {
	p := &poReader{}
	for i, line := range strings.Split(string(src), "\n") {
		if err := p.line(strings.TrimSpace(line)); err != nil {
			return nil, fmt.Errorf("line %d of the PO file: %w", i+1, err)
		}
	}
	p.end()
	return p.out, nil
}

func (p *poReader) line(line string) error {
	switch {
	case line == "":
		return nil
	case strings.HasPrefix(line, "#"):
		if p.told {
			p.end()
		}
		if flags, ok := strings.CutPrefix(line, "#,"); ok {
			for _, f := range strings.Split(flags, ",") {
				p.entry.Fuzzy = p.entry.Fuzzy || strings.TrimSpace(f) == "fuzzy"
			}
		}
		return nil
	case line[0] == '"':
		return p.text(line)
	}
	keyword, text, _ := strings.Cut(line, " ")
	switch keyword {
	case "msgctxt", "msgid":
		if p.told {
			p.end()
		}
		p.into = &p.context
		if keyword == "msgid" {
			p.into, p.begun = &p.entry.Source, true
		}
	case "msgstr":
		p.into, p.told = &p.entry.Target, true
	case "msgid_plural", "msgstr[0]":
		return fmt.Errorf("flows have no plural forms: write msgid and msgstr only")
	default:
		return fmt.Errorf("msgid, msgstr, a string or a comment must stand here")
	}
	return p.text(strings.TrimSpace(text))
}

func (p *poReader) text(quoted string) error {
	s, err := strconv.Unquote(quoted)
	if err != nil || p.into == nil || quoted[0] != '"' {
		return fmt.Errorf("a string between quotation marks must stand here")
	}
	*p.into += s
	return nil
}

// end keeps the entry that was read; the header is the one without a text.
func (p *poReader) end() {
	if p.begun && p.told && p.entry.Source != "" {
		p.entry.Fuzzy = p.entry.Fuzzy && p.entry.Target != ""
		p.out = append(p.out, p.entry)
	}
	p.entry, p.into, p.begun, p.told, p.context = Entry{}, nil, false, false, ""
}
