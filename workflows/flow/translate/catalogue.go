package translate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Catalogue is a file of translations, as it stands beside a document: texts
// mapped to their translations, in YAML.
type Catalogue struct {
	lines []string
	texts map[string]string
	order []string
	// varied are texts whose translation is written in several variants.
	varied map[string]bool
	// at is where each entry stands: its lines, from and to.
	at map[string][2]int
}

// ParseCatalogue reads a catalogue; nothing is an empty one.
func ParseCatalogue(src []byte) (c Catalogue, err error) {
	defer func() {
		// The YAML library panics on some malformed documents.
		if recover() != nil {
			err = errors.New("the catalogue cannot be read as YAML")
		}
	}()
	c = Catalogue{texts: map[string]string{}, varied: map[string]bool{}, at: map[string][2]int{}}
	c.lines = strings.SplitAfter(string(src), "\n")
	if c.lines[len(c.lines)-1] == "" {
		c.lines = c.lines[:len(c.lines)-1]
	}
	var all yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(src, &all, yaml.UseOrderedMap()); err != nil && len(bytes.TrimSpace(src)) > 0 {
		return c, errors.New("the catalogue must map texts to their translations")
	}
	for _, item := range all {
		source := fmt.Sprint(item.Key)
		c.order = append(c.order, source)
		switch v := item.Value.(type) {
		case yaml.MapSlice, []any:
			c.varied[source] = true
		case nil:
		default:
			c.texts[source] = fmt.Sprint(v)
		}
	}
	return c, c.places(src)
}

// places finds the lines of each entry. Comments and empty lines before an entry
// are nobody's.
func (c *Catalogue) places(src []byte) error {
	file, err := parser.ParseBytes(src, 0)
	if err != nil {
		return errors.New("the catalogue cannot be read as YAML")
	}
	var firsts []int
	for _, d := range file.Docs {
		if flow, ok := d.Body.(*ast.MappingNode); ok && flow.IsFlowStyle && len(flow.Values) > 0 {
			return errors.New("write the catalogue with one text a line, without { and }")
		}
		m, ok := d.Body.(ast.MapNode)
		if !ok {
			continue
		}
		for iter := m.MapRange(); iter.Next(); {
			firsts = append(firsts, iter.Key().GetToken().Position.Line-1)
		}
	}
	if len(firsts) != len(c.order) {
		return errors.New("write the catalogue as one mapping of texts")
	}
	for i, source := range c.order {
		end := len(c.lines)
		if i+1 < len(firsts) {
			end = firsts[i+1]
		}
		for end > firsts[i]+1 && apart(c.lines[end-1]) {
			end--
		}
		c.at[source] = [2]int{firsts[i], end}
	}
	return nil
}

// apart tells that a line is empty, or a comment of its own.
func apart(line string) bool { return strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") }

// edit writes the catalogue with entries changed, or added at its end in the order
// given, and those that are gone as comments.
func (c Catalogue) edit(changed map[string]string, order []string, gone map[string]bool) []byte {
	starts := map[int]string{}
	for source, at := range c.at {
		starts[at[0]] = source
	}
	var b bytes.Buffer
	done := map[string]bool{}
	for i := 0; i < len(c.lines); i++ {
		source, begins := starts[i]
		target, differs := changed[source]
		switch {
		case begins && gone[source]:
			for ; i < c.at[source][1]; i++ {
				b.WriteString("#~ " + c.lines[i])
			}
			i--
		case begins && differs:
			b.WriteString(line(source, target))
			done[source] = true
			i = c.at[source][1] - 1
		default:
			b.WriteString(c.lines[i])
		}
	}
	if b.Len() > 0 && !bytes.HasSuffix(b.Bytes(), []byte("\n")) {
		b.WriteByte('\n')
	}
	for _, source := range order {
		if !done[source] {
			b.WriteString(line(source, changed[source]))
		}
	}
	return b.Bytes()
}

// line writes an entry: JSON's strings are YAML's.
func line(source, target string) string { return quoted(source) + ": " + quoted(target) + "\n" }

func quoted(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `""` // no string fails
	}
	return strings.TrimSuffix(b.String(), "\n")
}
