package webchat

import (
	"net/netip"

	"github.com/gin-gonic/gin"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// limiterKeys is how many keys a limiter remembers. One that was forgotten
// starts again with a full burst, which takes more keys than a single machine
// can call from.
const limiterKeys = 50_000

// Rate bounds how often something may be done: Burst at once and then PerSecond.
type Rate struct {
	PerSecond float64
	Burst     int
}

// limiter holds a token bucket for each key. It is safe for concurrent use.
type limiter struct {
	rate    Rate
	buckets *lru.Cache[string, *rate.Limiter]
}

func newLimiter(r Rate) *limiter {
	buckets, err := lru.New[string, *rate.Limiter](limiterKeys)
	if err != nil {
		panic(err) // only a size below one is refused
	}
	return &limiter{rate: r, buckets: buckets}
}

func (l *limiter) bucket(key string) *rate.Limiter {
	if b, ok := l.buckets.Get(key); ok {
		return b
	}
	b := rate.NewLimiter(rate.Limit(l.rate.PerSecond), l.rate.Burst)
	if earlier, ok, _ := l.buckets.PeekOrAdd(key, b); ok {
		return earlier
	}
	return b
}

func (l *limiter) allow(key string) bool { return l.bucket(key).Allow() }

// peer is the caller's network: its IPv4 address, or the /64 that one IPv6
// subscriber usually has.
func peer(c *gin.Context) string {
	ip, err := netip.ParseAddr(c.ClientIP())
	if err != nil {
		return ""
	}
	ip = ip.Unmap()
	if ip.Is4() {
		return ip.String()
	}
	net, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return ip.String()
	}
	return net.String()
}
