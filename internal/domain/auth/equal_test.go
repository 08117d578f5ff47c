package auth

import (
	"context"
	"testing"

	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/secret"
)

// counted is a context that counts how often somebody waits with it, which every hash of a password does once.
type counted struct {
	context.Context
	waits int
}

func (c *counted) Done() <-chan struct{} {
	c.waits++
	return c.Context.Done()
}

// TestEqualWork: how many passwords are hashed follows from the login alone, not from whom it means.
func TestEqualWork(t *testing.T) {
	t.Parallel()
	a := &Auth{Hasher: secret.NewHasher(secret.TestCost, 1)}
	made := func(password string) user.User {
		hash, err := a.Hasher.Hash(t.Context(), password)
		if err != nil {
			t.Fatal(err)
		}
		return user.User{ID: password, PasswordHash: hash, ConfirmedAt: clock.AtPointer(clock.Now())}
	}
	ada, eve, invited := made("of ada"), made("of eve"), user.User{ID: "invited"}
	for login, want := range map[string]int{"ada": 1, "ada@example.org": 2, "ada＠example.org": 2} {
		for name, c := range map[string]struct {
			meant    []user.User
			password string
			found    string
		}{
			"nobody": {nil, "of ada", ""}, "wrong": {[]user.User{ada}, "wrong", ""}, "without password": {[]user.User{invited}, "", ""}, "right": {[]user.User{ada}, "of ada", "of ada"},
			"two, wrong": {[]user.User{ada, eve}, "wrong", ""}, "two, first": {[]user.User{ada, eve}, "of ada", "of ada"}, "two, second": {[]user.User{ada, eve}, "of eve", "of eve"},
		} {
			if want < len(c.meant) {
				continue // an address has an @
			}
			ctx := &counted{Context: t.Context()}
			u, err := a.which(ctx, c.meant, login, c.password)
			if ctx.waits != want || (u == nil) != (err != nil) || (u == nil) != (c.found == "") || u != nil && u.ID != c.found {
				t.Errorf("%s, %s: %d hashes, want %d; %v, %v", login, name, ctx.waits, want, u, err)
			}
		}
	}
}
