package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// checkFile finds what is not known, given twice or of the wrong shape in a YAML
// file, with the lines of what is good by key. It repeats keys, never values.
func checkFile(name string, text []byte) (lines map[string]int, problems Problems) {
	c := &fileCheck{name: name, lines: map[string]int{}}
	doc, err := parser.ParseBytes(text, 0)
	if err != nil {
		where := name
		var ye yaml.Error
		if errors.As(err, &ye) && ye.GetToken() != nil {
			where = fmt.Sprintf("%s:%d", name, ye.GetToken().Position.Line)
		}
		return nil, Problems{{Where: where, Key: "file", Why: "is not valid YAML", Do: "check indentation, and put texts with special characters in quotes"}}
	}
	seen := false
	for _, d := range doc.Docs {
		switch {
		case d.Body == nil:
		case seen:
			c.refuse(d.Body, "file", "holds more than one document", "keep one")
		default:
			seen = true
			c.section(d.Body, "")
		}
	}
	return c.lines, c.problems
}

type fileCheck struct {
	name     string
	lines    map[string]int
	problems Problems
}

var keyForm = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

func (c *fileCheck) refuse(n ast.Node, key, why, do string) {
	where := c.name
	if t := n.GetToken(); t != nil {
		where = fmt.Sprintf("%s:%d", c.name, t.Position.Line)
	}
	if !keyForm.MatchString(key) {
		key = "(key)" // a value that ended up as a key
	}
	c.problems = append(c.problems, Problem{Where: where, Key: key, Why: why, Do: do})
}

func (c *fileCheck) section(n ast.Node, prefix string) {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		if n.Type() != ast.NullType && n.Type() != ast.CommentGroupType {
			c.refuse(n, strings.TrimSuffix(prefix, "."), "must hold keys and values", "")
		}
		return
	}
	for _, pair := range m.Values {
		name := pair.Key.GetToken().Value
		key := prefix + name
		switch {
		case strings.Contains(name, ".") || !known(key) && !isSection(key):
			c.refuse(pair.Key, key, "unknown key", suggest(key))
		case c.lines[key] != 0:
			c.refuse(pair.Key, key, fmt.Sprintf("given twice, first on line %d", c.lines[key]), "keep one")
		default:
			c.lines[key] = pair.Key.GetToken().Position.Line
			if isSection(key) {
				c.section(pair.Value, key+".")
			}
		}
	}
}

func known(key string) bool {
	return slices.ContainsFunc(settings, func(s setting) bool { return s.Key == key })
}

func isSection(key string) bool {
	return slices.ContainsFunc(settings, func(s setting) bool { return strings.HasPrefix(s.Key, key+".") })
}

// suggest names the known key that is most like the unknown one.
func suggest(key string) string {
	best, distance := "", len(key)/2+1
	for _, s := range settings {
		if strings.HasSuffix(s.Key, "."+key) {
			return fmt.Sprintf("%s belongs into a section: %s", key, s.Key)
		}
		if d := editDistance(key, s.Key); d < distance {
			best, distance = s.Key, d
		}
	}
	if best == "" {
		return "the keys are listed by parley help config"
	}
	return "did you mean " + best + "?"
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
