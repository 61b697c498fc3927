package chart_test

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"math"
	"strings"
	"testing"

	"ditas/internal/lab/train/chart"
)

// colours counts the pixels that are near to a colour.
func colours(m image.Image, r, g, b uint32) (n int) {
	near := func(x, y uint32) bool { return max(x, y)-min(x, y) < 24<<8 }
	for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y++ {
		for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x++ {
			if cr, cg, cb, _ := m.At(x, y).RGBA(); near(cr, r<<8) && near(cg, g<<8) && near(cb, b<<8) {
				n++
			}
		}
	}
	return n
}

func records() []chart.Record {
	var log []chart.Record
	for step := 10; step <= 1000; step += 10 {
		x := float64(step)
		r := chart.Record{Step: step, Loss: -4 - math.Log(x) + 0.3*math.Sin(x)}
		if step%100 == 0 {
			for i := range 2 {
				q := 20 + 3*math.Log(x)/float64(i+1)
				r.Valid = append(r.Valid, chart.Validation{Threshold: 0.01 * float64(i+1), Container: 1e-6, PSNR: []float64{q - 8, q - 3, q}})
			}
		}
		log = append(log, r)
	}
	return log
}

func drawn(t *testing.T, f func(io.Writer, []chart.Record) error, log []chart.Record) image.Image {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b, log); err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	if s := m.Bounds().Size(); s != image.Pt(1000, 600) {
		t.Errorf("size %v", s)
	}
	return m
}

func TestLinesAreDrawn(t *testing.T) {
	if n := colours(drawn(t, chart.Loss, records()), 0, 114, 178); n < 500 {
		t.Errorf("%d pixels of the loss", n)
	}
	m := drawn(t, chart.Quality, records())
	for _, c := range [][3]uint32{{0, 114, 178}, {213, 94, 0}} {
		if n := colours(m, c[0], c[1], c[2]); n < 500 {
			t.Errorf("%d pixels of colour %v", n, c)
		}
	}
}

func TestShortAndStrangeLogs(t *testing.T) {
	one := records()[9:10]
	strange := records()
	strange[3].Loss = math.NaN()
	strange[4].Loss = math.MaxFloat64
	strange[9].Valid[0].PSNR = nil
	strange[19].Valid = strange[19].Valid[:1]
	strange[29].Valid[1].PSNR[2] = math.Inf(1)
	for name, log := range map[string][]chart.Record{"none": nil, "one": one, "strange": strange} {
		t.Run(name, func(t *testing.T) {
			drawn(t, chart.Loss, log)
			drawn(t, chart.Quality, log)
		})
	}
}

func TestRead(t *testing.T) {
	log, err := chart.Read(strings.NewReader(`{"step":10,"loss":-1.5}` + "\n" + `{"step":20,"loss":-2,"valid":[{"psnr":[30]}]}` + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(log) != 2 || log[1].Step != 20 || log[1].Valid[0].PSNR[0] != 30 {
		t.Errorf("read %+v", log)
	}
	// Other tasks write one validation, or call it otherwise.
	log, err = chart.Read(strings.NewReader(`{"step":1,"valid":{"psnr":20.5,"container":1e-3}}` + "\n" +
		`{"step":2,"valid":[{"bytes":50,"decoded":19,"restored":20}]}` + "\n" + `{"step":3,"valid":{"bits":2.5}}` + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if log[0].Valid[0].PSNR[0] != 20.5 || log[1].Valid[0].Restored != 20 {
		t.Errorf("read %+v", log)
	}
	for i, want := range []bool{true, true, false} {
		if got := chart.HasQuality(log[i : i+1]); got != want {
			t.Errorf("record %d has quality to draw: %v", i, got)
		}
	}
	drawn(t, chart.Quality, log)
	if _, err := chart.Read(strings.NewReader("{\"step\":10}\n{\"step\"")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("half a line: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"step":10,"loss":-1.5,"valid":[{"psnr":[30,31]},{"psnr":[]}]}` + "\n"))
	f.Add([]byte("{\"step\":-9223372036854775808,\"loss\":1e308}\n{}\n"))
	f.Add([]byte("null\n[]\n"))
	f.Add([]byte(`{"step":1,"valid":{"psnr":20.5,"container":1e-3}}` + "\n" + `{"valid":[{"bytes":50,"restored":20}]}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if log, err := chart.Read(bytes.NewReader(b)); err == nil && len(log) < 50 {
			if err := chart.Loss(io.Discard, log); err != nil {
				t.Error(err)
			}
			if err := chart.Quality(io.Discard, log); err != nil {
				t.Error(err)
			}
		}
	})
}
