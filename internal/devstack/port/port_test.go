package port_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/internal/devstack/port"
)

func TestFreeGivesDifferentUsablePorts(t *testing.T) {
	ports, err := port.Free(5)
	require.NoError(t, err)
	require.Len(t, ports, 5)
	seen := map[int]bool{}
	for _, p := range ports {
		require.False(t, seen[p], "port %d given twice", p)
		seen[p] = true
		require.Less(t, p, 32768, "port from the range of outgoing connections")
	}
}

func TestAvailableSeesAListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	taken := l.Addr().(*net.TCPAddr).Port
	require.Error(t, port.Available("127.0.0.1", taken))
	require.NoError(t, l.Close())
	require.NoError(t, port.Available("127.0.0.1", taken))
}
