package restorer

import "ditas/internal/beside"

// shipped returns the weights.
func shipped() ([]byte, error) { return beside.Read("restorer.safetensors") }
