#!/bin/sh
# Makes the WAV files of the tests, and beside each the samples that sox or ffmpeg reads from it: NAME.s32 as 32-bit
# integers, NAME.f64 as 64-bit floating point, little-endian and interleaved. Needs sox 14.4.2, ffmpeg 5.1 and python3.
set -eu
cd "$(dirname "$0")"
rm -f ./*.wav ./*.s32 ./*.f64

# Noise that reaches both ends of the range, with an odd number of frames.
noise() { # channels, further arguments: output options and file
	c=$1
	shift
	sox -R -D -V1 -r 44100 -c "$c" -n "$@" synth 97s whitenoise vol 1.7
}
by_sox() { for n; do sox -D -V1 "$n.wav" -t s32 "$n.s32"; done; }
by_ffmpeg() { for n; do ffmpeg -v error -i "$n.wav" -f f64le "$n.f64"; done; }

noise 1 -b 8 u8.wav
noise 3 -b 8 u8-3ch.wav
noise 1 -b 16 s16.wav
noise 2 -b 16 s16-2ch.wav
noise 8 -b 16 s16-8ch.wav
noise 1 -b 24 s24.wav
noise 2 -b 24 -t wavpcm s24-plain.wav
noise 6 -b 24 s24-6ch.wav
noise 2 -b 32 s32-2ch.wav
noise 2 -b 16 -B rifx.wav
noise 1 -b 24 -B rifx-s24.wav
noise 2 -b 16 -t wav - 2>/dev/null | cat >sox-pipe.wav
by_sox u8 u8-3ch s16 s16-2ch s16-8ch s24 s24-plain s24-6ch s32-2ch rifx rifx-s24
sox -D -V1 --ignore-length sox-pipe.wav -t s32 sox-pipe.s32

noise 2 -e float -b 32 f32.wav
noise 1 -e float -b 64 f64.wav
noise 1 -e float -b 32 -B rifx-f32.wav
ff() { # input name, output name, options
	in=$1 out=$2
	shift 2
	ffmpeg -v error -i "$in.wav" -bitexact "$@" -f wav "$out.wav"
}
ff s16-8ch rf64 -c:a pcm_s16le -rf64 always
ff s24-6ch ffmpeg-s24 -c:a pcm_s24le
ff f64 ffmpeg-f64 -c:a pcm_f64le
ff f32 bext -c:a pcm_f32le -write_bext 1 -metadata description=noise -metadata originator=ditas -metadata title=Noise
ffmpeg -v error -i s24-plain.wav -c:a pcm_s24le -f wav - | cat >ffmpeg-pipe.wav
by_sox rifx-f32
by_ffmpeg f32 f64 rf64 ffmpeg-s24 ffmpeg-f64 bext ffmpeg-pipe

noise 1 -e a-law a-law.wav
noise 1 -e mu-law mu-law.wav
by_ffmpeg a-law mu-law

# Encodings that are refused.
noise 1 -e ima-adpcm ima-adpcm.wav
noise 1 -e ms-adpcm ms-adpcm.wav
noise 1 -r 8000 -e gsm gsm.wav
ff s16 mp3 -c:a libmp3lame -b:a 32k

# What neither program writes.
python3 - <<'PY'
import struct

def chunk(name, body, pad=b'\0'):
    return name + struct.pack('<I', len(body)) + body + pad * (len(body) % 2)

def riff(*chunks, magic=b'RIFF'):
    body = b'WAVE' + b''.join(chunks)
    return magic + struct.pack('<I', len(body)) + body

def pcm(channels, rate, size, bits):
    return chunk(b'fmt ', struct.pack('<HHIIHH', 1, channels, rate, rate*channels*size, channels*size, bits))

def extensible(tag, channels, rate, size, valid, tail=bytes.fromhex('000000001000800000AA00389B71')):
    return chunk(b'fmt ', struct.pack('<HHIIHHHHIH', 0xFFFE, channels, rate, rate*channels*size, channels*size,
                                      8*size, 22, valid, 0, tag) + tail)

def save(name, data):
    with open(name + '.wav', 'wb') as f:
        f.write(data)

def samples(name):
    with open(name + '.s32', 'rb') as f:
        data = f.read()
    return struct.unpack('<%di' % (len(data)//4), data)

# Every foreign chunk that users care about, of odd and even sizes, before and after the samples, pad bytes that are not
# zero, and bytes behind the RIFF.
noise = samples('u8')
save('chunks', riff(
    chunk(b'bext', b'a description'.ljust(602, b'\0') + b'history', pad=b'!'),
    chunk(b'JUNK', bytes(28)),
    pcm(1, 11025, 1, 8),
    chunk(b'LIST', b'INFO' + chunk(b'INAM', b'odd')),
    chunk(b'data', bytes((s >> 24) + 128 for s in noise), pad=b'?'),
    chunk(b'cue ', struct.pack('<IIIIIII', 1, 1, 10, 0x61746164, 0, 0, 10)),
    chunk(b'smpl', bytes(36)),
    chunk(b'id3 ', b'ID3\3\0\0\0\0\0\1\0'),
    chunk(b'DATA', b'not these'),
) + b'TAG of an older kind')

noise = samples('s24')
low = [s >> 12 << 12 for s in noise]
save('valid20', riff(extensible(1, 1, 96000, 3, 20), chunk(b'data', b''.join(struct.pack('<i', s)[1:] for s in low))))
save('valid20-dirty', riff(extensible(1, 1, 96000, 3, 20), chunk(b'data', b''.join(struct.pack('<i', s)[1:] for s in noise))))
save('valid24', riff(extensible(1, 1, 192000, 4, 24), chunk(b'data', b''.join(struct.pack('<i', s) for s in noise))))
noise = samples('s16')
low = [s >> 20 << 20 for s in noise]
save('valid12', riff(pcm(1, 8000, 2, 12), chunk(b'data', b''.join(struct.pack('<i', s)[2:] for s in low))))
save('ambisonic', riff(extensible(1, 1, 48000, 2, 16, bytes.fromhex('00002107D3118644C8C1CA000000')),
                       chunk(b'data', b''.join(struct.pack('<i', s)[2:] for s in noise))))
nan = [0x7F800001, 0x7FC12345, 0xFFC00000, 0x7F800000, 0xFF800000, 0x80000000, 1, 0x3F800001, 0x40490FDB, 0xC2F6E979]
save('f32-odd', riff(extensible(3, 2, 44100, 4, 0), chunk(b'data', struct.pack('<10I', *nan))))

with open('rf64.wav', 'rb') as f:
    save('bw64', b'BW64' + f.read()[4:])
with open('s16.wav', 'rb') as f:
    data = f.read()
save('crashed', data[:4] + bytes(4) + data[8:40] + bytes(4) + data[44:])  # sizes were never filled in
save('empty', riff(pcm(2, 44100, 2, 16), chunk(b'data', b''), chunk(b'LIST', b'INFO')))
PY
by_sox chunks
by_ffmpeg valid20 valid20-dirty ambisonic
cp s16.s32 crashed.s32
cp s24.s32 valid24.s32 # which ffmpeg takes for floating point, and sox refuses
cp rf64.f64 bw64.f64
