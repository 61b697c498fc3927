//go:build !js

package weights

import (
	"embed"
	"errors"
)

//go:embed *.safetensors
var files embed.FS

// shipped returns a file of weights.
func shipped(name string) ([]byte, error) {
	data, err := files.ReadFile(name)
	if err != nil {
		return nil, errors.New("none are shipped")
	}
	return data, nil
}
