package main

import (
	"io"
	"strings"
	"testing"
)

// A passphrase or a name that a terminal writes in another encoding is refused, as one in a file is: elsewhere it would be another one.
func TestOtherEncodings(t *testing.T) {
	screen := &terminal{out: io.Discard, err: io.Discard}
	t.Setenv(passphraseVariable, "six w\xf6rds")
	if _, err := new(passphraseFlags).get(t.Context(), screen, true); err == nil || !strings.Contains(err.Error(), "is not UTF-8") {
		t.Errorf("a passphrase in Latin-1: %v", err)
	}
	if _, err := (&passphraseFlags{salt: "Zo\xeb"}).readSalt(t.Context()); err == nil || !strings.Contains(err.Error(), "--salt is not UTF-8") {
		t.Errorf("a name in Latin-1: %v", err)
	}
	t.Setenv(passphraseVariable, "six wörds")
	if p, err := new(passphraseFlags).get(t.Context(), screen, true); err != nil || p != "six wörds" {
		t.Errorf("a passphrase in UTF-8: %q, %v", p, err)
	}
	if _, err := (&passphraseFlags{salt: "Zoë"}).readSalt(t.Context()); err != nil {
		t.Errorf("a name in UTF-8: %v", err)
	}
}
