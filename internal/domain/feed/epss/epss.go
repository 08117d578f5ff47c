// Package epss reads the scores of the Exploit Prediction Scoring System (FIRST.org).
package epss

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/vedette/vedette/internal/domain/feed/nvd"
)

// Score of one CVE.
type Score struct {
	CVE        string
	EPSS       float64 // probability of exploitation in the next 30 days, 0 to 1
	Percentile float64 // share of all CVEs with the same score or a lower one, 0 to 1
}

const maxLine = 4096

// Read streams a file: a comment line with model and date (both may be missing), the line cve,epss,percentile and the
// scores. It returns the date of the scores, YYYY-MM-DD, or empty.
func Read(ctx context.Context, r io.Reader, each func(Score, error) error) (date string, err error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, maxLine), maxLine)
	for n := 1; in.Scan(); n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return date, ctx.Err()
		}
		line := strings.TrimSpace(strings.TrimPrefix(in.Text(), "\ufeff"))
		switch {
		case line == "" || strings.HasPrefix(line, "cve,"):
			continue
		case strings.HasPrefix(line, "#"):
			date = dateOf(line)
			continue
		}
		s, perr := Parse(line)
		if perr != nil {
			perr = fmt.Errorf("line %d: %w", n, perr)
		}
		if err := each(s, perr); err != nil {
			return date, err
		}
	}
	if errors.Is(in.Err(), bufio.ErrTooLong) {
		return date, fmt.Errorf("a line is longer than %d bytes", maxLine)
	}
	return date, in.Err()
}

var dateForm = regexp.MustCompile(`score_date:(\d{4}-\d{2}-\d{2})`)

func dateOf(line string) string {
	if m := dateForm.FindStringSubmatch(line); m != nil {
		return m[1]
	}
	return ""
}

// Parse reads one line of scores.
func Parse(line string) (Score, error) {
	f := strings.Split(line, ",")
	if len(f) < 2 || !nvd.ValidID(f[0]) {
		return Score{}, errors.New("not a line of cve,epss,percentile")
	}
	score, err := share(f[1])
	if err != nil {
		return Score{}, err
	}
	percentile := 0.0
	if len(f) > 2 {
		if percentile, err = share(f[2]); err != nil {
			return Score{}, err
		}
	}
	return Score{f[0], score, percentile}, nil
}

func share(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || !(v >= 0 && v <= 1) {
		return 0, fmt.Errorf("%q is no share between 0 and 1", s[:min(len(s), 20)])
	}
	return v, nil
}
