package metric_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/platform/metric"
)

func TestFigures(t *testing.T) {
	t.Parallel()
	r := metric.New()
	metric.New() // a second program in the process does not meet the first
	r.Counter("scans_total", "Scans.", "state").WithLabelValues("completed").Add(2)
	r.Gauge("leases", "Leases.").WithLabelValues().Set(3)
	r.GaugeFunc("queue", "Queue.", func() float64 { return 4 })
	r.Histogram("transaction_seconds", "Transactions.", metric.Fast, "kind").WithLabelValues("write").Observe(0.002)

	answer := httptest.NewRecorder()
	r.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text := answer.Body.String()
	for _, want := range []string{
		`vedette_scans_total{state="completed"} 2`, "vedette_leases 3", "vedette_queue 4",
		`vedette_transaction_seconds_bucket{kind="write",le="0.0025"} 1`,
		`vedette_transaction_seconds_bucket{kind="write",le="0.001"} 0`,
		"go_goroutines", "process_resident_memory_bytes", "vedette_build_info{",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(text, `version=""`) {
		t.Error("empty version")
	}
}
