package kernel

import "fmt"

// Best returns the fastest set that this processor runs.
func Best() Set[float32] { return sets()[0] }

// For returns the set of that name, or an error if it is unknown or this processor cannot run it.
func For(name string) (Set[float32], error) {
	for _, s := range sets() {
		if s.Name() == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("kernel set %q is not available on this processor", name)
}

// Default returns the set the engine should use for T: Best for float32, Portable for float64.
func Default[T Float]() Set[T] {
	if s, ok := any(Best()).(Set[T]); ok {
		return s
	}
	return Portable[T]()
}

// sets lists the sets that this processor runs, fastest first.
func sets() []Set[float32] { return append(vectorSets(), Portable[float32]()) }
