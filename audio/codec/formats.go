package codec

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"ditas/audio"
	"ditas/audio/aiff"
	"ditas/audio/au"
	"ditas/audio/flac"
	"ditas/audio/mp3"
	"ditas/audio/opus"
	"ditas/audio/sphere"
	"ditas/audio/vorbis"
	"ditas/audio/w64"
	"ditas/audio/wav"
	"ditas/internal/words"
)

// Format is a file format of recordings: a row of the table that all of Ditas goes by. Some formats are read and
// written, some only read, and some are only known by name, so that an error can say what a file is.
type Format struct {
	name       string
	extensions []string // lower case; the usual one first
	mediaType  string   // as in Content-Type
	marks      []string // what files begin with, ? being any byte; only for formats that are not read
	// begins are what files begin with as well, longer: so much of it that chance does not make it in the midst of other files.
	begins []string
	lossy  bool     // as a rule: some hold both kinds of samples, and who decodes a file of them learns which
	read   *reading // nil if the format is not read
	write  *writing // nil if it is not written
	advice string   // for those who have such a file, if it is not the usual one
	// end returns where a file of a format that is not read ends, which may not be the end of what it is in; nil if nothing tells.
	end func(r io.ReaderAt, size int64) (int64, error)
	// demuxer is what the program ffmpeg calls the format, "" if it does not read it. It is asked for files of formats that are not read, and
	// for files of others in an encoding that is not read.
	demuxer string
}

// reading is how files of a format are opened.
type reading struct {
	open   func(r io.ReaderAt, size int64) (audio.File, error)
	opened func(f audio.File) bool // reports whether open returned f
	// begins reports whether b is the beginning of a file for sure, where that is more than a mark of [Format]; it may be nil.
	begins func(b []byte) bool
	// vague formats have little to be known by: their turn comes when a file is nothing else.
	vague bool
}

// reads returns how a package opens its files.
func reads[F audio.File](open func(r io.ReaderAt, size int64) (F, error)) *reading {
	return &reading{
		open: func(r io.ReaderAt, size int64) (audio.File, error) {
			f, err := open(r, size)
			if err != nil {
				return nil, err // not an F that is nil
			}
			return f, nil
		},
		opened: func(f audio.File) bool { _, ok := f.(F); return ok },
	}
}

// known says how the beginning of a file is told from what else files hold.
func known(r *reading, begins func(b []byte) bool) *reading {
	r.begins = begins
	return r
}

// vaguely marks a reading as vague.
func vaguely(r *reading) *reading {
	r.vague = true
	return r
}

// writing is how files of a format are written, with the format's levels of compression.
type writing struct {
	first  bool // is tried before the others on recordings whose own format cannot be written
	floats bool // a file holds floating-point samples as well
	levels *levels
	// create returns what starts a new file.
	create func(level int) newWriter
	// again returns a file of this format as one that can be written again.
	again func(f audio.File, level int) (audio.Rewriter, error)
}

type newWriter = func(dst io.Writer, format audio.Format, frames int64) (audio.Writer, error)

// levels are a format's levels of compression, from the fastest to the smallest, and the default.
type levels struct{ lowest, highest, usual int }

// rewrites adapts how a package writes its files again.
func rewrites[F audio.File](again func(f F, level int) (audio.Rewriter, error)) func(audio.File, int) (audio.Rewriter, error) {
	return func(f audio.File, level int) (audio.Rewriter, error) {
		own, ok := f.(F)
		if !ok {
			return nil, fmt.Errorf("%T is not a file to be written again", f)
		}
		return again(own, level)
	}
}

