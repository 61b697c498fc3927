package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"ditas"
	"ditas/internal/keystream"
	"ditas/internal/parallel"
)

// secrecy is what the page asks for a key by.
type secrecy struct {
	Passphrase string `json:"passphrase"` // none means the public key
	Salt       string `json:"salt"`       // a name that both sides know, if there is one
	KeyFile    string `json:"keyFile"`    // SHA-256, in hexadecimal, of the file that both have, if there is one
}

// keyring is the key that a page asked for last.
type keyring struct {
	of  secrecy
	key ditas.Key
}

// keyOf returns the key that is asked for. Making one takes memory, so that there is one at a time for all pages, also where a job was given up
// meanwhile.
func (s *session) keyOf(ctx context.Context, q secrecy) (ditas.Key, error) {
	if q.Passphrase == "" {
		if q.Salt != "" || q.KeyFile != "" {
			return ditas.Key{}, errSaltAlone
		}
		return ditas.Public(), nil
	}
	salt, err := q.salt()
	if err != nil {
		return ditas.Key{}, err
	}
	s.mu.Lock()
	last := s.keys
	s.mu.Unlock()
	if last.of == q {
		return last.key, nil
	}
	var key ditas.Key
	err = parallel.Within(ctx, func() (err error) {
		select {
		case s.handler.deriving <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		defer func() { <-s.handler.deriving }()
		key, err = ditas.Passphrase(q.Passphrase, salt)
		return err
	})
	if err != nil {
		return ditas.Key{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = keyring{q, key}
	return key, nil
}

// isKeyFile reports whether the key file is the one that has a hash.
func (q secrecy) isKeyFile(hash []byte) bool {
	return hash != nil && strings.EqualFold(q.KeyFile, hex.EncodeToString(hash))
}

// salt returns the salt that is asked for.
func (q secrecy) salt() ([]byte, error) {
	digest, err := hex.DecodeString(q.KeyFile)
	if err != nil || len(digest) != 0 && len(digest) != sha256.Size {
		return nil, fmt.Errorf("%w: the key file's hash is %.100q", errRequest, q.KeyFile)
	}
	return keystream.SaltOf(q.Salt, digest)
}
