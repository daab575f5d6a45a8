package flowcmd

import (
	"os"
	"path/filepath"
	"sort"
	"strings"

	"parley/cmd/parley/exit"
	"parley/workflows/flow"
)

// source is a document as it is published: with the catalogues of translations
// that stand in files beside it.
type source struct {
	file, text string
	catalogues []catalogueAt
}

// catalogueAt is a file whose first line is a line of the whole.
type catalogueAt struct {
	file  string
	first int
	lines int
}

// indent is how far a catalogue stands to the right in the whole.
const indent = 4

// read reads shop.yaml and, if there are any, shop.hi.yaml, shop.pt-BR.yaml …,
// each of which maps texts of the flow to their translations.
func read(file string) (source, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return source{}, exit.Misused("%v", err)
	}
	s := source{file: file, text: string(text)}
	ext := filepath.Ext(file)
	beside, err := filepath.Glob(strings.TrimSuffix(file, ext) + ".*" + ext)
	if err != nil || len(beside) == 0 {
		return s, nil // a name that is no pattern has nothing beside it
	}
	sort.Strings(beside)
	if strings.HasPrefix(strings.TrimSpace(s.text), "{") {
		return source{}, exit.Misused("%s: catalogues of translations go with YAML; write translations into a JSON document itself", file)
	}
	s.text = strings.TrimRight(s.text, "\n") + "\ntranslations:\n"
	for _, one := range beside {
		text, err := os.ReadFile(one)
		if err != nil {
			return source{}, exit.Misused("%v", err)
		}
		language := strings.TrimPrefix(strings.TrimSuffix(one, ext), strings.TrimSuffix(file, ext)+".")
		s.text += "  " + language + ":\n"
		lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
		s.catalogues = append(s.catalogues, catalogueAt{one, strings.Count(s.text, "\n") + 1, len(lines)})
		for _, line := range lines {
			if strings.TrimSpace(line) != "" {
				line = strings.Repeat(" ", indent) + line
			}
			s.text += line + "\n"
		}
	}
	return s, nil
}

// place tells in which file a problem of the whole stands.
func (s source) place(p flow.Problem) flow.Problem {
	for _, c := range s.catalogues {
		if p.Line >= c.first-1 && p.Line < c.first+c.lines {
			p.File, p.Line, p.Col = c.file, max(1, p.Line-c.first+1), max(1, p.Col-indent)
		}
	}
	return p
}
