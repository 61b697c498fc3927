package ditas

import (
	"fmt"
	"io"
	"slices"

	"ditas/internal/carrier"
	"ditas/internal/carrier/covert"
	"ditas/internal/carrier/durable"
	"ditas/internal/carrier/lattice"
	"ditas/internal/carrier/networks"
	"ditas/internal/carrier/stream"
	"ditas/internal/words"
)

// The names of the methods.
const (
	Lattice  = "lattice"
	Durable  = "durable"
	Covert   = "covert"
	Networks = networks.Name // the paper's, trained
)

// The names of the purposes that do not go by a single codec.
const (
	Keep  = "keep"  // the recording stays a file
	Share = "share" // it is posted, sent or converted
	Voice = "voice" // it is sent as a voice message
	// Secret is for recordings that must not look as if something were hidden in them.
	Secret = "secret"
)

// Method describes a method of hiding.
type Method struct {
	Name     string   `json:"name"`
	Summary  string   `json:"summary"`  // one line
	Survives []string `json:"survives"` // what the picture survives
	Loses    []string `json:"loses"`    // what destroys the picture
	Costs    string   `json:"costs"`    // one line about time and memory
	// DefaultSNR, MinSNR and MaxSNR in dB say how strong the change may be, and Faint whether the method takes [Faint]. The SNRs are 0 if the
	// method takes no strength but follows the recording.
	DefaultSNR float64 `json:"defaultSNR"`
	MinSNR     float64 `json:"minSNR"`
	MaxSNR     float64 `json:"maxSNR"`
	Faint      bool    `json:"faint"`
	Secret     bool    `json:"secret"` // the method takes a passphrase
	// SecretOnly says that it hides nothing without one.
	SecretOnly bool `json:"secretOnly"`
	// MaxBits is how many bits the samples of a file may have that is written; a cover of more is lowered. It is 0 if there is no limit.
	MaxBits int `json:"maxBits"`
	// Fragile says that the picture is lost when a single sample changes.
	Fragile bool `json:"fragile"`

	sparing bool // changes nothing where the cover has nothing, or dithers, which fills bands as every export does
	hides   carrier.Method
}

// methods lists all methods, in the order in which Reveal tries them. The first is the default.
var methods = []Method{
	{
		Name: Lattice, Summary: "exact where there is room; what is left of a damaged recording still gives a picture",
		Survives: []string{"cutting", "silenced parts", "changes of volume", "inverted polarity", "swapped or missing channels",
			"other sample formats", "noise"},
		Loses:      []string{"MP3, AAC, Vorbis, Opus", "resampling"},
		Costs:      "reads the recording twice to hide; memory hardly grows with its length",
		DefaultSNR: 50, MinSNR: 10, MaxSNR: 90, Faint: true, Secret: true,
		hides: stream.Of(Lattice, lattice.Carrier{}),
	},
	{
		Name: Durable, Summary: "comes back after MP3, AAC, Opus and Vorbis, as far as they leave room; a small picture, not exact",
		Survives: []string{"MP3, AAC, Vorbis, Opus", "resampling", "cutting", "changes of volume", "inverted polarity", "mixing to mono",
			"other sample formats", "noise"},
		Loses:  []string{"speech codecs of 16 kbit/s and less, in at least half of all recordings", "another speed, unless one looks for it (--thorough)"},
		Costs:  "reads the recording three times to hide; memory hardly grows with its length",
		Secret: true,

		hides: stream.Of(Durable, durable.Carrier{Aim: durable.Share}),
	},
	{
		Name: Covert, Summary: "hard to find, for whoever looks at the recording alone; exact where there is room, and little of that",
		Survives: []string{"other containers of the same samples, as WAV to FLAC"},
		Loses:    []string{"any change of a sample: cutting, changes of volume, noise, MP3, AAC, Vorbis, Opus, resampling"},
		Costs:    "reads the recording four times to hide; takes a bit a sample of memory",
		Secret:   true, SecretOnly: true, MaxBits: 16, Fragile: true,

		sparing: true, hides: stream.Of(Covert, covert.Carrier{}),
	},
	{
		Name: Networks, Summary: "the trained networks of the paper; close to the picture, but hardly ever exact",
		Survives:   []string{"a cut-off end", "silenced parts", "other sample formats", "weak noise"},
		Loses:      []string{"a cut beginning", "changes of volume", "swapped channels", "MP3, AAC, Vorbis, Opus", "resampling"},
		Costs:      "the whole recording in memory, four bytes a sample",
		DefaultSNR: networks.DefaultSNR, MinSNR: networks.MinSNR, MaxSNR: networks.MaxSNR,
		hides: networks.Method{},
	},
}

