package flac

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"hash"
	"sync"

	"ditas/audio"
)

// health is what has turned out about a mended file while it was read. It is safe for concurrent use.
type health struct {
	mu     sync.Mutex
	lost   map[int64]int64 // from each of these samples on, how many
	heard  int64           // samples in the digest
	digest digester
	sum    []byte // of all samples; nil until all are in it
}

// Mend returns the file as one that reads silence, and writes silence, in place of frames that are damaged. A file of which no more than the last frame
// is missing, and not all of that, counts as damaged and not as cut off: what is left of that is not written again. It also compares its samples with the MD5 in STREAMINFO: see [File.Altered].
func (f *File) Mend() audio.Mended {
	if f.health != nil {
		return f
	}
	m := *f
	m.health = &health{lost: map[int64]int64{}, digest: digester{Hash: md5.New()}}
	longest := f.unit
	if f.unit == 1 || f.variable {
		longest = f.info.maxBlock
	}
	if missing := f.info.samples - f.present; f.present > 0 && missing > 0 && missing <= int64(longest) && f.coded.end < f.size {
		m.present, m.coded.end = f.info.samples, f.trailer()
	}
	return &m
}

// trailer returns where the tag in the old form of ID3 begins that may stand at the end of a file, or the file ends.
func (f *File) trailer() int64 {
	const size = 128
	var mark [3]byte
	if at := f.size - size; at >= f.coded.end && f.read(mark[:], at) == nil && string(mark[:]) == "TAG" {
		return at
	}
	return f.size
}

// Damaged implements [audio.Mended]. It is 0 unless [File.Mend] returned the file.
func (f *File) Damaged() (n int64) {
	if f.health == nil {
		return 0
	}
	f.health.mu.Lock()
	defer f.health.mu.Unlock()
	for _, length := range f.health.lost {
		n += length
	}
	return n
}

// Altered reports whether all samples have been read, in order and from the first to the last, no matter by how many readers, and they are not those whose MD5 is
// in STREAMINFO, although no frame is damaged. Only of a file that [File.Mend] returned can it be true, and of none without an MD5.
func (f *File) Altered() bool {
	if f.health == nil {
		return false
	}
	f.health.mu.Lock()
	defer f.health.mu.Unlock()
	return f.health.sum != nil && !bytes.Equal(f.health.sum, f.info.md5[:])
}

// lose puts down that n samples are lost.
func (h *health) lose(from, n int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lost[from] = n
}

// hear takes the frame in d, which begins with the given sample, into the digest of f, if it is the next.
func (h *health) hear(f *File, d *decoder, sample int64) {
	if f.info.md5 == [md5.Size]byte{} {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if sample != h.heard || h.sum != nil {
		return
	}
	h.digest.add(d.codes, f.info.bits)
	if h.heard += int64(d.samples); h.heard == f.present {
		h.sum = h.digest.Sum(nil)
	}
}

// digester makes the MD5 of samples.
type digester struct {
	hash.Hash
	raw []byte // of a frame
}

// add takes a frame of samples of so many bits: interleaved, little-endian and in whole bytes.
func (d *digester) add(frame [][]int64, bits int) {
	width := (bits + 7) / 8
	stride := width * len(frame)
	if size := stride * len(frame[0]); cap(d.raw) < size {
		d.raw = make([]byte, size)
	}
	raw := d.raw[:stride*len(frame[0])]
	for c, codes := range frame {
		at := c * width
		if width == 2 { // as nearly always
			for _, v := range codes {
				binary.LittleEndian.PutUint16(raw[at:], uint16(v))
				at += stride
			}
			continue
		}
		for _, v := range codes {
			for b := range width {
				raw[at+b] = byte(v >> (8 * b))
			}
			at += stride
		}
	}
	d.Write(raw)
}
