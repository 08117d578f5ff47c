package plan

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/fault"
)

func TestPeriod(t *testing.T) {
	t.Parallel()
	now := clock.At(time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC))
	date := func(text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for name, c := range map[string]struct {
		order      Order
		interval   string
		start, end string
	}{
		"no period":      {Order{}, "none", "2026-01-31T12:00:00.000Z", ""},
		"a month":        {Order{}, "monthly", "2026-01-31T12:00:00.000Z", "2026-03-03T12:00:00.000Z"},
		"a year":         {Order{}, "yearly", "2026-01-31T12:00:00.000Z", "2027-01-31T12:00:00.000Z"},
		"from a date":    {Order{StartDate: date("2026-05-01")}, "yearly", "2026-05-01T00:00:00.000Z", "2027-05-01T00:00:00.000Z"},
		"to a date":      {Order{EndDate: date("2026-02-01")}, "yearly", "2026-01-31T12:00:00.000Z", "2026-02-01T00:00:00.000Z"},
		"both dates":     {Order{StartDate: date("2026-05-01"), EndDate: date("2026-05-02")}, "none", "2026-05-01T00:00:00.000Z", "2026-05-02T00:00:00.000Z"},
		"a leap day":     {Order{StartDate: date("2024-02-29")}, "yearly", "2024-02-29T00:00:00.000Z", "2025-03-01T00:00:00.000Z"},
		"over already":   {Order{StartDate: date("2020-01-01"), EndDate: date("2020-02-01")}, "none", "2020-01-01T00:00:00.000Z", "2020-02-01T00:00:00.000Z"},
		"a strange word": {Order{}, "weekly", "2026-01-31T12:00:00.000Z", ""},
	} {
		start, end, err := c.order.period(c.interval, now)
		got := ""
		if end != nil {
			got = end.String()
		}
		if err != nil || start.String() != c.start || got != c.end {
			t.Errorf("%s: %s to %s, %v; want %s to %s", name, start, got, err, c.start, c.end)
		}
	}
	for name, o := range map[string]Order{"backwards": {StartDate: date("2026-05-02"), EndDate: date("2026-05-01")}, "empty": {StartDate: date("2026-05-01"), EndDate: date("2026-05-01")}, "past": {EndDate: date("2026-01-31")}} {
		if _, _, err := o.period("none", now); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFeatures(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]struct {
		gives bool
		ips   int
	}{
		`{}`: {false, 0}, `{"webhooks":{}}`: {true, 0}, `{"webhooks":{"active":true}}`: {true, 0}, `{"webhooks":{"active":false,"limit":9}}`: {false, 0},
		`{"number_of_ips":{"limit":16}}`: {false, 16}, `{"number_of_ips":{"limit":0}}`: {false, 0}, `{"number_of_ips":{"unlimited":true}}`: {false, -1},
		`{"number_of_ips":{"unlimited":true,"limit":5}}`: {false, -1}, `{"number_of_ips":{}}`: {false, 0}, `null`: {false, 0}, `broken`: {false, 0},
	} {
		f := Subscription{Features: json.RawMessage(raw)}.Granted()
		if f.Gives(access.Webhooks) != want.gives || f.IPs() != want.ips {
			t.Errorf("%s: %t, %d", raw, f.Gives(access.Webhooks), f.IPs())
		}
	}
	products := map[string]bool{}
	for _, p := range defaultPlans() {
		products[p.Product] = true
		if f := (Subscription{Features: p.Features}).Granted(); f.IPs() < 1 || !p.IsDefault || !f.Gives(access.OwnScanners) {
			t.Errorf("the default plan %s: %+v", p.Code, f)
		}
	}
	if len(products) != len(Products) {
		t.Errorf("default plans for %v", products)
	}
}
