package ports

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/vedette/vedette/internal/engine/wire"
)

const (
	sampleKnown  = 20 // ports that answered, asked again
	sampleSilent = 60 // silent ports, asked again
)

// confirm asks known ports and a sample of silent ones again. What answers late is kept, and the share that answers at
// once gives the recall.
func (s *scan) confirm(ctx context.Context) error {
	if s.flooded.Load() || s.gone.Load() {
		return nil
	}
	known := s.answering()
	rand.Shuffle(len(known), func(i, j int) { known[i], known[j] = known[j], known[i] })
	known = known[:min(sampleKnown, len(known))]
	for i, port := range known {
		answer, err := s.knock(ctx, port, min(1, i))
		if err != nil {
			return err
		}
		s.asked++
		if answer == wire.Open || answer == wire.Closed {
			s.again++
		}
	}
	if s.again == 0 {
		return nil
	}
	sample := slices.Clone(s.silent)
	rand.Shuffle(len(sample), func(i, j int) { sample[i], sample[j] = sample[j], sample[i] })
	sample = sample[:min(sampleSilent, len(sample))]
	s.silent = nil
	return s.round(ctx, sample, 1)
}

// answering lists closed ports first; open ones, whose services notice, only fill up.
func (s *scan) answering() []uint16 {
	var open, closed []uint16
	for p, a := range s.state {
		switch a {
		case wire.Open:
			open = append(open, uint16(p))
		case wire.Closed:
			closed = append(closed, uint16(p))
		}
	}
	rand.Shuffle(len(closed), func(i, j int) { closed[i], closed[j] = closed[j], closed[i] })
	closed = closed[:min(len(closed), sampleKnown)]
	return append(closed, open[:min(len(open), sampleKnown-len(closed))]...)
}

// result sums up; tries is how often a silent port was asked at least.
func (s *scan) result(tries int) Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := Result{RTT: s.pace.rtt()}
	for p, a := range s.state {
		switch a {
		case wire.Open:
			r.Open = append(r.Open, uint16(p))
		case wire.Closed:
			r.Closed++
		}
	}
	r.Filtered = s.total - len(r.Open) - r.Closed
	if s.asked > 0 {
		// With a share p answering one probe, a port stays unseen with (1-p)^tries.
		p := float64(s.again) / float64(s.asked)
		r.Recall = math.Round((1-math.Pow(1-p, float64(tries)))*1000) / 1000
	}
	r.Interference = s.interference(&r)
	return r
}

func (s *scan) interference(r *Result) string {
	switch {
	case s.flooded.Load():
		n := len(r.Open)
		r.Open = slices.DeleteFunc(r.Open, func(p uint16) bool { return !slices.Contains(Common[:100], p) })
		r.Recall = 0
		return fmt.Sprintf("Nearly every port accepts connections (%d of the first %d): something in between, such as a SYN proxy or tarpit, answers for the host.", n, s.answers)
	case s.gone.Load() || s.asked > 0 && s.again == 0:
		return "The host answered at first and then fell silent to everything: a filter has probably shut the scanner out."
	case len(r.Open)+r.Closed == 0 && s.total >= minAllSilent:
		return fmt.Sprintf("None of the %d ports answered in any way: a filter stands between the scanner and the host.", s.total)
	}
	return ""
}
