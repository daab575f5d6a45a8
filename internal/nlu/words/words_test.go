package words_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"parley/internal/nlu/words"
)

func TestWordsOfEveryScript(t *testing.T) {
	for text, want := range map[string][]string{
		"Where's my ORDER?": {"where's", "my", "order"},
		"¿Cuándo llegará?":  {"cuando", "llegara"},
		"Não, obrigado!":    {"nao", "obrigado"},
		"मेरा ऑर्डर कहाँ है?":  {"मेरा", "ऑर्डर", "कहाँ", "है"},
		"أُريدُ المُساعَدة":    {"اريد", "المساعده"},
		"退款":                   {"退", "款"},
		"ok 👍🏽 thanks":         {"ok", "👍", "🏽", "thanks"},
		"ﬁne ＡＢＣ":              {"fine", "abc"},
		"order #1234 'quoted'": {"order", "1234", "quoted"},
		"…":                    {},
		"Straße":               {"strasse"},
		"e\u0301te\u0301":      {"ete"},
	} {
		require.Equal(t, want, words.List(text), text)
	}
}

func FuzzFold(f *testing.F) {
	f.Add("Where's मेरा أُريدُ 退款 👍🏽")
	f.Fuzz(func(t *testing.T, s string) {
		once := words.Fold(s)
		require.True(t, utf8.ValidString(once))
		for _, w := range words.List(s) {
			require.NotEmpty(t, w)
			require.True(t, strings.Contains(once, w))
		}
	})
}
