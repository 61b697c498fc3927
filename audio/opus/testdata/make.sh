#!/bin/sh
# Makes the Opus files of the tests, and beside each the samples that libopus 1.3 reads from it as 16-bit integers, little-endian and
# interleaved. Needs ffmpeg 5.1 with libopus.
set -eu
cd "$(dirname "$0")"
rm -f ./*.opus ./*.ogg ./*.s16
enc() { # name, channels, seconds, options
	name=$1 channels=$2 seconds=$3
	shift 3
	left='0.1*sin(2*PI*(300+900*t)*t)+0.08*sin(2*PI*1700*t)*(1+sin(2*PI*5*t))/2+0.02*(random(0)-0.5)'
	right='0.08*sin(2*PI*(500+300*t)*t)+0.02*(random(1)-0.5)'
	[ "$channels" = 2 ] && left="$left|$right"
	ffmpeg -v error -f lavfi -i "aevalsrc=exprs=$left:s=48000:d=$seconds" -c:a libopus -bitexact "$@" "$name.opus"
}
enc celt 2 0.5 -b:a 96k
enc mono 1 0.5 -b:a 32k
enc silk 1 0.7 -b:a 12k -application voip
enc hybrid 1 0.5 -b:a 24k -application voip
enc voice 2 0.6 -b:a 20k -application voip -frame_duration 60
enc short 2 0.3 -b:a 64k -frame_duration 2.5
enc pages 1 0.6 -b:a 32k -page_duration 60000 # microseconds
ffmpeg -v error -f lavfi -i color=c=teal:s=64x64:r=25 -i celt.opus -t 0.3 -c:v libtheora -c:a copy -bitexact -f ogg video.ogg
ffmpeg -v error -f lavfi -i "aevalsrc=exprs=0.1*sin(3000*t)|0|0|0|0|0:s=48000:d=0.2:c=5.1" -c:a libopus -mapping_family 1 -bitexact surround.opus
cat mono.opus pages.opus >chained.opus
for f in celt mono silk hybrid voice short pages; do
	ffmpeg -v error -c:a libopus -i "$f.opus" -f s16le "$f.s16"
done
