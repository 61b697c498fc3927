#!/bin/sh
# Makes the SPHERE files of the tests, and beside each the samples that sox reads from it as 32-bit integers,
# little-endian and interleaved: NAME.s32. Needs sox 14.4.2.
set -eu
cd "$(dirname "$0")"
rm -f ./*.sph ./*.s32

noise() { # channels, further arguments: output options and file
	c=$1
	shift
	sox -R -D -V1 -r 16000 -c "$c" -n "$@" synth 97s whitenoise vol 1.7
}
noise 1 -b 16 -L little.sph
noise 1 -b 16 -B big.sph
noise 2 -b 24 -L little24-2ch.sph
noise 3 -b 32 -B big32-3ch.sph
noise 1 -e mu-law mu-law.sph

# The header of TIMIT's files, in which the speaker and the sentence are made up.
{
	printf '%s\n' NIST_1A '   1024' 'database_id -s5 TIMIT' 'database_version -s3 1.0' 'utterance_id -s8 abc0_sa1' \
		'channel_count -i 1' 'sample_count -i 97' 'sample_rate -i 16000' 'sample_min -i -32768' 'sample_max -i 32767' \
		'sample_n_bytes -i 2' 'sample_byte_format -s2 01' 'sample_sig_bits -i 16' end_head
	head -c 1024 /dev/zero
} | head -c 1024 >timit.sph
tail -c 194 little.sph >>timit.sph
sed 's/^end_head$/sample_coding -s26 pcm,embedded-shorten-v2.00\n&/' timit.sph | head -c 1024 >shorten.sph
printf 'ajkg\002' >>shorten.sph

for n in little big little24-2ch big32-3ch mu-law timit; do
	sox -D -V1 $n.sph -t s32 $n.s32
done
