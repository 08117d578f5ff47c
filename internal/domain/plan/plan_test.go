package plan

import (
	"encoding/json"
	"strings"
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
		"a month":        {Order{}, "monthly", "2026-01-31T12:00:00.000Z", "2026-02-28T12:00:00.000Z"},
		"a year":         {Order{}, "yearly", "2026-01-31T12:00:00.000Z", "2027-01-31T12:00:00.000Z"},
		"from a date":    {Order{StartDate: date("2026-05-01")}, "yearly", "2026-05-01T00:00:00.000Z", "2027-05-01T00:00:00.000Z"},
		"to a date":      {Order{EndDate: date("2026-02-01")}, "yearly", "2026-01-31T12:00:00.000Z", "2026-02-01T00:00:00.000Z"},
		"both dates":     {Order{StartDate: date("2026-05-01"), EndDate: date("2026-05-02")}, "none", "2026-05-01T00:00:00.000Z", "2026-05-02T00:00:00.000Z"},
		"a leap day":     {Order{StartDate: date("2024-02-29")}, "yearly", "2024-02-29T00:00:00.000Z", "2025-02-28T00:00:00.000Z"},
		"over already":   {Order{StartDate: date("2020-01-01"), EndDate: date("2020-02-01")}, "none", "2020-01-01T00:00:00.000Z", "2020-02-01T00:00:00.000Z"},
		"a strange word": {Order{}, "weekly", "2026-01-31T12:00:00.000Z", ""},
	} {
		s := Subscription{}
		err := c.order.schedule(&s, c.interval, now)
		got := ""
		if s.EndAt != nil {
			got = s.EndAt.String()
		}
		if err != nil || s.StartAt.String() != c.start || got != c.end || s.AutoRenewal != (c.order.EndDate.IsZero() && (s.EndAt == nil || *s.EndAt > now)) || s.PeriodAt != s.StartAt {
			t.Errorf("%s: %+v, %v; want %s to %s", name, s, err, c.start, c.end)
		}
	}
	for name, o := range map[string]Order{"backwards": {StartDate: date("2026-05-02"), EndDate: date("2026-05-01")}, "empty": {StartDate: date("2026-05-01"), EndDate: date("2026-05-01")}, "past": {EndDate: date("2026-01-31")}} {
		if err := o.schedule(&Subscription{}, "none", now); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	at := func(text string) clock.Time {
		x, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return clock.At(x)
	}
	for name, c := range map[string]struct{ interval, start, trial, end, now, period, next string }{
		"a month":                     {"monthly", "2026-01-15", "", "2026-02-15", "2026-02-15", "2026-02-15", "2026-03-15"},
		"from the last of January":    {"monthly", "2026-01-31", "", "2026-02-28", "2026-02-28", "2026-02-28", "2026-03-31"},
		"late by months":              {"monthly", "2026-01-31", "", "2026-02-28", "2026-06-01", "2026-05-31", "2026-06-30"},
		"a year from a leap day":      {"yearly", "2024-02-29", "", "2025-02-28", "2025-03-01", "2025-02-28", "2026-02-28"},
		"after a trial":               {"monthly", "2026-01-01", "2026-01-15", "2026-01-15", "2026-01-15", "2026-01-15", "2026-02-15"},
		"after a trial, no interval":  {"none", "2026-01-01", "2026-01-15", "2026-01-15", "2026-01-15", "2026-01-15", ""},
		"after an end that was given": {"monthly", "2026-01-01", "", "2026-01-20", "2026-01-20", "2026-01-20", "2026-02-20"},
	} {
		end := at(c.end)
		s := Subscription{Status: active, BillingInterval: c.interval, StartAt: at(c.start), PeriodAt: at(c.start), EndAt: &end, AutoRenewal: true}
		if c.trial != "" {
			trial := at(c.trial)
			s.TrialEnabled, s.TrialEndsAt = true, &trial
		}
		if !s.renews() || s.over(at("2030-01-01")) {
			t.Errorf("%s: it does not renew itself", name)
		}
		s.renew(at(c.now))
		got := ""
		if s.EndAt != nil {
			got = s.EndAt.Time().Format(time.DateOnly)
		}
		if got != c.next || s.PeriodAt != at(c.period) {
			t.Errorf("%s: from %s to %s, want %s to %s", name, s.PeriodAt, got, c.period, c.next)
		}
		s.AutoRenewal = false
		if s.renews() || s.over(at(c.now)) != (s.EndAt != nil && *s.EndAt <= at(c.now)) {
			t.Errorf("%s: it renews itself against its owner's will", name)
		}
	}
}

