package intake_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/audio/wav"
	"ditas/internal/ffmpeg"
	"ditas/internal/intake"
)

// made has ffmpeg make a file of the demo's speech, and returns what is in it.
func made(t *testing.T, name string, args ...string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	err := ffmpeg.Run(t.Context(), append(append([]string{"-i", speech}, args...), name)...)
	if errors.Is(err, ffmpeg.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return read(t, name)
}

// empty checks that a folder for temporary files is.
func empty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		t.Errorf("%s is left", e.Name())
	}
}

// Files that are cut off are decoded as far as they go, and told to be cut.
func TestForeignCutOff(t *testing.T) {
	for name, args := range map[string][]string{
		"a.m4a": {"-movflags", "+faststart"}, "a.webm": {"-c:a", "libopus"}, "a.wma": {}, "a.wv": {}, "a.mp4": {"-c:a", "alac", "-movflags", "+faststart"},
	} {
		data := made(t, name, args...)
		for end, complains := range map[int]bool{len(data): false, len(data) * 6 / 10: true} {
			f, err := intake.Foreign(t.Context(), strings.NewReader(data), int64(end))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			said := codec.Complaint(f)
			if (said != "") != complains || strings.ContainsAny(said, "[\n") || strings.Contains(said, os.TempDir()) {
				t.Errorf("%s, %d bytes of %d: ffmpeg says %q", name, end, len(data), said)
			}
			if err := f.(*intake.Sound).Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestForeign(t *testing.T) {
	want, err := codec.ReadFile(speech)
	if err != nil {
		t.Fatal(err)
	}
	film := []string{"-f", "lavfi", "-i", "color=c=teal:s=64x64:r=10", "-shortest", "-map", "1:v", "-map", "0:a"}
	files := map[string]string{ // by the format that is known
		"song.m4a": made(t, "song.m4a"), "film.mp4": made(t, "film.mp4", append(film, "-c:v", "mpeg4")...), "film.mov": made(t, "film.mov", append(film, "-c:v", "mpeg4")...),
		"film.mkv": made(t, "film.mkv", append(film, "-c:v", "mpeg4", "-c:a", "libmp3lame")...), "sound.webm": made(t, "sound.webm", "-c:a", "libopus"),
		"song.wma": made(t, "song.wma"), "song.aac": made(t, "song.aac"),
	}
	for name := range files {
		if !slices.Contains(intake.Extensions(), filepath.Ext(name)) {
			t.Errorf("extensions %q lack that of %s", intake.Extensions(), name)
		}
	}
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	for name, data := range files {
		format, _ := codec.ByName(name)
		f, err := intake.Foreign(t.Context(), strings.NewReader(data), int64(len(data)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s, ok := f.(*intake.Sound)
		if !ok || s.Given() != format || !codec.Lossy(f) {
			t.Fatalf("%s is %T", name, f)
		}
		got, err := audio.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		seconds, whole := float64(got.Frames())/float64(got.Format.Rate), float64(want.Frames())/float64(want.Format.Rate)
		if math.Abs(seconds-whole) > 0.15 || got.Format.Channels != want.Format.Channels || got.Format.Encoding != audio.Int16 {
			t.Errorf("%s: %.2f s of %+v, want %.2f s", name, seconds, got.Format, whole)
		}
		rms := func(r *audio.Recording) (sum float64) {
			for _, v := range r.Samples[0] {
				sum += v * v
			}
			return math.Sqrt(sum / float64(r.Frames()))
		}
		if dB := 20 * math.Log10(rms(got)/rms(want)); math.Abs(dB) > 1 {
			t.Errorf("%s is %.1f dB louder", name, dB)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		empty(t, tmp)
	}
	// What is read here needs no program, and what nobody reads is refused as ever.
	if f, err := intake.Foreign(t.Context(), strings.NewReader(read(t, speech)), int64(len(read(t, speech)))); err != nil {
		t.Errorf("%T, %v", f, err)
	} else if _, ok := f.(*intake.Sound); ok {
		t.Error("a WAV file was decoded by ffmpeg")
	}
	song := files["song.m4a"]
	for name, data := range map[string]string{"MIDI": "MThd\x00\x00\x00\x06" + strings.Repeat("\x00", 40), "a picture": read(t, photo), "cut off": song[:len(song)/2]} {
		_, err := intake.Foreign(t.Context(), strings.NewReader(data), int64(len(data)))
		if err == nil || intake.Advice(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What the program says of a file is told without the name of the copy that it saw.
	_, err = intake.Foreign(t.Context(), strings.NewReader(song[:len(song)/2]), int64(len(song)/2))
	if !errors.Is(err, audio.ErrDamaged) || !strings.Contains(err.Error(), "the program ffmpeg says: ") || strings.Contains(err.Error(), tmp) || strings.Contains(err.Error(), "from:") {
		t.Errorf("cut off: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := intake.Foreign(ctx, strings.NewReader(song), int64(len(song))); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	empty(t, tmp)
}

// noise returns a WAV file of 24 bits, and its samples.
func noise(t *testing.T) (file string, samples []float64) {
	t.Helper()
	rec := &audio.Recording{Format: audio.Format{Rate: 44100, Channels: 1, Encoding: audio.Int24}, Samples: audio.NewBlock(1, 10000)}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range rec.Samples[0] {
		rec.Samples[0][i] = rec.Format.Quantize(random.Float64() - 0.5)
	}
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	return b.String(), rec.Samples[0]
}

// What was compressed without loss comes back as it was, and is not called lossy; the rest is, and has 16 bits.
func TestForeignPrecision(t *testing.T) {
	file, want := noise(t)
	from := filepath.Join(t.TempDir(), "noise.wav")
	if err := os.WriteFile(from, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	files := map[string]struct {
		args     string
		format   string
		lossy    bool
		encoding audio.Encoding
	}{
		"a.m4a":   {"-c:a alac -sample_fmt s32p", "MP4 (AAC or ALAC)", false, audio.Int24},
		"a16.m4a": {"-c:a alac -sample_fmt s16p", "MP4 (AAC or ALAC)", false, audio.Int16},
		"b.m4a":   {"-c:a aac", "MP4 (AAC or ALAC)", true, audio.Int16},
		"a.mka":   {"-c:a flac", "Matroska or WebM", false, audio.Int24},
		"b.mka":   {"-c:a pcm_f32le", "Matroska or WebM", false, audio.Float32},
		"c.mka":   {"-c:a wmav2", "Matroska or WebM", true, audio.Int16},
		"a.mov":   {"-c:a pcm_s24be", "MP4 (AAC or ALAC)", false, audio.Int24},
		"a.caf":   {"-c:a pcm_s24be", "CAF", false, audio.Int24},
		"b.caf":   {"-c:a alac -sample_fmt s32p", "CAF", false, audio.Int24},
		"a.ogg":   {"-c:a flac -f ogg", "FLAC in Ogg", false, audio.Int24},
		"a.wv":    {"-c:a wavpack -sample_fmt s32p", "WavPack", false, audio.Int32},
		"a.tta":   {"-c:a tta -sample_fmt s32", "True Audio", false, audio.Int24},
		"a.voc":   {"-c:a pcm_u8", "Creative Voice", false, audio.Int8},
		"a.mp2":   {"-c:a mp2", "MPEG audio layer II", true, audio.Int16},
		"a.ac3":   {"-c:a ac3", "AC-3", true, audio.Int16},
		"b.ac3":   {"-c:a eac3 -f eac3", "AC-3", true, audio.Int16},
		"a.avi":   {"-c:a ac3", "AVI", true, audio.Int16},
		"a.ts":    {"-c:a aac", "MPEG transport stream", true, audio.Int16},
		"a.mpg":   {"-c:a mp2", "MPEG video", true, audio.Int16},
		"a.flv":   {"-c:a aac", "Flash Video", true, audio.Int16},
		"a.rm":    {"-c:a ac3", "RealAudio", true, audio.Int16},
		"ima.wav": {"-c:a adpcm_ima_wav", "WAV", true, audio.Int16},
		"ima.aif": {"-c:a adpcm_ima_qt -f aiff", "AIFF", true, audio.Int16},
	}
	dir, args := t.TempDir(), []string{"-i", from}
	for name, c := range files {
		args = append(args, append(strings.Fields(c.args), filepath.Join(dir, name))...)
	}
	if err := ffmpeg.Run(t.Context(), args...); errors.Is(err, ffmpeg.ErrMissing) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	for name, c := range files {
		data := read(t, filepath.Join(dir, name))
		f, err := intake.Foreign(t.Context(), strings.NewReader(data), int64(len(data)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s, ok := f.(*intake.Sound)
		if !ok || s.Given().Name() != c.format || codec.Lossy(f) != c.lossy || f.Format().Encoding != c.encoding {
			t.Errorf("%s: %T of %v, lossy %v; want %s, %v", name, f, f.Format(), codec.Lossy(f), c.format, c.lossy)
			continue
		}
		if said := codec.Complaint(f); said != "" {
			t.Errorf("%s is whole, and ffmpeg says %q", name, said)
		}
		cover, _, err := codec.Cover(f, codec.CoverOptions{})
		if err != nil || codec.Lossy(cover) != c.lossy || cover.Format().Encoding != c.encoding {
			t.Errorf("%s: as a cover %v, lossy %v, %v", name, cover.Format(), codec.Lossy(cover), err)
		}
		got, err := audio.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		if !c.lossy && c.encoding.Bits() >= 24 && !slices.Equal(got.Samples[0][:got.Frames()], want) {
			t.Errorf("%s: %d frames, and other samples", name, got.Frames())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// DSD has one bit, which nothing was left out of, and becomes 24.
func TestForeignDSD(t *testing.T) {
	if _, err := ffmpeg.Find(); err != nil {
		t.Skip(err)
	}
	le, be := binary.LittleEndian, binary.BigEndian
	bits := strings.Repeat("\x69", 4096) // as much up as down: silence
	dsf := "DSD " + string(le.AppendUint64(nil, 28)) + string(le.AppendUint64(nil, 92+4096)) + strings.Repeat("\x00", 8) +
		"fmt " + string(le.AppendUint64(nil, 52)) + "\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00" + string(le.AppendUint32(nil, 2822400)) +
		"\x01\x00\x00\x00" + string(le.AppendUint64(nil, 8*4096)) + "\x00\x10\x00\x00\x00\x00\x00\x00" +
		"data" + string(le.AppendUint64(nil, 12+4096)) + bits
	part := func(name, content string) string {
		return name + string(be.AppendUint64(nil, uint64(len(content)))) + content
	}
	dsdiff := part("FRM8", "DSD "+part("FVER", "\x01\x05\x00\x00")+part("PROP", "SND "+part("FS  ", string(be.AppendUint32(nil, 2822400)))+
		part("CHNL", "\x00\x01C   ")+part("CMPR", "DSD \x0Enot compressed\x00"))+part("DSD ", bits))
	for name, data := range map[string]string{"DSF": dsf, "DSDIFF": dsdiff} {
		f, err := intake.Foreign(t.Context(), strings.NewReader(data), int64(len(data)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s, ok := f.(*intake.Sound)
		if want := (audio.Format{Rate: 352800, Channels: 1, Encoding: audio.Int24}); !ok || s.Given().Name() != name || codec.Lossy(f) || f.Format() != want {
			t.Errorf("%s: %T of %v, lossy %v", name, f, f.Format(), codec.Lossy(f))
			continue
		}
		if f.Frames() < 4000 {
			t.Errorf("%s: %d frames", name, f.Frames())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Without ffmpeg the program afconvert of macOS decodes what it does. A script stands for it here.
func TestForeignByAFConvert(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Skip(err)
	}
	mv, err := exec.LookPath("mv")
	if err != nil {
		t.Skip(err)
	}
	programs, sound := t.TempDir(), read(t, speech)
	script := func(does string) {
		// It makes a new file of that name, as programs do that replace one.
		if err := os.WriteFile(filepath.Join(programs, "afconvert"), []byte("#!"+shell+"\n"+does+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	path, err := filepath.Abs(speech)
	if err != nil {
		t.Fatal(err)
	}
	script(`[ "$1 $2 $3 $4" = "-f WAVE -d LEI16" ] || exit 9
case $5 in *.m4a) ;; *) exit 8 ;; esac
` + cat + ` "` + path + `" > "$6.new" && ` + mv + ` "$6.new" "$6"`)
	t.Setenv("PATH", programs)
	t.Setenv("TMPDIR", t.TempDir())
	data := "\x00\x00\x00\x18ftypM4A " + strings.Repeat("\x00", 40)
	f, err := intake.Foreign(t.Context(), strings.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	s, ok := f.(*intake.Sound)
	if !ok || s.Bytes() != int64(len(sound)) || !s.Lossy() || s.Given().Name() != "MP4 (AAC or ALAC)" {
		t.Errorf("%+v", f)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if !slices.Contains(intake.Extensions(), ".m4a") || slices.Contains(intake.Extensions(), ".wma") {
		t.Errorf("extensions %q", intake.Extensions())
	}
	if _, err := intake.ForeignWithin(t.Context(), strings.NewReader(data), int64(len(data)), 1000); !errors.Is(err, audio.ErrUnsupported) ||
		!strings.Contains(err.Error(), "too long to be decoded by afconvert") {
		t.Errorf("a long one: %v", err)
	}
	script("echo Error: no good >&2; exit 1")
	if _, err := intake.Foreign(t.Context(), strings.NewReader(data), int64(len(data))); !errors.Is(err, audio.ErrDamaged) || !strings.Contains(err.Error(), "afconvert says: Error: no good") {
		t.Errorf("one that fails: %v", err)
	}
	empty(t, os.Getenv("TMPDIR"))
}

func TestForeignWithoutFFmpeg(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for data, says := range map[string]string{
		"\x00\x00\x00\x18ftypM4A " + strings.Repeat("\x00", 40): "is MP4 (AAC or ALAC), which ditas reads by the program ffmpeg, and that is not installed",
		read(t, "../../audio/wav/testdata/ima-adpcm.wav"):       "is WAV in an encoding that ditas reads by the program ffmpeg, and that is not installed",
		"wvpk" + strings.Repeat("\x00", 40):                     "is WavPack, which ditas reads by the program ffmpeg",
	} {
		_, err := intake.Foreign(t.Context(), strings.NewReader(data), int64(len(data)))
		if !errors.Is(err, audio.ErrFormat) || !strings.Contains(err.Error(), says) ||
			!strings.Contains(intake.Advice(err), "install ffmpeg (https://ffmpeg.org), or convert it to WAV or FLAC first") {
			t.Errorf("got %v", err)
		}
	}
	if got := intake.Extensions(); !slices.Equal(got, codec.Extensions(codec.Readable())) {
		t.Errorf("extensions %q", got)
	}
}
