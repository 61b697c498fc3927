package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Lines of versions 2.8 to 7.1, and what follows from them.
func TestParseStream(t *testing.T) {
	for line, want := range map[string]string{
		"  Stream #0:0: Audio: flac, 96000 Hz, stereo, s32 (24 bit)":                                                     "0 flac  s32 24 true pcm_s24le",
		"    Stream #0:1(eng): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, stereo, fltp, 128 kb/s (default)":          "1 aac LC flt 0 false pcm_s16le",
		"  Stream #0:0[0x1](und): Audio: alac (alac / 0x63616C61), 44100 Hz, stereo, s32p (24 bit), 1411 kb/s (default)": "0 alac  s32 24 true pcm_s24le",
		"  Stream #0:0[0x1](und): Audio: alac (alac / 0x63616C61), 44100 Hz, stereo, s16p, 700 kb/s (default)":           "0 alac  s16 0 true pcm_s16le",
		"  Stream #0:0[0x1](und): Audio: alac (alac / 0x63616C61), 44100 Hz, mono, s32p, 700 kb/s (default)\r":           "0 alac  s32 0 true pcm_s32le",
		"  Stream #0:0: Audio: wmalossless ([99][1][0][0] / 0x0163), 44100 Hz, stereo, s16p, 900 kb/s":                   "0 wmalossless  s16 0 true pcm_s16le",
		"  Stream #0:2[0x1100]: Audio: dts (DTS-HD MA) ([130][0][0][0] / 0x0082), 48000 Hz, 5.1(side), s32p (24 bit)":    "2 dts DTS-HD MA s32 24 true pcm_s24le",
		"  Stream #0:2[0x1100]: Audio: dts (DTS) ([130][0][0][0] / 0x0082), 48000 Hz, 5.1(side), fltp, 1536 kb/s":        "2 dts DTS flt 0 false pcm_s16le",
		"  Stream #0:0: Audio: dsd_lsbf_planar, 352800 Hz, stereo, fltp, 5644 kb/s":                                      "0 dsd_lsbf_planar  flt 0 true pcm_s24le",
		"  Stream #0:0: Audio: pcm_f32le (lpcm / 0x6D63706C), 16000 Hz, mono, flt, 512 kb/s":                             "0 pcm_f32le  flt 0 true pcm_f32le",
		"  Stream #0:0: Audio: pcm_f64le, 16000 Hz, 1 channels, dbl, 1024 kb/s":                                          "0 pcm_f64le  dbl 0 true pcm_f64le",
		"  Stream #0:0: Audio: pcm_alaw ([6][0][0][0] / 0x0006), 8000 Hz, 1 channels, s16, 64 kb/s":                      "0 pcm_alaw  s16 0 true pcm_s16le",
		"  Stream #0:0: Audio: pcm_u8, 8000 Hz, mono, u8, 64 kb/s":                                                       "0 pcm_u8  u8 0 true pcm_u8",
		"  Stream #0.0: Audio: mp2, 8000 Hz, mono, s16p, 64 kb/s":                                                        "0 mp2  s16 0 false pcm_s16le",
		"  Stream #0:0: Audio: wavpack, 44100 Hz, stereo":                                                                "0 wavpack   0 true pcm_s24le",
		"  Stream #0:0: Video: h264 (High), yuv420p":                                                                     "",
		"    title           : Stream #0:0: Audio: flac, 96000 Hz, stereo, s32 (24 bit)":                                 "",
		"Guessed Channel Layout for Input Stream #0.0 : mono":                                                            "",
	} {
		s, index, ok := parseStream(line)
		got := fmt.Sprintf("%d %s %s %s %d %v %s", index, s.Codec, s.Profile, s.Samples, s.Bits, s.Lossless(), s.PCM())
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q is %q, want %q", line, got, want)
		}
	}
}

// The first sound is the one of the lowest number, and what goes out is not what came in.
func TestHearing(t *testing.T) {
	var h hearing
	fmt.Fprintf(&h, "Input #0\n  Program 1\n  Stream #0:3: Audio: aac, s16\n  Stream #0:1: Audio: flac, s16\n%s", strings.Repeat("x", 1<<20))
	fmt.Fprintf(&h, "\n  Stream #0:2: Audio: mp3, s16\nStream mapping:\n  Stream #0:0: Audio: pcm_s16le, s16\n")
	if h.first == nil || h.first.Codec != "flac" || h.index != 1 {
		t.Errorf("heard %+v", h.first)
	}
}

func TestProbe(t *testing.T) {
	if _, err := Find(); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	for name, want := range map[string]struct {
		codec string
		Stream
	}{
		"a.m4a":  {"alac", Stream{"alac", "", "s16", 0}},
		"a.flac": {"flac -sample_fmt s32", Stream{"flac", "", "s32", 24}},
		"a.mka":  {"pcm_f32le", Stream{"pcm_f32le", "", "flt", 0}},
		"b.m4a":  {"aac", Stream{"aac", "LC", "flt", 0}},
	} {
		name = filepath.Join(dir, name)
		args := slices.Concat([]string{"-f", "lavfi", "-i", "sine=d=0.2", "-metadata", "title=Stream #0:0: Audio: mp3, s16", "-c:a"}, strings.Fields(want.codec), []string{name})
		if err := Run(t.Context(), args...); err != nil {
			t.Fatal(err)
		}
		if got, err := Probe(t.Context(), nil, "-i", name); err != nil || got != want.Stream {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want.Stream)
		}
	}
	if _, err := Probe(t.Context(), nil, "-i", filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "No such file") {
		t.Errorf("a file that is not there: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Probe(ctx, nil, "-i", filepath.Join(dir, "a.m4a")); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// The program has a list of its own of which codecs lose nothing, which grows.
func TestLosslessAsTheProgramSays(t *testing.T) {
	path, err := Find()
	if err != nil {
		t.Skip(err)
	}
	text, err := exec.CommandContext(t.Context(), path, "-v", "error", "-codecs").Output()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 2 || len(f[0]) != 6 || f[0][0] != 'D' || f[0][2] != 'A' || strings.HasPrefix(f[1], "pcm_") || strings.HasPrefix(f[1], "dsd_") {
			continue
		}
		flag := f[0][5] == 'S'
		switch got := (Stream{Codec: f[1]}).Lossless(); {
		case got && !flag:
			t.Errorf("%s is said to lose nothing", line)
		case !got && flag:
			t.Logf("%s may lose nothing", line)
		}
		n++
	}
	if n < 20 {
		t.Errorf("only %d codecs", n)
	}
}
