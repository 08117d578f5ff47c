package app

import (
	"bytes"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
)

// from another address than the others of a story.
func (p *program) from(address string, body object) answer {
	p.Helper()
	return p.call("", "POST", "/v2/auth/sign_in", body, "X-Forwarded-For", address)
}

func TestLockout(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "acme", access.Manager, access.User)
		p.guessesAtOnce()
		p.oneAccount()
		p.passwordAgain()
		p.codesOfManySignIns()
	})
}

// further failures, each as soon as it may be, so that the wait after them outlasts a slow machine.
func (p *program) further(n int, fail func()) {
	p.Helper()
	for i := range n {
		p.clock.Move(time.Second<<i + time.Millisecond)
		fail()
	}
}

// guessesAtOnce: those that run at the same time count before the first of them has failed. Five are free, and a slow machine lets a
// second go by, in which another may be tried.
func (p *program) guessesAtOnce() {
	p.Helper()
	for _, name := range []string{"user@acme", "nobody@acme"} {
		seen := p.parallel(40, func(i int) int {
			return p.call("", "POST", "/v2/auth/sign_in", object{"username": name, "password": fmt.Sprint("guess ", i)}).Status
		})
		if seen[401] > 8 || seen[401] == 0 || seen[401]+seen[429] != 40 {
			p.Errorf("%s: %v", name, seen)
		}
		p.clock.Move(2 * time.Hour)
	}
	p.signIn(200, "user@acme", password)
}

// oneAccount has one count, by whichever name it is tried; names of nobody answer like it.
func (p *program) oneAccount() {
	p.Helper()
	for i, name := range []string{"manager@acme", "manager@acme.example", "MANAGER@acme", "Manager@ACME.example", "manager@acme"} {
		if a, b := p.signIn(401, name, "wrong"), p.signIn(401, "nobody@nowhere", "wrong"); alike(p, a) != alike(p, b) {
			p.Errorf("try %d: %s, and of nobody %s", i, a.Body, b.Body)
		}
	}
	p.further(4, func() {
		p.signIn(401, "manager@acme", "wrong")
		p.signIn(401, "nobody@nowhere", "wrong")
	})
	known, nobody := p.signIn(429, "manager@acme.example", password), p.signIn(429, "nobody@nowhere", password)
	if known.Header.Get("Retry-After") == "" || nobody.Header.Get("Retry-After") == "" || differ(p, known, nobody) {
		p.Errorf("%s %s", known.Body, nobody.Body)
	}
	p.clock.Move(17 * time.Second)
	p.signIn(200, "manager@acme", password)
	p.clock.Move(2 * time.Hour) // the address rests
	for range 4 {
		p.signIn(401, "manager@acme", "wrong") // success forgave
	}
	p.signIn(200, "manager@acme", password)
	p.clock.Move(2 * time.Hour)
}

// differ says whether two answers do, but for the seconds to wait.
func differ(p *program, a, b answer) bool {
	p.Helper()
	seconds := regexp.MustCompile(`\d+ seconds`)
	plain := func(x answer) string { return alike(p, answer{Body: seconds.ReplaceAll(x.Body, []byte("n seconds"))}) }
	return plain(a) != plain(b)
}

// passwordAgain: whoever has a token guesses no faster.
func (p *program) passwordAgain() {
	p.Helper()
	p.installTOTP("user@acme")
	for range 5 {
		p.refused(422, "user@acme", "PUT", "/v2/user/mfa/disable?method=totp", object{"password": "wrong"})
	}
	p.further(4, func() {
		p.refused(422, "user@acme", "PUT", "/v2/user/mfa/disable?method=totp", object{"password": "wrong"})
	})
	p.refused(429, "user@acme", "PUT", "/v2/user/mfa/recovery_codes", object{"password": password})
	p.signIn(429, "user@acme", password)
	p.clock.Move(2 * time.Hour)
	p.must(200, "user@acme", "PUT", "/v2/user/mfa/disable?method=totp", object{"password": password})
}

// codesOfManySignIns: five tries at each state are no way to try a thousand codes.
func (p *program) codesOfManySignIns() {
	p.Helper()
	seed, codes := p.installTOTP("user@acme")
	states := []string{p.half("user@acme").OTPSessionState, p.half("user@acme").OTPSessionState}
	for i := range 5 {
		p.second(401, states[i%2], "000000x")
	}
	p.further(3, func() { p.second(401, states[1], "000000x"); states[0], states[1] = states[1], states[0] })
	if a := p.second(429, states[0], p.code(seed, 0)); a.Header.Get("Retry-After") == "" {
		p.Error("no Retry-After")
	}
	p.recoverWith(429, states[1], codes[0])
	p.clock.Move(time.Minute)
	p.second(200, states[0], p.code(seed, 0))
	p.noNamesKept()
}

// noNamesKept: what somebody typed as a user name may be a password.
func (p *program) noNamesKept() {
	p.Helper()
	p.signIn(401, "my-secret-by-mistake", "wrong")
	var keys []string
	err := p.app.DB.Read(p.Context(), access.System(access.DoorTest), func(tx *db.Tx) error {
		return tx.Query(&keys, "select subject from sign_in_attempts")
	})
	if err != nil || len(keys) == 0 {
		p.Fatal(keys, err)
	}
	for _, k := range keys {
		if bytes.Contains([]byte(k), []byte("mistake")) {
			p.Errorf("kept: %s", k)
		}
	}
}

// TestLockoutByAddress: one address that tries many names waits; what it is alone in; others don't.
func TestLockoutByAddress(t *testing.T) {
	t.Parallel()
	p := start(t, db.SQLite, "VEDETTE_TRUSTED_PROXIES=192.0.2.0/24")
	p.organization("admin", "acme", access.Manager)
	right := object{"username": "manager@acme", "password": password}
	for i := range 20 {
		if a := p.from(fmt.Sprintf("2001:db8:1:2::%x", i), object{"username": fmt.Sprint("name ", i), "password": "wrong"}); a.Status != 401 {
			p.Fatalf("try %d: %d", i, a.Status)
		}
	}
	p.further(4, func() { p.from("2001:db8:1:2::1", object{"username": "one more", "password": "wrong"}) })
	if a := p.from("2001:db8:1:2:ffff::", right); a.Status != 429 {
		p.Errorf("from the same network: %d", a.Status)
	}
	if a := p.from("2001:db8:1:3::1", right); a.Status != 200 {
		p.Errorf("from another network: %d", a.Status)
	}
	p.clock.Move(17 * time.Second)
	for range 3 { // its own account forgives an attacker nothing but that try
		if a := p.from("2001:db8:1:2::1", right); a.Status != 200 {
			p.Errorf("after the wait: %d", a.Status)
		}
	}
	if a := p.from("2001:db8:1:2::1", object{"username": "another", "password": "wrong"}); a.Status != 401 {
		p.Errorf("another name: %d", a.Status)
	}
	if a := p.from("2001:db8:1:2::1", right); a.Status != 429 {
		p.Errorf("at once after another failure: %d", a.Status)
	}
	p.clock.Move(61 * time.Minute)
	for i := range 19 {
		if a := p.from("2001:db8:1:2::1", object{"username": fmt.Sprint("more ", i), "password": "wrong"}); a.Status != 401 {
			p.Fatalf("an hour later, try %d: %d", i, a.Status)
		}
	}
}
