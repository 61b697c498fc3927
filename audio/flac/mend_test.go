package flac

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os/exec"
	"slices"
	"testing"

	"ditas/audio"
)

// TestStrangeStreams reads files that the reference decoder reads as well: frames of varying size without the mark for that, and a STREAMINFO
// that is wrong about their size. MD5 sums, of one file in STREAMINFO and of the other one as ffmpeg decodes it, tell whether the
// samples are right.
func TestStrangeStreams(t *testing.T) {
	for _, name := range []string{"strange-old-variable.flac", "strange-block-size.flac"} {
		f := open(t, read(t, name))
		rec, err := audio.ReadAll(f)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := f.info.md5
		if want == [16]byte{} {
			hex.Decode(want[:], []byte("d9f4123cf9f8b2bf596ba31991d8ee0b"))
		}
		if md5Of(rec) != want {
			t.Errorf("%s: other samples than were encoded", name)
		}
		r, block := f.Reader(), audio.NewBlock(f.info.channels, 10)
		for _, at := range []int64{f.present / 2, 7, f.present - 10, f.present / 3} {
			if err := r.SeekFrame(at); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if _, err := r.Read(block); err != nil || block[0][0] != rec.Samples[0][at] {
				t.Errorf("%s: sample %d is another after seeking, error %v", name, at, err)
			}
		}
	}
}

// TestMend reads a file in which frames are damaged: it is silent there and unchanged everywhere else, also after seeking.
func TestMend(t *testing.T) {
	const samples = 40_000
	good := encode(t, sound(audio.Format{Rate: 16000, Channels: 2, Encoding: audio.Int16}, samples))
	want := decode(t, good)
	frames, first := framesOf(t, good)
	for _, hit := range [][]int{{0}, {3}, {0, 1}, {2, 3, 4}, {1, 5}, {len(frames) - 2}} {
		data, lost := bytes.Clone(good), make([]bool, samples)
		count := 0
		for _, i := range hit {
			data[(frames[i].start+frames[i].end)/2] ^= 4
			for s := first[i]; s < first[i+1]; s++ {
				lost[s] = true
				count++
			}
		}
		f := open(t, data)
		if _, err := audio.ReadAll(f); !errors.Is(err, audio.ErrDamaged) {
			t.Errorf("%v: damage is not told: %v", hit, err)
		}
		m := audio.Mend(f)
		got, err := audio.ReadAll(m)
		if err != nil {
			t.Fatalf("%v: %v", hit, err)
		}
		check := func(from int, x []float64, c int) {
			for i, v := range x {
				w := want.Samples[c][from+i]
				if lost[from+i] {
					w = 0
				}
				if v != w {
					t.Fatalf("%v: sample %d of channel %d is %v, want %v", hit, from+i, c, v, w)
				}
			}
		}
		if got.Frames() != samples {
			t.Fatalf("%v: %d samples", hit, got.Frames())
		}
		for c, x := range got.Samples {
			check(0, x, c)
		}
		if n := m.Damaged(); n != int64(count) {
			t.Errorf("%v: %d samples are said to be damaged, not %d", hit, n, count)
		}
		r, block := m.Reader(), audio.NewBlock(2, 5000)
		for at := samples - 5000; at >= 0; at -= 1777 {
			if err := r.SeekFrame(int64(at)); err != nil {
				t.Fatalf("%v: %v", hit, err)
			}
			n, err := r.Read(block)
			if err != nil {
				t.Fatalf("%v: %v", hit, err)
			}
			check(at, block[1][:n], 1)
		}
		if n := m.Damaged(); n != int64(count) {
			t.Errorf("%v: %d samples are said to be damaged after seeking, not %d", hit, n, count)
		}
	}
}

// TestMendWhatIsCut reads what is left of a file that is cut off and damaged.
func TestMendWhatIsCut(t *testing.T) {
	good := encode(t, sound(audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 40_000))
	frames, first := framesOf(t, good)
	data := bytes.Clone(good[:frames[6].start+10])
	data[frames[2].start+20] ^= 1
	rec, err := audio.ReadAll(audio.Mend(open(t, data)))
	if cut := new(audio.TruncatedError); !errors.As(err, &cut) || int64(rec.Frames()) != first[6] {
		t.Errorf("%d samples of %d, error %v", rec.Frames(), first[6], err)
	}
}

