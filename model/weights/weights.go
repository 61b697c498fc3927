// Package weights holds the trained networks that ditas ships, embedded in the binary. Their card, with data, licence and
// limits, is docs/MODEL.md.
package weights

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"

	"ditas/model"
)

//go:embed *.safetensors
var files embed.FS

// Default is the name of the system that ditas hides with.
const Default = "ditas-m-ed"

// Load returns a shipped system and its identity, the first bytes of the SHA-256 of its file.
func Load(name string) (*model.System, [4]byte, error) {
	var id [4]byte
	data, err := files.ReadFile(name + ".safetensors")
	if err != nil {
		return nil, id, fmt.Errorf("no weights are shipped for %s", name)
	}
	sum := sha256.Sum256(data)
	copy(id[:], sum[:])
	sys, _, err := model.Load(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, id, fmt.Errorf("weights of %s: %w", name, err)
	}
	return sys, id, nil
}
