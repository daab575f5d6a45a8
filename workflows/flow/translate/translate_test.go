package translate_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"parley/workflows/flow"
	"parley/workflows/flow/translate"
)

const shop = `name: shop
languages: [hi]
blocks:
  start:
    - say: Hello {{ contact.name }}!
    - ask: How many bags would you like?
      kind: number
      save: n
    - say: "{{ n }} \"bags\", & more"
    - say: {en: Bye, hi: अलविदा}
    - say: "123"
`

func parse(t testing.TB, source string) *flow.Document {
	t.Helper()
	doc, problems := flow.Parse("shop.yaml", []byte(source))
	require.Empty(t, problems)
	return doc
}

func catalogue(t testing.TB, text string) translate.Catalogue {
	t.Helper()
	c, err := translate.ParseCatalogue([]byte(text))
	require.NoError(t, err)
	return c
}

const half = `# of our own hand
"Hello {{ contact.name }}!": नमस्ते {{ contact.name }}!

# asked often
How many bags do you want?: आपको कितने बैग चाहिए?
`

func TestEntries(t *testing.T) {
	got := translate.Entries(parse(t, shop), "hi", catalogue(t, half))
	require.Equal(t, []translate.Entry{
		{Source: "Hello {{ contact.name }}!", Target: "नमस्ते {{ contact.name }}!", Block: "start", Line: 5},
		{Source: "How many bags would you like?", Target: "आपको कितने बैग चाहिए?", Fuzzy: true, Previous: "How many bags do you want?", Block: "start", Line: 6},
		{Source: `{{ n }} "bags", & more`, Block: "start", Line: 9},
	}, got)
}

func TestATranslatorsFileComesBack(t *testing.T) {
	doc, c := parse(t, shop), catalogue(t, half)
	entries := translate.Entries(doc, "hi", c)
	for name, through := range map[string]func() ([]translate.Entry, error){
		"po": func() ([]translate.Entry, error) { return translate.ParsePO(translate.PO("shop", "hi", entries)) },
		"xliff": func() ([]translate.Entry, error) {
			raw, err := translate.XLIFF("shop", "en", "hi", entries)
			require.NoError(t, err)
			require.Contains(t, string(raw), `<ph id="1">{{ contact.name }}</ph>`)
			return translate.ParseXLIFF(raw)
		},
	} {
		t.Run(name, func(t *testing.T) {
			back, err := through()
			require.NoError(t, err)
			text, report := translate.Apply(doc, back, c)
			require.Equal(t, translate.Report{Missing: 1, Fuzzy: 1, Gone: 1, Refused: []translate.Refused{}}, report)
			require.Equal(t, strings.Replace(half, "How many", "#~ How many", 1), string(text), "nothing else is touched")

			back[0].Target = "नमस्कार {{ contact.name }}!"
			back[1].Target, back[1].Fuzzy = "कितने बैग?", false
			back[2].Target = "{{ m }} बैग"
			text, report = translate.Apply(doc, append(back, translate.Entry{Source: "Nowhere", Target: "x"}), c)
			require.Equal(t, translate.Report{Taken: 2, Gone: 1, Refused: []translate.Refused{
				{Source: `{{ n }} "bags", & more`, Why: "the translation must hold {{ n }} as they are"},
				{Source: "Nowhere", Why: "the flow has no such text"}}}, report)
			require.Equal(t, `# of our own hand
"Hello {{ contact.name }}!": "नमस्कार {{ contact.name }}!"

# asked often
#~ How many bags do you want?: आपको कितने बैग चाहिए?
"How many bags would you like?": "कितने बैग?"
`, string(text))
		})
	}
}

