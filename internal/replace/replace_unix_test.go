//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package replace

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// What was put in the place of a part between looking and removing stays: a link, what it leads to, and a pipe, for which nobody waits.
func TestSweepIsNotLedAstray(t *testing.T) {
	dir := t.TempDir()
	other, link, pipe, dead := filepath.Join(dir, "other"), filepath.Join(dir, ".a.ditas-00000001.part"),
		filepath.Join(dir, ".b.ditas-00000002.part"), filepath.Join(dir, ".c.ditas-00000003.part")
	for _, name := range []string{other, dead} {
		if err := os.WriteFile(name, []byte("kept"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{link, pipe, dead} {
		sweepPart(name)
	}
	for _, name := range []string{other, link, pipe} {
		if _, err := os.Lstat(name); err != nil {
			t.Errorf("%s is gone", filepath.Base(name))
		}
	}
	if _, err := os.Lstat(dead); err == nil {
		t.Error("the part of a dead run is left")
	}
	if os.Geteuid() != 0 {
		return
	}
	const nobody = 65534
	if err := os.WriteFile(dead, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dead, nobody, nobody); err != nil {
		t.Skip(err)
	}
	sweepPart(dead)
	if _, err := os.Lstat(dead); err != nil {
		t.Error("another user's part is gone")
	}
}
