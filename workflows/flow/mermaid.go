package flow

import (
	"fmt"
	"strings"
)

// Graph draws the flow as a Mermaid flowchart: blocks, and the ways between them.
func (d *Document) Graph() string {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	ids := map[*block]string{}
	for i, one := range d.blocks {
		if one.outer == nil {
			ids[one] = fmt.Sprintf("b%d", i)
			fmt.Fprintf(&b, "    b%d[\"%s\"]\n", i, one.name)
		}
	}
	for _, k := range d.head.Keywords {
		if to := d.blocks[k.target.to.block()]; len(k.words) > 0 {
			fmt.Fprintf(&b, "    k%s([\"%s\"]) --> %s\n", ids[to], mermaidText(k.words[0].text), ids[to])
		}
	}
	seen := map[string]bool{}
	for _, one := range d.blocks {
		for _, s := range one.steps {
			for _, j := range s.exits().jumps {
				to := d.blocks[j.to.to.block()]
				from := ids[one.root()]
				if to.outer != nil {
					continue // a part of the block itself
				}
				arrow := "-->"
				if _, sub := s.(*subStep); sub {
					arrow = "-. sub .->"
				}
				line := fmt.Sprintf("    %s %s %s\n", from, arrow, ids[to])
				if !seen[line] {
					seen[line] = true
					b.WriteString(line)
				}
			}
		}
	}
	return b.String()
}

// mermaidText keeps a text from ending a label.
func mermaidText(s string) string {
	return strings.NewReplacer("\"", "#quot;", "#", "#35;").Replace(s)
}
