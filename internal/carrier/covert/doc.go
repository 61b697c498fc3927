// Package covert hides bytes in the lowest bits of a recording's samples so that statistics do not tell that they are there. Nothing but the
// recording and a passphrase's key is needed to read them, and every sample has to be as it was written: nothing survives a change. It is a
// [carrier.Carrier].
//
// # What is changed
//
// The receiver reads the two lowest bits of samples. The sender flips as few of these as tell the payload, where it is found least (package
// syndrome), and needs the receiver to know nothing of where that is. There are two ways, which a receiver need not tell apart.
//
// In a recording that has no more than 16 bits, samples are moved by one step up or down. Either flips the lowest bit, and one of them the second lowest
// too, so that the direction of a step tells something as well: more is told by as many steps, and up and down are as frequent. What gives such a change away is that the
// recording has nothing else there: pauses, bands above a low-pass, what a codec left out. So a sample's cost follows from the power that the recording has
// around it, the least of two figures: the local variance of what linear prediction leaves over, and the power of white noise that would be found as
// easily (package comment of [power]). Flips are divided as MiPOD does it (Sedighi, Cogranne and Fridrich, "Content-adaptive steganography by
// minimizing statistical detectability", IEEE Trans. Information Forensics and Security 11, 2016), and no more are made than a bound on what is
// to be found allows ([mostDeflection]).
//
// A recording that is more precise, of 24 bits or decoded from MP3, becomes one of 16 bits, as it does when it is exported, with dither. Which way
// samples are rounded is random there, and the payload chooses the randomness. Dither has a sample become the next point or, with a probability that
// follows from where it lies between points, one beside that; and so it does here, where a part of the choice is left to flips. Given the recording as it was, every sample has the
// distribution that dither alone gives it.
//
// # Where bytes lie
//
// A header of 33 bytes lies at samples spread over the whole recording that depend on the passphrase and the recording's format and length alone. Its
// nonce gives the key of the recording. Under that, pieces of 2¹⁴ frames are shuffled and divided into segments of some 2²⁰ samples, which are shuffled
// in turn and cut into blocks: each block is spread over all of the recording or, of one of more than a million samples, over many places of it. Blocks
// share payload and tag by their numbers of samples, which the header divides among the lowest bits and the second lowest.
package covert
