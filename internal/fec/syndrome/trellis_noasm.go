//go:build noasm || !amd64

package syndrome

// fastest returns the fastest trellis that this processor runs.
func fastest() trellis { return portable{} }
