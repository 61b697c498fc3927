// Package ditas hides pictures in recordings so that nobody hears it, and reveals them from the recording alone.
//
// [HideFile] and [RevealFile] do everything:
//
//	key, err := ditas.Passphrase("six words drawn by throwing dice", nil)
//	hidden, err := ditas.HideFile(ctx, "stego.wav", "song.wav", "photo.jpg", key, ditas.HideOptions{})
//	revealed, err := ditas.RevealFile(ctx, "photo.png", "stego.wav", key, ditas.RevealOptions{})
//
// [Hide] and [Reveal] take recordings that package audio/codec has opened and pictures that package picture has read. [NewSurvey] goes
// through a cover once; then it tells the cover's capacity at any strength, warns of what is wrong with it, and hides. [Inspect] tells what
// Reveal would find. With the key [Public], anyone who has ditas can reveal a picture; with a [Passphrase], nobody else can.
//
// Recordings are read from an io.ReaderAt, block by block and more than once. Pictures are held in memory, but only [Networks] holds the
// whole recording in memory. Functions that run long take a context and return within a tenth of a second after it is cancelled. They report
// progress, phase by phase and never from two goroutines at once. They print nothing and keep no state, so any number of them may run at the
// same time.
//
// # Methods
//
// [Methods] lists the methods of hiding, with what a picture survives in each and what it costs. [Lattice] is the default. It turns the
// picture into an embedded stream, where every prefix decodes (package internal/codestream), divides the stream into stages, and hides them
// on keyed lattices, in frames that can each be found and read alone (package internal/carrier/lattice). The more of the recording arrives,
// and the less noisy it is, the more stages can be read. [Covert] hides
// so that it is not found, where the recording's own noise covers it or in dither, under a passphrase; nothing survives a change. [Networks] uses the trained networks of the paper.
//
// # Packages
//
// Besides this package, these are public: audio and the packages below it, which read and write recordings; picture, which reads and writes
// pictures, and picture/quality, which measures them; metric, which measures recordings; and report, which holds what this package returns.
// All other packages are internal.
//
// # Compatibility
//
// Versions are semantic. From version 1 on, a program that uses the public packages compiles and works with every later version of the same
// major number. Options and reports may get new fields, so name fields in composite literals. The text of an error may change, but not what
// it wraps. Hide may write another recording from the same input, as strength and stages improve. Results never depend on the number of
// workers or on the machine.
//
// Recordings get a stronger promise than programs. Every later version reveals what a version has hidden by the method [Lattice], or refuses
// it with [ErrOtherVersion], but never reveals it wrongly. docs/FORMAT.md defines the format, and golden recordings test it. Only the same
// weights reveal what [Networks] has hidden: every recording names its weights, and others give ErrOtherVersion.
package ditas
