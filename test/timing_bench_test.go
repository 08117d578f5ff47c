package test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/vedette/vedette/client"
	"github.com/vedette/vedette/internal/app"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/config"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

// BenchmarkSignInTiming compares how long a sign-in takes to refuse a wrong password and an unknown user, 200 tries of each,
// one after the other in turn, at the cost of passwords in service. It reports medians and the z of a Mann-Whitney test:
// beyond ±1.96 the two could be told apart with less than one chance in twenty of being mistaken. It passes whatever it finds.
func BenchmarkSignInTiming(b *testing.B) {
	for _, dialect := range dbtest.Dialects() {
		b.Run(string(dialect), func(b *testing.B) {
			clk := &clock.Clock{}
			anyone := timedServer(b, dialect, clk)
			var known, unknown []float64
			for b.Loop() {
				known, unknown = nil, nil
				for i := range 200 {
					if i%2 == 0 { // whichever comes first finds the caches colder
						known = append(known, refusal(b, anyone, "admin"))
						unknown = append(unknown, refusal(b, anyone, "nobody"))
					} else {
						unknown = append(unknown, refusal(b, anyone, "nobody"))
						known = append(known, refusal(b, anyone, "admin"))
					}
					clk.Move(25 * time.Hour) // no lockout
				}
			}
			z := mannWhitney(known, unknown)
			b.ReportMetric(median(known), "ms-wrong-password")
			b.ReportMetric(median(unknown), "ms-unknown-user")
			b.ReportMetric(z, "z")
			b.Logf("200 tries of each: wrong password %.3f ms, unknown user %.3f ms, difference %.3f ms, z %.2f, p %.3f",
				median(known), median(unknown), median(known)-median(unknown), z, math.Erfc(math.Abs(z)/math.Sqrt2))
		})
	}
}

func timedServer(b *testing.B, dialect db.Dialect, clk *clock.Clock) *client.Client {
	b.Helper()
	address := dbtest.Address(b, dialect)
	if dialect == db.SQLite {
		address = "sqlite:" + address
	}
	c := must(config.Read(nil, []string{
		"VEDETTE_DATA_DIR=" + b.TempDir(), "VEDETTE_DATABASE_URL=" + address, "VEDETTE_HTTP_ADDRESS=127.0.0.1:0", "VEDETTE_OPERATOR_PASSWORD=" + password,
		"VEDETTE_SCANNER_EMBEDDED=false", "VEDETTE_API_RATE_LIMIT=0", "VEDETTE_API_SIGN_IN_LIMIT=0",
	}))
	a, err := app.New(b.Context(), c, slog.New(slog.DiscardHandler), clk)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		<-done
	})
	return must(client.New("http://" + a.Address()))
}

// refusal of a sign-in, in milliseconds.
func refusal(b *testing.B, anyone *client.Client, user string) float64 {
	b.Helper()
	began := time.Now()
	_, err := anyone.Authentication.SignIn(context.Background(), client.SignInInput{Username: user, Password: "not the password at all"})
	took := time.Since(began)
	var problem *client.Problem
	if !errors.As(err, &problem) || problem.Status != http.StatusUnauthorized {
		b.Fatalf("%s: %v", user, err)
	}
	return float64(took) / float64(time.Millisecond)
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// mannWhitney is the z of the test for two samples, by the normal approximation, which is good from some twenty each. Ties
// are too rare in nanoseconds to be corrected for.
func mannWhitney(x, y []float64) float64 {
	type one struct {
		value float64
		ofX   bool
	}
	var all []one
	for _, v := range x {
		all = append(all, one{v, true})
	}
	for _, v := range y {
		all = append(all, one{v, false})
	}
	slices.SortFunc(all, func(a, b one) int { return cmp.Compare(a.value, b.value) })
	ranks := 0.0
	for i, o := range all {
		if o.ofX {
			ranks += float64(i + 1)
		}
	}
	n, m := float64(len(x)), float64(len(y))
	u := ranks - n*(n+1)/2
	return (u - n*m/2) / math.Sqrt(n*m*(n+m+1)/12)
}

func TestMannWhitney(t *testing.T) {
	t.Parallel()
	// By hand: U = 3, mean 8, deviation √12.
	if z := mannWhitney([]float64{1, 2, 3, 7}, []float64{4, 5, 6, 8}); math.Abs(z-(3-8)/math.Sqrt(12)) > 1e-9 {
		t.Errorf("z %f", z)
	}
	if m := median([]float64{3, 1, 2, 10}); m != 2.5 {
		t.Errorf("median %f", m)
	}
}
