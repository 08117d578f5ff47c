package app

import (
	"github.com/vedette/vedette/internal/domain/portlist"
	"github.com/vedette/vedette/internal/domain/scan"
	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/domain/schedule"
	"github.com/vedette/vedette/internal/domain/target"
	"github.com/vedette/vedette/internal/domain/user"
)

// holdings are what users own, and another inherits before they go.
var holdings = []user.Holding{
	{Type: "targets", Count: target.CountOwned, Move: target.MoveOwned},
	{Type: "scans", Count: scan.CountOwned, Move: scan.MoveOwned},
	{Type: "schedules", Count: schedule.CountOwned, Move: schedule.MoveOwned},
	{Type: "scanners", Count: scanner.CountOwned, Move: scanner.MoveOwned},
	{Type: "port_lists", Count: portlist.CountOwned, Move: portlist.MoveOwned},
}
