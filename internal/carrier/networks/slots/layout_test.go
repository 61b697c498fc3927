package slots

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"
)

func exampleLayout() *Layout {
	return &Layout{
		Method: 3, Weights: [4]byte{0xde, 0xad, 0xbe, 0xef}, Width: 640, Height: 480, Stages: 3, Tile: 64, Planes: 3,
		SlotLength: 16384, Channels: 2, Frames: 100_000,
		Slots: []Slot{{0, 16}, {1, 17}, {5, 240}, {11, 0}},
	}
}

// Byte by byte what the documentation says.
func TestLayoutEncoding(t *testing.T) {
	want := []byte{
		1, 3, 0xde, 0xad, 0xbe, 0xef,
		0x80, 0x05, 0xe0, 0x03, 3, 64, 3, 0x80, 0x80, 0x01, 2, 0xa0, 0x8d, 0x06,
		4, 0, 2, 3, 1, 5, 1,
		16, 17, 240, 0,
	}
	got, err := exampleLayout().AppendBinary([]byte("x"))
	if err != nil || !bytes.Equal(got, append([]byte("x"), want...)) {
		t.Fatalf("encoded as %x, want 78%x; error %v", got, want, err)
	}
	l, err := ParseLayout(want)
	if err != nil || !reflect.DeepEqual(l, exampleLayout()) {
		t.Errorf("decoded as %+v, error %v", l, err)
	}
}

func randomLayout(seed uint64) *Layout {
	rng := random(seed)
	l := &Layout{
		Method: rng.IntN(1 << 16), Width: 1 + rng.IntN(65535), Height: 1 + rng.IntN(65535), Stages: 1 + rng.IntN(255),
		Tile: 1 + rng.IntN(65535), Planes: 1 + rng.IntN(255), SlotLength: 1 + rng.IntN(1<<rng.IntN(25)),
		Channels: 1 + rng.IntN(1<<rng.IntN(16)), Frames: rng.IntN(1 << rng.IntN(30)), Slots: []Slot{},
	}
	copy(l.Weights[:], text(seed, 4))
	density := rng.Float64()
	for i := range min(60, l.Count()) {
		if rng.Float64() < density {
			l.Slots = append(l.Slots, Slot{i, uint8(rng.IntN(256))})
		}
	}
	return l
}

func TestLayoutRoundTrip(t *testing.T) {
	for seed := range uint64(500) {
		want := randomLayout(seed)
		b, err := want.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseLayout(b)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v becomes %+v, error %v", want, got, err)
		}
		for n := range b {
			if _, err := ParseLayout(b[:n]); !errors.Is(err, ErrLayout) {
				t.Fatalf("the first %d of %d bytes: error %v", n, len(b), err)
			}
		}
	}
}

// A flipped bit is either refused or means something else.
func TestLayoutIsNotMalleable(t *testing.T) {
	for seed := range uint64(100) {
		want := randomLayout(seed)
		b, _ := want.AppendBinary(nil)
		for i := range 8 * len(b) {
			b[i/8] ^= 1 << (i % 8)
			got, err := ParseLayout(b)
			if err == nil && reflect.DeepEqual(got, want) {
				t.Fatalf("bit %d of %x does not matter", i, b)
			}
			if err != nil && !errors.Is(err, ErrLayout) && !errors.Is(err, ErrVersion) {
				t.Fatalf("bit %d: error %v", i, err)
			}
			b[i/8] ^= 1 << (i % 8)
		}
	}
}

func TestLayoutBounds(t *testing.T) {
	for name, change := range map[string]func(l *Layout){
		"method":       func(l *Layout) { l.Method = -1 },
		"width":        func(l *Layout) { l.Width = 0 },
		"height":       func(l *Layout) { l.Height = 65536 },
		"stages":       func(l *Layout) { l.Stages = 256 },
		"tile":         func(l *Layout) { l.Tile = 0 },
		"planes":       func(l *Layout) { l.Planes = 0 },
		"slot length":  func(l *Layout) { l.SlotLength = 1<<24 + 1 },
		"channels":     func(l *Layout) { l.Channels = 0 },
		"frames":       func(l *Layout) { l.Frames = -1 },
		"order":        func(l *Layout) { l.Slots[1], l.Slots[2] = l.Slots[2], l.Slots[1] },
		"twice":        func(l *Layout) { l.Slots[1].Index = 0 },
		"negative":     func(l *Layout) { l.Slots[0].Index = -1 },
		"beyond":       func(l *Layout) { l.Slots[3].Index = 12 },
		"run beyond":   func(l *Layout) { l.Slots[2].Index, l.Slots[3].Index = 11, 12 },
		"no slots yet": func(l *Layout) { l.Frames = 16383 },
	} {
		l := exampleLayout()
		change(l)
		if _, err := l.AppendBinary(nil); !errors.Is(err, ErrLayout) {
			t.Errorf("%s: error %v, want %v", name, err, ErrLayout)
		}
	}
	if _, err := ParseLayout([]byte{2, 1, 2, 3}); !errors.Is(err, ErrVersion) {
		t.Errorf("version 2: error %v, want %v", err, ErrVersion)
	}
}

