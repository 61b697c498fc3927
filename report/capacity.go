package report

import (
	"fmt"
	"math"
	"time"
)

// area returns the pixels of the tiles that cover a picture.
func (c *Capacity) area(width, height int) int {
	tile := max(1, c.Tile)
	up := func(n int) int { return (n + tile - 1) / tile * tile }
	return up(width) * up(height)
}

// fewPixels is the size up to which a picture takes at least one bit a pixel.
const fewPixels = 64 * 64

// Beyond freePixels a picture takes at least moreBits for each pixel more: receivers halve what claims more pixels than that, lest a few bytes
// take all memory.
const (
	freePixels = 1 << 20
	moreBits   = 0.5
)

// LeastBits returns how many bits a picture of so many pixels takes at least that is coded as a whole: one a pixel up to 64×64, and farther up
// fewer for each pixel the larger the picture is, in inverse proportion to the square root of its side, but half a bit for each pixel beyond a
// million. Photographs come back at some 30 dB then.
func LeastBits(pixels float64) float64 {
	if pixels <= fewPixels {
		return pixels
	}
	return max(fewPixels*math.Pow(pixels/fewPixels, 0.75), moreBits*(pixels-freePixels))
}

// MostPixels returns the size of the largest picture for which so many bits are enough, by [LeastBits].
func MostPixels(bits float64) float64 {
	if bits <= fewPixels {
		return bits
	}
	return min(fewPixels*math.Pow(bits/fewPixels, 1/0.75), freePixels+bits/moreBits)
}

// fileExtra is what is hidden of a file besides its bytes, at most: a name, a check, and that the picture ends.
const fileExtra = 256 + 8 + 16

// PictureBytes returns how many bytes of a picture are hidden at least before its file of so many bytes, so that something of it is to be seen if
// not all of the file arrives: by [LeastBits], but no more than a quarter of the file. It is 0 for no picture, of 0×0 pixels.
func PictureBytes(width, height, size int) int {
	return int(min(math.Ceil(LeastBits(float64(width)*float64(height))/8), float64(size/4)))
}

// FileBytes returns how many bytes it takes to hide a file of so many bytes with the picture in it, of 0×0 pixels if it is none.
func FileBytes(width, height, size int) int {
	return PictureBytes(width, height, size) + size + fileExtra
}

// TakesFile reports whether a file of so many bytes fits, with the picture in it, of 0×0 pixels if it is none.
func (c *Capacity) TakesFile(width, height, size int) bool {
	return c.Bytes >= FileBytes(width, height, size)
}

// Need returns how long a recording like this has to be to take a picture, or 0 if no length is enough.
func (c *Capacity) Need(width, height int) time.Duration {
	if c.Pixels == 0 {
		return 0
	}
	need, have := float64(c.area(width, height)), float64(c.Pixels)
	if c.Bytes > 0 {
		need, have = LeastBits(need), LeastBits(have)
	}
	longer := need / have
	if c.Sublinear {
		longer *= longer
	}
	return max(c.Least, time.Duration(min(float64(c.Usable)*longer, math.MaxInt64/2)))
}

// Fit returns the size to which a picture has to be scaled down to fit: its own size if it fits, and zeros if nothing fits.
func (c *Capacity) Fit(width, height int) (w, h int) {
	if width < 1 || height < 1 || c.Pixels < 1 {
		return 0, 0
	}
	if c.area(width, height) <= c.Pixels {
		return width, height
	}
	// The longer side decides. A larger picture never has fewer tiles, so halving finds the best scale.
	size := func(long int) (int, int) {
		if width >= height {
			return long, max(1, height*long/width)
		}
		return max(1, width*long/height), long
	}
	low, high := 0, max(width, height)
	for low < high {
		mid := (low + high + 1) / 2
		if c.area(size(mid)) <= c.Pixels {
			low = mid
		} else {
			high = mid - 1
		}
	}
	if low == 0 {
		return 0, 0
	}
	return size(low)
}

// Refusal returns why nothing fits whatever its size: a *TooQuietError or an *ExposedError, or nil.
func (c *Capacity) Refusal() error {
	switch {
	case c.TooQuiet != nil:
		return c.TooQuiet
	case c.Exposed != nil:
		return c.Exposed
	}
	return nil
}

