// Package ditas hides pictures in recordings so that nobody hears it, and reveals them from the recording alone.
//
// [HideFile] and [RevealFile] do the whole of it:
//
//	key, err := ditas.Passphrase("six words drawn by throwing dice", nil)
//	hidden, err := ditas.HideFile(ctx, "stego.wav", "song.wav", "photo.jpg", key, ditas.HideOptions{})
//	revealed, err := ditas.RevealFile(ctx, "photo.png", "stego.wav", key, ditas.RevealOptions{})
//
// [Hide] and [Reveal] take a recording that package audio/codec has opened and a picture that package picture has read. [NewSurvey] goes
// through a cover once and then tells its capacity at any strength, warns of what is wrong with it, and hides. [Inspect] tells what Reveal
// would find. With the key [Public] anyone who has ditas can reveal a picture; with a [Passphrase] nobody else can.
//
// Recordings are read from an io.ReaderAt, a block at a time and more than once. Only [Networks] holds a whole recording in memory; the
// picture is held in memory too. All functions take a context and return within a tenth of a second after it is cancelled. In the meantime
// they report progress, phase by phase and never from two goroutines at once. They print nothing and keep no state, so any number of them may
// run at the same time.
//
// # Methods
//
// [Methods] lists the ways of hiding, with what a picture survives in each and what it costs. [Lattice] is the default. It turns the picture
// into an embedded stream, one of which every prefix decodes (package internal/codestream), divides the stream into stages, and hides them on
// keyed lattices, in frames that are found and read on their own (package internal/carrier/lattice). Whatever part of the recording arrives,
// and however noisy it is, gives as many stages as it has room for. [Networks] are those of the paper, trained.
//
// # Packages
//
// Beside this one, these are for others to use: audio and the packages below it, which read and write recordings; picture, and
// picture/quality, which measures pictures; metric, which measures recordings; and report, which holds what this package tells. All other
// packages are internal.
//
// # Compatibility
//
// Versions are semantic. From version 1 on, a program that uses the packages for others compiles and works with every later version of the
// same major number. Options and reports may get new fields, so name fields in composite literals. The text of an error may change; what it
// wraps does not. What Hide makes of the same input may change too, as strength and stages become better. Results never depend on the number
// of workers or on the machine.
//
// Recordings are promised more than programs. What a version has hidden by the method [Lattice] is revealed by every later version, or refused
// with [ErrOtherVersion], but never revealed wrongly. docs/FORMAT.md is the format, and golden recordings test it. What [Networks] have hidden
// is revealed by the same set of weights only: every recording names its own, and other weights give ErrOtherVersion.
package ditas
