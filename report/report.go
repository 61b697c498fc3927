// Package report holds the reports, errors, warnings and progress that package ditas returns. Reports have exported fields only,
// and tags for writing them as JSON.
package report

import "time"

// Hide tells what hiding did.
type Hide struct {
	Method string `json:"method"`
	Width  int    `json:"width"` // of the picture as hidden, in pixels
	Height int    `json:"height"`
	// MSE, SNR in dB and MaxDeviation compare the whole stego with its cover; full scale is 1.
	MSE          float64 `json:"mse"`
	SNR          float64 `json:"snr"`
	MaxDeviation float64 `json:"maxDeviation"`
	// PSNR in dB, at most 100, compares the picture as revealed from the undamaged file with the picture as hidden, before a
	// network restores what is missing. Exact says that not one value differs.
	PSNR  float64 `json:"psnr"`
	Exact bool    `json:"exact"`
	// File is the file that is hidden, byte for byte, with the picture or alone; nil if only a picture is.
	File *File `json:"file,omitempty"`
	// Losses tells what of the picture's file was not hidden, as picture.Planes does. Exact is false then.
	Losses []string `json:"losses,omitempty"`
	// Restored is the quality of the picture after a network has restored it. It is nil unless it was asked for.
	Restored *Quality `json:"restored,omitempty"`
	// Robust says that the picture is protected against noise. Where there is little room, it goes into quality instead.
	Robust bool        `json:"robust"`
	Stages []HideStage `json:"stages"`
	// ODG is how audible the change is, by PEAQ (ITU-R BS.1387): 0 imperceptible, −4 very annoying. Of a long recording it is that of the
	// stretches where the change is loudest. It is nil if the method does not measure it.
	ODG *float64 `json:"odg,omitempty"`
	// Becomes tells what a recording became that cannot be written as it is, as in "FLAC (44100 Hz, 2 channels, 16-bit), without its tags".
	// It is empty for one that can, and where another format was asked for.
	Becomes string `json:"becomes,omitempty"`
	// Dithered says that the samples were rounded to 16 bits with dither, which most exports do.
	Dithered bool `json:"dithered,omitempty"`
	// Warnings tells what is wrong with what was made.
	Warnings []Warning `json:"warnings,omitempty"`
}

// File is a file that is hidden.
type File struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
}

// HideStage is a stage of a picture that was hidden.
type HideStage struct {
	Bytes int `json:"bytes"` // 0 where a stage is not made of bytes
	// PSNR in dB, at most 100, is the picture's quality with this stage and all before it.
	PSNR float64 `json:"psnr"`
	// Loss is the share of the recording that may be lost, if nothing else happens to it, before this stage is lost; nil if that is not
	// known. Noise is another matter: the first stages stand the most of it, though a later one may stand more loss.
	Loss *float64 `json:"loss,omitempty"`
	// Survives names the worst that the stage is made to survive, such as a codec; empty if nothing is promised.
	Survives string `json:"survives,omitempty"`
}

// Quality compares a picture with the original.
type Quality struct {
	PSNR float64  `json:"psnr"` // dB, at most 100
	SSIM *float64 `json:"ssim"` // nil for pictures with a side below 11 pixels
}