// Purpose is what a recording with something in it is for, which decides how to hide.
type Purpose struct {
	Name    string `json:"name"`
	Method  string `json:"method"`
	Summary string `json:"summary"` // one line
	// Codec is the one codec that the picture is to survive, which leaves the most room for it; empty means whatever a recording may go through.
	Codec string `json:"codec,omitempty"`

	hides carrier.Method // nil means as the method does by itself
}

// purposes lists all purposes, the default first.
var purposes = []Purpose{
	{Name: Keep, Method: Lattice, Summary: "the file stays as it is, or is cut, converted without loss or made louder: the most room, exact"},
	{Name: Share, Method: Durable, Summary: "music or anything else that will be posted, sent or compressed"},
	{
		Name: Voice, Method: Durable, Summary: "speech that will be sent as a voice message",
		hides: stream.Of(Durable, durable.Carrier{Aim: durable.Voice}),
	},
	{Name: Secret, Method: Covert, Summary: "nobody who has the recording alone is to find anything in it: the file may not change at all, and it takes a passphrase"},
	through(Share, "mp3-128", "music", "MP3 at 128 kbit/s", durable.MusicMP3),
	through(Share, "opus-64", "music", "Opus at 64 kbit/s", durable.MusicOpus64),
	through(Share, "opus-32", "music", "Opus at 32 kbit/s in mono", durable.MusicOpus32),
	through(Voice, "opus-64", "speech", "Opus at 64 kbit/s", durable.SpeechOpus64),
	through(Voice, "opus-32", "speech", "Opus at 32 kbit/s", durable.SpeechOpus32),
	through(Voice, "opus-24", "speech", "Opus at 24 kbit/s for voice", durable.SpeechOpus24),
}

// through returns the purpose of a recording of a kind that goes through one codec, which is known beforehand.
func through(purpose, codec, kind, words string, aim durable.Aim) Purpose {
	return Purpose{
		Name: purpose + "-" + codec, Method: Durable, Codec: words, Summary: kind + " that goes through " + words + " once, and through nothing worse",
		hides: stream.Of(Durable, durable.Carrier{Aim: aim}),
	}
}

// Purposes returns all purposes, the default first.
func Purposes() []Purpose { return slices.Clone(purposes) }

// choose returns what MethodFor does, and how it hides.
func choose(name, purpose string) (*Method, carrier.Method, error) {
	var p *Purpose
	var names []string
	for i := range purposes {
		if names = append(names, purposes[i].Name); purposes[i].Name == purpose {
			p = &purposes[i]
		}
	}
	if purpose != "" && p == nil {
		return nil, nil, fmt.Errorf("purpose %q is unknown: want %s", purpose, words.List(names, "or"))
	}
	if p != nil && name == "" {
		name = p.Method
	}
	m, err := method(name)
	switch {
	case err != nil:
		return nil, nil, err
	case p != nil && p.Method != m.Name:
		return nil, nil, fmt.Errorf("the purpose %s goes with the method %s, not %s: give one of the two", p.Name, p.Method, m.Name)
	case p != nil && p.hides != nil:
		return m, p.hides, nil
	}
	return m, m.hides, nil
}

// Weights are a trained system of the paper, by which [Networks] hide and reveal in place of the one that is shipped.
type Weights struct{ networks *networks.Weights }

// WeightsError reports a picture that was hidden by networks whose weights are neither shipped nor given. It is an [ErrOtherVersion].
type WeightsError = carrier.WeightsError

// ReadWeights reads the weights of a trained system from a safetensors file of so many bytes, as ditas train writes them.
func ReadWeights(r io.ReaderAt, size int64) (*Weights, error) {
	w, err := networks.ReadWeights(r, size)
	if err != nil {
		return nil, err
	}
	return &Weights{w}, nil
}

// Name is that of the system, like "ditas-m".
func (w *Weights) Name() string { return w.networks.Name() }

// instead returns how a method hides with these weights, if there are any.
func (w *Weights) instead(m *Method, hides carrier.Method) (carrier.Method, error) {
	switch {
	case w == nil:
		return hides, nil
	case m.Name != Networks:
		return nil, fmt.Errorf("%s takes no weights: choose the method %s", m.Name, Networks)
	}
	return networks.Method{Weights: w.networks}, nil
}

// Methods returns all methods of hiding, in the order in which Reveal tries them. The first is the default.
func Methods() []Method {
	all := slices.Clone(methods)
	for i := range all {
		all[i].Survives, all[i].Loses = slices.Clone(all[i].Survives), slices.Clone(all[i].Loses)
	}
	return all
}

