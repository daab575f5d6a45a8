package written

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var goldenNow = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC) // a Tuesday

// understood is an answer as the golden files write it; - if it is none.
func understood(kind, answer, language string) string {
	what, currency, _ := strings.Cut(kind, " ")
	switch what {
	case "number":
		if v, ok := Number(answer, language); ok {
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
	case "amount":
		if minor, code, ok := Amount(answer, language, currency); ok {
			return fmt.Sprint(minor, " ", code)
		}
	case "date":
		if m, ok := When(answer, language, goldenNow); ok && !m.Day.IsZero() {
			return m.Day.Format(time.DateOnly)
		}
	case "time":
		if c, ok := Hour(answer, language, goldenNow); ok {
			return fmt.Sprintf("%02d:%02d", c.Hour, c.Minute)
		}
	case "yes", "no", "neither":
		yes, ok := YesNo(answer, language)
		got := map[[2]bool]string{{true, true}: "yes", {false, true}: "no"}[[2]bool{yes, ok}]
		if got == "" {
			got = "neither"
		}
		return map[bool]string{true: "", false: got}[got == what]
	}
	return "-"
}

// TestWhatPeopleWrite holds each language to its golden file of 100 answers or more.
func TestWhatPeopleWrite(t *testing.T) {
	for _, language := range Languages {
		t.Run(language, func(t *testing.T) {
			raw, err := os.ReadFile("testdata/" + language + ".txt")
			require.NoError(t, err)
			cases := 0
			for i, line := range strings.Split(string(raw), "\n") {
				if line == "" || strings.HasPrefix(line, "#") {
					continue
				}
				part := strings.Split(line, "|")
				require.Len(t, part, 3, "line %d", i+1)
				kind, answer, want := strings.TrimSpace(part[0]), strings.TrimSpace(part[1]), strings.TrimSpace(part[2])
				if got := understood(kind, answer, language); got != want {
					t.Errorf("testdata/%s.txt:%d: %s %q is %q, and not %q", language, i+1, kind, answer, got, want)
				}
				cases++
			}
			require.GreaterOrEqual(t, cases, 100)
			t.Logf("%d answers", cases)
		})
	}
}
