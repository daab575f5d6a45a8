package probe

import (
	"fmt"
	"strings"
	"time"
)

// Markdown is the evidence for people.
func (e Evidence) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# What %s does\n\nMeasured %s against %s.\n\n", e.Connector, e.At.Format(time.RFC3339), e.Host)
	b.WriteString("| operation | effect | sample | took | repeat | lost answer | search |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, o := range e.Operations {
		fmt.Fprintf(&b, "| %s | %s | %s | %d ms | %s | %s | %s |\n", o.Name, o.Effect, cell(o.Sample), o.TookMS, cell(o.Repeat), cell(o.LostReply), cell(o.SearchLag))
	}
	if e.Limits != nil {
		fmt.Fprintf(&b, "\nThe provider's answers say: %d requests left within %s.\n", e.Limits.Remaining, e.Limits.Reset)
	}
	return b.String()
}

func cell(text string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text) }
