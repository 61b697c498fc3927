package web

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"strconv"
	"time"

	"ditas/audio"
	"ditas/internal/dsp"
	"ditas/internal/parallel"
)

// getFile sends a sound's file to be saved.
func (s *session) getFile(w http.ResponseWriter, r *http.Request) error {
	f, err := s.take(r.PathValue("which"))
	if err != nil {
		return err
	}
	defer f.release()
	return send(w, r, f.file, f.format.MediaType(), f.name)
}

// send sends a file to be saved.
func send(w http.ResponseWriter, r *http.Request, f *spool, media, name string) error {
	size, err := f.size()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	http.ServeContent(w, r, "", time.Time{}, io.NewSectionReader(f, 0, size))
	return nil
}

// maxSamples bounds what getSamples sends, of all channels together, and samplesBlock is how many it reads at a time.
const (
	maxSamples   = 1 << 19
	samplesBlock = 1 << 16
)

// getSamples sends frames of a sound, as little-endian 32-bit floats, channel after channel.
func (s *session) getSamples(w http.ResponseWriter, r *http.Request) error {
	f, err := s.take(r.PathValue("which"))
	if err != nil {
		return err
	}
	defer f.release()
	q := r.URL.Query()
	from, bad := strconv.ParseInt(q.Get("from"), 10, 64)
	frames, worse := strconv.ParseInt(q.Get("frames"), 10, 64)
	channels := int64(f.Format().Channels)
	if bad != nil || worse != nil || from < 0 || from > f.Frames() || frames < 1 || frames > maxSamples/channels {
		return fmt.Errorf("%w: %q frames from %q on", errRequest, q.Get("frames"), q.Get("from"))
	}
	leave, err := s.handler.looks.enter(r.Context(), s)
	if err != nil {
		return err
	}
	out, err := samples(r.Context(), f, from, min(frames, f.Frames()-from))
	leave()
	if err != nil {
		return err
	}
	return s.answer(w, "application/octet-stream", out)
}

// samples returns frames of a sound as getSamples sends them, fewer where the file ends.
func samples(ctx context.Context, f *sound, from, frames int64) ([]byte, error) {
	channels := int64(f.Format().Channels)
	out := make([]byte, 4*frames*channels)
	block := audio.NewBlock(int(channels), int(min(frames, samplesBlock/channels)))
	reader := f.Reader()
	if err := reader.SeekFrame(from); err != nil {
		return nil, err
	}
	have := int64(0)
	for have < frames {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, err := reader.Read(block)
		n = int(min(int64(n), frames-have))
		for c, x := range block {
			for i, v := range x[:n] {
				binary.LittleEndian.PutUint32(out[4*(int64(c)*frames+have+int64(i)):], math.Float32bits(float32(v)))
			}
		}
		if have += int64(n); err == io.EOF || n == 0 {
			break
		} else if err != nil {
			return nil, err
		}
	}
	if have < frames {
		for c := range channels {
			copy(out[4*c*have:4*(c+1)*have], out[4*c*frames:])
		}
	}
	return out[:4*channels*have], nil
}

// Spectrograms have so many columns at most, and rows, evenly spaced in mels. Each column is the mean over so many windows at most.
const (
	spectrogramColumns = 720
	spectrogramRows    = 160
	spectrogramWindow  = 2048
	spectrogramWindows = 3
)

// Levels of a spectrogram are bytes from lowest dB, 0, to highest dB, 255, a full-scale sine having 0 dB.
const (
	lowest  = -130
	highest = -10
)

// spectrogram is what the page draws.
type spectrogram struct {
	Columns int     `json:"columns"`
	Rows    int     `json:"rows"` // the first is the highest frequency
	Top     float64 `json:"top"`  // Hz
	Lowest  float64 `json:"lowest"`
	Highest float64 `json:"highest"`
	Levels  []byte  `json:"levels"` // row by row
}