func TestLongEntriesAndVariantsStay(t *testing.T) {
	text := "one: |\n  first\n\n  second\n# a comment\ntwo:\n  - x\n  - y\nthree: >-\n  folded\n  text\n"
	doc := parse(t, "name: a\nlanguages: [hi]\nsteps: [{say: one}, {say: two}, {say: three}]\n")
	c := catalogue(t, text)
	entries := translate.Entries(doc, "hi", c)
	require.Len(t, entries, 2, "variants are not for translators' files")
	require.Equal(t, "first\n\nsecond\n", entries[0].Target)
	got, _ := translate.Apply(doc, []translate.Entry{{Source: "one", Target: "1"}}, c)
	require.Equal(t, "\"one\": \"1\"\n# a comment\ntwo:\n  - x\n  - y\nthree: >-\n  folded\n  text\n", string(got))
}

func TestWhatCannotBeRead(t *testing.T) {
	for _, src := range []string{"{a: b}", "- a", "a: b\n---\nc: d\n", "a: [\n"} {
		_, err := translate.ParseCatalogue([]byte(src))
		require.Error(t, err, src)
	}
	_, err := translate.ParsePO([]byte("msgid \"a\"\nmsgid_plural \"b\"\nmsgstr[0] \"c\"\n"))
	require.ErrorContains(t, err, "no plural forms")
	_, err = translate.ParseXLIFF([]byte("<html>"))
	require.Error(t, err)
}

// words are texts as people write them.
func words() *rapid.Generator[string] {
	piece := rapid.OneOf(rapid.SampledFrom([]string{"Hello", " ", "\n", "\n\n", "\"", "\\", "\\n", "{{ n }}", "{{n}}", "<b>&amp;", "#", ": ", "%", "नमस्ते", "\u2028", "'", "\t", "-", "msgid", "😀"}), rapid.StringMatching(`[a-z]{1,8}`))
	return rapid.Custom(func(t *rapid.T) string { return "t" + strings.Join(rapid.SliceOfN(piece, 0, 8).Draw(t, "pieces"), "") })
}

// TestRoundTrips: what goes out in any format comes back the same, and from a
// catalogue that took it too.
func TestRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var entries []translate.Entry
		for _, source := range rapid.SliceOfNDistinct(words(), 1, 5, rapid.ID[string]).Draw(t, "sources") {
			e := translate.Entry{Source: source, Target: rapid.OneOf(rapid.Just(""), words()).Draw(t, "target")}
			e.Fuzzy = e.Target != "" && rapid.Bool().Draw(t, "fuzzy")
			entries = append(entries, e)
		}
		back, err := translate.ParsePO(translate.PO("shop", "hi", entries))
		require.NoError(t, err)
		require.Equal(t, entries, back)
		raw, err := translate.XLIFF("shop", "en", "hi", entries)
		require.NoError(t, err)
		back, err = translate.ParseXLIFF(raw)
		require.NoError(t, err)
		require.Equal(t, entries, back)
	})
}

// FuzzParseCatalogue: whatever can be read stays as it is when nothing changes.
func FuzzParseCatalogue(f *testing.F) {
	f.Add([]byte(half))
	f.Add([]byte("one: |\n  first\n\n  second\n# a comment\ntwo:\n  - x\nthree: >-\n  folded\n"))
	doc := parse(f, "name: a\nlanguages: [hi]\nsteps: [{say: one}]\n")
	f.Fuzz(func(t *testing.T, src []byte) {
		c, err := translate.ParseCatalogue(src)
		if err != nil {
			return
		}
		translate.Entries(doc, "hi", c)
		text, report := translate.Apply(doc, nil, c)
		if report.Gone == 0 {
			require.Equal(t, strings.TrimRight(string(src), "\n"), strings.TrimRight(string(text), "\n"))
		}
	})
}

// FuzzParse: what comes from outside is read or refused.
func FuzzParse(f *testing.F) {
	entries := []translate.Entry{{Source: "Hello {{ n }}", Target: "x", Fuzzy: true}}
	f.Add(translate.PO("a", "hi", entries))
	raw, err := translate.XLIFF("a", "en", "hi", entries)
	require.NoError(f, err)
	f.Add(raw)
	f.Fuzz(func(t *testing.T, src []byte) {
		_, _ = translate.ParsePO(src)
		_, _ = translate.ParseXLIFF(src)
	})
}
