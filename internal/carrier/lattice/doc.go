// Package lattice hides bytes in a recording and finds them again, without anything but the recording and a key.
//
// [NewSurvey] listens to a recording, [Survey.Plan] decides how strong each part of it is to be, [Plan.Room] says
// how much fits, [Hide] writes it, and [Find] reads what has arrived of it:
//
//	survey, err := lattice.NewSurvey(ctx, cover, lattice.DefaultShaping, workers, nil)
//	plan := survey.Plan(lattice.Robust, survey.MSE(50))
//	report, err := lattice.Hide(ctx, dst, cover, plan, payload[:min(len(payload), plan.Room())], lattice.HideOptions{Key: key, Nonce: rand.Reader, Workers: n})
//	…
//	message, err := lattice.Find(ctx, host, key, workers, nil)
//
// What comes back is the beginning of the payload, up to the first block that is lost, so a payload should be an
// embedded stream: one whose every prefix decodes (package codestream).
//
// # How it works
//
// Each sample is moved to the nearest point of a lattice that a keyed dither shifts and a symbol shifts further.
// The change is as large as the lattice's step makes it, whatever is hidden, and without the key the sample says
// nothing of the symbol. Two lattices share a sample: a fine one for up to four bits that nothing but rounding
// disturbs, and in its choice of points a coarse one for a bit that stands more noise ([Robust]; [Lean] does nearly
// without it).
//
// A recording is cut into frames of [FrameLength] samples, each of its own strength. A frame holds pilots by which
// it is found and which tell its number and its strength, a part of the header, and the payload's symbols, which
// are the others. Nothing of it repeats: pilots are a function of the key and the frame's number. The payload is
// divided into stages and these into blocks in a turbo code (package turbo), of which every block is spread over
// the whole recording, so that a piece that is cut out costs some of the code's redundancy and no block in
// particular. The first stages are in the symbols that stand the most noise and have the most redundancy.
//
// The error is shaped like the recording's spectrum, under which it hides; a reader need not know of it. Digital
// silence is left alone.
//
// A reader searches for frames: where they were written, then at other gains, then anywhere, by correlation with
// the pilots of all frames that there may be. From the known symbols of those that it has found it learns strength
// and noise, and with these it weighs what it reads.
//
// # Format
//
// docs/FORMAT.md has all that another reader or writer has to know, docs/SECURITY.md what keys protect, and
// testdata vectors to check against. Recordings of a version of the format can be read by all later versions of the
// package, or [carrier.ErrVersion] says that they cannot; [Find] reports recordings of later versions by the same error.
//
// The package follows B. Chen and G. Wornell, "Quantization index modulation", IEEE Trans. Information Theory 47,
// 2001; J. Eggers, R. Bäuml, R. Tzschoppe and B. Girod, "Scalar Costa scheme for information embedding", IEEE
// Trans. Signal Processing 51, 2003; and C. Berrou, A. Glavieux and P. Thitimajshima, "Near Shannon limit
// error-correcting coding and decoding: turbo-codes", ICC 1993.
package lattice
