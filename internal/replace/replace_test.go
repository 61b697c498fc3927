package replace

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func text(s string) func(w io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

func want(t *testing.T, name, content string) {
	t.Helper()
	if b, err := os.ReadFile(name); err != nil || string(b) != content {
		t.Errorf("%s holds %q, error %v, want %q", name, b, err, content)
	}
}

// names returns what is in a folder.
func names(t *testing.T, folder string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestNothingIsLeftOfWhatFails(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a")
	stop := errors.New("stop")
	fails := func(w io.Writer) error { io.WriteString(w, strings.Repeat("x", 1<<20)); return stop }
	if err := File(name, fails); !errors.Is(err, stop) || len(names(t, dir)) > 0 {
		t.Errorf("error %v, %v are left", err, names(t, dir))
	}
	if err := File(name, text("one")); err != nil {
		t.Fatal(err)
	}
	if err := File(name, fails); !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
	want(t, name, "one")
	if list := names(t, dir); len(list) != 1 {
		t.Errorf("%v are left", list)
	}
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes are those of POSIX")
	}
	dir := t.TempDir()
	mode := func(name string) os.FileMode {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	name := filepath.Join(dir, "a")
	for _, m := range []os.FileMode{0o600, 0o640, 0o664, 0o755} {
		for i, write := range []func(string, func(io.Writer) error) error{File, Private} {
			os.Remove(name)
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(name, m); err != nil {
				t.Fatal(err)
			}
			err := write(name, func(w io.Writer) error {
				for _, part := range names(t, dir) {
					if part != "a" && mode(filepath.Join(dir, part))&0o077 != 0 {
						t.Error("others may read a file that is not complete")
					}
				}
				return nil
			})
			if want := m &^ 0o111; err != nil || mode(name) != want {
				t.Errorf("%d: mode %o became %o, want %o, error %v", i, m, mode(name), want, err)
			}
		}
	}
	private := filepath.Join(dir, "private")
	if err := Private(private, text("secret")); err != nil || mode(private) != 0o600 {
		t.Errorf("a private file has the mode %o, error %v", mode(private), err)
	}
	for _, m := range []os.FileMode{0o600, 0o644, 0o400} {
		if err := os.Chmod(private, m); err != nil {
			t.Fatal(err)
		}
		if err := Secret(private, text("secret")); err != nil || mode(private) != 0o600 {
			t.Errorf("a secret file in place of one of mode %o has the mode %o, error %v", m, mode(private), err)
		}
	}
}

func TestSymbolicLinks(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "far"), 0o777); err != nil {
		t.Fatal(err)
	}
	target, link, chain := filepath.Join(dir, "far", "target"), filepath.Join(dir, "link"), filepath.Join(dir, "chain")
	if err := errors.Join(os.Symlink(filepath.Join("far", "target"), link), os.Symlink("link", chain)); err != nil {
		t.Skip(err)
	}
	for i, name := range []string{chain, link, chain} { // at first there is no target
		content := fmt.Sprint("number ", i)
		if err := File(name, text(content)); err != nil {
			t.Fatal(err)
		}
		want(t, target, content)
		for _, l := range []string{link, chain} {
			if info, err := os.Lstat(l); err != nil || info.Mode().Type() != os.ModeSymlink {
				t.Errorf("%s is no link any longer", l)
			}
		}
	}
	ring := filepath.Join(dir, "ring")
	if err := os.Symlink("ring", ring); err != nil {
		t.Fatal(err)
	}
	if err := File(ring, text("")); err == nil {
		t.Error("a link to itself was written")
	}
}

func TestLongNames(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{strings.Repeat("a", 251) + ".wav", strings.Repeat("ä", 125) + ".wavx", strings.Repeat("語", 83) + ".wav", "short"} {
		if err := File(filepath.Join(dir, name), text(name)); err != nil {
			t.Errorf("a name of %d bytes: %v", len(name), err)
			continue
		}
		want(t, filepath.Join(dir, name), name)
	}
}

