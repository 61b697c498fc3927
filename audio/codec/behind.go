package codec

import (
	"encoding/binary"
	"io"

	"ditas/audio"
	"ditas/audio/mp3"
)

// refuseMore returns an error if another recording, of whatever kind, begins in a file at or behind the position where the one that it begins with
// ends: what would be dropped in silence. Tags, chunks, padding, pictures and anything else may be there. Of a file that ends where it begins, since
// there is nothing whole in it, nothing is behind.
func refuseMore(r io.ReaderAt, size, end int64) error {
	if end <= 0 {
		return nil
	}
	at, f, err := nextBeginning(r, size, end)
	if err != nil || f == nil {
		return err
	}
	return &audio.JoinedError{At: at, What: "another file (" + f.name + ")"}
}

// lookAhead is how much nextBeginning needs to know a recording by.
const lookAhead = mp3.MostBegun

// nextBeginning returns where the first recording begins in a file at or behind a position, with the ID3v2 tag before it, and its format: nil if there
// is none.
func nextBeginning(r io.ReaderAt, size, at int64) (int64, *Format, error) {
	tag, behindTag := int64(-1), int64(-1)
	buf := make([]byte, 1<<17)
	for at < size {
		n, err := r.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		if err != nil && err != io.EOF {
			return 0, nil, err
		}
		if n == 0 {
			break
		}
		sure := n // up to where there is enough to look at
		if at+int64(n) < size {
			sure -= lookAhead
		}
		i := 0
		for ; i < sure; i++ {
			if !mayBegin[buf[i]] {
				continue
			}
			b := buf[i:n]
			if f := beginning(b); f != nil {
				if at+int64(i) == behindTag {
					return tag, f, nil
				}
				return at + int64(i), f, nil
			}
			if length, ok := tagAt(b); ok && length <= size-at-int64(i) {
				tag = at + int64(i)
				behindTag = tag + length // what is within a tag is of the tag
				if behindTag < at+int64(sure) {
					i = int(behindTag-at) - 1 // there may be a million small ones: each byte is read but once
					continue
				}
				at, i = behindTag, 0
				break
			}
		}
		at += int64(i)
	}
	return 0, nil, nil
}

// mayBegin is which bytes a recording, or a tag before one, may begin with.
var mayBegin = func() (may [256]bool) {
	for _, f := range formats {
		for _, begins := range f.begins {
			may[begins[0]] = true
		}
	}
	for _, first := range []byte("fI\xFF") { // FLAC, ID3 and MP3
		may[first] = true
	}
	return may
}()

// beginning returns the format of which a file begins with b, nil if none does for sure.
func beginning(b []byte) *Format {
	for _, f := range formats {
		if f.begin(b) {
			return f
		}
	}
	return nil
}

// begin reports whether b is the beginning of a file of the format for sure: by so many bytes that chance does not make them in any other file.
func (f *Format) begin(b []byte) bool {
	return matches(b, f.begins) || f.read != nil && f.read.begins != nil && f.read.begins(b)
}

// tagAt returns the size of the ID3v2 tag that b begins with, and whether there is one.
func tagAt(b []byte) (int64, bool) {
	size, ok := tagSize(b)
	if !ok || b[3] < 2 || b[3] > 4 || b[4] == 0xFF || b[5]&15 != 0 || (b[6]|b[7]|b[8]|b[9])&0x80 != 0 {
		return 0, false
	}
	return size, true
}

// endOfCAF returns where the chunks of a CAF file [1] end that a file begins with.
//
//   - [1] Apple Core Audio Format Specification 1.0
func endOfCAF(r io.ReaderAt, size int64) (int64, error) {
	for pos, n := int64(8), 0; n < mostParts; n++ {
		var head [12]byte
		if got, err := r.ReadAt(head[:], pos); got < len(head) {
			return size, noEOF(err)
		}
		for _, c := range head[:4] {
			if c < ' ' || c > '~' {
				return pos, nil
			}
		}
		length := int64(binary.BigEndian.Uint64(head[4:]))
		switch {
		case length == -1 && string(head[:4]) == "data": // up to the end of the file
			return size, nil
		case length < 0 || length > size-pos-int64(len(head)):
			return pos, nil
		}
		pos += int64(len(head)) + length
	}
	return size, nil
}

// endOfWavPack returns where the blocks of a WavPack file [1] end that a file begins with.
//
//   - [1] WavPack 4 & 5 Binary File / Block Format, 2020
func endOfWavPack(r io.ReaderAt, size int64) (int64, error) {
	const initial = 1 << 11 // the first block of several for the channels of the same frames
	sound := false
	for pos := int64(0); ; {
		var head [32]byte
		if got, err := r.ReadAt(head[:], pos); got < len(head) {
			return pos, noEOF(err)
		}
		le := binary.LittleEndian
		first := head[10] == 0 && le.Uint32(head[16:]) == 0 && le.Uint32(head[20:]) > 0 && le.Uint32(head[24:])&initial != 0
		length := int64(le.Uint32(head[4:])) + 8
		if string(head[:4]) != "wvpk" || first && sound || length < int64(len(head)) || length > size-pos {
			return pos, nil
		}
		sound = sound || first
		pos += length
	}
}

// mostParts is how many chunks of a file are looked at.
const mostParts = 1 << 14

// noEOF returns err, but nil for the end of a file.
func noEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
