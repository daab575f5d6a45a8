package roles

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"parley/internal/outbound"
)

// Each worker learns of the others when it tells that it is alive, and forgets those
// that have been silent.
func TestWorkersCountEachOther(t *testing.T) {
	e := open(t).e
	e.Outbound = outbound.New(outbound.Options{})
	alive := func(id uuid.UUID) (n int) {
		t.Helper()
		require.NoError(t, e.DB.Pool.QueryRow(t.Context(), beatSQL, id, silent).Scan(&n))
		return n
	}
	one, two := uuid.New(), uuid.New()
	require.Equal(t, 1, alive(one))
	require.Equal(t, 2, alive(two))
	require.Equal(t, 2, alive(one))
	_, err := e.DB.Pool.Exec(t.Context(), `UPDATE workers SET seen_at = seen_at - interval '1 minute' WHERE id = $1`, two)
	require.NoError(t, err)
	require.Equal(t, 1, alive(one))
	require.Equal(t, 2, alive(two), "it was only slow")
	require.NoError(t, e.beat(t.Context(), one))
}
