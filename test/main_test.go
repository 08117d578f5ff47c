// Package test holds journeys through the whole program: several actors, a real server on a random port, the embedded
// scanner as a process of its own, real targets, and the public client between.
package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binary is the program, built once: the embedded scanner runs from it, and crash tests kill it.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "vedette-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "vedette")
	build := exec.Command("go", "build", "-o", binary, "../cmd/vedette")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build vedette:", err)
		return 1
	}
	return m.Run()
}
