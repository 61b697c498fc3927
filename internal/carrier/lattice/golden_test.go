package lattice

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"runtime"
	"slices"
	"testing"

	"ditas/internal/fec/turbo"
	"ditas/internal/racetest"
)

var update = flag.Bool("update", false, "write the golden vectors anew")

// goldenSlots is how many of the medium and of the fine slots are written down, and goldenDraws of places and dithers.
const goldenSlots, goldenDraws = 32, 8

// goldens pin the format, so that this and every later version read what was ever hidden, and another implementation can check
// itself. docs/FORMAT.md says what they are.
type goldens struct {
	Key   string `json:"key"`
	Nonce string `json:"nonce"`
	// Recording is the key of the recording that has the first header, and Set the number of its set of marks.
	Recording string          `json:"recording"`
	Set       int             `json:"set"`
	Headers   []goldenHeader  `json:"headers"`
	Marks     goldenMarks     `json:"marks"` // of the frame
	Frame     goldenFrame     `json:"frame"`
	Medium    []uint32        `json:"mediumSlots"` // the first ones
	Fine      [][]uint32      `json:"fineSlots"`   // of each bit
	Order     []uint32        `json:"order"`       // of the first coded bits of a block of stage 1 that has 1000
	Check     string          `json:"check"`       // of stage 1, block 2 and the bytes "abc"
	Tag       string          `json:"tag"`         // of the payload "abc"
	Ladders   []goldenLadder  `json:"ladders"`
	Stego     []goldenMessage `json:"stego"`
}

type goldenHeader struct {
	Profile, Channels, Frames, Sealed, Scale int
	Shares                                   []int
	Bytes                                    string `json:"bytes"` // marshalled
	Coded                                    string `json:"coded"` // bits, the first of a byte the most significant, zeros at the end
	// Carried is the bits of the code that the symbols of frame 3 of lane 0 carry, strong ones first.
	Carried []int `json:"carriedByFrame3"`
}

type goldenPlace struct {
	At     int     `json:"at"`
	Dither float64 `json:"dither"`
}

type goldenPilot struct {
	At int    `json:"at"`
	U  uint32 `json:"u"`
}

type goldenMarks struct {
	Sync   []goldenPilot `json:"sync"`
	Level  []goldenPlace `json:"level"`
	Strong []goldenPlace `json:"headerStrong"`
	Fine   []goldenPlace `json:"headerFine"`
}

type goldenFrame struct {
	Profile, Lane, K int
	Data             []goldenPlace `json:"data"`
	Fine             []float64     `json:"fine"` // dithers of the first samples
	Coarse           []float64     `json:"coarse"`
	Use              string        `json:"use"` // of every sample: m, s, h or p
}

type goldenLadder struct {
	Profile, Frames, Sealed, Scale int
	Shares                         []int         `json:"shares"`
	Stages                         []goldenStage `json:"stages"`
}

type goldenStage struct {
	First, Size, Blocks, Block, Bits, Length int
	Begin                                    int // of frame 5
}

type goldenMessage struct {
	File    string `json:"file"` // in testdata; the key is ours, the nonce fixed
	Profile int    `json:"profile"`
	SNR     float64
	Scale   int    `json:"scale"`
	Shares  []int  `json:"shares"`
	Payload string `json:"payload"`
}

func draws(all []place) (g []goldenPlace) {
	for _, p := range all[:min(len(all), goldenDraws)] {
		g = append(g, goldenPlace{int(p.at), p.dither})
	}
	return g
}

