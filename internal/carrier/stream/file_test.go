package stream

import (
	"bytes"
	"strings"
	"testing"

	"ditas/internal/carrier"
	"ditas/internal/codestream"
	"ditas/picture"
)

// What follows a picture is a file only if all of it is.
func TestFileFormat(t *testing.T) {
	for _, f := range []carrier.File{
		{Name: "a.txt", Data: []byte("text")}, {Name: "", Data: nil}, {Name: strings.Repeat("n", 255), Data: bytes.Repeat([]byte{0}, 1000)},
	} {
		payload := appendFile(codestream.None(), &f)
		if len(payload) != codestream.LeastEnd+fileSize(&f) {
			t.Errorf("%d bytes, and %d were told", len(payload), codestream.LeastEnd+fileSize(&f))
		}
		got := arrivedFile(&carrier.Message{Payload: payload, Size: len(payload)})
		if got == nil || got.Name != f.Name || !bytes.Equal(got.Data, f.Data) {
			t.Errorf("%.10q: %+v", f.Name, got)
		}
		if got := arrivedFile(&carrier.Message{Payload: payload, Size: len(payload) + 1}); got != nil {
			t.Errorf("%.10q: a file of which a byte is missing", f.Name)
		}
		for i := codestream.LeastEnd; i < len(payload); i += 1 + len(payload)/40 {
			changed := bytes.Clone(payload)
			changed[i] ^= 1
			if got := arrivedFile(&carrier.Message{Payload: changed, Size: len(changed)}); got != nil {
				t.Errorf("%.10q: a file with byte %d changed", f.Name, i)
			}
		}
	}
}

// Any bytes are a file or none, and what is a file is written as the same bytes.
func FuzzFile(f *testing.F) {
	f.Add(appendFile(nil, &carrier.File{Name: "a.jpg", Data: []byte("\xff\xd8\xff")}))
	f.Add([]byte{255, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := openFile(b)
		if err != nil {
			return
		}
		if again := appendFile(nil, got); !bytes.Equal(again, b) {
			t.Errorf("%q became %q", b, again)
		}
	})
}

// A file that is hardly smaller than the exact picture is hidden only where the picture would not be exact.
func TestWhichIsHidden(t *testing.T) {
	p := picture.New(120, 90)
	for i := range p.Pix[0] {
		p.Pix[i%3][i] = float32(i*i%101) / 100
	}
	e, err := NewEstimator(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	exact := e.Bytes()
	f := &carrier.File{Name: "a.png", Data: make([]byte, exact*4/5)}
	for room, want := range map[int]bool{len(f.Data): false, exact - 1: true, exact: false, 2 * exact: false} {
		if got := e.HidesFile(f, room); got != want {
			t.Errorf("in %d bytes, with a picture of %d and a file of %d: %t", room, exact, len(f.Data), got)
		}
	}
}
