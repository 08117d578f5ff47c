package auth

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/secret"
)

// subject is what failed tries are counted of.
type subject struct {
	key    string
	free   int           // failures before it must wait
	memory time.Duration // after a pause of this length, failures are forgotten
	leak   time.Duration // after each pause of this length, one is; 0: none
	many   bool          // of many accounts: a success takes back its own try only
}

// accountOf is the account whose password is tried, whatever name of it was written.
func accountOf(userID string) subject { return subject{key: "account:" + userID, free: 5, memory: day} }

// nobodyOf is a name that no account has. It waits like one that has.
func nobodyOf(folded string) subject {
	return subject{key: "nobody:" + secret.TokenHash(folded), free: 5, memory: day}
}

// factorOf is the account whose second factor is tried.
func factorOf(userID string) subject { return subject{key: "factor:" + userID, free: 5, memory: day} }

// addressOf is where tries come from: an IPv4 address, or the /64 of an IPv6 one, within which a client has any number.
// Behind one may be a whole company, whose mistyped passwords must not add up.
func addressOf(ip string) subject {
	if a, err := netip.ParseAddr(ip); err == nil && a.Is6() && !a.Is4In6() {
		ip = netip.PrefixFrom(a, 64).Masked().String()
	}
	return subject{key: "address:" + ip, free: 20, memory: hour, leak: 3 * time.Minute, many: true}
}

const (
	day = 24 * hour
	// longestWait of a subject that fails again and again.
	longestWait = 15 * time.Minute
)

// wait after that many failures in a row.
func (s subject) wait(failures int) time.Duration {
	if failures < s.free {
		return 0
	}
	return min(longestWait, time.Second<<min(failures-s.free, 20))
}

// guarded runs check, which holds a secret against what is kept, and gives back its error. The try is counted before
// check begins, as a failure of every subject, so that tries at the same time are no way around the wait; success
// takes it back. While one of the subjects must wait, check does not run: fault kind limited, with the time to wait.
func (a *Auth) guarded(ctx context.Context, subjects []subject, check func() error) error {
	subjects = slices.Clone(subjects)
	slices.SortFunc(subjects, func(x, y subject) int { return strings.Compare(x.key, y.key) }) // locks in one order
	err := a.DB.Write(ctx, access.System(access.DoorAuthenticate), func(tx *db.Tx) error {
		for _, s := range subjects {
			if err := count(tx, s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := check(); err != nil {
		return err
	}
	return a.DB.Write(ctx, access.System(access.DoorAuthenticate), func(tx *db.Tx) error { return forgive(tx, subjects) })
}

// count a try of a subject as a failure, unless it must wait.
func count(tx *db.Tx, s subject) error {
	failures, counted, err := countTry(tx, s)
	if err != nil {
		return err
	}
	if !counted {
		until, err := blockedUntil(tx, s.key)
		if err != nil {
			return err
		}
		left := max(time.Second, time.Duration(until-tx.Now())*time.Millisecond)
		return fault.New(fault.Limited, "Too many failed tries; try again in %d seconds.", int((left+time.Second-1)/time.Second)).RetryAfter(left)
	}
	if d := s.wait(failures); d > 0 {
		return block(tx, s, d)
	}
	return nil
}