// TestSweep checks that what dead runs left is removed, and neither what others are writing nor what only looks alike.
func TestSweep(t *testing.T) {
	if held {
		t.Skip("files that are open cannot be removed")
	}
	dir := t.TempDir()
	keep := []string{"a.part", ".a.0123abcd.part", ".a.ditas-0123abc.part", "b.ditas-0123abcd.part", ".a.ditas-0123abcd.part.txt"}
	for _, name := range append(keep, ".dead.wav.ditas-0123abcd.part", ".other.ditas-ffffffff.part") {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, ".folder.ditas-0123abcd.part"), 0o777); err != nil {
		t.Fatal(err)
	}
	err := File(filepath.Join(dir, "outer"), func(w io.Writer) error {
		// While this is being written another run comes along.
		if err := File(filepath.Join(dir, "inner"), text("inner")); err != nil {
			return err
		}
		return text("outer")(w)
	})
	if err != nil {
		t.Fatal(err)
	}
	want(t, filepath.Join(dir, "outer"), "outer")
	want(t, filepath.Join(dir, "inner"), "inner")
	for _, name := range keep {
		want(t, filepath.Join(dir, name), "x")
	}
	if list := names(t, dir); len(list) != len(keep)+3 {
		t.Errorf("%v are left", list)
	}
}

func TestWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	if err := File(dir, text("")); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("a folder was written: %v", err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	before, err := os.Stat(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if err := File(os.DevNull, text("nothing")); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(os.DevNull); err != nil || !os.SameFile(before, after) {
		t.Errorf("%s was replaced, error %v", os.DevNull, err)
	}
	if err := File(filepath.Join(dir, "none", "a"), text("")); err == nil || strings.Contains(err.Error(), ".part") {
		t.Errorf("in a folder that is not there: %v", err)
	}
}

func TestTemporary(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	f, err := NewTemporary("")
	if err != nil {
		t.Fatal(err)
	}
	if list := names(t, dir); !held && len(list) > 0 {
		t.Errorf("%v has a name while it is open", list)
	}
	if _, err := f.WriteString("secret"); err != nil {
		t.Error(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Error(err)
	}
	if b, err := io.ReadAll(f); err != nil || string(b) != "secret" {
		t.Errorf("%q, error %v", b, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if list := names(t, dir); len(list) > 0 {
		t.Errorf("%v is left", list)
	}
}

// A folder whose run has died is removed by the next one, and no other is.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	used, err := NewFolder()
	if err != nil {
		t.Fatal(err)
	}
	dead, err := NewFolder()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(dead.lock.Close(), os.WriteFile(filepath.Join(dead.Name, "from"), []byte("x"), 0o600)); err != nil {
		t.Fatal(err)
	}
	others := []string{"ditas-1", "ditas-2.folder", "other"} // of which the second has no lock
	for _, name := range others {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	next, err := NewFolder()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead.Name); err == nil && (held || locks) {
		t.Error("the folder of a dead run is left")
	}
	if _, err := os.Stat(filepath.Join(used.Name, lockName)); err != nil {
		t.Error(err)
	}
	if err := errors.Join(used.Close(), next.Close()); err != nil {
		t.Error(err)
	}
	if list := names(t, dir); len(list) != len(others) {
		t.Errorf("%v are left", list)
	}
}

// Of many files that are made at once under one name each gets another, and none is lost.
func TestNew(t *testing.T) {
	const many = 8
	dir := t.TempDir()
	made := make(chan string, many)
	for i := range many {
		go func() {
			n := 0
			name, err := New(i%2 == 0, func() string { n++; return filepath.Join(dir, fmt.Sprint(n)) }, text(fmt.Sprint("content ", i)))
			if err != nil {
				t.Error(err)
			}
			if b, err := os.ReadFile(name); err != nil || string(b) != fmt.Sprint("content ", i) {
				t.Errorf("%s holds %q, error %v", name, b, err)
			}
			if info, err := os.Stat(name); runtime.GOOS != "windows" && (err != nil || i%2 == 0 && info.Mode().Perm() != 0o600) {
				t.Errorf("mode %v, error %v", info.Mode(), err)
			}
			made <- name
		}()
	}
	seen := map[string]bool{}
	for range many {
		seen[<-made] = true
	}
	if len(seen) != many || len(names(t, dir)) != many {
		t.Errorf("%v are made, and there are %v", seen, names(t, dir))
	}
}

// TestLinksToPipes writes to a link that leads to a pipe which has no name, as /dev/stdout does where it is piped into another program.
func TestLinksToPipes(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	inherited := fmt.Sprintf("/dev/fd/%d", w.Fd())
	if to, err := os.Readlink(inherited); err != nil || !strings.HasPrefix(to, "pipe:") {
		t.Skip("pipes have no links that lead to them")
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(inherited, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{inherited, link} {
		if err := File(name, text("content of "+name)); err != nil {
			t.Error(err)
			continue
		}
	}
	w.Close()
	if got, err := io.ReadAll(r); err != nil || string(got) != "content of "+inherited+"content of "+link {
		t.Errorf("%q arrived, %v", got, err)
	}
}
