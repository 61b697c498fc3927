package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Wildcards stand for files in the order of their names, and whatever else is given stays as it is.
func TestWildcards(t *testing.T) {
	t.Chdir(t.TempDir())
	album := "songs [2019]"
	if err := os.Mkdir(album, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"b.wav", "a.wav", "a[1].wav", "1.wav", "c.flac", filepath.Join(album, "d.wav"), filepath.Join(album, "e[live].wav")} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ given, want []string }{
		{[]string{"*.wav"}, []string{"1.wav", "a.wav", "a[1].wav", "b.wav"}},
		{[]string{"c.flac", "?.wav"}, []string{"c.flac", "1.wav", "a.wav", "b.wav"}},
		{[]string{"a[1].wav", "[1].wav"}, []string{"a[1].wav", "[1].wav"}},
		{[]string{"a[?].wav", "*].wav"}, []string{"a[1].wav", "a[1].wav"}},
		{[]string{"[", "[]", "a]", "[^a].wav", "[a-"}, []string{"[", "[]", "a]", "[^a].wav", "[a-"}},
		{[]string{filepath.Join(album, "*.wav")}, []string{filepath.Join(album, "d.wav"), filepath.Join(album, "e[live].wav")}},
		{[]string{filepath.Join("songs*", "*[live]*")}, []string{filepath.Join(album, "e[live].wav")}},
		{[]string{"*.mp3", "none.wav", "-", ""}, []string{"*.mp3", "none.wav", "-", ""}},
	} {
		if got := wildcards(c.given); !slices.Equal(got, c.want) {
			t.Errorf("%q became %q, want %q", c.given, got, c.want)
		}
	}
}
