// Package port picks TCP ports on 127.0.0.1 that stay usable when a server is
// restarted again and again.
package port

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are taken from below the range that operating systems give to outgoing
// connections (Linux: 32768 and up, see ip_local_port_range in ip(7)). A port
// from that range may be held by somebody's outgoing connection just when the
// server that owns it comes back.
const (
	lowest  = 20000
	highest = 32000
)

// Free returns n different ports on which nobody listens on 127.0.0.1. It does
// not reserve them: bind soon.
func Free(n int) ([]int, error) {
	start := rand.IntN(highest - lowest)
	var found []int
	for i := 0; i < highest-lowest && len(found) < n; i++ {
		candidate := lowest + (start+i)%(highest-lowest)
		if Available("127.0.0.1", candidate) == nil {
			found = append(found, candidate)
		}
	}
	if len(found) < n {
		return nil, fmt.Errorf("only %d of %d ports free on 127.0.0.1 between %d and %d", len(found), n, lowest, highest)
	}
	return found, nil
}

// Available tells, by listening for an instant, whether host:port can be
// listened on; the error says why it cannot.
func Available(host string, port int) error {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return l.Close()
}
