package ditas

import (
	"errors"
	"io"

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
	// ErrNoSalt reports a key file without a byte, or a name of blanks only.
	ErrNoSalt = keystream.ErrEmptySalt
)

// Public returns the key for pictures that anyone with ditas can reveal.
func Public() Key { return Key{keystream.Public(), publicKey} }

// Passphrase returns the key of a passphrase, without which nobody can reveal a picture. It takes most of a second and 256 MiB, to
// slow down anyone who guesses; one Key serves for any number of recordings.
//
// With another salt, the same passphrase gives another key; both sides have to agree on it. It need not be secret, but without one, guesses at
// one user's passphrase serve against all who have none. [Salt] makes one as the command does; nil means none.
// The error is [ErrNoPassphrase] if text is empty or consists of blanks only.
func Passphrase(text string, salt []byte) (Key, error) {
	k, err := keystream.FromPassphrase(text, salt)
	if err != nil {
		return Key{}, err
	}
	return Key{k, secretKey}, nil
}

// Salt returns the salt that the command makes of a name that both sides know (--salt), of the content of a file that both have
// (--key-file), or of both. name may be empty, and file nil. The error is one of reading the file, or [ErrNoSalt].
func Salt(name string, file io.Reader) ([]byte, error) { return keystream.Salt(name, file) }

// Secret reports whether the key comes from a passphrase.
func (k Key) Secret() bool { return k.kind == secretKey }
