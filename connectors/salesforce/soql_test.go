package salesforce

import (
	"strings"
	"testing"
	"unicode/utf8"

	"parley/connectors/salesforce/salesforcefake"

	"github.com/stretchr/testify/require"
)

func TestQuotes(t *testing.T) {
	for text, want := range map[string]string{
		"Rosen":              `'Rosen'`,
		"O'Brien":            `'O\'Brien'`,
		`back\slash`:         `'back\\slash'`,
		`\' OR Name != '`:    `'\\\' OR Name != \''`,
		"two\nlines":         `'two\u000alines'`,
		"nul\x00":            `'nul\u0000'`,
		"Ünal 漢字 🙂":          `'Ünal 漢字 🙂'`,
		"not \xff UTF-8":     "'not \uFFFD UTF-8'",
		"a" + "\u2028" + "b": `'a\u2028b'`,
	} {
		require.Equal(t, want, quote(text))
	}
	require.Equal(t, `'100\% O\'B\_%'`, startsWith("100% O'B_"))
}

// FuzzQuote holds that a quoted text is one literal with the text in it, to a reader
// that shares no code with the writer, whatever follows.
func FuzzQuote(f *testing.F) {
	for _, text := range []string{"", "'", `\`, `\'`, `'' OR Id != null --`, "\\u0027", "\x00\n\r\t", "%_", "\xff", "é"} {
		f.Add(text, " LIMIT 1")
	}
	f.Fuzz(func(t *testing.T, text, after string) {
		literal := quote(text)
		require.True(t, utf8.ValidString(literal))
		value, rest, err := salesforcefake.ParseLiteral(literal + after)
		require.NoError(t, err)
		require.Equal(t, strings.ToValidUTF8(text, "\uFFFD"), value)
		require.Equal(t, after, rest)

		_, rest, err = salesforcefake.ParseLiteral(startsWith(text) + after)
		require.NoError(t, err)
		require.Equal(t, after, rest, "a pattern ends where it should")
	})
}
