package planner

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSegmentsOfShortMessages(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"nothing":                    {"", 0},
		"one full":                   {strings.Repeat("a", 160), 1},
		"one too many":               {strings.Repeat("a", 161), 2},
		"two full":                   {strings.Repeat("a", 306), 2},
		"three":                      {strings.Repeat("a", 307), 3},
		"the euro counts twice":      {strings.Repeat("€", 80), 1},
		"81 euros":                   {strings.Repeat("€", 81), 2},
		"the accents of the set":     {strings.Repeat("é", 160), 1},
		"other letters":              {strings.Repeat("ç", 70), 1},
		"71 other letters":           {strings.Repeat("ç", 71), 2},
		"135 other letters":          {strings.Repeat("ç", 135), 3},
		"one emoji makes it Unicode": {strings.Repeat("a", 69) + "👍", 2},
		"an escape is not torn":      {strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152), 3},
	} {
		require.Equal(t, c.want, Segments(c.text), name)
	}
}
