#!/bin/sh
# Makes the Ogg files of the tests, and beside each that is Vorbis the samples that ffmpeg reads from it as 16-bit integers,
# little-endian and interleaved. Needs sox 14.4.2 and ffmpeg 5.1.
set -eu
cd "$(dirname "$0")"
rm -f ./*.ogg ./*.s16
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Tones over noise, with a click that makes encoders take short blocks, the channels not alike.
sound() { # rate, channels, seconds
	sox -R -D -V1 -r "$1" -n -c 1 -b 16 "$tmp/a.wav" synth "$3" pinknoise synth "$3" sine mix 300:3000 vol 0.5
	sox -R -D -V1 -r "$1" -n -c 1 -b 16 "$tmp/b.wav" synth 0.002 whitenoise pad 0.1 0
	mix=1v0.6,2v0.5
	[ "$2" = 1 ] || mix="$mix 1v0.3,2v0.9"
	# shellcheck disable=SC2086 # one word a channel
	sox -R -D -V1 -M "$tmp/a.wav" "$tmp/b.wav" -b 16 "$tmp/x.wav" remix $mix
}
enc() { # name, rate, channels, seconds, options
	sound "$2" "$3" "$4"
	name=$1
	shift 4
	ffmpeg -v error -i "$tmp/x.wav" -c:a libvorbis -bitexact "$@" "$name.ogg"
}
enc stereo 44100 2 0.25 -q:a 5
enc mono 22050 1 0.4 -q:a 2
enc slow 8000 2 0.4 -q:a 0
enc pages 16000 1 0.6 -q:a 3 -page_duration 20000 # microseconds
sound 48000 2 0.2
sox -R -D -V1 "$tmp/x.wav" -C 8 sox.ogg
enc long 44100 1 1.5 -q:a 4
ffmpeg -v error -ss 1.2 -i long.ogg -c copy -bitexact midway.ogg # the first position is not 0
rm long.ogg
ffmpeg -v error -f lavfi -i color=c=teal:s=64x64:r=25 -i "$tmp/x.wav" -t 0.2 -c:v libtheora -c:a libvorbis -bitexact \
	-f ogg video.ogg
# Comments over more than one page.
sound 11025 1 0.2
ffmpeg -v error -i "$tmp/x.wav" -c:a libvorbis -bitexact -metadata "lyrics=$(head -c 90000 /dev/zero | tr '\0' x)" comments.ogg
for f in *.ogg; do
	ffmpeg -v error -i "$f" -map 0:a -f s16le "${f%.ogg}.s16"
done

# Refused.
sound 48000 1 0.1
ffmpeg -v error -i "$tmp/x.wav" -c:a libopus -bitexact -f ogg opus.ogg
ffmpeg -v error -i "$tmp/x.wav" -c:a flac -bitexact -f ogg flac.ogg
ffmpeg -v error -i "$tmp/x.wav" -ar 8000 -c:a libspeex -bitexact -f ogg speex.ogg
cat slow.ogg mono.ogg >chained.ogg
ffmpeg -v error -i "$tmp/x.wav" -af 'pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0' -c:a libvorbis -bitexact surround.ogg