// formats is the table. A format that is read or written is one row, and its package. Lists for people are in its order.
var formats = []*Format{
	{
		name: "WAV", extensions: []string{".wav"}, mediaType: "audio/wav", read: reads(wav.Open), demuxer: "wav",
		begins: []string{"RIFF????WAVE", "RIFX????WAVE", "RF64????WAVE", "BW64????WAVE"},
		write: &writing{
			floats: true,
			create: func(int) newWriter { return wav.NewWriter },
			again:  rewrites(func(f *wav.File, _ int) (audio.Rewriter, error) { return f, nil }),
		},
	},
	{
		name: "FLAC", extensions: []string{".flac"}, mediaType: "audio/flac", read: known(reads(flac.Open), flac.Begins),
		write: &writing{
			first:  true,
			levels: &levels{int(flac.MinLevel), int(flac.MaxLevel), int(flac.DefaultLevel)},
			create: func(level int) newWriter { return flac.Level(level).NewWriter },
			again:  rewrites(func(f *flac.File, level int) (audio.Rewriter, error) { return f.WithLevel(flac.Level(level)) }),
		},
	},
	{
		name: "MP3", extensions: []string{".mp3"}, mediaType: "audio/mpeg", lossy: true, demuxer: "mp3",
		read: known(vaguely(reads(mp3.Open)), mp3.Begins),
	},
	{
		name: "Ogg Opus", extensions: []string{".opus"}, mediaType: "audio/ogg", lossy: true, read: reads(opus.Open),
		begins: []string{inOgg + "OpusHead"},
	},
	{
		name: "Ogg Vorbis", extensions: []string{".ogg", ".oga"}, mediaType: "audio/ogg", lossy: true, read: reads(vorbis.Open),
		begins: []string{inOgg + "\x01vorbis"},
	},
	{
		name: "AIFF", extensions: []string{".aiff", ".aif", ".aifc"}, mediaType: "audio/aiff", read: reads(aiff.Open), demuxer: "aiff",
		begins: []string{"FORM????AIFF", "FORM????AIFC"},
	},
	{
		name: "AU", extensions: []string{".au", ".snd"}, mediaType: "audio/basic", read: reads(au.Open), demuxer: "au",
		// Where the samples begin, how long they are, their encoding, rate and number of channels.
		begins: []string{
			".snd" + "\x00\x00??" + "????" + "\x00\x00\x00?" + "\x00???" + "\x00\x00\x00?",
			"dns." + "??\x00\x00" + "????" + "?\x00\x00\x00" + "???\x00" + "?\x00\x00\x00",
		},
	},
	{
		name: "Wave64", extensions: []string{".w64"}, read: reads(w64.Open), demuxer: "w64",
		begins: []string{"riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\x00\x00"},
	},
	{name: "NIST SPHERE", extensions: []string{".sph"}, read: reads(sphere.Open), demuxer: "nistsphere", begins: []string{"NIST_1A\n   "}},

	{
		name: "Audible", extensions: []string{".aax", ".aa"}, lossy: true, marks: []string{"????ftypaax", "????\x57\x90\x75\x36"},
		advice: "it is protected against copying: take another recording",
	},
	{
		name: "MP4 (AAC or ALAC)", extensions: []string{".m4a", ".mp4", ".m4b", ".m4v", ".mov", ".3gp", ".3g2"}, lossy: true, demuxer: "mov",
		marks: []string{"????ftyp", "????moov", "????mdat", "????wide"},
	},
	{
		name: "AAC", extensions: []string{".aac"}, lossy: true, demuxer: "aac",
		marks: []string{"\xFF\xF0", "\xFF\xF1", "\xFF\xF8", "\xFF\xF9", "ADIF"},
	},
	{
		name: "Matroska or WebM", extensions: []string{".mka", ".mkv", ".webm"}, lossy: true, demuxer: "matroska",
		marks: []string{"\x1A\x45\xDF\xA3"},
	},
	{
		name: "Windows Media", extensions: []string{".wma", ".wmv", ".asf"}, lossy: true, demuxer: "asf",
		marks: []string{"\x30\x26\xB2\x75\x8E\x66\xCF\x11"},
	},
	{name: "AVI", extensions: []string{".avi"}, lossy: true, marks: []string{"RIFF????AVI "}, demuxer: "avi"},
	{name: "Flash Video", extensions: []string{".flv"}, lossy: true, marks: []string{"FLV\x01"}, demuxer: "flv"},
	{name: "MPEG video", extensions: []string{".mpg", ".mpeg", ".vob"}, lossy: true, marks: []string{"\x00\x00\x01\xBA"}, demuxer: "mpeg"},
	{
		name: "MPEG transport stream", extensions: []string{".ts", ".mts", ".m2ts"}, lossy: true, demuxer: "mpegts",
		marks: []string{"G" + packet + "G" + packet + "G", "????G" + packet + "????G" + packet + "????G"},
	},
	{name: "MPEG audio layer II", extensions: []string{".mp2", ".mpa"}, lossy: true, marks: layer2, demuxer: "mp3"},
	{name: "AC-3", extensions: []string{".ac3", ".eac3"}, lossy: true, marks: []string{"\x0B\x77"}, demuxer: "ac3"},
	{name: "DTS", extensions: []string{".dts"}, lossy: true, marks: []string{"\x7F\xFE\x80\x01"}, demuxer: "dts"},
	{name: "Dolby TrueHD", extensions: []string{".thd"}, marks: []string{"????\xF8\x72\x6F\xBA"}, demuxer: "truehd"},
	{name: "MLP", extensions: []string{".mlp"}, marks: []string{"????\xF8\x72\x6F\xBB"}, demuxer: "mlp"},
	{name: "AMR", extensions: []string{".amr", ".awb"}, lossy: true, marks: []string{"#!AMR"}, demuxer: "amr"},
	{name: "Speex", extensions: []string{".spx"}, lossy: true, marks: []string{inOgg + "Speex   "}, begins: []string{inOgg + "Speex   "}, demuxer: "ogg"},
	{name: "FLAC in Ogg", marks: []string{inOgg + "\x7FFLAC"}, begins: []string{inOgg + "\x7FFLAC"}, demuxer: "ogg"},
	{
		name: "CAF", extensions: []string{".caf"}, marks: []string{"caff"}, demuxer: "caf",
		begins: []string{"caff\x00\x01\x00\x00desc"}, end: endOfCAF,
	},
	{
		name: "WavPack", extensions: []string{".wv"}, marks: []string{"wvpk"}, demuxer: "wv",
		// A block below 16 MB, version 4, and the first frame is the first of all.
		begins: []string{"wvpk???\x00?\x04\x00?" + "????" + "\x00\x00\x00\x00"}, end: endOfWavPack,
	},
	{name: "Monkey's Audio", extensions: []string{".ape"}, marks: []string{"MAC ?\x0F"}, demuxer: "ape"},
	{name: "True Audio", extensions: []string{".tta"}, marks: []string{"TTA1"}, begins: []string{"TTA1\x01\x00?\x00"}, demuxer: "tta"},
	{name: "TAK", extensions: []string{".tak"}, marks: []string{"tBaK"}, demuxer: "tak"},
	{name: "Shorten", extensions: []string{".shn"}, marks: []string{"ajkg"}, demuxer: "shn"},
	{
		name: "OptimFROG", extensions: []string{".ofr", ".ofs"}, marks: []string{"OFR "},
		advice: "have the program ofr decode it to a WAV file first",
	},
	{name: "DSF", extensions: []string{".dsf"}, marks: []string{"DSD "}, begins: []string{"DSD \x1C\x00\x00\x00\x00\x00\x00\x00"}, demuxer: "dsf"},
	{name: "DSDIFF", extensions: []string{".dff"}, marks: []string{"FRM8"}, demuxer: "iff"},
	{name: "Musepack", extensions: []string{".mpc"}, lossy: true, marks: []string{"MPCK"}, demuxer: "mpc8"},
	{name: "Musepack SV7", lossy: true, marks: []string{"MP+"}, demuxer: "mpc"},
	{name: "RealAudio", extensions: []string{".ra", ".rm"}, lossy: true, marks: []string{".RMF", ".ra\xFD"}, demuxer: "rm"},
	{name: "ATRAC", extensions: []string{".oma", ".aa3"}, lossy: true, marks: []string{"ea3\x03", "EA3\x01"}, demuxer: "oma"},
	{name: "Creative Voice", extensions: []string{".voc"}, marks: []string{"Creative Voice File"}, demuxer: "voc"},
	{name: "8SVX", extensions: []string{".8svx"}, marks: []string{"FORM????8SVX"}, demuxer: "iff"},
	{
		name: "MIDI", extensions: []string{".mid", ".midi", ".rmi"}, marks: []string{"MThd", "RIFF????RMID"},
		advice: "it holds notes and no sound; have a synthesizer play it into a WAV file first",
	},
	{
		name: "tracker music", extensions: []string{".mod", ".xm", ".it", ".s3m"},
		marks:  []string{"Extended Module: ", "IMPM", strings.Repeat("?", 44) + "SCRM"},
		advice: "it holds notes and instruments; have a player write it to a WAV file first",
	},
}

