package words_test

import (
	"testing"

	"ditas/internal/words"
)

func TestWords(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{words.List(nil, "or"), ""},
		{words.List([]string{"WAV"}, "or"), "WAV"},
		{words.List([]string{"WAV", "FLAC"}, "and"), "WAV and FLAC"},
		{words.List([]string{"WAV", "FLAC", "MP3"}, "or"), "WAV, FLAC or MP3"},
		{words.Sentence("über alles"), "Über alles."},
		{words.Sentence(""), ""},
		{words.Wrap("one two  three\nfour", 9), "one two\nthree\nfour"},
		{words.Wrap("für über", 8), "für über"},
		{words.Wrap("a-word-that-is-long b", 5), "a-word-that-is-long\nb"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
