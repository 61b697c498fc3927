// Package report holds what hiding and revealing tell: reports, errors, warnings and progress. Package ditas returns them; all of
// their fields are exported, and those of reports are written as JSON by the names in their tags.
package report

import "time"

// Hide tells what hiding did.
type Hide struct {
	Method string `json:"method"`
	Width  int    `json:"width"` // of the picture as hidden, in pixels
	Height int    `json:"height"`
	// MSE, SNR in dB and MaxDeviation compare the whole recording with its change; full scale is 1.
	MSE          float64 `json:"mse"`
	SNR          float64 `json:"snr"`
	MaxDeviation float64 `json:"maxDeviation"`
	// PSNR in dB, at most 100, compares the picture as it comes back from the untouched file with the picture as hidden, before a
	// network restores what is missing of it. Exact says that not one value differs.
	PSNR  float64 `json:"psnr"`
	Exact bool    `json:"exact"`
	// Restored says how well the picture comes back in the end. It is nil unless it was asked for.
	Restored *Quality `json:"restored,omitempty"`
	// Robust says that the picture is protected against noise. A recording with little room is spent on quality instead.
	Robust bool        `json:"robust"`
	Stages []HideStage `json:"stages"`
}

// HideStage is a stage of a picture that was hidden.
type HideStage struct {
	Bytes int `json:"bytes"` // 0 where a stage is not made of bytes
	// PSNR in dB, at most 100, is the quality of the picture that this stage and those before it make.
	PSNR float64 `json:"psnr"`
	// Loss is the share of the recording that may be lost, if nothing else happens to it, before the stage is.
	Loss float64 `json:"loss"`
}

// Quality compares a picture with the original.
type Quality struct {
	PSNR float64  `json:"psnr"` // dB, at most 100
	SSIM *float64 `json:"ssim"` // nil for pictures of less than 11 pixels a side
}

// Reveal tells what was found in a recording.
type Reveal struct {
	Method string `json:"method"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	// Complete says that all that was hidden has arrived, and Exact that the picture is the original to the last bit.
	Complete bool `json:"complete"`
	Exact    bool `json:"exact"`
	// Restored says that a network has made the picture look more like the original.
	Restored bool          `json:"restored"`
	Stages   []RevealStage `json:"stages"`
	// Robust says that the picture was protected against noise when it was hidden.
	Robust bool `json:"robust"`
	// Bytes is the size of what was hidden, and Read how much of it arrived without a gap; 0 where a method does not hide bytes.
	Bytes int `json:"bytes"`
	Read  int `json:"read"`
	// Frames is the number of pieces in which the picture was hidden, and Arrived how many of them were found.
	Frames  int `json:"frames"`
	Arrived int `json:"arrived"`
	// Map says for each piece of each channel, as they were written, whether it was found; nil where a method does not tell.
	Map [][]bool `json:"-"`
	// Gain in dB and Inverted say what has become of the recording's amplitude since, Offset what was added to every sample, and
	// Noise is the standard deviation of what else was added, rounding included; full scale is 1.
	Gain     float64 `json:"gain"`
	Inverted bool    `json:"inverted"`
	Offset   float64 `json:"offset"`
	Noise    float64 `json:"noise"`
}

// RevealStage tells what arrived of a stage.
type RevealStage struct {
	Bytes int `json:"bytes"` // 0 where a stage is not made of bytes
	// Blocks is the number of pieces that stand or fall on their own, and Arrived how many of them came through.
	Blocks  int `json:"blocks"`
	Arrived int `json:"arrived"`
}

// Warning says what is wrong with a recording and what to do.
type Warning struct {
	Kind   WarningKind `json:"kind"`
	Text   string      `json:"text"` // a sentence without the recording's name, as in "is mostly digital silence"
	Advice string      `json:"advice"`
}

// WarningKind is what a warning is about.
type WarningKind string

// The kinds of warnings.
const (
	Silent     WarningKind = "silent"
	Clipped    WarningKind = "clipped"
	Narrow     WarningKind = "narrow"
	Compressed WarningKind = "compressed"
)

// Phase is what hiding or revealing is busy with.
type Phase string

// The phases, in the order in which they may come.
const (
	Surveying  Phase = "surveying"  // the cover, to find its room
	Coding     Phase = "coding"     // the picture
	Embedding  Phase = "embedding"  // it in the recording
	Checking   Phase = "checking"   // what a receiver will get
	Searching  Phase = "searching"  // for something in a recording
	Reading    Phase = "reading"    // what was found
	Decoding   Phase = "decoding"   // the picture
	Restoring  Phase = "restoring"  // what is missing of it
	Converting Phase = "converting" // one kind of file to another
)

// Progress is called now and then, never by two goroutines at once, with how much of a phase is done. Within a phase done never falls, and
// the last call of an operation that succeeds has done equal to total.
type Progress func(phase Phase, done, total int)

// Capacity tells what a recording can take at a strength.
type Capacity struct {
	Method   string        `json:"method"`
	Duration time.Duration `json:"duration"` // of the recording, in nanoseconds
	Usable   time.Duration `json:"usable"`   // without what cannot be used, such as silence
	// Bytes is how much of a picture's stream fits, and Robust how much with protection against noise; 0 where a method does not hide
	// bytes.
	Bytes  int `json:"bytes"`
	Robust int `json:"robust"`
	// Pixels bounds the picture, each side rounded up to a multiple of Tile, and Side is the largest square picture.
	Pixels int `json:"pixels"`
	Tile   int `json:"tile"` // pixels; 1 where a picture is not cut into tiles
	Side   int `json:"side"` // pixels
	// SNR in dB is the one aimed at. What can be heard sets a limit of its own, so the change may turn out smaller.
	SNR float64 `json:"snr"`
	// TooQuiet tells that nothing fits because the recording is too quiet for the strength; nil otherwise.
	TooQuiet *TooQuietError `json:"tooQuiet,omitempty"`
}
