// Package slots puts a short message into a recording and finds it again from the recording alone, and says which
// stretches of the recording carry what. It knows samples, not file formats, pictures or networks.
//
// A sender calls [Plan] to choose the slots that carry the payload, describes them in a [Layout], changes the slots, and
// calls [Write] last with the encoded layout:
//
//	chosen, err := slots.Plan(worth, needed)
//	layout := slots.Layout{Method: 1, Width: 640, Height: 480, …, Slots: …}
//	body, err := layout.AppendBinary(nil)
//	err = slots.Write(slots.Planar[float32](channels), carrier.GridOf(format), keystream.Public(), body)
//
// A receiver calls [Read] and [ParseLayout]. Read tells an innocent recording, or a wrong key ([ErrNotFound]), from a
// damaged one ([ErrDamaged]) and from one that a later version wrote ([ErrVersion]).
//
// There are three layers. The lattice ([Lattice], [Stream]) carries symbols in single samples by quantisation index
// modulation under a keyed dither. The code protects bits with a convolutional code, soft decisions, keyed interleaving
// and a keyed check. The header (Write, Read) spreads a preamble and a body over the recording. [Layout] is what this
// version of Ditas says in a body; the header does not look into it.
//
// # What the header does to a recording
//
// It moves at most every second sample, usually far fewer (see [Write]), each by at most half of Δ: 4 steps of a 16-bit
// file, 2 steps of an 8-bit one; at full scale, where only one direction is left, by up to Δ. Digital silence, meaning runs of 16 or more equal samples, is left alone as long as
// the code bears the loss; a recording that is mostly silence gets the symbols there too, since there is nowhere else.
//
// # What it survives
//
// Conversion between 16-bit, 24-bit, 32-bit and float formats; white noise of a ninth of Δ (0.9 steps of a 16-bit file)
// in a recording of 16,384 samples and of a fifth of Δ where there is room for repetition; a tenth of the recording zeroed or replaced; its end cut
// off or something appended. It does not survive a change of gain, resampling, lossy coding or a cut at the beginning.
//
// # The key
//
// Positions, dither, order and checks all come from a [Key]. A uniform dither that only the key's owner knows makes each
// symbol, seen alone, uniformly distributed, so nothing marks the file and a wrong key reads noise. That is a one-time
// pad: a secret key must never serve two recordings. Under [keystream.Public] anyone with ditas can read the message.
package slots
