//go:build !js

package restorer

import _ "embed"

//go:embed restorer.safetensors
var embedded []byte

// shipped returns the weights.
func shipped() ([]byte, error) { return embedded, nil }