// TestRewriteMendsTheBlockSize writes a file anew whose STREAMINFO says less samples than there are in a frame: what comes of it is right.
func TestRewriteMendsTheBlockSize(t *testing.T) {
	f := open(t, read(t, "strange-block-size.flac"))
	rec, err := audio.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	rec.Samples[0][5] = 0.25
	var b bytes.Buffer
	w, err := f.Rewrite(&b)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(rec.Samples), w.Close()); err != nil {
		t.Fatal(err)
	}
	again := open(t, b.Bytes())
	if f.info.maxBlock >= f.unit || again.info.maxBlock != f.unit || again.info.minBlock > f.unit || again.info.md5 != md5Of(rec) {
		t.Errorf("frames of %d samples: STREAMINFO said %d, and says %d to %d", f.unit, f.info.maxBlock, again.info.minBlock, again.info.maxBlock)
	}
}

// TestNumbersFromNowhere reads a file at whose end a frame counts on from what no file of its size holds: silence up to there would last for years.
func TestNumbersFromNowhere(t *testing.T) {
	const samples = 40_000
	good := encode(t, sound(audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, samples))
	far := encode(t, &audio.Recording{Format: audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, Samples: audio.NewBlock(1, 4096)})
	frames, _ := framesOf(t, far)
	body := far[frames[0].start:frames[0].end]
	body = body[:len(body)-2]
	f := open(t, good)
	for _, number := range []int64{40, 1 << 14, 1 << 20, 1<<31 - 1} {
		h := header{number: number, samples: f.unit}
		head := h.append(nil, &f.info)
		var old header
		n, err := old.parse(append(bytes.Clone(body), make([]byte, maxHeader)...), &f.info)
		if err != nil {
			t.Fatal(err)
		}
		frame := append(head, body[n:]...)
		sum := checksum16(0, frame)
		data := append(append(bytes.Clone(good), frame...), byte(sum>>8), byte(sum))
		want := int64(samples)
		if number == 40 { // as much may be missing
			want = 41 * int64(f.unit)
		}
		lying := open(t, data)
		if got := lying.Frames(); got != want {
			t.Errorf("frame %d: %d samples, want %d", number, got, want)
			continue
		}
		if rec, err := audio.ReadAll(audio.Mend(lying)); err != nil || int64(rec.Frames()) != want {
			t.Errorf("frame %d: %d samples, error %v", number, rec.Frames(), err)
		}
	}
}

// TestDensity refuses a file in which a few bytes stand for hours, and reads one of digital silence as programs write it.
func TestDensity(t *testing.T) {
	format := audio.Format{Rate: 44100, Channels: 1, Encoding: audio.Int16}
	silence := encode(t, &audio.Recording{Format: format, Samples: audio.NewBlock(1, 4<<20)})
	f := open(t, silence)
	if f.Frames() != 4<<20 {
		t.Errorf("%d samples", f.Frames())
	}
	data := bytes.Clone(silence[:f.coded.start])
	for number := range int64(100) {
		h := header{number: number, samples: maxFrame}
		frame := append(h.append(nil, &f.info), typeConstant<<1, 0x40, 0)
		sum := checksum16(0, frame)
		data = append(append(data, frame...), byte(sum>>8), byte(sum))
	}
	if _, err := Open(bytes.NewReader(data), int64(len(data))); !errors.Is(err, audio.ErrUnsupported) {
		t.Errorf("%d samples in %d bytes: %v", 100*maxFrame, len(data), err)
	}
}

