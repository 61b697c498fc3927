//go:build !amd64 || noasm

package kernel

// vectorSets lists the vector sets of this build: none.
func vectorSets() []Set[float32] { return nil }