func TestPrices(t *testing.T) {
	t.Parallel()
	for price, want := range map[string]string{"9.99": "9.99", "9": "9.00", " 0009.5 ": "9.50", "0": "0.00", "0.00": "0.00", "1234567890": "1234567890.00",
		"-1": "", "": "", "9,99": "", "1e3": "", "9.999": "", ".5": "", "12345678901": "", "٣": ""} {
		got, err := CleanPrice(price, "/plan/price")
		if got != want || (err == nil) == (want == "") {
			t.Errorf("%q: %q, %v", price, got, err)
		}
	}
}

func TestWithinLimits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ own, most, exceeding, cut string }{
		"fewer addresses": {`{"number_of_ips":{"limit":5}}`, `{"number_of_ips":{"limit":10}}`, "", `{"number_of_ips":{"limit":5}}`},
		"more addresses":  {`{"number_of_ips":{"limit":50}}`, `{"number_of_ips":{"limit":10}}`, "number_of_ips", `{"number_of_ips":{"limit":10}}`},
		"unlimited":       {`{"number_of_ips":{"unlimited":true}}`, `{"number_of_ips":{"limit":10}}`, "number_of_ips", `{"number_of_ips":{"limit":10}}`},
		"of unlimited":    {`{"number_of_ips":{"unlimited":true}}`, `{"number_of_ips":{"unlimited":true}}`, "", `{"number_of_ips":{"unlimited":true}}`},
		"of none":         {`{"number_of_ips":{"limit":1}}`, `{}`, "number_of_ips", `{"number_of_ips":{"limit":0}}`},
		"a flag":          {`{"saq":{}}`, `{"saq":{"active":true}}`, "", `{"saq":{}}`},
		"a flag of none":  {`{"saq":{}}`, `{}`, "saq", `{}`},
		"switched off":    {`{"saq":{"active":false}}`, `{}`, "", `{"saq":{"active":false}}`},
		"of switched off": {`{"saq":{"active":true}}`, `{"saq":{"active":false}}`, "saq", `{"saq":{"active":false}}`},
		"webhooks":        {`{"webhooks":{}}`, `{"webhooks":{"limit":2}}`, "webhooks", `{"webhooks":{"limit":2}}`},
		"any rescans":     {`{}`, `{"rescan":{"num_of_rescans":2}}`, "rescan", `{"rescan":{"num_of_rescans":2}}`},
		"more rescans":    {`{"rescan":{"num_of_rescans":3}}`, `{"rescan":{"num_of_rescans":2}}`, "rescan", `{"rescan":{"num_of_rescans":2}}`},
		"another unit":    {`{"rescan":{"num_of_rescans":2,"unit":"day"}}`, `{"rescan":{"num_of_rescans":2,"unit":"year"}}`, "rescan", `{"rescan":{"num_of_rescans":2,"unit":"year"}}`},
		"no rescans":      {`{"rescan":{"active":false}}`, `{"rescan":{"num_of_rescans":2}}`, "", `{"rescan":{"active":false}}`},
		"several":         {`{"number_of_ips":{"limit":3},"own_scanners":{"limit":3},"internal_vrms":{"unlimited":true}}`, `{"number_of_ips":{"limit":1},"own_scanners":{"limit":3},"internal_vrms":{"limit":1}}`, "number_of_ips internal_vrms", `{"number_of_ips":{"limit":1},"own_scanners":{"limit":3},"internal_vrms":{"limit":1}}`},
	} {
		own, most := read(json.RawMessage(c.own)), read(json.RawMessage(c.most))
		var names []string
		for _, code := range own.Exceeding(most) {
			names = append(names, string(code))
		}
		if got := strings.Join(names, " "); got != c.exceeding {
			t.Errorf("%s: %q exceed, want %q", name, got, c.exceeding)
		}
		cut := own.Within(most)
		if got, want := string(cut.raw()), string(read(json.RawMessage(c.cut)).raw()); got != want || len(cut.Exceeding(most)) > 0 {
			t.Errorf("%s: cut to %s, want %s", name, got, want)
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
