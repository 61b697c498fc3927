package pcm_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"ditas/audio/internal/pcm"
	"ditas/internal/ffmpeg"
)

// Tables 1 and 2 of G.711: the first of the sixteen values of each segment, and how far they are apart. A-law has full scale at 4096,
// µ-law at 8192.
var tables = []struct {
	name     string
	law      *pcm.Law
	scale    int
	invert   byte // bits of a byte that are inverted
	positive byte // the sign in what is not inverted
	segments [8][2]int
}{
	{"A-law", pcm.ALaw, 8, 0x55, 0x80, [8][2]int{{1, 2}, {33, 2}, {66, 4}, {132, 8}, {264, 16}, {528, 32}, {1056, 64}, {2112, 128}}},
	{"µ-law", pcm.MuLaw, 4, 0xFF, 0, [8][2]int{{0, 2}, {33, 4}, {99, 8}, {231, 16}, {495, 32}, {1023, 64}, {2079, 128}, {4191, 256}}},
}

func TestG711(t *testing.T) {
	for _, table := range tables {
		for code := range 128 {
			segment := table.segments[code/16]
			want := int16((segment[0] + code%16*segment[1]) * table.scale)
			up := (byte(code) | table.positive) ^ table.invert
			if got := table.law[up]; got != want {
				t.Errorf("%s: %#02x is %d, want %d", table.name, up, got, want)
			}
			if got := table.law[up^0x80]; got != -want {
				t.Errorf("%s: %#02x is %d, want %d", table.name, up^0x80, got, -want)
			}
		}
	}
	// The largest values, and the smallest, as the Recommendation has them transmitted.
	for _, c := range []struct{ got, want int16 }{
		{pcm.ALaw[0b10101010], 4032 * 8}, {pcm.ALaw[0b11010101], 1 * 8}, {pcm.ALaw[0b01010101], -1 * 8},
		{pcm.MuLaw[0b10000000], 8031 * 4}, {pcm.MuLaw[0b11111111], 0}, {pcm.MuLaw[0b00000000], -8031 * 4},
	} {
		if c.got != c.want {
			t.Errorf("%d, want %d", c.got, c.want)
		}
	}
}

func TestG711AgreesWithFFmpeg(t *testing.T) {
	dir := t.TempDir()
	from := filepath.Join(dir, "all")
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	if err := os.WriteFile(from, all, 0o600); err != nil {
		t.Fatal(err)
	}
	for format, law := range map[string]*pcm.Law{"alaw": pcm.ALaw, "mulaw": pcm.MuLaw} {
		to := filepath.Join(dir, format)
		err := ffmpeg.Run(t.Context(), "-f", format, "-ar", "8000", "-ac", "1", "-i", from, "-f", "s16le", to)
		if errors.Is(err, ffmpeg.ErrMissing) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(to)
		if err != nil || len(got) != 512 {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		for i, want := range law {
			if v := int16(binary.LittleEndian.Uint16(got[2*i:])); v != want {
				t.Errorf("%s: byte %#02x is %d, and %d to ffmpeg", format, i, want, v)
			}
		}
	}
}
