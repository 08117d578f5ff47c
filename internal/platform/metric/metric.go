// Package metric keeps the program's figures for Prometheus in a registry of its own, so that several programs of one
// test process do not meet and no library adds figures unseen.
package metric

import (
	"net/http"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const namespace = "vedette"

// Fast are buckets in seconds for what should take milliseconds: requests, transactions.
var Fast = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// Slow are buckets in seconds for what may take minutes: jobs, chunks of a scan, imports.
var Slow = []float64{.1, .5, 1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600}

// Registry holds the figures of one program.
type Registry struct{ prometheus *prometheus.Registry }

// New makes a registry with the figures of the Go runtime, the process and the build.
func New() *Registry {
	r := &Registry{prometheus.NewRegistry()}
	r.prometheus.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	r.Gauge("build_info", "Always 1; the version is in the label.", "version").With(version()).Set(1)
	return r
}

func version() prometheus.Labels {
	v := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		v = info.Main.Version
	}
	return prometheus.Labels{"version": v}
}

// Handler answers with all figures in Prometheus's text format.
func (r *Registry) Handler() http.Handler {
	return promhttp.HandlerFor(r.prometheus, promhttp.HandlerOpts{Registry: r.prometheus, MaxRequestsInFlight: 4})
}

// Counter makes vedette_<name>, which only grows; by convention the name ends in _total. Labels must come from small,
// closed sets: never an id, an address or text of a client. Like its siblings it panics, at the start of the program,
// for a name that is taken or malformed.
func (r *Registry) Counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	r.prometheus.MustRegister(c)
	return c
}

// Gauge makes vedette_<name>, which goes up and down.
func (r *Registry) Gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
	r.prometheus.MustRegister(g)
	return g
}

// GaugeFunc makes vedette_<name>, asked of read at each collection; read must be quick and safe for concurrent use.
func (r *Registry) GaugeFunc(name, help string, read func() float64) {
	r.prometheus.MustRegister(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, read))
}

// Histogram makes vedette_<name> of durations in seconds (the name ends in _seconds) or sizes in bytes (in _bytes).
func (r *Registry) Histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(
		prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
	r.prometheus.MustRegister(h)
	return h
}
