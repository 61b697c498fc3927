package kernel

import "fmt"

// Best returns the fastest set that this processor runs.
func Best() Set[float32] { return sets()[0] }

// For returns the set of that name, for tests that compare them, or an error if it is unknown or this processor cannot run it.
func For(name string) (Set[float32], error) {
	for _, s := range sets() {
		if s.Name() == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("kernel set %q is not available on this processor", name)
}

// sets lists the sets that this processor runs, fastest first.
func sets() []Set[float32] { return append(vectorSets(), Portable[float32]()) }
