package picture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"io"
	"slices"

	"golang.org/x/image/tiff"

	"ditas/internal/parallel"
	"ditas/internal/words"
)

// MaxPixels is the largest size of a picture that [Decode] reads: 100 megapixels.
const MaxPixels = 100_000_000

// A file may hold surePixels, and pixelsPerByte for each of its bytes, of which one may hold thousands: so few would take gigabytes.
const (
	surePixels    = 1 << 24
	pixelsPerByte = 1 << 8
)

// Errors that [Decode] wraps.
var (
	ErrFormat    = errors.New("not a picture (" + words.List(Names(Readable()), "or") + ")")
	ErrTruncated = errors.New("the picture file ends too early")
	ErrTooLarge  = errors.New("the picture is too large")
)

// Decode reads a picture of at most [MaxPixels] pixels, and at most 16 million and 256 for each byte of the file, of one of the kinds that
// [Readable] lists, told apart by content. It reads the first frame of an animation and the first page of a TIFF, lays what is transparent
// over white, and turns the picture upright as the file says; [Planes.Losses] tells what was in the file besides. The error wraps
// [ErrFormat], [ErrTruncated] or [ErrTooLarge] if one of them is the reason; for files of a kind that is known and not read it is an
// *[UnreadError].
func Decode(r io.Reader) (*Planes, error) { return DecodeContext(context.Background(), r, MaxPixels) }