// getSpectrogram sends the spectrogram of a sound, or of the difference between cover and stego.
func (s *session) getSpectrogram(w http.ResponseWriter, r *http.Request) error {
	names := []string{r.PathValue("which")}
	if names[0] == "difference" {
		names = []string{cover, stego}
	}
	var sounds []*sound
	for _, name := range names {
		f, err := s.take(name)
		if err != nil {
			return err
		}
		defer f.release()
		sounds = append(sounds, f)
	}
	if len(sounds) == 2 && (!alike(sounds[0], sounds[1]) || sounds[0].Frames() != sounds[1].Frames()) {
		return errNoSound
	}
	ctx, done, err := s.begin(r.Context(), "spectrogram "+r.PathValue("which"), 0)
	if err != nil {
		return err
	}
	defer done()
	stft, err := dsp.NewSTFT[float64](spectrogramWindow, spectrogramWindow/2+1)
	if err != nil {
		return err
	}
	format, frames := sounds[0].Format(), sounds[0].Frames()
	v := spectrogram{Rows: spectrogramRows, Top: float64(format.Rate) / 2, Lowest: lowest, Highest: highest}
	v.Columns = int(max(1, min(spectrogramColumns, frames/(spectrogramWindow/4))))
	v.Levels = make([]byte, v.Columns*v.Rows)
	rows := rows(v.Top, format.Rate)
	errs := make([]error, v.Columns)
	parallel.Each(s.handler.workers(), v.Columns, func(_, column int) {
		if errs[column] = ctx.Err(); errs[column] != nil {
			return
		}
		power, err := spectrum(sounds, stft, frames, int64(column), int64(v.Columns))
		if errs[column] = err; err != nil {
			return
		}
		for row, bins := range rows {
			var sum float64
			for _, p := range power[bins[0]:bins[1]] {
				sum += p
			}
			dB := 10 * math.Log10(sum/float64(bins[1]-bins[0])+1e-30)
			v.Levels[row*v.Columns+column] = byte(math.Round(255 * max(0, min(1, (dB-lowest)/(highest-lowest)))))
		}
	})
	for _, err := range errs {
		if err != nil {
			return err // the others say the same
		}
	}
	done()
	return s.reply(w, v)
}

// rows returns the bins that each row of a spectrogram covers, from the highest frequency down.
func rows(top float64, rate int) [spectrogramRows][2]int {
	mel := func(f float64) float64 { return math.Log1p(f / 700) }
	bin := func(row int) int {
		f := 700 * math.Expm1(mel(top)*(1-float64(row)/spectrogramRows))
		return int(math.Round(f / float64(rate) * spectrogramWindow))
	}
	var v [spectrogramRows][2]int
	for row := range v {
		from, to := bin(row+1), bin(row)
		from = min(from, spectrogramWindow/2)
		v[row] = [2]int{from, max(from+1, to)}
	}
	return v
}

// spectrum returns the mean power spectrum of a column of a spectrogram: that of a sound, or of the difference between two.
func spectrum(sounds []*sound, stft *dsp.STFT[float64], frames, column, columns int64) ([]float64, error) {
	power := make([]float64, stft.Bins())
	// The transform is circular: its second frame wraps round and is not used.
	re, im := make([]float64, 2*stft.Bins()), make([]float64, 2*stft.Bins())
	block := audio.NewBlock(sounds[0].Format().Channels, spectrogramWindow)
	other := audio.NewBlock(sounds[0].Format().Channels, spectrogramWindow)
	from, to := column*frames/columns, (column+1)*frames/columns
	windows := max(1, min(spectrogramWindows, (to-from)/spectrogramWindow))
	for i := range windows {
		middle := from + (2*i+1)*(to-from)/(2*windows)
		at := max(0, min(middle-spectrogramWindow/2, frames-spectrogramWindow))
		if err := window(block, sounds[0], at); err != nil {
			return nil, err
		}
		if len(sounds) == 2 {
			if err := window(other, sounds[1], at); err != nil {
				return nil, err
			}
		}
		for c := range block {
			for j := range block[c] {
				block[c][j] -= other[c][j]
			}
			stft.Forward(re, im, block[c])
			for k := range power {
				// A full-scale sine has 2N/π² in its bin.
				power[k] += (re[k]*re[k] + im[k]*im[k]) * (math.Pi * math.Pi / 2 / spectrogramWindow) / float64(windows) / float64(len(block))
			}
		}
	}
	return power, nil
}

// window reads frames of a sound, silence beyond its end.
func window(block [][]float64, f *sound, at int64) error {
	for c := range block {
		clear(block[c])
	}
	r := f.Reader()
	if err := r.SeekFrame(at); err != nil {
		return err
	}
	if _, err := r.Read(block); err != nil && err != io.EOF {
		return err
	}
	return nil
}
