package judge

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const conversation = "01a205f2-efad-77a4-8b3d-0364bed31b32"

func TestKeysAreReadAndOrderedByTurnThenIndex(t *testing.T) {
	var last key
	for _, text := range []string{"-1-0", "-1-1", "-1-10", "-2-0", "-9-3", "-10-0"} {
		k, err := parseKey(conversation + text)
		require.NoError(t, err)
		require.Equal(t, conversation, k.conversation)
		require.Positive(t, k.compare(last), text)
		require.Zero(t, k.compare(k))
		last = k
	}
	for _, text := range []string{"", "x-1-0", conversation, conversation + "-1", conversation + "-a-b"} {
		_, err := parseKey(text)
		require.Error(t, err, text)
	}
}

func TestADraftIsToldByItsKey(t *testing.T) {
	require.Equal(t, "k-draft", parleyKey(`{"variables":{"input":{"customAttributes":[{"key":"parley_workspace","value":"w"},{"key":"parley_key","value":"k-draft"}]}}}`))
	require.Empty(t, parleyKey(`{"variables":{}}`))
	require.Empty(t, parleyKey(`not JSON`))
}