// Check returns a *TooShortError if a picture does not fit, and if none would the error of [Capacity.Refusal].
func (c *Capacity) Check(width, height int) error {
	if err := c.Refusal(); err != nil {
		return err
	}
	if c.area(width, height) <= c.Pixels {
		return nil
	}
	e := &TooShortError{Need: c.Need(width, height), Have: c.Usable}
	e.Width, e.Height = c.Fit(width, height)
	return e
}

// TooShortError reports a recording that has no room for a picture.
type TooShortError struct {
	Need   time.Duration `json:"need"` // of usable sound, at the recording's rate and channels, in nanoseconds; 0 if no length is enough
	Have   time.Duration `json:"have"`
	Width  int           `json:"width"` // of the picture scaled down to fit, 0 if none fits
	Height int           `json:"height"`
}

func (e *TooShortError) Error() string {
	if e.Need == 0 {
		return fmt.Sprintf("the recording is too short to hide anything in it: there are %s of sound", seconds(e.Have, math.Floor))
	}
	s := fmt.Sprintf("the recording is too short: it takes %s of sound, and there are %s", seconds(e.Need, math.Ceil), seconds(e.Have, math.Floor))
	if e.Width > 0 {
		s += fmt.Sprintf("; scaled down to %d×%d the picture would fit", e.Width, e.Height)
	}
	return s
}

// LargeFileError reports a file for which there is no room.
type LargeFileError struct {
	Need int `json:"need"` // bytes
	Have int `json:"have"`
}

func (e *LargeFileError) Error() string {
	return fmt.Sprintf("the file takes %d bytes of room, and there are %d", e.Need, e.Have)
}

// TooQuietError reports a recording so quiet, for the bits that its samples have, that even the finest steps, which its format or the method sets,
// change it at least 3 dB more than was asked for, or would be heard everywhere, or found where that must not be.
type TooQuietError struct {
	Asked   float64 `json:"asked"`           // signal-to-noise ratio in dB
	Reached float64 `json:"reached"`         // the highest that is possible, in dB
	Heard   bool    `json:"heard,omitempty"` // the finest steps would be heard; Reached tells nothing then
	Faint   bool    `json:"faint,omitempty"` // the finest steps are no faint change; Asked and Reached tell nothing then
	Bits    int     `json:"bits,omitempty"`  // of a sample, where the recording need not be quiet for it: 8
}

func (e *TooQuietError) Error() string {
	switch {
	case e.Faint && e.Bits > 0:
		return fmt.Sprintf("samples of %d bits are too coarse for a faint change to this recording", e.Bits)
	case e.Faint:
		return "the recording is too quiet for a faint change"
	case e.Heard && e.Bits > 0:
		return fmt.Sprintf("the finest change that samples of %d bits can hold would be heard in this recording", e.Bits)
	case e.Heard:
		return "the recording is so quiet that the finest change its format can hold would be heard"
	case e.Bits > 0:
		return fmt.Sprintf("samples of %d bits are too coarse for a signal-to-noise ratio of %.1f dB in this recording: %.1f dB is the most it can have",
			e.Bits, e.Asked, e.Reached)
	}
	return fmt.Sprintf("the recording is too quiet for a signal-to-noise ratio of %.1f dB: %.1f dB is the most it can have", e.Asked, e.Reached)
}

// ExposedError reports a recording in which nearly every change would be found by whoever looks for one: hardly any of it is more than silence, or its
// samples are so coarse that it has no noise for a change to pass for.
type ExposedError struct {
	Bits int `json:"bits"` // of a sample, at most 16
}

func (e *ExposedError) Error() string {
	if e.Bits < 16 {
		return fmt.Sprintf("a change would be found nearly everywhere in this recording: samples of %d bits leave no noise that it could pass for", e.Bits)
	}
	return "a change would be found nearly everywhere in this recording: hardly any of it is more than silence"
}

func seconds(d time.Duration, round func(float64) float64) string {
	return fmt.Sprintf("%.1f s", round(d.Seconds()*10)/10)
}
