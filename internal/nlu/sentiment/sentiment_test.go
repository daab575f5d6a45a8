package sentiment_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/internal/nlu/sentiment"
)

// golden was written before the lexicon was tried on it, and the lexicon was not
// fitted to what it misses.
var golden = map[string][]string{
	sdk.Positive: {
		"Thanks, that was quick!", "I love it", "great service", "not bad at all, really good", "👍", "works like a charm",
		"muchas gracias, excelente atención", "me encanta", "quedé muy contento con la compra",
		"muito obrigado, ótimo atendimento", "adorei o produto", "chegou antes do prazo, parabéns",
		"merci beaucoup, c'est parfait", "très content du service", "livraison rapide, rien à redire",
		"terima kasih, pelayanannya bagus", "saya puas sekali", "bahut accha service hai", "maza aa gaya",
		"बहुत अच्छा काम", "धन्यवाद", "شكرا جزيلا", "خدمة ممتازة",
	},
	sdk.Negative: {
		"This is terrible", "I'm not happy with this", "worst experience ever 😡", "it arrived broken", "you people never answer!!!", "where the hell is my parcel",
		"pésimo servicio", "el producto llegó roto", "no me gusta nada", "esto es una vergüenza",
		"péssimo atendimento", "não estou satisfeito", "veio quebrado", "até agora nada",
		"service nul", "je suis très déçu", "ce n'est pas bon", "toujours rien reçu depuis trois semaines",
		"barangnya rusak", "saya kecewa", "pelayanan tidak bagus", "service bekar hai", "accha nahi hai", "product kharab nikla",
		"बहुत खराब सेवा", "मैं परेशान हूँ", "خدمة سيئة", "المنتج تالف",
	},
	sdk.Neutral: {
		"where is my order", "What time do you open?", "order 48213", "no problem", "yes", "",
		"¿dónde está mi pedido?", "quiero cambiar la dirección", "qual o prazo de entrega", "quero falar com um atendente",
		"quels sont vos horaires", "je voudrais changer mon adresse", "jam berapa buka", "saya mau ganti alamat",
		"mera order kahan hai", "मेरा ऑर्डर कहाँ है", "أين طلبي", "متى تفتحون",
	},
}

func TestGolden(t *testing.T) {
	right, all, opposite := 0, 0, 0
	for want, texts := range golden {
		for _, text := range texts {
			all++
			got := sentiment.Of(text)
			if got == want {
				right++
				continue
			}
			if got != sdk.Neutral && want != sdk.Neutral {
				opposite++
			}
			t.Logf("%q: %s, not %s", text, got, want)
		}
	}
	t.Logf("right %d of %d, opposite %d", right, all, opposite)
	require.GreaterOrEqual(t, right*100, all*75)
	require.LessOrEqual(t, opposite, 2)
}

func TestNegationAndEmoji(t *testing.T) {
	for text, want := range map[string]string{
		"good": sdk.Positive, "not good": sdk.Negative, "not a problem": sdk.Neutral,
		"अच्छा नहीं है": sdk.Negative, "ok 😡": sdk.Negative, "fine :)": sdk.Positive,
	} {
		require.Equal(t, want, sentiment.Of(text), text)
	}
}
