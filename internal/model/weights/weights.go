// Package weights holds the trained networks that ditas ships, embedded in the binary. Their card, with data, licence and
// limits, is docs/MODEL.md.
package weights

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"

	"ditas/internal/model"
)

// Default is the name of the system that ditas hides with.
const Default = "ditas-m-ed"

// Load returns a shipped system and its identity.
func Load(name string) (*model.System, [4]byte, error) {
	data, err := shipped(name + ".safetensors")
	if err != nil {
		return nil, [4]byte{}, fmt.Errorf("weights of %s: %w", name, err)
	}
	sys, id, err := Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, id, fmt.Errorf("weights of %s: %w", name, err)
	}
	return sys, id, nil
}

// Read returns the system in a file of size bytes and its identity, the first bytes of the file's SHA-256. It returns the errors
// of [model.Load].
func Read(r io.ReaderAt, size int64) (*model.System, [4]byte, error) {
	var id [4]byte
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(r, 0, size)); err != nil {
		return nil, id, err
	}
	copy(id[:], sum.Sum(nil))
	sys, _, err := model.Load(r, size)
	return sys, id, err
}
