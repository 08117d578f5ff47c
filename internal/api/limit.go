package api

import (
	"fmt"
	"net/http"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/fault"
)

// Limits in requests a minute. Zero means none.
type Limits struct {
	Caller int // an API key, or a signed-in user without one
	Public int // an address without a sign-in, on every path
	SignIn int // an address on the credential paths
}

// limiter counts per API key, or per user without one, or per address where nobody is signed in.
type limiter struct {
	limits Limits
	clock  *clock.Clock
	mu     sync.Mutex
	byKey  map[string]*bucket
	swept  time.Time
}

type bucket struct {
	*rate.Limiter
	perMinute int
	used      time.Time
}

func newLimiter(l Limits, c *clock.Clock) *limiter {
	return &limiter{limits: l, clock: c, byKey: map[string]*bucket{}}
}

// take one request, or return the fault of kind limited; the RateLimit headers tell how it stands.
func (l *limiter) take(h http.Header, p access.Principal, app Application, ip string, credentials bool) error {
	key, perMinute := "user "+p.User, l.limits.Caller
	if p.User == "" {
		key, perMinute = "address "+network(ip), l.limits.Public
	}
	if app.ID != "" {
		key, perMinute = "application "+app.ID, l.limits.Caller
	}
	if credentials {
		key, perMinute = "credentials "+network(ip), l.limits.SignIn
	}
	if perMinute <= 0 {
		return nil
	}
	now := l.clock.Now()
	b := l.bucket(key, perMinute, now)
	allowed := b.AllowN(now, 1)
	left := max(0, int(b.TokensAt(now)))
	reset := time.Duration(float64(b.perMinute-left) / float64(b.perMinute) * float64(time.Minute))
	h.Set("RateLimit-Limit", fmt.Sprint(b.perMinute))
	h.Set("RateLimit-Remaining", fmt.Sprint(left))
	h.Set("RateLimit-Reset", fmt.Sprint(int(reset.Seconds())))
	if allowed {
		return nil
	}
	after := time.Minute / time.Duration(b.perMinute)
	return fault.New(fault.Limited, "Too many requests: at most %d a minute. Wait as Retry-After says.", b.perMinute).RetryAfter(max(time.Second, after))
}

// network is what one client is taken for: an IPv4 address, or the /64 of an IPv6 one, within which a client has any number.
func network(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil || a.Is4() {
		return ip
	}
	return netip.PrefixFrom(a, 64).Masked().String()
}

func (l *limiter) bucket(key string, perMinute int, now time.Time) *bucket {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.swept) > time.Minute {
		for k, b := range l.byKey {
			if now.Sub(b.used) > 2*time.Minute {
				delete(l.byKey, k)
			}
		}
		l.swept = now
	}
	b := l.byKey[key]
	if b == nil {
		b = &bucket{Limiter: rate.NewLimiter(rate.Limit(float64(perMinute)/60), perMinute), perMinute: perMinute}
		l.byKey[key] = b
	}
	b.used = now
	return b
}

func stack() string { return string(debug.Stack()) }
