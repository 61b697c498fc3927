package picture

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
)

// converted returns what values become, each of them that of a grey pixel, and what is said of that.
func converted(t *testing.T, f *profile, values ...float32) (shown []uint8, said string) {
	t.Helper()
	p := New(len(values), 1)
	for c := range p.Pix {
		copy(p.Pix[c], values)
	}
	p.manage(f)
	m := p.Image()
	for i := range values {
		if px := m.Pix[4*i:][:3]; slices.Max(px)-slices.Min(px) > 1 {
			t.Errorf("%v becomes %v, which is not grey", values[i], px)
		}
		shown = append(shown, m.Pix[4*i])
	}
	return shown, strings.Join(p.Losses, "; ")
}

// near fails unless all values are near others.
func near(t *testing.T, what string, got, want []uint8) {
	t.Helper()
	for i := range want {
		if d := int(got[i]) - int(want[i]); d < -2 || d > 2 {
			t.Errorf("%s: %v, want %v", what, got, want)
			return
		}
	}
}

// White and grey of 18 % have these values in PQ and in HLG (ITU-R BT.2408, table 1), and in sRGB 255 and, 26 of 203 cd/m², 101 (IEC 61966-2-1). Black is
// black, and nothing is dimmed where nothing is brighter than white.
func TestReferenceLevels(t *testing.T) {
	for transfer, values := range map[int][]float32{codePQ: {0, 0.38, 0.5807}, codeHLG: {0, 0.38, 0.75}} {
		got, said := converted(t, codedProfile("nclx", codeBT2020, transfer), values...)
		near(t, said, got, []uint8{0, 101, 255})
		if !strings.HasPrefix(said, "its colours were converted from the profile BT.2020 ") || strings.Contains(said, "dimmed") {
			t.Errorf("says %q", said)
		}
	}
}

// Highlights of 1000 cd/m² become white, and what is as bright as white in other pictures makes room: by the formulas of ITU-R BT.2390, section 5.4.1, the
// knee is at PQ 0.495, and 203 cd/m², PQ 0.5807, becomes 0.5553, which is 160 cd/m². What is below the knee, such as grey of 18 %, stays as it was.
func TestHighlights(t *testing.T) {
	for transfer, values := range map[int][]float32{codePQ: {0.38, 0.5807, 0.7518}, codeHLG: {0.38, 0.75, 1}} {
		got, said := converted(t, codedProfile("nclx", codeBT2020, transfer), values...)
		near(t, said, got, []uint8{101, 229, 255})
		if !strings.HasSuffix(said, "to sRGB, and its highlights were dimmed") {
			t.Errorf("says %q", said)
		}
	}
	// Brighter is never darker, up to the most that there is.
	for _, transfer := range []int{codePQ, codeHLG} {
		var values []float32
		for i := range 1024 {
			values = append(values, float32(i)/1023)
		}
		got, _ := converted(t, codedProfile("nclx", codeBT2020, transfer), values...)
		for i := range 1023 {
			if got[i+1] < got[i] {
				t.Fatalf("%v becomes %d, and %v %d", values[i], got[i], values[i+1], got[i+1])
			}
		}
	}
}

// A colour keeps its hue when it is dimmed: red, green and blue stay in proportion.
func TestHighlightsHue(t *testing.T) {
	p := New(2, 1)
	for c, nits := range []float64{600, 300, 150} {
		p.Pix[c][0] = float32(toPQ(nits / mostPQ))
		p.Pix[c][1] = float32(toPQ(nits / 10 / mostPQ))
	}
	p.manage(codedProfile("cICP", codeBT709, codePQ))
	for i := range 2 {
		r, g, b := decoded(float64(p.Pix[0][i])), decoded(float64(p.Pix[1][i])), decoded(float64(p.Pix[2][i]))
		if math.Abs(r/g-2) > 0.02 || math.Abs(g/b-2) > 0.02 {
			t.Errorf("light of 4:2:1 becomes %.3f:%.3f:%.3f", r, g, b)
		}
	}
}

// profileHDR returns a profile of ICC's that says by a tag that it is BT.2020 with HLG (ICC.1:2022, section 9.2.17).
func profileHDR() []byte {
	b := make([]byte, 128+4+12+12)
	copy(b[16:], "RGB ")
	copy(b[36:], "acsp")
	binary.BigEndian.PutUint32(b[128:], 1)
	copy(b[132:], "cicp\x00\x00\x00\x90\x00\x00\x00\x0c")
	copy(b[144:], "cicp\x00\x00\x00\x00\x09\x12\x00\x01")
	return b
}

func TestHDRInICC(t *testing.T) {
	got, said := converted(t, parseProfile(profileHDR()), 0, 0.38, 0.75)
	near(t, said, got, []uint8{0, 101, 255})
	if !strings.Contains(said, "BT.2020 HLG") {
		t.Errorf("says %q", said)
	}
}

// What is transparent shows the white of sRGB behind it, and not light that would shine through more or less than its share. Opacity rises from the left to the
// right.
func TestTransparentHDR(t *testing.T) {
	if testing.Short() {
		t.Skip("a decoder's translation takes long")
	}
	data := bytes.Clone(open(t, "heif/alpha.avif"))
	copy(data[bytes.Index(data, []byte("colrnclx"))+8:], "\x00\x09\x00\x10")
	p, err := Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for x := range p.Width {
		through := 1 - float32(x)/float32(p.Width-1)
		for c, plane := range p.Pix {
			if plane[x] < through-0.02 {
				t.Fatalf("channel %d at column %d: %.3f, of which %.3f is white behind it", c, x, plane[x], through)
			}
		}
	}
	if !slices.Contains(p.Losses, lostTransparency) {
		t.Errorf("says %q", p.Losses)
	}
}
