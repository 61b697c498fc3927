#!/bin/sh
# Makes the AU files of the tests, and beside each the samples that ffmpeg reads from it: NAME.f64, floating point of 64 bits, little-endian and
# interleaved. Needs ffmpeg 5.1.
set -eu
cd "$(dirname "$0")"
rm -f ./*.au ./*.f64

make() { # name, channels, codec
	ffmpeg -v error -i "../../wav/testdata/$2.wav" -bitexact -c:a "pcm_$3" -f au "$1.au"
	ffmpeg -v error -i "$1.au" -f f64le "$1.f64"
}
make s8 u8-3ch s8
make s16 s16-2ch s16be
make s24 s24 s24be
make s32 s32-2ch s32be
make f32 f32 f32be
make f64 f64 f64be
make a-law s16 alaw
make mu-law s16-2ch mulaw
ffmpeg -v error -i ../../wav/testdata/s16-2ch.wav -bitexact -f au - | cat >pipe.au
cp s16.f64 pipe.f64
