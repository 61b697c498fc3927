package kernel

import "fmt"

// Best returns the fastest set that this processor runs.
func Best() Set[float32] { return Portable[float32]() }

// For returns the set of that name, or an error if it is unknown or this processor cannot run it.
func For(name string) (Set[float32], error) {
	if name == "portable" {
		return Portable[float32](), nil
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
