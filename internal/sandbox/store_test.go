package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestStoreIsADurableOrderedMap compares the store with a plain map under any
// sequence of changes, flushes and restarts.
func TestStoreIsADurableOrderedMap(t *testing.T) {
	dirs := 0
	root := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dirs++
		dir := fmt.Sprintf("%s/%d", root, dirs)
		s, err := openStore(dir, make([]byte, KeySize))
		require.NoError(t, err)
		defer func() { require.NoError(t, s.close()) }()
		want := map[string]int{}
		keys := rapid.StringMatching(`[a-e]{0,2}`)
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				k, v := keys.Draw(t, "key"), rapid.Int().Draw(t, "value")
				s.put("b", k, v)
				want[k] = v
			},
			"delete": func(t *rapid.T) {
				k := keys.Draw(t, "key")
				s.put("b", k, nil)
				delete(want, k)
			},
			"update": func(t *rapid.T) {
				k := keys.Draw(t, "key")
				s.update("b", k, func(old json.RawMessage) any {
					require.Equal(t, want[k] != 0, old != nil && string(old) != "0")
					return want[k] + 1
				})
				want[k]++
			},
			"flush": func(t *rapid.T) { require.NoError(t, s.flush()) },
			"restart": func(t *rapid.T) {
				require.NoError(t, s.close())
				s, err = openStore(dir, make([]byte, KeySize))
				require.NoError(t, err)
			},
			"": func(t *rapid.T) {
				var seen []string
				s.each("b", func(k string, raw json.RawMessage) bool {
					require.Equal(t, fmt.Sprint(want[k]), string(raw))
					seen = append(seen, k)
					return true
				})
				require.Len(t, seen, len(want))
				require.True(t, slices.IsSorted(seen))
			},
		})
	})
}

// BenchmarkRequests measures what a fake's request costs the store: two values
// and the record, durable before the answer, for many clients at once.
func BenchmarkRequests(b *testing.B) {
	s, err := openStore(b.TempDir(), make([]byte, KeySize))
	require.NoError(b, err)
	body := strings.Repeat("x", 700)
	var n atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(25)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			s.put("messages", fmt.Sprint(i), body)
			s.put("phones", fmt.Sprint(i%1000), i)
			s.record(Record{Connector: "x", Body: body})
			if err := s.flush(); err != nil {
				b.Error(err)
			}
		}
	})
	require.NoError(b, s.close())
}
