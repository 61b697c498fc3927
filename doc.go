// Package ditas hides pictures in recordings, so that nobody hears it, and reveals them from the recording alone.
//
// Open a recording with package audio/codec and a picture with package picture, then call [Hide]; [Reveal] gives the
// picture back, [Inspect] tells whether there is one, and [Capacity] tells beforehand what a recording can take:
//
//	cover, err := codec.Open(file, size)
//	secret, err := picture.Decode(photo)
//	report, err := ditas.Hide(ctx, stego, cover.(audio.Rewriter), secret, ditas.HideOptions{Passphrase: "…"})
//	revealed, found, err := ditas.Reveal(ctx, cover, ditas.RevealOptions{Passphrase: "…"})
//
// WAV and FLAC files are an audio.Rewriter as they are; audio.Convert makes one of any other. Recordings are read several
// times, from an io.ReaderAt, and held in memory by no method but the networks; the picture is held in memory. All functions take a
// context, return soon after it is cancelled, and call Progress in the meantime, which may come from several goroutines. They print
// nothing and keep no state, so that any number of them may run at once.
//
// # Method
//
// The picture becomes a stream of which every beginning is a picture (package internal/codestream), the stream is divided into stages,
// each of which codes what the stages before it have left, and the stages travel on keyed lattices in frames that are found and
// read on their own (package internal/carrier/lattice). Whatever part of the recording arrives, and however noisy, gives as many stages as it
// has room for. The networks of the paper are there as method [Networks].
//
// # Packages
//
// Beside this one these are for others to use: audio and those below it, which read and write recordings; picture; metric,
// which measures both; compare, which compares two of them and draws it; and preflight, which tells whether a recording is fit to
// hide in. All other packages are internal: parts of these and of the command.
//
// # Compatibility
//
// Versions are semantic. From version 1 on, a program that uses the packages for others compiles and works with every later version
// of the same major number, but that options and reports may get new fields, so name fields in composite literals. Texts of
// errors may change; what they wrap does not. What Hide makes of the same input may change too, as its strength and its stages become
// better; results do not depend on the number of workers or the machine.
//
// Recordings are promised more than programs. What a version has hidden by the method [Lattice] is revealed by every later
// version, or refused with [ErrOtherVersion], never revealed wrongly; docs/FORMAT.md is the format, and golden recordings test
// it. Of what networks have hidden this holds for one set of weights only: it is named in every recording, and other
// weights give ErrOtherVersion.
package ditas
