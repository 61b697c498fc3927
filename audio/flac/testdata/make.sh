#!/bin/sh
# Makes the FLAC files of the tests, and the table samples.txt: for each file the number of its sample frames and the MD5 of
# its samples as 32-bit little-endian integers, as ffmpeg or flac read them. Needs sox 14.4.2, flac 1.4.2, ffmpeg 5.1 and
# python3.
set -eu
cd "$(dirname "$0")"
rm -f ./*.flac samples.txt
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Tones over noise, the channels alike, and an odd number of samples.
tones() { # rate, channels, samples of each, further arguments: output options and file
	r=$1 c=$2 n=$3
	shift 3
	sox -R -D -V1 -r "$r" -n -c 1 -b 24 "$tmp/tone.wav" synth "$n"s triangle 220 synth "$n"s pinknoise mix vol 0.6
	sox -R -D -V1 -r "$r" -n -c "$c" -b 24 "$tmp/noise.wav" synth "$n"s whitenoise vol 0.004
	sox -R -D -V1 -m "|sox -V1 $tmp/tone.wav -p remix $(yes 1 | head -n "$c" | tr '\n' ' ')" "$tmp/noise.wav" "$@"
}
enc() { flac --totally-silent -f "$@"; }

tones 11025 1 3001 -b 8 "$tmp/u8.wav"
tones 44100 1 3001 -b 16 "$tmp/s16.wav"
tones 44100 2 3001 -b 16 "$tmp/s16-2ch.wav"
tones 48000 6 1201 -b 24 "$tmp/s24-6ch.wav"
tones 96000 2 3001 -b 24 "$tmp/s24-2ch.wav"
tones 37500 1 3001 -b 32 "$tmp/s32.wav"
tones 44100 2 3001 -b 32 "$tmp/s32-2ch.wav"
tones 12345 8 701 -b 16 "$tmp/s16-8ch.wav"
enc -5 -b 576 "$tmp/u8.wav" --no-padding -o s8.flac
enc -8 -b 1000 "$tmp/s16-2ch.wav" --no-padding -o s16-2ch.flac
enc -8 -b 576 "$tmp/s24-6ch.wav" --no-padding -o s24-6ch.flac
enc -5 "$tmp/s24-2ch.wav" --no-padding -o s24-2ch.flac
enc -5 "$tmp/s32.wav" --no-padding -o s32.flac
enc -8 -b 1152 "$tmp/s32-2ch.wav" --no-padding -o s32-2ch.flac
enc -0 --lax -b 200 "$tmp/s16-8ch.wav" --no-padding -o s16-8ch.flac
enc --lax -l 32 -q 15 -b 2000 "$tmp/s16.wav" --no-padding -o order32.flac

# Channels that differ in level, so that each way of coding two of them is taken somewhere.
sox -R -D -V1 -r 8000 -n -c 2 -b 16 "$tmp/ways.wav" synth 4000s pinknoise sine 440 remix -m 1v0.5 1v0.45,2v0.01 fade 0 4000s 4000s
enc -8 -b 256 "$tmp/ways.wav" --no-padding -o ways.flac

# Everything that may surround the samples.
ffmpeg -v error -f lavfi -i color=c=teal:s=16x16 -frames:v 1 -bitexact "$tmp/cover.png"
printf 'FILE "x" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n' >"$tmp/cue"
enc -5 -b 576 -S 5x -S 10x -P 77 --cuesheet="$tmp/cue" --picture="$tmp/cover.png" -T TITLE='A Noise' -T ARTIST=Ditas \
	"$tmp/s16.wav" -o tags.flac
python3 - "$tmp" <<'PY'
import struct, sys
data = open('tags.flac', 'rb').read()
info, rest = data[:42], data[42:]
app = bytes([2]) + struct.pack('>I', 12)[1:] + b'Ditaseight b'      # APPLICATION
unknown = bytes([100]) + struct.pack('>I', 3)[1:] + b'???'
data = info + app + unknown + rest
tag = b'ID3\x04\0\0' + bytes([0, 0, 1, 2]) + b'\0' * 130
open('around.flac', 'wb').write(tag + data + b'TAG' + b'A Noise'.ljust(125, b'\0'))
PY

# Written into a pipe: neither length nor MD5.
enc -5 -b 1152 --no-padding -c "$tmp/s16-2ch.wav" | cat >pipe.flac
ffmpeg -v error -i "$tmp/s16.wav" -c:a flac -compression_level 8 -frame_size 700 -bitexact -f flac - | cat >ffmpeg-pipe.flac

# What neither program writes: frames of any length, escaped residuals, samples of 12 and 20 bits.
python3 - <<'PY'
import random, struct

def crc(poly, width, data):
    c = 0
    for b in data:
        c ^= b << (width - 8)
        for _ in range(8):
            c = (c << 1 ^ (poly if c >> (width - 1) else 0)) & ((1 << width) - 1)
    return c

class Bits:
    def __init__(self): self.s = []
    def put(self, v, k): self.s.append(format(v & ((1 << k) - 1), '0%db' % k) if k else '')
    def unary(self, n): self.s.append('0' * n + '1')
    def bytes(self):
        s = ''.join(self.s)
        s += '0' * (-len(s) % 8)
        return bytes(int(s[i:i+8], 2) for i in range(0, len(s), 8))

def number(n):
    if n < 128: return bytes([n])
    out = []
    more = 1
    while n >= 1 << (5 * more + 6): more += 1
    for _ in range(more):
        out.insert(0, 0x80 | n & 63)
        n >>= 6
    return bytes([0xFF << (7 - more) & 0xFF | n] + out)

def rice(w, values, k):
    for v in values:
        u = 2 * v if v >= 0 else -2 * v - 1
        w.unary(u >> k)
        w.put(u, k)

def subframe(w, x, bits, how):
    wasted = 3 if all(v % 8 == 0 for v in x) and any(x) else 0
    bits -= wasted
    x = [v >> wasted for v in x]
    order = {'constant': 0, 'verbatim': 0}.get(how, min(len(x) - 1, random.randrange(5)))
    kind = {'constant': 0, 'verbatim': 1}.get(how, 8 + order)
    w.put(kind, 7)
    w.put(1 if wasted else 0, 1)
    if wasted: w.unary(wasted - 1)
    if how == 'constant': return w.put(x[0], bits)
    for v in (x if how == 'verbatim' else x[:order]): w.put(v, bits)
    if how == 'verbatim': return
    e = list(x)
    for _ in range(order): e = [b - a for a, b in zip(e, e[1:])]
    parts = 2 if len(x) % 4 == 0 and len(x) // 4 > order else 0
    long = random.randrange(2)
    w.put(long, 2)
    w.put(parts, 4)
    size = len(x) >> parts
    for p in range(1 << parts):
        part = e[max(0, p * size - order):(p + 1) * size - order]
        if random.random() < 0.4:
            w.put(31 if long else 15, 4 + long)
            width = max([v.bit_length() + 1 if v >= 0 else (~v).bit_length() + 1 for v in part])
            if not any(part): width = 0
            w.put(width, 5)
            for v in part: w.put(v, width)
        else:
            k = max(0, (sum(map(abs, part)) // len(part)).bit_length() - random.randrange(3))
            k = min(k, 30 if long else 14)
            w.put(k, 4 + long)
            rice(w, part, k)

def save(name, rate, bits, channels, sizes, variable=True, first=0):
    total = sum(sizes)
    x = []
    for c in range(channels):
        v, channel = 0.0, []
        for _ in range(total):
            v = 0.97 * v + random.gauss(0, 1 << (bits - 6))
            channel.append(max(-1 << (bits - 1), min((1 << (bits - 1)) - 1, round(v))))
        x.append(channel)
    data, at = b'', 0
    for i, n in enumerate(sizes):
        how = random.choice(['fixed', 'fixed', 'fixed', 'verbatim', 'constant', 'zero', 'coarse'])
        for channel in x:
            for j in range(at, at + n):
                if how == 'constant': channel[j] = channel[at]
                if how == 'zero': channel[j] = 0
                if how == 'coarse': channel[j] &= ~7
        code, tail = (6, bytes([n - 1])) if n <= 256 else (7, struct.pack('>H', n - 1))
        bcode = {8: 1, 12: 2, 16: 4, 20: 5, 24: 6}.get(bits, 0)
        head = bytes([0xFF, 0xF8 | variable, code << 4, channels - 1 << 4 | bcode << 1])
        head += number(first + (at if variable else i)) + tail
        head += bytes([crc(7, 8, head)])
        w = Bits()
        for channel in x: subframe(w, channel[at:at+n], bits, how)
        frame = head + w.bytes()
        data += frame + struct.pack('>H', crc(0x8005, 16, frame))
        at += n
    info = struct.pack('>HH', min(sizes), max(sizes)) + bytes(6)
    info += struct.pack('>Q', rate << 44 | channels - 1 << 41 | bits - 1 << 36 | total) + bytes(16)
    with open(name, 'wb') as f: f.write(b'fLaC\x80\0\0\x22' + info + data)

random.seed(7)
sizes = [random.choice([16, 17, 64, 200, 256, 333, 576, 900]) for _ in range(12)]
save('variable.flac', 22050, 16, 2, sizes)
save('s12.flac', 8000, 12, 1, [300] * 5 + [77], False)
save('s20.flac', 655350, 20, 2, [256] * 6 + [1], False)
save('midway.flac', 16000, 16, 1, [200, 100, 64, 31], True, 1 << 33)
PY

for f in [!s]*.flac s[!t]*.flac; do # not strange-*, which were found elsewhere
	case $f in
	s32*) raw() { flac -s -d -c --force-raw-format --endian=little --sign=signed "$f"; } ;;
	midway*) raw() { flac -s -d -c "$f" | sox -D -V1 --ignore-length -t wav - -t s32 -; } ;;
	*) raw() { ffmpeg -v error -i "$f" -map 0:a -f s32le -; } ;;
	esac
	raw >"$tmp/raw"
	channels=$(metaflac --show-channels "$f")
	echo "$f $(($(wc -c <"$tmp/raw") / channels / 4)) $(md5sum <"$tmp/raw" | cut -d' ' -f1)"
done >samples.txt
