package mp3

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"ditas/audio"
)

// damaged returns how many frames of a file turn out to be damaged when it is read, and how many there are.
func damaged(t *testing.T, data []byte) (lost, all int64) {
	t.Helper()
	f := open(t, data)
	if _, err := audio.ReadAll(f); err != nil {
		t.Fatal(err)
	}
	once := f.Damaged()
	if _, err := audio.ReadAll(f); err != nil || f.Damaged() != once {
		t.Errorf("read again, %d samples are damaged instead of %d: %v", f.Damaged(), once, err)
	}
	return once / int64(f.head.samples()), f.count
}

func TestDamaged(t *testing.T) {
	for _, c := range fixtures {
		whole := read(t, c.name+".mp3")
		if lost, _ := damaged(t, whole); lost != 0 {
			t.Errorf("%s: %d frames of a whole file are damaged", c.name, lost)
		}
		f := open(t, whole)
		var starts []int
		w := walker{f: f, at: f.index[0]}
		for {
			frame, err := w.next()
			if err != nil {
				break
			}
			starts = append(starts, int(w.at)-len(frame))
		}
		at, behind := starts[len(starts)/2], starts[len(starts)/2+3]

		// A part of a file is not damaged, though its first frames may begin in those that were cut off.
		if lost, _ := damaged(t, whole[at:]); lost != 0 {
			t.Errorf("%s: %d frames of the second half are damaged", c.name, lost)
		}
		// Nor is one that holds tags in the middle, as one that was joined does.
		joined := bytes.Join([][]byte{whole[:at], []byte("ID3\x03\x00\x00\x00\x00\x00\x0a0123456789"), whole[at:]}, nil)
		if lost, _ := damaged(t, joined); lost != 0 {
			t.Errorf("%s: %d frames are damaged by a tag", c.name, lost)
		}
		// Of frames that are overwritten, each counts, and at most the few behind them that begin in one of them.
		holed := bytes.Clone(whole)
		rng := rand.New(rand.NewPCG(1, 2))
		for i := at; i < behind; i++ {
			holed[i] = byte(rng.IntN(255)) // no 0xff, with which frames begin
		}
		most := int64(3 + 2 + 2*maxBack/((behind-at)/3))
		if lost, _ := damaged(t, holed); lost < 2 || lost > most {
			t.Errorf("%s: %d frames of three are damaged, at most %d can be", c.name, lost, most)
		}
	}
}
