// Package archtest keeps ARCHITECTURE.md true: its tests read the source of the whole module and fail where a package
// imports what it may not, does what only another package may do, or grows past its size. It has no code that runs.
package archtest