// DecodeContext is [Decode] with another limit on the number of pixels, which it checks before it allocates memory for them. When ctx ends
// it returns ctx's error at once and reads no more of r.
func DecodeContext(ctx context.Context, r io.Reader, maxPixels int) (*Planes, error) {
	// No format here needs more than 8 bytes a pixel; the rest leaves room for metadata.
	maxBytes := 8*int64(maxPixels) + 64<<20
	r = reader{r, ctx}
	head := make([]byte, HeadSize)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, fmt.Errorf("reading the picture: %w", err)
	}
	head = head[:n]
	kind, err := sniff(head)
	if err != nil {
		return nil, err
	}
	if kind.read == nil {
		return nil, &UnreadError{*kind}
	}
	data, err := io.ReadAll(io.LimitReader(io.MultiReader(bytes.NewReader(head), r), maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the picture: %w", err)
	}
	if int64(len(data)) > maxBytes {
		return nil, fmt.Errorf("%w: the file exceeds %d MiB", ErrTooLarge, maxBytes>>20)
	}
	var p *Planes
	err = parallel.Within(ctx, func() (err error) {
		p, err = kind.read.planes(ctx, data, maxPixels)
		return err
	})
	if raw := rawError(""); errors.As(err, &raw) {
		return nil, &UnreadError{*kindOf(string(raw))}
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// planes decodes a file.
func (f *format) planes(ctx context.Context, data []byte, maxPixels int) (*Planes, error) {
	if f.whole != nil {
		return f.whole(ctx, f, data, maxPixels)
	}
	file := data
	if f.page != nil {
		data = f.page(data)
	}
	whole := data
	if f.plain != nil {
		data = f.plain(data)
	}
	if f.refuse != nil {
		if err := f.refuse(data); err != nil {
			return nil, err
		}
	}
	src := &source{Reader: bytes.NewReader(data), ctx: ctx}
	config, err := f.config(src)
	if err != nil {
		return nil, f.whyNot(src, data, err)
	}
	if err := f.fits(config.Width, config.Height, maxPixels, len(file)); err != nil {
		return nil, err
	}
	src = &source{Reader: bytes.NewReader(data), ctx: ctx}
	img, err := f.decode(src)
	endless := err != nil && src.short && f.end != ""
	if endless {
		// Where all of the picture is there, nothing else is missing.
		completed := &source{Reader: bytes.NewReader(append(data[:len(data):len(data)], f.end...)), ctx: ctx}
		if m, failed := f.decode(completed); failed == nil {
			img, err = m, nil
		}
	}
	if err != nil {
		return nil, f.whyNot(src, data, err)
	}

	// A GIF frame may cover a part of the picture only.
	opaque := isOpaque(img)
	if screen := image.Rect(0, 0, config.Width, config.Height); img.Bounds() != screen {
		canvas := image.NewRGBA(screen)
		draw.Draw(canvas, screen, image.White, image.Point{}, draw.Src)
		draw.Draw(canvas, img.Bounds(), img, img.Bounds().Min, draw.Over)
		img, opaque = canvas, false
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := f.convert(img)
	if f.more != nil {
		p.lose(f.more(file))
	}
	if endless {
		p.lose("the end of its file is missing")
	}
	if _, inks := img.(*image.CMYK); inks {
		p.lose("its four channels (CMYK) became RGB")
	}
	p.deep(img)
	if !opaque {
		p.lose(lostTransparency)
	}
	if f.profile != nil {
		p.manage(f.profile(whole))
	}
	if f.exif != nil {
		p.orient(orientation(f.exif(whole)))
	}
	return p, nil
}

// whyNot returns what to say of a file that a decoder failed with.
func (f *format) whyNot(src *source, data []byte, err error) error {
	if f.limits != nil && src.ctx.Err() == nil {
		if limit := limit(f.limits(data)); limit != nil {
			return limit
		}
	}
	return f.failure(src, err)
}

// fits returns an error if a picture of this size in so many bytes, of a file or of an animation's frame, is not to be decoded.
func (f *format) fits(width, height, maxPixels, bytes int) error {
	switch {
	case width < 1 || height < 1:
		return fmt.Errorf("the %s picture is empty: its size is %d×%d", f.name, width, height)
	case height > maxPixels/width:
		return fmt.Errorf("%w: %d×%d is more than %.6g megapixels", ErrTooLarge, width, height, float64(maxPixels)/1e6)
	case int64(height) > (surePixels+pixelsPerByte*int64(bytes))/int64(width):
		return fmt.Errorf("%w: %d×%d in %d bytes, which is nearly empty", ErrTooLarge, width, height, bytes)
	}
	return nil
}

// lostTransparency is what Losses says of pictures that were not opaque.
const lostTransparency = "what was transparent was laid over white"

// isOpaque reports whether no pixel of a picture is transparent.
func isOpaque(img image.Image) bool {
	m, ok := img.(interface{ Opaque() bool })
	return !ok || m.Opaque()
}

// lose notes what was not taken over from a file, if there was anything.
func (p *Planes) lose(what string) {
	if what != "" {
		p.Losses = append(p.Losses, what)
	}
}

// deep notes whether there is more in a picture than 8 bits can hold.
func (p *Planes) deep(img image.Image) {
	switch img.(type) {
	case *image.RGBA64, *image.NRGBA64, *image.Gray16:
	default:
		return
	}
	for _, plane := range p.Pix {
		for _, v := range plane {
			if level[quantize(v)] != v {
				p.Losses = append(p.Losses, "16 bits a channel became 8")
				return
			}
		}
	}
}

// manage converts a picture with a colour profile, nil if it has none, to sRGB.
func (p *Planes) manage(f *profile) {
	switch {
	case f == nil:
	case !f.known:
		p.Losses = append(p.Losses, fmt.Sprintf("its colour profile (%s) was dropped, which ditas cannot convert", f.name))
	case !f.same():
		converted := fmt.Sprintf("its colours were converted from the profile %s to sRGB", f.name)
		if f.hdr == 0 {
			f.convert(p)
		} else if f.convertHDR(p) {
			converted += ", and its highlights were dimmed"
		}
		p.Losses = append(p.Losses, converted)
	}
}

// format is how Decode reads a kind of files.
type format struct {
	name    string
	whole   func(ctx context.Context, f *format, data []byte, maxPixels int) (*Planes, error) // does all itself; nil if the rest is to be gone by
	config  func(io.Reader) (image.Config, error)
	decode  func(io.Reader) (image.Image, error)
	convert func(image.Image) *Planes
	exif    func(data []byte) []byte   // finds the Exif data, in TIFF form; nil if the format has none. What whole decodes is not turned by them
	profile func(data []byte) *profile // finds the colour profile; nil if the format has none
	page    func(data []byte) []byte   // has the file begin with its first page; nil if it does
	plain   func(data []byte) []byte   // leaves out what need not be right; nil if that is not needed
	refuse  func(data []byte) error    // tells what is not decoded, or wrongly, if there is anything
	end     string                     // what a file ends with that is decoded without that if all of its picture is there
	limits  func(data []byte) string   // names what may be why a file was not decoded
	more    func(data []byte) string   // tells what there is besides the picture that is decoded, such as other pages
}

// sniff tells the kind of a file from its first bytes.
func sniff(head []byte) (*Kind, error) {
	for i := range kinds {
		if slices.ContainsFunc(kinds[i].marks, func(m string) bool { return begins(head, m) }) {
			return &kinds[i], nil
		}
	}
	// A drawing may have a declaration and remarks in front.
	if text := bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))); len(text) > 0 && text[0] == '<' && bytes.Contains(text, []byte("<svg")) {
		return kindOf(".svg"), nil
	}
	return nil, ErrFormat
}

