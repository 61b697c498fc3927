#!/bin/sh
# Makes a sweep and its conversions by sox, all as little-endian 64-bit floating point: the oracle of the tests. The sweep
# stays below the filters' transition bands. Needs sox 14.4.2.
set -eu
cd "$(dirname "$0")"
rm -f ./*.f64
sox -R -D -V1 -r 44100 -c 1 -n -t f64 44100.f64 synth 2000s sine 200:6500 vol 0.5 fade q 300s 2000s 300s
raw="-t f64 -r 44100 -c 1 44100.f64"
sox -D -V1 $raw -t f64 16000.f64 rate -v 16000
sox -D -V1 $raw -t f64 48000.f64 rate -v 48000
