package vorbis

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"ditas/audio"
	"ditas/audio/internal/ogg"
)

// pagesOf returns where the pages of a file begin, and where the last one ends.
func pagesOf(t *testing.T, data []byte) (at []int64) {
	t.Helper()
	for next := int64(0); next < int64(len(data)); {
		p, ok, err := ogg.ReadPage(bytes.NewReader(data), next, int64(len(data)))
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		at = append(at, next)
		next += p.Size
	}
	return append(at, int64(len(data)))
}

// TestMend reads files of which a page is damaged, or missing: there it is silent, which is told, and soon behind it as it was. Strict readers
// tell of the damage.
func TestMend(t *testing.T) {
	for _, name := range []string{"pages.ogg", "stereo.ogg", "mono.ogg"} {
		data := read(t, name)
		want, err := audio.ReadAll(open(t, data))
		if err != nil {
			t.Fatal(err)
		}
		at := pagesOf(t, data)
		if name == "pages.ogg" && len(at) < 8 {
			t.Fatalf("%s has %d pages", name, len(at)-1)
		}
		for i := 2 + first(t, data, at); i < len(at)-1; i++ {
			flipped := bytes.Clone(data)
			flipped[(at[i]+at[i+1])/2] ^= 4
			position := bytes.Clone(data)
			position[at[i]+11] ^= 4
			for what, broken := range map[string][]byte{
				"a bit": flipped, "a position": position, "missing": slices.Concat(data[:at[i]], data[at[i+1]:]),
				"twice": slices.Concat(data[:at[i+1]], data[at[i]:]),
				"zeros": slices.Concat(data[:at[i]+30], make([]byte, at[i+1]-at[i]-30), data[at[i+1]:]),
			} {
				f := open(t, broken)
				if _, err := audio.ReadAll(f); !errors.Is(err, audio.ErrDamaged) && (what != "missing" && what != "twice" || i < len(at)-2) {
					t.Errorf("%s, page %d, %s: damage is not told: %v", name, i, what, err)
				}
				m := audio.Mend(f)
				got, err := audio.ReadAll(m)
				if err != nil {
					t.Fatalf("%s, page %d, %s: %v", name, i, what, err)
				}
				if what == "twice" {
					if m.Damaged() != 0 || !slices.Equal(got.Samples[0], want.Samples[0]) {
						t.Errorf("%s, page %d: there twice, it spoils something", name, i)
					}
					continue
				}
				checkMended(t, fmt.Sprintf("%s, page %d, %s", name, i, what), want, got, m, i == len(at)-2)
				checkMendedSeeks(t, name, m, got)
			}
		}
	}
}

// checkMended compares what is left of a recording with the whole one, up to 4096 frames behind what is lost, where the decoder is as before.
func checkMended(t *testing.T, name string, want, got *audio.Recording, m audio.Mended, atEnd bool) {
	t.Helper()
	if atEnd {
		if got.Frames() > want.Frames() {
			t.Errorf("%s: %d of %d frames", name, got.Frames(), want.Frames())
		}
	} else if got.Frames() != want.Frames() || m.Damaged() == 0 {
		t.Errorf("%s: %d of %d frames, %d damaged", name, got.Frames(), want.Frames(), m.Damaged())
	}
	wrong, energy := int64(0), 0.0
	for _, v := range want.Samples[0] {
		energy += v * v / float64(want.Frames())
	}
	for i, v := range got.Samples[0] {
		if math.Abs(v-want.Samples[0][i]) > 0.1*math.Sqrt(energy) {
			wrong++
		}
	}
	if most := m.Damaged() + 4096; wrong > most {
		t.Errorf("%s: %d frames are others, %d are damaged", name, wrong, m.Damaged())
	}
}

func checkMendedSeeks(t *testing.T, name string, f audio.File, rec *audio.Recording) {
	t.Helper()
	r, block := f.Reader(), audio.NewBlock(f.Format().Channels, 500)
	for at := f.Frames() - 1; at >= 0; at -= 1777 {
		if err := r.SeekFrame(at); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		n, err := r.Read(block)
		if err != nil || !slices.Equal(block[0][:n], rec.Samples[0][at:][:n]) {
			t.Fatalf("%s: other samples from %d on, %v", name, at, err)
		}
	}
}

// first returns how many of the pages behind the first two hold headers.
func first(t *testing.T, data []byte, at []int64) (n int) {
	t.Helper()
	for sound := open(t, data).index[0].at; at[2+n] < sound; n++ {
	}
	return n
}

// TestMuchMissing reads a file that claims to have lost hours: they are no silence.
func TestMuchMissing(t *testing.T) {
	data := bytes.Clone(read(t, "pages.ogg"))
	at := pagesOf(t, data)
	for i := len(at) / 2; i < len(at)-1; i++ {
		page := data[at[i]:at[i+1]]
		page[10] = 1 // 2^32 frames later
		page[19]++   // pages, too
		clear(page[22:26])
		binary.LittleEndian.PutUint32(page[22:], ogg.Checksum(page))
	}
	rec, err := audio.ReadAll(audio.Mend(open(t, data)))
	if !errors.Is(err, audio.ErrDamaged) || rec.Frames() > 100_000 {
		t.Errorf("%d frames, %v", rec.Frames(), err)
	}
}

// TestChainOfAnotherKind checks that what follows a recording is not dropped in silence.
func TestChainOfAnotherKind(t *testing.T) {
	data := read(t, "pages.ogg")
	other := bytes.Clone(data[:pagesOf(t, data)[1]])
	copy(other[ogg.PageHead+1:], "other kind")
	copy(other[14:], "else")
	clear(other[22:26])
	binary.LittleEndian.PutUint32(other[22:], ogg.Checksum(other))
	both := slices.Concat(data, other)
	if _, err := Open(bytes.NewReader(both), int64(len(both))); !errors.Is(err, audio.ErrUnsupported) {
		t.Errorf("error %v", err)
	}
}