// begins reports whether a file begins with a mark, in which a question mark stands for any byte.
func begins(head []byte, mark string) bool {
	if len(head) < len(mark) {
		return false
	}
	for i := range len(mark) {
		if mark[i] != '?' && mark[i] != head[i] {
			return false
		}
	}
	return true
}

// limit returns an error that names a kind of file which is not read, nil for none.
func limit(kind string) error {
	if kind == "" {
		return nil
	}
	return fmt.Errorf("%s cannot be read by ditas; open the picture in another program and save it as PNG", kind)
}

// failure turns a decoder's error into one that says what to do.
func (f *format) failure(src *source, err error) error {
	if stopped := src.ctx.Err(); stopped != nil {
		return stopped
	}
	if src.short {
		return f.truncated()
	}
	if rare := tiff.UnsupportedError(""); errors.As(err, &rare) {
		return limit(fmt.Sprintf("TIFF of a rare kind (%s)", string(rare)))
	}
	if unsupported := jpeg.UnsupportedError(""); errors.As(err, &unsupported) {
		return limit(fmt.Sprintf("JPEG of a rare kind (%s)", string(unsupported)))
	}
	return &damagedError{f.name, err}
}

// damagedError is what to say of a file that a decoder failed with, whose words are for those who wrote it.
type damagedError struct {
	format string
	err    error
}

func (e *damagedError) Error() string {
	return "reading " + e.format + ": the picture file is damaged, or of a rare kind; open the picture in another program and save it as PNG"
}

func (e *damagedError) Unwrap() error { return e.err }

// truncated returns the error of a file that ends too early.
func (f *format) truncated() error {
	return fmt.Errorf("reading %s: %w; fetch or copy it again", f.name, ErrTruncated)
}

// reader cannot be read any longer when a context ends.
type reader struct {
	io.Reader
	ctx context.Context
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// source is a file in memory that notes whether more was asked of it than it holds, which decoders report in many ways. It cannot be read
// any longer when a context ends, which ends most decoders soon.
type source struct {
	*bytes.Reader
	ctx   context.Context
	bytes int // read one by one
	short bool
}

func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.Reader.Read(p)
	s.short = s.short || err == io.EOF
	return n, err
}

func (s *source) ReadByte() (byte, error) {
	if s.bytes++; s.bytes%4096 == 0 {
		if err := s.ctx.Err(); err != nil {
			return 0, err
		}
	}
	b, err := s.Reader.ReadByte()
	s.short = s.short || err == io.EOF
	return b, err
}

func (s *source) ReadAt(p []byte, at int64) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.Reader.ReadAt(p, at)
	s.short = s.short || err == io.EOF
	return n, err
}

// fromWebP is FromImage for what the webp package decodes: its luma and chroma are in studio range.
func fromWebP(img image.Image) *Planes {
	switch m := img.(type) {
	case *image.YCbCr:
		return fromYCbCr(m, studioRange)
	case *image.NYCbCrA:
		p := fromYCbCr(&m.YCbCr, studioRange)
		for y := range p.Height {
			for x, a := range m.A[y*m.AStride:][:p.Width] {
				if a == 255 {
					continue
				}
				for c := range p.Pix {
					v := &p.Pix[c][y*p.Width+x]
					*v = 1 + level[a]*(*v-1)
				}
			}
		}
		return p
	}
	return FromImage(img)
}
