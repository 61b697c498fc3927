package picture

import (
	"bytes"
	"testing"
)

// Each kind that is written has its own format, is found by each of its extensions, and is recognized again as what it is.
func TestKinds(t *testing.T) {
	for _, k := range Writable() {
		for _, extension := range k.Extensions {
			if got, err := FormatOf("a" + extension); err != nil || got != k.Format {
				t.Errorf("a%s is format %d, want %d (%v)", extension, got, k.Format, err)
			}
		}
		var b bytes.Buffer
		if err := New(3, 2).Encode(&b, k.Format); err != nil {
			t.Fatal(err)
		}
		if f, err := sniff(b.Bytes()); err != nil || f.Name != k.Name {
			t.Errorf("%s is recognized as %s (%v)", k.Name, f.Name, err)
		}
	}
	for _, k := range Readable() {
		if _, err := FormatOf("a" + k.Extensions[0]); (err == nil) != k.Writable {
			t.Errorf("%s: writable is %v, and %v", k.Name, k.Writable, err)
		}
	}
}

func TestRecognize(t *testing.T) {
	for head, want := range map[string]bool{
		"\x89PNG\r\n\x1a\n": true, "\xff\xd8\xff\xe0": true, "GIF89a": true, "RIFF????WEBPVP8 ": true, "II*\x00": true,
		"RIFF????WEBPVP8X\x0a\x00\x00\x00\x02": true, "\x00\x00\x00\x18ftypheic": true, "\x00\x00\x00\x18ftypavif": true,
		"": false, "RIFF????WAVEfmt ": false, "\x00\x00\x00\x18ftypM4A ": false, "BMW makes cars, not pictures": false,
	} {
		if got := Recognize([]byte(head)); got != want {
			t.Errorf("%q: %v", head, got)
		}
	}
}
