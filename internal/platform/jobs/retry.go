package jobs

import (
	"math"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/vedette/vedette/internal/platform/clock"
)

// retry is when a job that failed is tried again: soon at first, since what fails is mostly a database or a peer that is away for
// a moment; then with a patience that lasts for a week until the attempts are used up.
type retry struct{}

func (retry) NextRetry(job *rivertype.JobRow) time.Time {
	return clock.Now().Add(pause(len(job.Errors) + 1))
}

// pause after that many failures: their square in seconds, from the tenth on the fourth power of those above six.
func pause(failures int) time.Duration {
	n := float64(min(failures, 100))
	return time.Duration(max(n*n, math.Pow(max(n-6, 0), 4))) * time.Second
}
