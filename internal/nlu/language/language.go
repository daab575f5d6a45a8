// Package language tells which language a short message is in: English, Hindi
// (in its own script or in Latin letters), Spanish, Portuguese, French, Arabic or
// Indonesian. By default it says nothing rather than guess.
package language

import (
	"context"
	"unicode"

	"github.com/abadojack/whatlanggo"

	"parley/connectors/sdk"
	"parley/internal/nlu/words"
)

// LatinHindi is the BCP 47 tag of Hindi in Latin letters, as it is mostly typed.
const LatinHindi = "hi-Latn"

// trigrams are whatlanggo's languages that a flow can have.
var trigrams = map[whatlanggo.Lang]string{
	whatlanggo.Eng: "en", whatlanggo.Spa: "es", whatlanggo.Por: "pt", whatlanggo.Fra: "fr", whatlanggo.Ind: "id",
}

var options = whatlanggo.Options{Whitelist: map[whatlanggo.Lang]bool{
	whatlanggo.Eng: true, whatlanggo.Spa: true, whatlanggo.Por: true, whatlanggo.Fra: true, whatlanggo.Ind: true,
}}

const (
	// longText is how many words trigrams need to be worth listening to; on
	// shorter texts they are wrong nearly as often as right.
	longText = 5
	// most is how many words are looked at.
	most = 60
)

// Detect returns the BCP 47 tag, or "" if it is not sure. Script decides where it
// can, then common words, then trigrams.
func Detect(text string) string {
	if tag := byScript(text); tag != latin {
		return tag
	}
	list := words.List(text)
	list = list[:min(len(list), most)]
	if tag := byWords(list); tag != "" {
		return tag
	}
	if len(list) < longText {
		return ""
	}
	if info := whatlanggo.DetectWithOptions(text, options); info.IsReliable() {
		return trigrams[info.Lang]
	}
	return ""
}

const latin = "Latn"

// byScript goes by the script of most letters: Devanagari counts as Hindi and
// Arabic script as Arabic, unless it has letters that only Urdu and Persian have.
func byScript(text string) string {
	var devanagari, arabic, roman, other int
	for _, r := range text {
		switch {
		case !unicode.IsLetter(r):
		case unicode.Is(unicode.Latin, r):
			roman++
		case unicode.Is(unicode.Devanagari, r):
			devanagari++
		case r == 'ٹ', r == 'ڈ', r == 'ڑ', r == 'پ', r == 'چ', r == 'گ', r == 'ژ', r == 'ے', r == 'ں':
			other++
		case unicode.Is(unicode.Arabic, r):
			arabic++
		default:
			other++
		}
	}
	switch {
	case roman > devanagari+arabic+other:
		return latin
	case devanagari > roman+arabic+other:
		return "hi"
	case arabic > 0 && other == 0 && arabic > roman+devanagari:
		return "ar"
	}
	return ""
}

// byWords counts the common words of each language. A word of several languages
// counts for each of them, and a draw is no decision.
func byWords(list []string) string {
	score := map[string]int{}
	for _, w := range list {
		for _, tag := range common[w] {
			score[tag]++
		}
	}
	best, second := "", ""
	for _, tag := range tags {
		switch {
		case best == "" || score[tag] > score[best]:
			best, second = tag, best
		case second == "" || score[tag] > score[second]:
			second = tag
		}
	}
	if score[best] == score[second] {
		return ""
	}
	return best
}

// Engine is the detector as a stage of a pipeline.
type Engine struct{}

// Understand implements [sdk.Understander]: it gives the language.
func (Engine) Understand(_ context.Context, u sdk.Utterance) (sdk.Understanding, error) {
	return sdk.Understanding{Language: Detect(u.Text)}, nil
}