// MethodNamed returns the method with a name, the default one if it is empty.
func MethodNamed(name string) (Method, error) { return MethodFor(name, "") }

// MethodFor returns the method of a name, or for a purpose. Both may be empty; if both are given they have to agree.
func MethodFor(name, purpose string) (Method, error) {
	m, _, err := choose(name, purpose)
	if err != nil {
		return Method{}, err
	}
	c := *m
	c.Survives, c.Loses = slices.Clone(m.Survives), slices.Clone(m.Loses)
	return c, nil
}

// method returns the one with a name, the default one if it is empty.
func method(name string) (*Method, error) {
	if name == "" {
		return &methods[0], nil
	}
	var names []string
	for i := range methods {
		if methods[i].Name == name {
			return &methods[i], nil
		}
		names = append(names, methods[i].Name)
	}
	return nil, fmt.Errorf("method %q is unknown: want %s", name, words.List(names, "or"))
}

// Strength says how strong the change to a recording may be. The zero value is the method's own choice.
type Strength struct {
	kind strengthKind
	db   float64 // signal-to-noise ratio, or how far the change lies below the spectrum
}

type strengthKind uint8

const (
	usualStrength strengthKind = iota
	snrStrength
	audibleStrength
	faintStrength
	matchedStrength
)

// SNR returns the strength that aims at a signal-to-noise ratio, of the recording to its change, in dB. The higher it is, the harder the
// change is to find, and the less noise the picture survives. [Lattice] keeps the change below what can be heard, whatever the ratio;
// [Networks] have no such limit.
func SNR(db float64) Strength { return Strength{snrStrength, db} }

// Audible is SNR, but the change may be as strong as it says even where it might be heard. 0 stands for the method's own choice.
func Audible(db float64) Strength { return Strength{audibleStrength, db} }

// Faint returns the strength that is hardest to find: the change follows the recording's own spectrum from moment to moment, 50 dB below it, or down to 30 where that
// has too little room. Recordings that are too quiet for this are refused.
func Faint() Strength { return Strength{kind: faintStrength} }

// Matched is [Faint] with the distance between recording and change chosen, 20 to 80 dB: the smaller it is, the more noise the picture survives, and the easier
// the change is to find. Recordings that are too quiet for it are refused.
func Matched(db float64) Strength { return Strength{matchedStrength, db} }

// Distances that [Matched] takes, in dB.
const leastMatched, mostMatched = 20, 80

// strength returns a strength in the terms of carriers.
func (m *Method) strength(s Strength) (carrier.Strength, error) {
	if m.MaxSNR == 0 && s.kind != usualStrength {
		return carrier.Strength{}, fmt.Errorf("%s takes no strength: the recording decides", m.Name)
	}
	switch {
	case s.kind == usualStrength || s == Audible(0):
		return carrier.Strength{SNR: m.DefaultSNR, Audible: s.kind == audibleStrength}, nil
	case (s.kind == faintStrength || s.kind == matchedStrength) && !m.Faint:
		return carrier.Strength{}, fmt.Errorf("%s has no faint strength: give a signal-to-noise ratio", m.Name)
	case s.kind == faintStrength:
		return carrier.Strength{Faint: true}, nil
	case s.kind == matchedStrength:
		if !(s.db >= leastMatched && s.db <= mostMatched) {
			return carrier.Strength{}, fmt.Errorf("a change %g dB below the recording's spectrum: %s takes %d to %d", s.db, m.Name, leastMatched, mostMatched)
		}
		return carrier.Strength{Below: s.db}, nil
	}
	if !(s.db >= m.MinSNR && s.db <= m.MaxSNR) {
		return carrier.Strength{}, fmt.Errorf("signal-to-noise ratio of %g dB: %s takes %g to %g", s.db, m.Name, m.MinSNR, m.MaxSNR)
	}
	return carrier.Strength{SNR: s.db, Asked: true, Audible: s.kind == audibleStrength}, nil
}

// takes returns an error unless the method can hide under a key.
func (m *Method) takes(k Key) error {
	switch {
	case k.kind == noKey:
		return ErrNoKey
	case k.kind != secretKey && m.SecretOnly:
		return fmt.Errorf("%s hides nothing without a passphrase: anybody could look for it", m.Name)
	case k.kind == secretKey && !m.Secret:
		return fmt.Errorf("%s takes no passphrase: leave it out, or use the method %s", m.Name, Lattice)
	}
	return nil
}