// inOgg is a page of an Ogg file up to its first packet, if that is a short one.
const inOgg = "OggS????????????????????????"

// packet is a packet of an MPEG transport stream without its first byte.
var packet = strings.Repeat("?", 187)

// layer2 are the first bytes of frames of MPEG audio of layer II, in the versions 1, 2 and 2.5, with a checksum and without.
var layer2 = []string{"\xFF\xFC", "\xFF\xFD", "\xFF\xF4", "\xFF\xF5", "\xFF\xE4", "\xFF\xE5"}

// longestMark is the size of the longest mark, in bytes.
const longestMark = 400

// Readable returns the formats that [Open] reads.
func Readable() []*Format {
	return slices.DeleteFunc(slices.Clone(formats), func(f *Format) bool { return !f.Readable() })
}

// Writable returns the formats that [Cover] writes.
func Writable() []*Format {
	return slices.DeleteFunc(slices.Clone(formats), func(f *Format) bool { return !f.Writable() })
}

// Known returns all formats, also those whose files are only told by name.
func Known() []*Format { return slices.Clone(formats) }

// Names returns the names of formats.
func Names(formats []*Format) []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// Extensions returns the extensions of formats, with their dots, in lower case.
func Extensions(formats []*Format) []string {
	var list []string
	for _, f := range formats {
		list = append(list, f.extensions...)
	}
	return list
}