// TestRewriteMends writes files anew in which frames are damaged, each in turn and two at a time, or something stands between them: what comes of it is whole and
// as long, of the reference decoder's opinion too, and has everything else as it was.
func TestRewriteMends(t *testing.T) {
	reference, _ := exec.LookPath("flac")
	for _, name := range []string{"s16-2ch", "s24-6ch", "s8", "variable", "strange-old-variable", "midway", "tags", "pipe", "strange-block-size"} {
		good := read(t, name+".flac")
		want := decode(t, good)
		frames, first := framesOf(t, good)
		first = append(first, int64(want.Frames()))
		hits := [][]int{{-1}, {0, 1}, {len(frames)/2 - 1, len(frames) / 2}, {1, len(frames) - 2}}
		for i := range frames {
			hits = append(hits, []int{i})
		}
		for _, hit := range hits {
			data, lost := bytes.Clone(good), make([]bool, want.Frames())
			count := int64(0)
			for _, i := range slices.Compact(hit) {
				switch {
				case i < 0:
					at := frames[len(frames)/2].start
					data = slices.Concat(data[:at], []byte("something else"), data[at:])
				case i < len(frames) && len(frames) > 2:
					data[(frames[i].start+frames[i].end)/2] ^= 4
					for s := first[i]; s < first[i+1]; s++ {
						lost[s] = true
					}
					count += first[i+1] - first[i]
				}
			}
			f := open(t, data)
			if f.info.samples == 0 && lost[len(lost)-1] {
				continue // nothing tells that there was more
			}
			m := f.Mend().(*File)
			value := func(c, i int) float64 {
				if lost[i] {
					return 0
				}
				return want.Samples[c][i]
			}
			for what, change := range map[string]func(int64, float64) float64{
				"as it is": func(_ int64, x float64) float64 { return x },
				"changed":  func(i int64, x float64) float64 { return 0.5*x + float64(i%7)/100 },
			} {
				out := rewriteFile(t, m, 777, change)
				if n := m.Damaged(); n != count {
					t.Fatalf("%s, frames %v, %s: %d samples are said to be damaged, and %d are", name, hit, what, n, count)
				}
				got := decode(t, out)
				if got.Frames() != want.Frames() {
					t.Fatalf("%s, frames %v, %s: %d samples of %d", name, hit, what, got.Frames(), want.Frames())
				}
				for c, x := range got.Samples {
					for i, v := range x {
						if w := want.Format.Quantize(change(int64(i), value(c, i))); v != w {
							t.Fatalf("%s, frames %v, %s: sample %d of channel %d is %v, want %v", name, hit, what, i, c, v, w)
						}
					}
				}
				if again := open(t, out); again.info.md5 != md5Of(got) && (count > 0 || what == "changed") {
					t.Errorf("%s, frames %v, %s: the MD5 is another", name, hit, what)
				} else if !bytes.Equal(out[:again.coded.start][again.infoAt+infoSize:], good[:frames[0].start][again.infoAt+infoSize:]) && len(f.tables) == 0 {
					t.Errorf("%s, frames %v, %s: the metadata have changed", name, hit, what)
				}
				if reference == "" || len(hit) == 1 && hit[0] > 3 {
					continue
				}
				cmd := exec.Command(reference, "-t", "-s", "-")
				cmd.Stdin = bytes.NewReader(out)
				if says, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%s, frames %v, %s: %v, %s", name, hit, what, err, says)
				}
			}
		}
	}
}

// TestAnyBit changes one bit of a file of few frames, wherever in them: all but that frame is read, nothing but silence comes in its place, and as much is told.
func TestAnyBit(t *testing.T) {
	for _, samples := range []int{3*4096 + 100, 4096 + 100} {
		good := encode(t, sound(audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, samples))
		want := decode(t, good)
		frames, first := framesOf(t, good)
		first = append(first, int64(samples))
		for i, where := range frames {
			for at := where.start; at < where.end; at += 1 + (where.end-where.start)/300 {
				data := bytes.Clone(good)
				data[at] ^= 1 << (at % 8)
				m := audio.Mend(open(t, data))
				got, err := audio.ReadAll(m)
				if err != nil || got.Frames() != samples || m.Damaged() != first[i+1]-first[i] {
					t.Fatalf("byte %d, of frame %d: %d of %d samples, %d damaged, error %v", at, i, got.Frames(), samples, m.Damaged(), err)
				}
				for s, v := range got.Samples[0] {
					if w := want.Samples[0][s]; v != w && (v != 0 || int64(s) < first[i] || int64(s) >= first[i+1]) {
						t.Fatalf("byte %d, of frame %d: sample %d is %v, want %v", at, i, s, v, w)
					}
				}
			}
		}
	}
}

// TestLastFrameIsMissing tells a file that lacks a part of its last frame, which is damaged, from one that lacks more, or all of it, which is cut off. What stands behind
// the frames stays.
func TestLastFrameIsMissing(t *testing.T) {
	const samples = 40_000
	good := encode(t, sound(audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, samples))
	frames, first := framesOf(t, good)
	last := len(frames) - 1
	for end, cut := range map[int64]bool{
		frames[last].start + 1: false, frames[last].end - 1: false, frames[last].start: true, frames[last-1].start + 20: true, frames[last-1].start: true,
	} {
		rec, err := audio.ReadAll(audio.Mend(open(t, good[:end])))
		if errors.As(err, new(*audio.TruncatedError)) != cut || !cut && (err != nil || rec.Frames() != samples) {
			t.Errorf("%d bytes of %d: %d samples, error %v", end, len(good), rec.Frames(), err)
		}
	}
	good[frames[last].end-3] ^= 1
	tag := append([]byte("TAG"), bytes.Repeat([]byte{'x'}, 125)...)
	m := audio.Mend(open(t, append(good, tag...))).(*File)
	out := rewriteFile(t, m, 777, func(_ int64, x float64) float64 { return x })
	rec := decode(t, out)
	if rec.Frames() != samples || m.Damaged() != samples-first[last] || !bytes.HasSuffix(out, tag) || int64(len(out)) != open(t, out).coded.end+128 {
		t.Errorf("%d samples, %d damaged, %d bytes", rec.Frames(), m.Damaged(), len(out))
	}
}

