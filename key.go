package ditas

import (
	"errors"

	"ditas/internal/keystream"
)

// Key decides who can reveal a picture. [Public] and [Passphrase] return one; the zero value is none.
type Key struct {
	stream keystream.Key
	kind   keyKind
}

type keyKind uint8

const (
	noKey keyKind = iota
	publicKey
	secretKey
)

var (
	// ErrNoKey reports a Key that neither Public nor Passphrase has made.
	ErrNoKey = errors.New("no key is given: use ditas.Public or ditas.Passphrase")
	// ErrNoPassphrase reports a passphrase that is empty or consists of blanks only.
	ErrNoPassphrase = keystream.ErrEmpty
)

// Public returns the key for pictures that anyone with ditas can reveal.
func Public() Key { return Key{keystream.Public(), publicKey} }

// Passphrase returns the key of a passphrase, without which nobody can reveal a picture. It takes about a tenth of a second and 64 MiB, to
// slow down anyone who guesses; one Key serves for any number of recordings.
//
// With another salt, the same passphrase gives another key; both sides have to agree on it. A nil salt means the default, which the command
// uses. The error is [ErrNoPassphrase] if text is empty or consists of blanks only.
func Passphrase(text string, salt []byte) (Key, error) {
	k, err := keystream.FromPassphrase(text, salt)
	if err != nil {
		return Key{}, err
	}
	return Key{k, secretKey}, nil
}

// Secret reports whether the key comes from a passphrase.
func (k Key) Secret() bool { return k.kind == secretKey }
