package flow

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

var recipe = regexp.MustCompile("(?s)## ([^\n]+)\n.*?```yaml\n(.*?)```.*?```text\n(.*?)```")

// TestCookbook checks the recipes of docs/cookbook.md and has the conversations that
// stand beneath them.
func TestCookbook(t *testing.T) {
	text, err := os.ReadFile("../../docs/cookbook.md")
	require.NoError(t, err)
	recipes := recipe.FindAllStringSubmatch(string(text), -1)
	require.Len(t, recipes, 10)
	for _, r := range recipes {
		t.Run(r[1], func(t *testing.T) {
			doc, _ := Parse("recipe.yaml", []byte(r[2]))
			require.Empty(t, Check(doc, nil))
			k := newTalk(t, r[2])
			said := ""
			var want []string
			check := func(got []string) {
				for i := range got {
					got[i] = strings.ReplaceAll(got[i], "\n", " ⏎ ")
				}
				require.Equal(t, want, got, "after %s", said)
				require.Empty(t, k.out.Faults)
				want = nil
			}
			var got []string
			for line := range strings.Lines(r[3]) {
				line = strings.TrimRight(line, "\n")
				if !strings.ContainsAny(line[:1], "><*~") {
					want = append(want, line)
					continue
				}
				if said != "" {
					check(got)
				}
				said = line
				got = k.does(line)
			}
			check(got)
		})
	}
}

// does what a line of a recipe's conversation says.
func (k *talk) does(line string) []string {
	mark, rest := line[:1], strings.TrimSpace(line[1:])
	switch mark {
	case "<":
		return k.result(rest)
	case "~":
		return k.due()
	case "*":
		name, data, _ := strings.Cut(rest, " ")
		ref := k.state.Pending
		return k.events(Event{Kind: EventProvider, Name: name, Ref: ref, Output: json.RawMessage(data)})
	}
	if mime, isFile := strings.CutPrefix(rest, "(file "); isFile {
		mime = strings.TrimSuffix(mime, ")")
		kind := "document"
		if strings.HasPrefix(mime, "image/") {
			kind = "image"
		}
		return k.events(Event{Kind: EventMessage, Message: &sdk.Incoming{Media: &sdk.Media{Kind: kind, ID: "f1", MIME: mime, Size: 1e6}}})
	}
	text, intent, heard := strings.Cut(rest, " #")
	if heard {
		return k.events(understood(text, sdk.Understanding{Intent: intent, Confidence: 0.95, Margin: 0.5}))
	}
	return k.say(text)
}
