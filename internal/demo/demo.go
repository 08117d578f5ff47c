// Package demo shows the whole service at work: it starts it with a database of its own and real servers to find faults
// in, and then does through the public API what a provider and its customers do.
package demo
