package written

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzWritten: whatever is written in whatever language, nothing panics, and what is
// understood is within bounds and understood again.
func FuzzWritten(f *testing.F) {
	for _, l := range Languages {
		for _, s := range []string{"", "-", "1.5 lakh", "two and a half million", "el 25 de mayo", "quinze para as três", "साढ़े तीन सौ", "بعد أسبوعين", "jam setengah sembilan", "R$1.234,56", "31/31/31"} {
			f.Add(s, l)
		}
	}
	f.Fuzz(func(t *testing.T, text, language string) {
		if len(text) > 4000 {
			return
		}
		v, ok := Number(text, language)
		again, ok2 := Number(text, language)
		require.Equal(t, ok, ok2)
		if ok {
			require.Equal(t, v, again)
		}
		if minor, code, ok := Amount(text, language, "INR"); ok {
			require.GreaterOrEqual(t, minor, int64(0))
			require.Len(t, code, 3)
		}
		if m, ok := When(text, language, goldenNow); ok {
			require.True(t, !m.Day.IsZero() || m.Clock != nil)
			if !m.Day.IsZero() {
				require.Equal(t, time.UTC, m.Day.Location())
			}
			if m.Clock != nil {
				require.True(t, m.Clock.Hour >= 0 && m.Clock.Hour < 24 && m.Clock.Minute >= 0 && m.Clock.Minute < 60, "%+v", m.Clock)
			}
		}
		if c, ok := Hour(text, language, goldenNow); ok {
			require.True(t, c.Hour >= 0 && c.Hour < 24 && c.Minute >= 0 && c.Minute < 60, "%+v", c)
		}
		YesNo(text, language)
	})
}

// TestDigitsOfAllScripts: a number means the same in the digits of any script.
func TestDigitsOfAllScripts(t *testing.T) {
	for _, s := range []string{"1234567890", "१२३४५६७८९०", "١٢٣٤٥٦٧٨٩٠", "۱۲۳۴۵۶۷۸۹۰", "১২৩৪৫৬৭৮৯০", "１２３４５６７８９０", "௧௨௩௪௫௬௭௮௯௦"} {
		v, ok := Number(s, "en")
		require.True(t, ok, s)
		require.Equal(t, 1234567890.0, v, s)
	}
}

func BenchmarkWritten(b *testing.B) {
	b.Run("number", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Number("two thousand three hundred", "en")
		}
	})
	b.Run("date", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			When("el viernes de la semana que viene", "es", goldenNow)
		}
	})
	b.Run("none", func(b *testing.B) {
		b.ReportAllocs()
		text := strings.Repeat("nothing that is a date ", 100)
		for b.Loop() {
			When(text, "es", goldenNow)
		}
	})
}
