// Package racetest is for tests that take too long under the race detector. Short mode looks for races alone (.ci/full).
package racetest

import "testing"

// Skip skips a test in short mode. It is for tests that run nothing side by side, or nothing that others do not run so too.
func Skip(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("short tests look for races, and it runs nothing side by side that others do not")
	}
}