// ByName returns the format that the extension of a file's name stands for, in either case, and whether there is one.
func ByName(name string) (*Format, bool) {
	extension := strings.ToLower(filepath.Ext(name))
	for _, f := range formats {
		if slices.Contains(f.extensions, extension) {
			return f, true
		}
	}
	return nil, false
}

// Of returns the format of a File that [Open] or [OpenFile] returned, and whether it is one.
func Of(f audio.File) (*Format, bool) {
	if named, ok := f.(*File); ok {
		f = named.File
	}
	for _, row := range formats {
		if row.read != nil && row.read.opened(f) {
			return row, true
		}
	}
	return nil, false
}

// Lossy reports whether f, as [Open] or [Cover] returned it, has been through a compression that leaves out what ears do not miss, as MP3 does.
// What is rounded, as to 8 bits or by A-law and µ-law, is not: it has noise of its own, as all recordings have. Other kinds of files say so by a
// method Lossy, or by a method Unwrap what they are made of.
func Lossy(f audio.File) bool {
	if v, ok := audio.As[interface{ Lossy() bool }](f); ok {
		return v.Lossy()
	}
	for {
		made, ok := f.(interface{ Unwrap() audio.File })
		if !ok {
			break
		}
		f = made.Unwrap()
	}
	row, ok := Of(f)
	return ok && row.lossy
}

// Complaint returns what the program that decoded f said was wrong with the file, empty if it said nothing or there was no such program. Such files
// tell it by a method Complaint, or by a method Unwrap what they are made of.
func Complaint(f audio.File) string {
	if v, ok := audio.As[interface{ Complaint() string }](f); ok {
		return v.Complaint()
	}
	return ""
}

// Name returns what people call the format.
func (f *Format) Name() string { return f.name }

// String is [Format.Name].
func (f *Format) String() string { return f.name }

// Extension returns the usual extension of the format's files, with its dot.
func (f *Format) Extension() string {
	if len(f.extensions) == 0 {
		return ""
	}
	return f.extensions[0]
}

// MediaType returns what to send as a Content-Type.
func (f *Format) MediaType() string {
	if f.mediaType == "" {
		return "application/octet-stream"
	}
	return f.mediaType
}

// Lossy reports whether the format's files have been through a compression as [Lossy] means it. Of formats that are not read, such as MP4, some
// files may not have been.
func (f *Format) Lossy() bool { return f.lossy }

// Readable reports whether [Open] reads the format.
func (f *Format) Readable() bool { return f.read != nil }

