package mask_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk/mask"
)

func TestWhatIsPersonalIsReplacedAndComesBack(t *testing.T) {
	text := "My card 4111 1111 1111 1111, ann@example.com, +91 98765-43210, order 48213, on 2026-11-24"
	m := mask.Text(text)
	require.Equal(t, "My card [card 1], [email 1], [phone 1], order 48213, on 2026-11-24", m.Text)
	require.Equal(t, text, m.Restore(m.Text))
	require.JSONEq(t, `{"email":"ann@example.com"}`, string(m.RestoreJSON(json.RawMessage(`{"email":"[email 1]"}`))))
}

func FuzzText(f *testing.F) {
	f.Add("ann@example.com 4111-1111-1111-1111 +1 (555) 000-1111 2026-11-24")
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Contains(s, "[") {
			t.Skip("a text with placeholders of its own")
		}
		m := mask.Text(s)
		require.Equal(t, s, m.Restore(m.Text))
	})
}
