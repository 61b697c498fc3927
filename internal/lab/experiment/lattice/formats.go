package lattice

import (
	"bytes"

	"ditas/audio"
	"ditas/audio/flac"
	"ditas/audio/wav"
	"ditas/internal/channel"
	"ditas/internal/lab/experiment"
)

// formats measures what conversions leave, which lose no sample.
func (s *study) formats() (*Table, error) {
	t := &Table{
		Title:   "Formats",
		Text:    "Default strength. Every step is a file that is written and read.",
		Columns: pictureColumns,
	}
	var err error
	t.Rows, err = s.try("formats", s.Damaged(), []trial{
		{"WAV of 16 → 24 → 32-bit floating point → 16 bits", func(_ int, p *experiment.Subject) (*audio.Recording, error) {
			r := p.Stego
			for _, encoding := range []audio.Encoding{audio.Int24, audio.Float32, audio.Int16} {
				f, err := experiment.File(channel.Convert(r, encoding))
				if err != nil {
					return nil, err
				}
				if r, err = audio.ReadAll(f); err != nil {
					return nil, err
				}
			}
			return r, nil
		}, exactly},
		{"WAV → FLAC → WAV", func(_ int, p *experiment.Subject) (*audio.Recording, error) {
			var b bytes.Buffer
			if err := flac.Encode(&b, p.Stego); err != nil {
				return nil, err
			}
			r, err := flac.Decode(bytes.NewReader(b.Bytes()), int64(b.Len()))
			if err != nil {
				return nil, err
			}
			b.Reset()
			if err := wav.Encode(&b, r); err != nil {
				return nil, err
			}
			return wav.Decode(bytes.NewReader(b.Bytes()), int64(b.Len()))
		}, exactly},
	})
	return t, err
}