// Writable reports whether [Cover] writes the format.
func (f *Format) Writable() bool { return f.write != nil }

// Demuxer returns what the program ffmpeg calls a format that is not read here but there, or of which it reads more encodings, "" for all others.
func (f *Format) Demuxer() string { return f.demuxer }

// Advice returns what to do with a file of a format that is not read, as in "convert it to WAV or FLAC first".
func (f *Format) Advice() string {
	if f.advice == "" {
		return "convert it to " + words.List(Names(Writable()), "or") + " first"
	}
	return f.advice
}

// Floats reports whether files of the format can be written with floating-point samples.
func (f *Format) Floats() bool { return f.write != nil && f.write.floats }

// Levels returns the levels of compression at which the format is written, from the fastest to the smallest, and the
// one that is taken unasked. ok is false if there is nothing to choose.
func (f *Format) Levels() (lowest, highest, usual int, ok bool) {
	if f.write == nil || f.write.levels == nil {
		return 0, 0, 0, false
	}
	l := f.write.levels
	return l.lowest, l.highest, l.usual, true
}

// marked reports whether a file that begins with head bears one of the format's marks.
func (f *Format) marked(head []byte) bool { return matches(head, f.marks) }

// matches reports whether b begins with one of the marks.
func matches(b []byte, marks []string) bool {
	return slices.ContainsFunc(marks, func(mark string) bool {
		if len(b) < len(mark) {
			return false
		}
		for i := range len(mark) {
			if mark[i] != '?' && mark[i] != b[i] {
				return false
			}
		}
		return true
	})
}

// Refusal says that a recording cannot be read, or not be written as asked for, and what to do about it. It wraps
// [audio.ErrFormat] or [audio.ErrUnsupported].
type Refusal struct {
	Name   string // of the file, if that is known
	Says   string // about the file, as in "is AIFF, which ditas does not read"
	Advice string // as in "convert it to WAV or FLAC first"
	Err    error
	Format *Format // of the file that is not read, nil if that is not known
}

func (r *Refusal) Error() string {
	name := r.Name
	if name == "" {
		name = "the file"
	}
	return name + " " + r.Says + "; " + r.Advice
}

// Unwrap returns the error behind the refusal.
func (r *Refusal) Unwrap() error { return r.Err }

// unread is the refusal of a file in a format that is not read.
func (f *Format) unread() *Refusal {
	return &Refusal{Says: "is " + f.name + ", which ditas does not read", Advice: f.Advice(), Err: audio.ErrFormat, Format: f}
}

// EncodingError says that a file is of a format that is read, but in an encoding that is not. It wraps an error that wraps [audio.ErrUnsupported].
type EncodingError struct {
	Format *Format
	Err    error
}

func (e *EncodingError) Error() string { return e.Err.Error() }

// Unwrap returns the error behind it.
func (e *EncodingError) Unwrap() error { return e.Err }

// unknown is the refusal of a file in no format at all.
func unknown() *Refusal {
	return &Refusal{Says: "is not a recording that ditas reads", Advice: Wanted(), Err: audio.ErrFormat}
}

// Wanted says what recordings are, to those who gave something else: "recordings are WAV, FLAC, … files".
func Wanted() string { return "recordings are " + words.List(Names(Readable()), "or") + " files" }

// endIn says which names to write under.
func endIn(formats []*Format) string {
	return "let the name to write end in " + words.List(Extensions(formats), "or")
}

// CheckOutput returns an error if the extension of name asks for a format that Ditas does not write. What is hidden
// in a lossy one would not survive. The error is a *[Refusal] and wraps [audio.ErrUnsupported].
func CheckOutput(name string) error { return CoverOptions{Name: name}.Check() }

// unwritten is the refusal to write a format. Apps that post recordings convert them to what is lossy themselves.
func (f *Format) unwritten() *Refusal {
	r := &Refusal{
		Says:   "would be " + f.name + ", and ditas writes " + words.List(Names(Writable()), "and"),
		Advice: endIn(Writable()), Err: audio.ErrUnsupported,
	}
	if f.lossy {
		r.Advice = "write FLAC; if an app will convert it, the picture has to be hidden for that, as with --for share"
	}
	return r
}
