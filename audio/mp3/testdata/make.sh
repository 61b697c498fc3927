#!/bin/sh
# Makes the MP3 files of the tests, and beside each the samples that mpg123 reads from it as 16-bit integers, little-endian
# and interleaved, with the silence that the encoder puts around them. Needs sox 14.4.2,
# ffmpeg 5.1 and mpg123 1.31. (ffmpeg itself reads MP3 at 24 kHz in a way of its own.)
set -eu
cd "$(dirname "$0")"
rm -f ./*.mp3 ./*.s16
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Tones over noise, with a click that makes encoders take short blocks, the channels not alike.
sound() { # rate, channels
	sox -R -D -V1 -r "$1" -n -c 1 -b 16 "$tmp/a.wav" synth 0.25 pinknoise synth 0.25 sine mix 300:3000 vol 0.5
	sox -R -D -V1 -r "$1" -n -c 1 -b 16 "$tmp/b.wav" synth 0.002 whitenoise pad 0.15 0.098
	mix="1v0.6,2v0.5"
	[ "$2" = 1 ] || mix="$mix 1v0.3,2v0.9"
	# shellcheck disable=SC2086 # one word a channel
	sox -R -D -V1 -M "$tmp/a.wav" "$tmp/b.wav" -b 16 "$tmp/x.wav" remix $mix
}
enc() { # name, rate, channels, options
	sound "$2" "$3"
	name=$1
	shift 3
	ffmpeg -v error -i "$tmp/x.wav" -c:a libmp3lame -bitexact "$@" "$name.mp3"
}
enc joint 44100 2 -b:a 96k -joint_stereo 1
enc apart 48000 2 -b:a 128k -joint_stereo 0 -write_xing 0
enc strong 44100 2 -b:a 320k
enc weak 32000 1 -b:a 32k -write_xing 0
enc variable 44100 1 -q:a 3
enc low 22050 1 -b:a 32k -id3v2_version 3 -metadata title=Noise -write_id3v1 1
enc low16 16000 2 -b:a 48k -write_xing 0
enc low24 24000 2 -q:a 5
enc lower 11025 1 -b:a 16k
enc lower12 12000 2 -q:a 6
enc lowest 8000 1 -b:a 16k # refused
sound 44100 1
ffmpeg -v error -i "$tmp/x.wav" -c:a mp2 -bitexact -f mp2 layer2.mp3 # refused
for f in *.mp3; do
	case $f in lowest*|layer2*) continue ;; esac
	mpg123 -q --no-gapless -e s16 -s "$f" >"${f%.mp3}.s16"
done