// TestAltered reads files whose samples are not those whose MD5 they have, and others.
func TestAltered(t *testing.T) {
	const samples = 40_000
	for name, rec := range map[string]*audio.Recording{
		"16 bits": sound(audio.Format{Rate: 16000, Channels: 2, Encoding: audio.Int16}, samples),
		"20 bits": sound(audio.Format{Rate: 16000, Channels: 3, Encoding: audio.Int24, ValidBits: 20}, samples),
	} {
		good := encode(t, rec)
		sum := open(t, good).infoAt + 18
		other, none, damaged := bytes.Clone(good), bytes.Clone(good), bytes.Clone(good)
		other[sum+3] ^= 1
		clear(none[sum : sum+16])
		damaged[sum]++
		damaged[len(damaged)/2] ^= 1
		for what, c := range map[string]struct {
			data []byte
			want bool
		}{"as it was": {good, false}, "another MD5": {other, true}, "none": {none, false}, "damaged": {damaged, false}} {
			f := open(t, c.data)
			if _, err := audio.ReadAll(f); what != "damaged" && err != nil || f.Altered() {
				t.Errorf("%s, %s: without mending altered %t, error %v", name, what, f.Altered(), err)
			}
			m := f.Mend().(*File)
			block := audio.NewBlock(rec.Format.Channels, 5000)
			a, b := m.Reader(), m.Reader()
			read := func(r audio.Reader, at int64, n int) {
				t.Helper()
				if err := r.SeekFrame(at); err != nil {
					t.Fatal(err)
				}
				for range n {
					if _, err := r.Read(block); err != nil {
						t.Fatal(err)
					}
				}
			}
			read(a, 20_000, 4) // its end, which tells nothing of the rest
			read(b, 0, 5)
			read(b, 3000, 1)
			if m.Altered() {
				t.Errorf("%s, %s: altered before all of it was read in order", name, what)
			}
			read(a, 24_000, 3)
			read(b, 30_000, 2)
			if audio.Altered(m) != c.want {
				t.Errorf("%s, %s: altered %t, want %t", name, what, m.Altered(), c.want)
			}
		}
	}
}

// FuzzMend reads what is left of a file and writes that anew: it is as long, and nothing of it is damaged.
func FuzzMend(f *testing.F) {
	for _, name := range []string{"s8", "tags", "around", "variable", "strange-old-variable", "midway"} {
		data := read(f, name+".flac")
		f.Add(data, uint16(0), uint16(0))
		f.Add(data, uint16(len(data)/2), uint16(1))
		f.Add(data, uint16(len(data)-20), uint16(10))
	}
	f.Fuzz(func(t *testing.T, data []byte, from, n uint16) {
		data = bytes.Clone(data)
		at := min(int(from), len(data))
		clear(data[at:min(at+int(n), len(data))])
		file, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		m := file.Mend().(*File)
		const most = 1 << 17 // samples; some bytes can hold many
		if m.Frames() > most {
			return
		}
		rec, err := audio.ReadAll(m)
		if err != nil && !errors.As(err, new(*audio.TruncatedError)) || int64(rec.Frames()) != m.Frames() || m.Damaged() > m.Frames() {
			t.Fatalf("%d samples of %d, %d damaged, error %v", rec.Frames(), m.Frames(), m.Damaged(), err)
		}
		var out bytes.Buffer
		w, err := m.Rewrite(&out)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range rec.Samples {
			for i, v := range x {
				x[i] = rec.Format.Quantize(-v)
			}
		}
		if err := w.Write(rec.Samples); err != nil {
			if !errors.Is(err, audio.ErrDamaged) { // frames that do not begin where their numbers say
				t.Fatal(err)
			}
			return
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if m.coded.end < m.size {
			return // who knows what that is
		}
		again, err := audio.ReadAll(open(t, out.Bytes()))
		if err != nil && !errors.As(err, new(*audio.TruncatedError)) {
			t.Fatal(err)
		}
		for c, x := range again.Samples {
			if !slices.Equal(x, rec.Samples[c]) {
				t.Fatalf("%d samples of %d, or others", len(x), rec.Frames())
			}
		}
	})
}