// vectors computes all of them but for recordings.
func vectors(t *testing.T) *goldens {
	t.Helper()
	headers := []header{
		{Robust, fixed, 1, 313, 12345, division{23, [maxStages - 1]int{9, 3, 12, 17, 30}}},
		{Lean, fixed, 2, 4000, 1<<21 - 1, division{}},
		{Lean, fixed, MaxChannels, maxFrames / MaxChannels * MaxChannels, 17, division{maxScale, [maxStages - 1]int{15, 15, 15, 31, 31}}},
	}
	key := headers[0].key(ours)
	g := &goldens{
		Key: hex.EncodeToString(ours[:]), Nonce: hex.EncodeToString(fixed[:]), Recording: hex.EncodeToString(key[:]), Set: fixed.set(),
	}
	code, err := newHeaderCode()
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		b := h.marshal(ours)
		coded := code.encode(b)
		packed := make([]byte, (len(coded)+7)/8)
		turbo.Pack(packed, coded)
		v := goldenHeader{int(h.profile), h.channels, h.frames, h.sealed, h.scale, slices.Clone(h.shares[:]), hex.EncodeToString(b[:]), hex.EncodeToString(packed), nil}
		for i := range headerBits {
			v.Carried = append(v.Carried, code.position(0, 3, i))
		}
		g.Headers = append(g.Headers, v)
	}
	f := newFramer(key, Robust).at(1, 7)
	g.Marks = goldenMarks{nil, draws(f.level[:]), draws(f.strong[:]), draws(f.marks.fine[:])}
	for _, p := range f.sync[:goldenDraws] {
		g.Marks.Sync = append(g.Marks.Sync, goldenPilot{int(p.at), p.u})
	}
	g.Frame = goldenFrame{
		Profile: int(Robust), Lane: 1, K: 7, Data: draws(f.data), Fine: f.fine[:goldenDraws], Coarse: f.coarse[:goldenDraws],
	}
	for _, u := range f.use {
		g.Frame.Use += string("mshp"[u])
	}
	s := newSlots(key)
	g.Medium = s.medium[:goldenSlots]
	for _, f := range s.fine {
		g.Fine = append(g.Fine, f[:goldenSlots])
	}
	g.Order = order(key, 1, 1000)[:goldenSlots]
	c := check(key, 1, 2, []byte("abc"))
	g.Check = hex.EncodeToString(c[:])
	g.Tag = hex.EncodeToString(seal(key, []byte("abc"))[3:])
	for _, h := range []header{
		{Robust, fixed, 1, 313, 40000, division{24, [maxStages - 1]int{9, 10, 11, 20, 14}}},
		{Robust, fixed, 2, 20000, 1500000, division{24, [maxStages - 1]int{9, 10, 11, 20, 14}}},
		{Robust, fixed, 1, 24, 3000, division{23, [maxStages - 1]int{15, 14, 13, 17, 17}}},
		{Robust, fixed, 1, 20, 20, division{17, [maxStages - 1]int{0, 15, 1, 31, 0}}},
		{Lean, fixed, 1, 313, 90000, division{25, [maxStages - 1]int{4, 12}}},
	} {
		l := goldenLadder{int(h.profile), h.frames, h.sealed, h.scale, slices.Clone(h.shares[:]), nil}
		for _, s := range h.ladder() {
			v := goldenStage{First: s.first, Size: s.size}
			if s.size > 0 {
				v = goldenStage{s.first, s.size, s.blocks, s.block, s.bits, s.length, s.begin(5)}
			}
			l.Stages = append(l.Stages, v)
		}
		g.Ladders = append(g.Ladders, l)
	}
	return g
}

const goldenFile = "testdata/golden.json"

// goldenCover is what golden recordings are made of: the demonstration's speech.
func goldenCover(t *testing.T) (*Survey, []byte) {
	t.Helper()
	data := file(t, speech(t, 24000, 40*FrameLength+100))
	v, err := NewSurvey(context.Background(), open(t, data), DefaultShaping, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v, data
}

// TestGolden fails where the format changes. That is not to be mended by -update alone: whoever changes any of these numbers makes
// a new version of the format, has to raise headerVersion, and keeps reading the old one or says in the changelog that it cannot.
func TestGolden(t *testing.T) {
	racetest.Skip(t)
	now := vectors(t)
	if *update {
		v, data := goldenCover(t)
		for _, m := range []goldenMessage{{File: "robust.wav", Profile: int(Robust), SNR: 48}, {File: "lean.wav", Profile: int(Lean), SNR: 48}} {
			p := v.Plan(Profile(m.Profile), v.MSE(m.SNR))
			hidden := payload(p.Room() / 2)
			h := p.fit(len(hidden))
			m.Payload, m.Scale, m.Shares = hex.EncodeToString(hidden), h.scale, h.shares[:]
			now.Stego = append(now.Stego, m)
			if err := os.WriteFile("testdata/"+m.File, write(t, open(t, data), p, hidden), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		b, err := json.MarshalIndent(now, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(goldenFile, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	var want goldens
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	now.Stego = want.Stego
	a, c := reflect.ValueOf(*now), reflect.ValueOf(want)
	for i := range a.NumField() {
		if !reflect.DeepEqual(a.Field(i).Interface(), c.Field(i).Interface()) {
			t.Errorf("the format has changed: %s is %v, was %v", a.Type().Field(i).Name, a.Field(i), c.Field(i))
		}
	}
	if len(want.Stego) == 0 {
		t.Error("there is no recording")
	}
	for _, m := range want.Stego {
		data, err := os.ReadFile("testdata/" + m.File)
		if err != nil {
			t.Fatal(err)
		}
		hidden, err := hex.DecodeString(m.Payload)
		if err != nil {
			t.Fatal(err)
		}
		got := findIn(t, data)
		if !bytes.Equal(got.Payload, hidden) || got.Size != len(hidden) || got.Robust != (m.Profile == int(Robust)) {
			t.Errorf("%s: %d of %d bytes can still be read", m.File, len(got.Payload), len(hidden))
		}
	}
}

// Hiding makes the same file again as long as nothing of the strategy changes, which it may; only on processors that round as the
// one did that made the files.
func TestGoldenRecordings(t *testing.T) {
	racetest.Skip(t)
	if runtime.GOARCH != "amd64" {
		t.Skip("products and sums may be fused here")
	}
	b, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	var want goldens
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	v, data := goldenCover(t)
	for _, m := range want.Stego {
		file, err := os.ReadFile("testdata/" + m.File)
		if err != nil {
			t.Fatal(err)
		}
		hidden, _ := hex.DecodeString(m.Payload)
		if got := write(t, open(t, data), v.Plan(Profile(m.Profile), v.MSE(m.SNR)), hidden); !bytes.Equal(got, file) {
			t.Errorf("%s is made in another way now; if that is meant, run go test -update, and see that TestGolden was content before", m.File)
		}
	}
}
