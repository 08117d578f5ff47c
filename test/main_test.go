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

// binary is the program and scannerBinary the scanner of a site, built once: the embedded scanner runs from the former, and
// tests kill both.
var binary, scannerBinary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Getenv(machineAt) != "" {
		fmt.Fprintln(os.Stderr, beMachine())
		return 1
	}
	dir, err := os.MkdirTemp("", "vedette-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary, scannerBinary = filepath.Join(dir, "vedette"), filepath.Join(dir, "vedette-scanner")
	build := exec.Command("go", "build", "-o", dir, "../cmd/vedette", "../cmd/vedette-scanner")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the programs:", err)
		return 1
	}
	code := m.Run()
	if code != 0 {
		return code
	}
	for _, missing := range uncovered() {
		fmt.Fprintln(os.Stderr, missing)
		code = 1
	}
	return code
}