func TestCount(t *testing.T) {
	l := exampleLayout()
	if got := l.Count(); got != 12 {
		t.Errorf("%d slots, want 12", got)
	}
	for _, bad := range [][3]int{{-1, 1, 1}, {1, 0, 1}, {1, 1, 0}, {math.MaxInt, 2, 1}} {
		if n := SlotCount(bad[0], bad[1], bad[2]); n != 0 {
			t.Errorf("SlotCount%v = %d, want 0", bad, n)
		}
	}
}

func TestUsable(t *testing.T) {
	for peak, want := range map[float64]bool{0: false, 1e-5: true, 1: true, 15: true, 16: false, -1: false, math.Inf(1): false} {
		if Usable(peak) != want {
			t.Errorf("a peak of %v: usable %v", peak, !want)
		}
	}
	if Usable(math.NaN()) {
		t.Error("a peak that is no number is usable")
	}
}

func TestPlan(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name   string
		worth  []float64
		needed int
		want   []int
	}{
		{"nothing", []float64{1}, 0, nil},
		{"all", []float64{0.8, 0.9, 0.8}, 3, []int{0, 1, 2}},
		{"spread", []float64{0.9, 0.9, 0.9, 0.9, 0.9, 0.9}, 3, []int{0, 2, 4}},
		{"the best of each group", []float64{0.8, 0.9, 0.85, 0.8, 0.8, 0.9}, 3, []int{1, 2, 5}},
		{"none that is of no use", []float64{0, 0.9, 0, nan, 0.1, -1}, 2, []int{1, 4}},
		{"good before poor", []float64{0.9, 0.2, 0.2, 0.2, 0.8, 0.6}, 2, []int{0, 4}},
		{"less good next", []float64{0.9, 0.2, 0.2, 0.2, 0.8, 0.6}, 3, []int{0, 4, 5}},
		{"poor last", []float64{0.9, 0.001, 0.003, 0.002, 0.8, 0}, 4, []int{0, 2, 3, 4}},
	} {
		got, err := Plan(c.worth, c.needed)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: slots %v, want %v; error %v", c.name, got, c.want, err)
		}
	}
	if _, err := Plan([]float64{1, 0, nan, 1}, 3); !errors.Is(err, ErrTooShort) {
		t.Errorf("too few slots: error %v, want %v", err, ErrTooShort)
	}
}

// No gap of a uniformly good recording is twice as wide as it has to be.
func TestPlanSpreads(t *testing.T) {
	for seed := range uint64(50) {
		rng := random(seed)
		worth := make([]float64, 50+rng.IntN(500))
		for i := range worth {
			worth[i] = 0.75 + 0.25*rng.Float64()
		}
		needed := 1 + rng.IntN(len(worth))
		slots, err := Plan(worth, needed)
		if err != nil {
			t.Fatal(err)
		}
		last := -1
		for _, s := range append(slots, len(worth)) {
			if gap := s - last; gap <= 0 || gap > 2*(len(worth)/needed+1) {
				t.Fatalf("%d of %d: slot %d follows slot %d", needed, len(worth), s, last)
			}
			last = s
		}
	}
}

func FuzzParseLayout(f *testing.F) {
	b, _ := exampleLayout().AppendBinary(nil)
	f.Add(b)
	for seed := range uint64(3) {
		b, _ := randomLayout(seed).AppendBinary(nil)
		f.Add(b)
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := ParseLayout(data)
		if err != nil {
			if !errors.Is(err, ErrLayout) && !errors.Is(err, ErrVersion) {
				t.Errorf("error %v is of no known kind", err)
			}
			return
		}
		if len(l.Slots) > len(data) {
			t.Errorf("%d slots from %d bytes", len(l.Slots), len(data))
		}
		if again, err := l.AppendBinary(nil); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%x is encoded again as %x, error %v", data, again, err)
		}
	})
}
