package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"image/jpeg"
	"testing"

	"ditas"
	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/web"
	"ditas/picture"
)

// jpegFile returns a photograph as a camera writes it that says where it was.
func jpegFile(t *testing.T) []byte {
	t.Helper()
	p, err := picture.Decode(bytes.NewReader(pngFile(t, 160, 120)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p.Image(), nil); err != nil {
		t.Fatal(err)
	}
	xmp := "http://ns.adobe.com/xap/1.0/\x00<x exif:GPSLatitude=\"47,22N\"/>"
	return append(append([]byte("\xff\xd8\xff\xe1\x00"), append([]byte{byte(len(xmp) + 2)}, xmp...)...), b.Bytes()[2:]...)
}

// The page hides the very file and gives it back, without where it was taken if that is wanted, and any file that somebody hid.
func TestFile(t *testing.T) {
	v := visit(t, web.Options{})
	photo := jpegFile(t)
	var given struct {
		Width, Height int
		Located       bool
	}
	if status, b := v.do("PUT", "/picture?name=beach.jpg", photo); status != 200 || json.Unmarshal(b, &given) != nil {
		t.Fatalf("%d %s", status, b)
	}
	if given.Width != 160 || given.Height != 120 || !given.Located {
		t.Errorf("given %+v", given)
	}
	v.result("PUT", "/sounds/cover?name=song.wav", wavFile(t, sounding(1, 16000, audio.Int16, 8)), new(any))
	stripped, err := picture.Strip(photo)
	if err != nil {
		t.Fatal(err)
	}
	type file struct {
		Name  string
		Bytes int
	}
	for strip, want := range map[string][]byte{"false": photo, "true": stripped} {
		var hidden struct {
			Exact bool
			File  *file
		}
		v.result("POST", "/hide", []byte(`{"snr":50,"scale":1,"strip":`+strip+`}`), &hidden)
		if hidden.File == nil || hidden.File.Name != "beach.jpg" || hidden.File.Bytes != len(want) || !hidden.Exact {
			t.Fatalf("hidden %+v", hidden)
		}
		var revealed struct {
			Exact   bool
			Picture []byte
			PSNR    *float64
			SaveAs  string
			File    *file
		}
		v.result("POST", "/reveal", []byte(`{"from":"stego"}`), &revealed)
		if !revealed.Exact || revealed.File == nil || revealed.SaveAs != "beach.jpg" || len(revealed.Picture) == 0 || revealed.PSNR == nil || *revealed.PSNR != 100 {
			t.Errorf("revealed %+v", revealed)
		}
		if status, b := v.do("GET", "/revealed", nil); status != 200 || !bytes.Equal(b, want) {
			t.Errorf("strip %s: %d, %d bytes, want %d", strip, status, len(b), len(want))
		}
	}
	// Scaled down it is a picture as any other.
	var hidden struct{ File *file }
	if v.result("POST", "/hide", []byte(`{"snr":50,"scale":0.5}`), &hidden); hidden.File != nil {
		t.Errorf("scaled down, the file is hidden: %+v", hidden.File)
	}

	data := wavFile(t, sounding(1, 16000, audio.Int16, 3))
	cover, err := codec.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	letter := &ditas.File{Name: "../<letter>.html", Data: []byte("<script>alert(1)</script>")}
	var stego bytes.Buffer
	if _, err := ditas.Hide(context.Background(), &stego, cover, nil, ditas.Public(), ditas.HideOptions{File: letter}); err != nil {
		t.Fatal(err)
	}
	v.result("PUT", "/sounds/recording?name=gift.wav", stego.Bytes(), new(any))
	var revealed struct {
		Picture []byte
		SaveAs  string
		File    *file
	}
	v.result("POST", "/reveal", []byte(`{"from":"recording"}`), &revealed)
	if revealed.Picture != nil || revealed.SaveAs != "_letter_.html" || revealed.File == nil {
		t.Errorf("revealed %+v", revealed)
	}
	if status, b := v.do("GET", "/revealed", nil); status != 200 || !bytes.Equal(b, letter.Data) {
		t.Errorf("%d %q", status, b)
	}
}
