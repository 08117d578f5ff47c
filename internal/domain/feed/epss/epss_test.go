package epss

import (
	"context"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	t.Parallel()
	const text = "\ufeff#model_version:v2025.03.14,score_date:2026-08-16T12:55:00Z\r\ncve,epss,percentile\r\nCVE-2021-0001,0.5,0.9\r\nCVE-2021-0002,-1,0\r\nCVE-2021-0003,0.25\r\nx\r\nCVE-2021-0004,NaN,0.1\r\n"
	var good []Score
	var bad []string
	date, err := Read(context.Background(), strings.NewReader(text), func(s Score, err error) error {
		if err != nil {
			bad = append(bad, err.Error())
		} else {
			good = append(good, s)
		}
		return nil
	})
	if err != nil || date != "2026-08-16" || len(bad) != 3 || !strings.HasPrefix(bad[0], "line 4:") {
		t.Errorf("%v %q %q", err, date, bad)
	}
	if len(good) != 2 || good[0] != (Score{"CVE-2021-0001", 0.5, 0.9}) || good[1].EPSS != 0.25 {
		t.Errorf("%+v", good)
	}
}

func TestReadBoundsALine(t *testing.T) {
	t.Parallel()
	_, err := Read(context.Background(), strings.NewReader(strings.Repeat("x", maxLine+1)), func(Score, error) error { return nil })
	if err == nil {
		t.Error("no error")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("CVE-2021-0001,0.5,0.9")
	f.Add("CVE-2021-0001,1e-400,Inf")
	f.Fuzz(func(t *testing.T, line string) {
		if s, err := Parse(line); err == nil && !(s.EPSS >= 0 && s.EPSS <= 1 && s.Percentile >= 0 && s.Percentile <= 1) {
			t.Fatalf("%+v", s)
		}
	})
}
