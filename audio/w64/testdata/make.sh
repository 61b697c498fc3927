#!/bin/sh
# Makes the Wave64 files of the tests, and beside each the samples that ffmpeg reads from it: NAME.f64, floating point of 64 bits, little-endian and
# interleaved. Needs ffmpeg 5.1, which counts the padding of a chunk among its samples: some files have a few silent ones more.
set -eu
cd "$(dirname "$0")"
rm -f ./*.w64 ./*.f64

make() { # name, channels, codec
	ffmpeg -v error -i "../../wav/testdata/$2.wav" -bitexact -c:a "pcm_$3" -f w64 "$1.w64"
	ffmpeg -v error -v fatal -i "$1.w64" -f f64le "$1.f64"
}
make u8 u8-3ch u8
make s16 s16-2ch s16le
make s24 s24-6ch s24le
make s32 s32-2ch s32le
make f32 f32 f32le
make f64 f64 f64le
make a-law s16 alaw
make mu-law s16-2ch mulaw
ffmpeg -v error -i ../../wav/testdata/s16-2ch.wav -bitexact -f w64 - | cat >pipe.w64
head -c 1552 s16.f64 >pipe.f64 # ffmpeg does not read what it wrote
