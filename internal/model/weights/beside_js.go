package weights

import "ditas/internal/beside"

// shipped returns a file of weights.
func shipped(name string) ([]byte, error) { return beside.Read(name) }
