package activities

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const recalling = `name: test
keywords: {agree: [agree], disagree: [disagree]}
blocks:
  start:
    - say: "{{ contact.memory.size ?? 'Which size?' }}"
    - ask: Your size?
      save: size
    - remember: {size: =size}
  agree:
    - consent: memory
    - remember: {drink: tea}
    - say: "{{ contact.memory.drink }}"
  disagree:
    - consent: memory
      granted: false
    - say: Forgotten.
`

func TestConversationsAreRememberedWithConsentOnly(t *testing.T) {
	k := setUp(t, recalling).talk()
	begins := func() string { return k.talks("hi")[0] }
	require.Equal(t, "Which size?", begins())
	k.talks("M")
	require.Equal(t, "Which size?", begins(), "nothing is kept without consent")
	require.Equal(t, []string{"tea"}, k.talks("agree"), "consent and what it allows may come in one turn")
	require.Equal(t, "Which size?", begins())
	k.talks("M")
	require.Equal(t, "M", begins())
	require.Equal(t, []string{"Forgotten."}, k.talks("disagree"))
	require.Equal(t, "Which size?", begins())
	k.talks("agree")
	require.Equal(t, "Which size?", begins())
	got, err := k.people.Get(t.Context(), k.ws, k.Contact)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"drink": "tea"}, got.Profile.Remembered())
}
