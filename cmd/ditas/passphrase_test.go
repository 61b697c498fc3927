package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPassphraseFiles reads one passphrase as editors write it.
func TestPassphraseFiles(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		content, warns, fails string
	}{
		"plain":                {content: "pässwörd\n"},
		"no line end":          {content: "pässwörd"},
		"DOS":                  {content: "pässwörd\r\nsecond line"},
		"mark":                 {content: "\xef\xbb\xbfpässwörd\r\n"},
		"UTF-16":               {content: "\xff\xfep\x00\xe4\x00s\x00s\x00w\x00\xf6\x00r\x00d\x00\r\x00\n\x00x\x00"},
		"UTF-16, turned":       {content: "\xfe\xff\x00p\x00\xe4\x00s\x00s\x00w\x00\xf6\x00r\x00d"},
		"a blank":              {content: "pässwörd \n", warns: "ends in blanks"},
		"a tab":                {content: "pässwörd\t", warns: "ends in blanks"},
		"no mark":              {content: "p\x00\xe4\x00s\x00s\x00", fails: "zero bytes"},
		"UTF-32":               {content: "\xff\xfe\x00\x00p\x00\x00\x00\n\x00\x00\x00", fails: "zero bytes"},
		"UTF-16, odd":          {content: "\xff\xfep", fails: "half a character of UTF-16"},
		"UTF-16, cut":          {content: "\xff\xfep\x00\xe4\x00s", fails: "half a character of UTF-16"},
		"UTF-16, half":         {content: "\xff\xfep\x00\x00\xd8s\x00", fails: "half a character of UTF-16"},
		"UTF-16, end":          {content: "\xfe\xff\x00p\xd8\x00", fails: "half a character of UTF-16"},
		"UTF-16, turned about": {content: "\xfe\xff\xdc\x00\xd8\x00\x00p", fails: "half a character of UTF-16"},
		"Latin-1":              {content: "p\xe4ssw\xf6rd\n", fails: "not UTF-8"},
	} {
		file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		var warnings bytes.Buffer
		p, err := (&terminal{err: &warnings}).readPassphrase(file)
		switch {
		case c.fails != "":
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s: error %v", name, err)
			}
			continue
		case err != nil || strings.TrimSpace(p) != "pässwörd":
			t.Errorf("%s: %q, error %v", name, p, err)
		case (c.warns == "") != (warnings.Len() == 0) || !strings.Contains(warnings.String(), c.warns):
			t.Errorf("%s warns %q", name, warnings.String())
		case c.warns != "" && p == "pässwörd":
			t.Errorf("%s: blanks do not count, but the warning says they do", name)
		}
	}
}

// A character of two units of UTF-16 is one, and what stands behind the first line does not matter.
func TestPassphraseOfTwoUnits(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("\xff\xfe\x3d\xd8\x00\xdex\x00\n\x00\x00\xd8p"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := (&terminal{err: new(bytes.Buffer)}).readPassphrase(file); err != nil || p != "😀x" {
		t.Errorf("%q, %v", p, err)
	}
}

// A passphrase file is warned of by what its mode lets others do with it.
func TestPassphraseFileThatOthersCanUse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	for mode, want := range map[fs.FileMode]string{
		0o600: "", 0o700: "", 0o601: "", 0o610: "",
		0o604: "others can read the passphrase", 0o640: "others can read the passphrase", 0o644: "others can read the passphrase",
		0o602: "others can change the passphrase", 0o620: "others can change the passphrase",
		0o666: "others can read and change the passphrase",
	} {
		if err := os.WriteFile(file, []byte("x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != mode {
			t.Skip("there are no such modes here")
		}
		var warnings bytes.Buffer
		_, err := (&terminal{err: &warnings}).readPassphrase(file)
		if said := warnings.String(); err != nil || !strings.Contains(said, want) || want == "" && said != "" {
			t.Errorf("%o: warns %q, error %v, want %q", mode, said, err, want)
		}
	}
}
