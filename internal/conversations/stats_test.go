package conversations_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"parley/internal/conversations"
)

func TestStatsOfBlocks(t *testing.T) {
	f := setUp(t)
	turn := func(k *talk, missed bool, stood string, entered ...string) {
		k.arrive("x")
		s := k.load()
		require.NoError(t, k.Commit(t.Context(), &conversations.Turn{Snapshot: s, Last: s.LastNumber, Flow: "shop", FlowHash: "h", Entered: entered, Missed: missed, Stood: stood}))
	}
	done, stuck, fresh := f.talk(1), f.talk(2), f.talk(3)
	turn(done, false, "start", "start")
	turn(done, false, "menu", "menu")
	turn(done, false, "", "orders") // came to its end
	turn(stuck, false, "menu", "start", "menu")
	turn(stuck, true, "menu")
	turn(stuck, true, "menu")
	turn(fresh, false, "start", "start")
	since := time.Now().Add(-time.Hour)
	got, err := f.Stats(t.Context(), f.ws, []string{"h"}, since, time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, conversations.FlowStats{Conversations: 3, Turns: 7, Blocks: []conversations.BlockStats{
		{Block: "start", Entered: 3, Left: 2, Waiting: 1, Silent: 1},
		{Block: "menu", Entered: 2, Left: 1, Missed: 2, Waiting: 1, Silent: 1},
		{Block: "orders", Entered: 1, Left: 1},
	}}, got)
	got, err = f.Stats(t.Context(), f.ws, []string{"h"}, since, since)
	require.NoError(t, err)
	require.Zero(t, got.Blocks[0].Silent, "nobody is silent yet")
	got, err = f.Stats(t.Context(), f.ws, []string{"other"}, since, since)
	require.NoError(t, err)
	require.Equal(t, conversations.FlowStats{}, got)
}
