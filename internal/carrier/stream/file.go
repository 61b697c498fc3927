package stream

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"

	"ditas/internal/carrier"
	"ditas/internal/codestream"
	"ditas/picture"
	"ditas/report"
)

// A payload with a file in it is the stream of a picture, which says where it ends, and behind that the length of the file's name in one byte, the
// name, the file, and the first fileCheck bytes of the SHA-256 of all of these. Whatever arrives of it shows the picture; all of it is the file.
const fileCheck = 8

// appendFile appends a file to the stream of a picture.
func appendFile(payload []byte, f *carrier.File) []byte {
	from := len(payload)
	payload = append(payload, byte(len(f.Name)))
	payload = append(payload, f.Name...)
	payload = append(payload, f.Data...)
	sum := sha256.Sum256(payload[from:])
	return append(payload, sum[:fileCheck]...)
}

// errNoFile reports bytes in which there is no file.
var errNoFile = errors.New("what follows the picture is no file")

// openFile returns the file in what follows the stream of a picture.
func openFile(b []byte) (*carrier.File, error) {
	if len(b) < 1+fileCheck {
		return nil, errNoFile
	}
	content, check := b[:len(b)-fileCheck], b[len(b)-fileCheck:]
	sum := sha256.Sum256(content)
	if subtle.ConstantTimeCompare(sum[:fileCheck], check) == 0 {
		return nil, errNoFile
	}
	n := int(content[0])
	if len(content) < 1+n {
		return nil, errNoFile
	}
	return &carrier.File{Name: string(content[1 : 1+n]), Data: content[1+n:]}, nil
}

// fileSize returns how many bytes a file takes behind the stream of a picture.
func fileSize(f *carrier.File) int { return 1 + len(f.Name) + len(f.Data) + fileCheck }

// pictureSize returns how many bytes of a room the picture gets of which the file is hidden behind it, or 0 if that is no way to hide it: if there
// is no room, or if the picture takes less when it is coded exactly, and nothing of its file is lost thereby.
func pictureSize(ctx context.Context, secret *picture.Planes, o carrier.HideOptions, room int) (int, error) {
	width, height := 0, 0
	if secret != nil {
		width, height = secret.Width, secret.Height
	}
	if report.FileBytes(width, height, len(o.File.Data)) > room {
		return 0, nil
	}
	if secret == nil {
		return codestream.LeastEnd, nil
	}
	e := &Estimator{width: width, height: height, loses: len(secret.Losses) > 0, exact: o.ExactBytes}
	if e.exact == 0 {
		var err error
		if e, err = NewEstimator(ctx, secret); err != nil {
			return 0, err
		}
	}
	return e.pictureSize(o.File, room), nil
}

func (e *Estimator) pictureSize(f *carrier.File, room int) int {
	if report.FileBytes(e.width, e.height, len(f.Data)) > room {
		return 0
	}
	// A quarter as much as the file shows the picture well if that does not arrive.
	least := codestream.LeastEnd + max(report.PictureBytes(e.width, e.height, len(f.Data)), len(f.Data)/4)
	if !e.loses && e.exact <= min(room, least+fileSize(f)) {
		return 0
	}
	// As much as the file shows it nearly as well as that. More than the exact picture takes in all would only be protected less.
	return min(room-fileSize(f), max(least, min(len(f.Data), e.exact-fileSize(f))))
}

// HidesFile reports whether the picture's file is hidden where there are so many bytes of room, rather than its pixels alone.
func (e *Estimator) HidesFile(f *carrier.File, room int) bool { return e.pictureSize(f, room) > 0 }

// hideFile hides a file, with a picture of so many bytes before it, or no picture at all.
func (s *survey) hideFile(ctx context.Context, dst io.Writer, secret *picture.Planes, size int, o carrier.HideOptions) (*report.Hide, error) {
	total := size + fileSize(o.File)
	c := check{secret: secret, options: o, whole: total, picture: size}
	payload := codestream.None()
	if secret != nil {
		var err error
		payload, _, err = codestream.Encode(ctx, secret, codestream.EncodeOptions{
			Limit: size, Ends: true, Progress: progress(o.Options, report.Coding),
			Lengths: func(int, bool) []int { return c.expect(ends(s.bytes.Divide(o.Strength, total)), true) },
			Show:    func(i int, v *codestream.View) error { return c.stage(ctx, i, v) },
		})
		if err != nil {
			return nil, err
		}
	}
	payload = appendFile(payload, o.File)
	options, embedding := o.Options, progress(o.Options, report.Embedding)
	options.Progress = triesOf(embedding)
	done, err := s.bytes.Embed(ctx, dst, o.Strength, payload, o.Key, o.Nonce, options)
	if err != nil {
		return nil, err
	}
	embedding(triesTotal, triesTotal)
	r := &report.Hide{Method: s.name, MSE: done.MSE, SNR: done.SNR, MaxDeviation: done.MaxDeviation, Robust: done.Robust, Dithered: done.Dithered}
	r.File = &report.File{Name: o.File.Name, Bytes: len(o.File.Data)}
	if secret == nil {
		r.PSNR, r.Exact = 100, true
		for _, p := range done.Stages {
			r.Stages = append(r.Stages, hiddenStage(p))
		}
		progress(o.Options, report.Checking)(1, 1)
		return r, ctx.Err()
	}
	r.Width, r.Height = secret.Width, secret.Height
	return r, c.finish(ctx, r, done, true)
}

// arrivedFile returns the file in a message that has arrived whole, nil if there is none.
func arrivedFile(m *carrier.Message) *carrier.File {
	end, _ := codestream.End(m.Payload)
	if end == 0 || end > len(m.Payload) || len(m.Payload) < m.Size {
		return nil
	}
	f, err := openFile(m.Payload[end:])
	if err != nil {
		return nil
	}
	return f
}

// pixelsAllowed returns the size up to which the picture of a file of so many bytes is decoded. Flat pictures have more, and are decoded faster, than
// what a stream may hold.
func pixelsAllowed(bytes int) int { return min(picture.MaxPixels, 4*codestream.Allowed(bytes)) }

// pictureOf returns the picture of a file that has arrived. What its stream tells, p, takes its place if the file cannot be read here, or is
// larger than so few bytes may make a recording that anybody can write.
func pictureOf(ctx context.Context, f *carrier.File, p *picture.Planes, r *report.Reveal) (*picture.Planes, *report.Reveal, error) {
	whole, err := picture.DecodeContext(ctx, bytes.NewReader(f.Data), pixelsAllowed(len(f.Data)))
	switch {
	case ctx.Err() != nil:
		return nil, r, ctx.Err()
	case err != nil:
		r.Exact = false
		return p, r, nil
	}
	r.Width, r.Height = whole.Width, whole.Height
	return whole, r, nil
}
