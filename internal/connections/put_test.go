package connections_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/internal/connections"
)

func TestAFormerConfigurationLivesOnForATime(t *testing.T) {
	f := setUp(t)
	store := func(secret string, overlap ...time.Duration) *connections.Connection {
		t.Helper()
		d := connections.Definition{Name: "wa", Connector: "phone", Account: "main", Config: json.RawMessage(`{"secret":"` + secret + `"}`), Actor: "test"}
		if len(overlap) > 0 {
			d.Overlap = &overlap[0]
		}
		_, err := f.Store(t.Context(), f.ws, d)
		require.NoError(t, err)
		k, err := f.process(time.Hour).ByName(t.Context(), f.ws, "wa")
		require.NoError(t, err)
		return k
	}
	former := func(k *connections.Connection) string {
		if k.Former == nil {
			return ""
		}
		return k.Former.(*conn).Secret
	}
	require.Empty(t, former(store("a")))
	require.Empty(t, former(store("a")), "nothing was replaced")
	k := store("b")
	require.Equal(t, []string{"b", "a"}, []string{secretOf(k), former(k)})
	require.InDelta(t, connections.DefaultOverlap, time.Until(k.FormerUntil), float64(time.Minute))
	described, err := f.Describe(t.Context(), f.ws, connections.Filter{Name: "wa"}, 1)
	require.NoError(t, err)
	require.Equal(t, k.FormerUntil.UTC(), described[0].FormerUntil.UTC())

	require.Equal(t, "a", former(store("b")), "storing it again ends nothing")
	k = store("c", time.Hour)
	require.Equal(t, "b", former(k), "only the last one")
	require.InDelta(t, time.Hour, time.Until(k.FormerUntil), float64(time.Minute))
	require.Empty(t, former(store("c", 0)), "ended at once")
	require.Equal(t, "c", former(store("d")))

	f.exec(`UPDATE connections SET former_until = now() - interval '1 second'`)
	_, err = f.db.Pool.Exec(t.Context(), `SELECT forget_credentials()`)
	require.NoError(t, err)
	require.Zero(t, f.count("connections WHERE former_config IS NOT NULL OR former_until IS NOT NULL"), "forgotten")

	_, err = f.Put(t.Context(), f.ws, "wa", "other", "main", "", json.RawMessage(`{"secret":"e"}`), "test")
	require.NoError(t, err)
	require.Zero(t, f.count("connections WHERE former_config IS NOT NULL"), "another connector's secret verifies nothing")
	for _, bad := range []time.Duration{-1, connections.MaxOverlap + 1} {
		_, err := f.Store(t.Context(), f.ws, connections.Definition{Name: "wa", Connector: "phone", Account: "main", Config: json.RawMessage(`{"secret":"x"}`), Overlap: &bad})
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
	}
}
