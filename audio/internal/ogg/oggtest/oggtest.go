// Package oggtest tests readers of recordings in Ogg files alike.
package oggtest

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

// Format is a format of recordings whose readers are tested.
type Format struct {
	Open    func(data []byte) (audio.File, error)
	Heads   func(data []byte) int // pages before the sound
	Settles int                   // frames behind what is lost after which the decoder gives what it would have given
}

func (f *Format) open(t *testing.T, data []byte) audio.File {
	t.Helper()
	file, err := f.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// pages returns where the pages of a file begin, and where the last one ends.
func pages(t *testing.T, data []byte) (at []int64) {
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

// PagesBefore returns how many pages of a file begin before a position.
func PagesBefore(data []byte, position int64) (n int) {
	for at := int64(0); at < position; n++ {
		p, ok, err := ogg.ReadPage(bytes.NewReader(data), at, int64(len(data)))
		if err != nil || !ok {
			break
		}
		at += p.Size
	}
	return n
}

// Mend reads a recording of which a page is damaged, or missing: there it is silent, which is told, and soon behind it as it was. Strict readers
// tell of the damage.
func (f *Format) Mend(t *testing.T, name string, data []byte) {
	want, err := audio.ReadAll(f.open(t, data))
	if err != nil {
		t.Fatal(err)
	}
	at := pages(t, data)
	for i := f.Heads(data); i < len(at)-1; i++ {
		flipped := bytes.Clone(data)
		flipped[(at[i]+at[i+1])/2] ^= 4
		position := bytes.Clone(data)
		position[at[i]+11] ^= 4
		for what, broken := range map[string][]byte{
			"a bit": flipped, "a position": position, "missing": slices.Concat(data[:at[i]], data[at[i+1]:]),
			"twice": slices.Concat(data[:at[i+1]], data[at[i]:]),
			"zeros": slices.Concat(data[:at[i]+30], make([]byte, at[i+1]-at[i]-30), data[at[i+1]:]),
		} {
			file := f.open(t, broken)
			if _, err := audio.ReadAll(file); !errors.Is(err, audio.ErrDamaged) && (what != "missing" && what != "twice" || i < len(at)-2) {
				t.Errorf("%s, page %d, %s: damage is not told: %v", name, i, what, err)
			}
			m := audio.Mend(file)
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
			if what != "missing" && m.Damaged() == 0 {
				t.Errorf("%s, page %d, %s: nothing is said to be damaged", name, i, what)
			}
			f.mended(t, fmt.Sprintf("%s, page %d, %s", name, i, what), want, got, m, i == len(at)-2)
			seeks(t, name, m, got)
		}
	}
}

// mended compares what is left of a recording with the whole one.
func (f *Format) mended(t *testing.T, name string, want, got *audio.Recording, m audio.Mended, atEnd bool) {
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
	if most := m.Damaged() + int64(f.Settles); wrong > most {
		t.Errorf("%s: %d frames are others, %d are damaged", name, wrong, m.Damaged())
	}
}

func seeks(t *testing.T, name string, f audio.File, rec *audio.Recording) {
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

// MuchMissing reads a recording of some pages that then claims to have lost hours: they are no silence.
func (f *Format) MuchMissing(t *testing.T, data []byte) {
	data = bytes.Clone(data)
	at := pages(t, data)
	for i := len(at) / 2; i < len(at)-1; i++ {
		page := data[at[i]:at[i+1]]
		page[10] = 1 // 2^32 frames later
		page[19]++   // pages, too
		clear(page[22:26])
		binary.LittleEndian.PutUint32(page[22:], ogg.Checksum(page))
	}
	rec, err := audio.ReadAll(audio.Mend(f.open(t, data)))
	if !errors.Is(err, audio.ErrDamaged) || rec.Frames() > 100_000 {
		t.Errorf("%d frames, %v", rec.Frames(), err)
	}
}

// CutOff reads a recording that is cut off within its last page, wherever that is: what there is of it comes, and that more is missing is told.
func (f *Format) CutOff(t *testing.T, data []byte) {
	at := pages(t, data)
	last, end := at[len(at)-2], at[len(at)-1]
	whole, err := audio.ReadAll(f.open(t, data))
	if err != nil {
		t.Fatal(err)
	}
	for _, length := range []int64{last + 2, last + 4, last + 20, last + ogg.PageHead, last + ogg.PageHead + 3, (last + end) / 2, end - 1} {
		file := f.open(t, data[:length])
		for _, file := range []audio.File{file, audio.Mend(file)} {
			rec, err := audio.ReadAll(file)
			var cut *audio.TruncatedError
			if !errors.As(err, &cut) || cut.Frames != int64(rec.Frames()) || cut.Declared <= cut.Frames || cut.Declared > int64(whole.Frames()) {
				t.Errorf("%d of %d bytes: %d of %d frames, %v", length, end, rec.Frames(), whole.Frames(), err)
			}
		}
	}
	if _, err := audio.ReadAll(f.open(t, data[:last])); err != nil { // as streams that were recorded end
		t.Errorf("without the last page: %v", err)
	}
}

// ChainOfAnotherKind checks that what follows a recording is not dropped in silence.
func (f *Format) ChainOfAnotherKind(t *testing.T, data []byte) {
	other := bytes.Clone(data[:pages(t, data)[1]])
	copy(other[ogg.PageHead+1:], "other kind")
	copy(other[14:], "else")
	clear(other[22:26])
	binary.LittleEndian.PutUint32(other[22:], ogg.Checksum(other))
	both := slices.Concat(data, other)
	if _, err := f.Open(both); !errors.Is(err, audio.ErrUnsupported) {
		t.Errorf("error %v", err)
	}
}

// page returns a page of whole packets, shorter than 255 bytes each.
func page(serial uint32, position int64, number uint32, packets [][]byte) []byte {
	le := binary.LittleEndian
	p := le.AppendUint64([]byte("OggS\x00\x00"), uint64(position))
	p = append(le.AppendUint32(le.AppendUint32(p, serial), number), 0, 0, 0, 0, byte(len(packets)))
	for _, packet := range packets {
		p = append(p, byte(len(packet)))
	}
	p = append(p, bytes.Join(packets, nil)...)
	le.PutUint32(p[22:], ogg.Checksum(p))
	return p
}

// Sparse checks that a file of many packets like this one, which lasts for so many samples and takes next to no room, counts as cut off, and one of few
// does not. Their headers are those of data.
func (f *Format) Sparse(t *testing.T, data, packet []byte, samples int64) {
	heads := f.Heads(data)
	head := data[:pages(t, data)[heads]]
	serial := binary.LittleEndian.Uint32(data[14:])
	for count, cut := range map[int]bool{1: false, 60: true} {
		file := bytes.Clone(head)
		for i := range count {
			file = append(file, page(serial, int64(i+1)*255*samples, uint32(heads+i), slices.Repeat([][]byte{packet}, 255))...)
		}
		got := f.open(t, file)
		if most := int64(1<<21 + 256*len(file)); got.Frames() > most {
			t.Errorf("%d pages: %d samples in %d bytes", count, got.Frames(), len(file))
		}
		block := audio.NewBlock(got.Format().Channels, 1000)
		r := got.Reader()
		err := r.SeekFrame(got.Frames())
		if err == nil {
			_, err = r.Read(block)
		}
		if errors.As(err, new(*audio.TruncatedError)) != cut {
			t.Errorf("%d pages: at the end %v", count, err)
		}
	}
}
