package activities

import (
	"testing"

	"github.com/stretchr/testify/require"
	"parley/internal/connections"
	"parley/internal/flows"
)

// A connection that is marked for staging answers with what is staged, others with
// what is live; a turn records where the flow stands after it.
func TestTheStageOfAConnectionAnswers(t *testing.T) {
	k := setUp(t, greeting).talk()
	program, err := compile("test", parrot)
	require.NoError(t, err)
	require.NoError(t, k.Flows.Keep(t.Context(), k.ws, "test", program.Hash(), parrot, "test"))
	_, err = k.Flows.Promote(t.Context(), k.ws, "test", program.Hash(), flows.Staging, "test")
	require.NoError(t, err)
	k.says("hi")
	k.turn()
	require.NotContains(t, k.phone.texts(), "yes", "it is live that answers")
	require.Equal(t, "start", one[string](k.engine, `SELECT stood FROM turns ORDER BY first_number DESC LIMIT 1`))

	require.NoError(t, k.Connections.SetStage(t.Context(), k.ws, "chat", flows.Staging, "test"))
	require.ErrorIs(t, k.Connections.SetStage(t.Context(), k.ws, "none", flows.Staging, "test"), connections.ErrNotFound)
	k.says("Ann") // finishes the version that it began with
	k.turn()
	require.Empty(t, one[string](k.engine, `SELECT stood FROM turns ORDER BY first_number DESC LIMIT 1`), "the flow has ended")
	shown := len(k.phone.texts())
	k.says("again")
	k.turn()
	require.Equal(t, []string{"yes"}, k.phone.texts()[shown:])
}