// Reveal tells what was found in a recording.
type Reveal struct {
	Method string `json:"method"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	// Complete says that everything hidden has arrived, and Exact that the picture equals the original to the last bit.
	Complete bool `json:"complete"`
	Exact    bool `json:"exact"`
	// File is the file that was hidden, if it has arrived; Width and Height are 0 if it is no picture.
	File *File `json:"file,omitempty"`
	// Restored says that a network has restored the picture.
	Restored bool          `json:"restored"`
	Stages   []RevealStage `json:"stages"`
	// Robust says that the picture was protected against noise when it was hidden.
	Robust bool `json:"robust"`
	// Bytes is the size of the hidden stream, and Read how much of it arrived without a gap; both are 0 if the method does not hide
	// bytes.
	Bytes int `json:"bytes"`
	Read  int `json:"read"`
	// Frames is the number of frames that the picture was hidden in, and Arrived how many of them were found. Those that were left alone
	// because a change would be heard in them are not.
	Frames  int `json:"frames"`
	Arrived int `json:"arrived"`
	// Truncated says that the file ends before it should.
	Truncated bool `json:"truncated,omitempty"`
	// Beyond is how many seconds the recording goes on behind the end of what was hidden in it, 0 if that is where it ends: something else may be
	// hidden there.
	Beyond float64 `json:"beyond,omitempty"`
	// Damaged is how many seconds of the file are damaged, and count as lost.
	Damaged float64 `json:"damaged,omitempty"`
	// Altered says that the samples were read and are not those whose checksum is in the file's header.
	Altered bool `json:"altered,omitempty"`
	// Complaint is what the program that decoded the file, such as ffmpeg, said was wrong with it, empty if nothing was.
	Complaint string `json:"complaint,omitempty"`
	// Map says for each frame of each channel, as written, whether it was found; nil if the method does not tell.
	Map Map `json:"map,omitempty"`
	// Gain in dB and Inverted say how the recording's amplitude has changed since, Offset is what was added to every sample, and
	// Noise is the standard deviation of everything else that was added, rounding included; full scale is 1.
	Gain     float64 `json:"gain"`
	Inverted bool    `json:"inverted"`
	Offset   float64 `json:"offset"`
	Noise    float64 `json:"noise"`
}

// RevealStage tells how much of a stage arrived.
type RevealStage struct {
	Bytes int `json:"bytes"` // 0 where a stage is not made of bytes
	// Blocks is the number of code blocks, which each arrive or are lost alone, and Arrived how many arrived.
	Blocks  int `json:"blocks"`
	Arrived int `json:"arrived"`
}

// Warning says what is wrong with a recording and what to do.
type Warning struct {
	Kind   WarningKind `json:"kind"`
	Text   string      `json:"text"` // a sentence without its subject, the recording: "is mostly digital silence"
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
	Alike      WarningKind = "alike"
	Audible    WarningKind = "audible"
	Louder     WarningKind = "louder" // than was asked for
	Occupied   WarningKind = "occupied"
	Damaged    WarningKind = "damaged"
)

// Phase is what hiding or revealing is busy with.
type Phase string

// The phases, in the order in which they may come.
const (
	Surveying  Phase = "surveying"  // the cover, to find its room
	Coding     Phase = "coding"     // the picture
	Embedding  Phase = "embedding"  // the picture in the recording
	Checking   Phase = "checking"   // what a receiver will reveal
	Searching  Phase = "searching"  // for something hidden
	Reading    Phase = "reading"    // what was found
	Decoding   Phase = "decoding"   // the picture
	Restoring  Phase = "restoring"  // what the picture lacks
	Converting Phase = "converting" // the picture to the kind of file that is written
)

// Progress is called now and then, never by two goroutines at once, with how much of a phase is done. Within a phase, done never falls. If
// the operation succeeds, its last call has done equal to total.
type Progress func(phase Phase, done, total int)

// Capacity tells what a recording can take at a strength.
type Capacity struct {
	Method   string        `json:"method"`
	Duration time.Duration `json:"duration"` // of the recording, in nanoseconds
	Usable   time.Duration `json:"usable"`   // without silence and the like
	// Bytes is how much of a picture's stream fits, and Robust how much fits protected against noise; both are 0 if the method does
	// not hide bytes.
	Bytes  int `json:"bytes"`
	Robust int `json:"robust"`
	// Pixels bounds the picture, each side rounded up to a multiple of Tile, and Side is the largest square picture.
	Pixels int `json:"pixels"`
	Tile   int `json:"tile"` // pixels; 1 if pictures are not cut into tiles
	Side   int `json:"side"` // pixels
	// Least is how long the shortest recording is that takes anything, in nanoseconds.
	Least time.Duration `json:"least"`
	// SNR in dB is what comes out at least, about: a picture that takes nearly all of the room may have a few dB more. The change must not be
	// heard, so that may be more than was asked for.
	SNR float64 `json:"snr"`
	// TooQuiet is set if nothing fits because the recording is too quiet for the strength.
	TooQuiet *TooQuietError `json:"tooQuiet,omitempty"`
	// Exposed is set if nothing fits because a change would be found nearly everywhere.
	Exposed *ExposedError `json:"exposed,omitempty"`
	// Dithered says that the samples will be rounded to 16 bits with dither.
	Dithered bool `json:"dithered,omitempty"`
	// Sublinear says that what fits grows with the square root of the recording's length: of twice as many samples, each tells less that is not found.
	Sublinear bool `json:"sublinear,omitempty"`
	// Stages tell how much of the stream comes back after what, the worst first; nil if the method promises nothing of the kind.
	Stages []CapacityStage `json:"stages,omitempty"`
}

// CapacityStage tells how many bytes of a stream come back after something.
type CapacityStage struct {
	Bytes    int    `json:"bytes"`
	Survives string `json:"survives"` // the worst after which they do, such as a codec
}
