#!/usr/bin/env python3
"""Makes the HEIC and AVIF pictures in this folder and, as NAME.ppm, what they must decode to.

Needs Pillow (made with 9.4), numpy, ffmpeg (5.1), heif-enc (libheif-examples 1.15) and avifenc and avifdec (libavif-bin 0.11). Everything is
synthetic. What HEIC must decode to are the samples that ffmpeg's decoder of HEVC gives, chroma interpolated between the centres of its samples,
by ITU-R BT.601 or BT.709; what AVIF must decode to is what avifdec says, with chroma repeated.
"""
import os
import re
import struct
import subprocess
import zlib

import numpy as np
from PIL import Image, ImageDraw

os.chdir(os.path.dirname(os.path.abspath(__file__)))
W, H = 37, 26


def scene(w=W, h=H):
    """A smooth picture with two hard shapes, all channels different."""
    y, x = np.mgrid[0:h, 0:w]
    rgb = np.stack([x / (w - 1), y / (h - 1), 0.5 + 0.5 * np.sin(x / 6 + y / 9)], -1)
    im = Image.fromarray(np.uint8(np.round(255 * rgb)))
    d = ImageDraw.Draw(im)
    d.ellipse([w // 2, 3, w // 2 + 9, 12], fill=(230, 40, 60))
    d.rectangle([3, h - 9, 11, h - 4], fill=(20, 90, 200))
    return im


def ppm(name, rgb):
    rgb = np.uint8(np.clip(np.round(rgb), 0, 255))
    with open(name + ".ppm", "wb") as f:
        f.write(b"P6 %d %d 255\n" % (rgb.shape[1], rgb.shape[0]) + rgb.tobytes())


def run(*command):
    subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def boxes(b):
    at = 0
    while at + 8 <= len(b):
        size, kind = struct.unpack(">I4s", b[at:at + 8])
        yield kind.decode("latin1"), b[at + 8:at + size]
        at += size


def find(b, *path):
    """The first box at a path."""
    for kind, body in boxes(b):
        if kind == path[0]:
            return body if len(path) == 1 else find(body[4:] if kind == "meta" else body, *path[1:])


def hevc(name, data, kind=np.uint8):
    """The samples of the HEVC image whose data are given, of a file, as ffmpeg decodes it: those of more than 8 bits are of kind np.uint16."""
    c = find(open(name, "rb").read(), "meta", "iprp", "ipco", "hvcC")
    stream, at = b"", 23
    for _ in range(c[22]):
        count = struct.unpack(">H", c[at + 1:at + 3])[0]
        at += 3
        for _ in range(count):
            size = struct.unpack(">H", c[at:at + 2])[0]
            stream += b"\0\0\0\1" + c[at + 2:at + 2 + size]
            at += 2 + size
    while len(data) > 4:
        size = struct.unpack(">I", data[:4])[0]
        stream += b"\0\0\0\1" + data[4:4 + size]
        data = data[4 + size:]
    # The command must not scale or convert: the samples come as they are coded.
    return np.frombuffer(subprocess.run(["ffmpeg", "-v", "error", "-f", "hevc", "-i", "-", "-f", "rawvideo", "-"],
                                        input=stream, stdout=subprocess.PIPE, check=True).stdout, kind).astype(float)


def up(plane, w, h):
    """Chroma at full resolution: linear between the centres of its samples."""
    for axis, n in ((0, h), (1, w)):
        if plane.shape[axis] == n:
            continue
        at = np.clip((np.arange(n) - 0.5) / 2, 0, plane.shape[axis] - 1)
        low = np.minimum(np.floor(at).astype(int), plane.shape[axis] - 1)
        high = np.minimum(low + 1, plane.shape[axis] - 1)
        shape = (-1, 1) if axis == 0 else (1, -1)
        part = (at - low).reshape(shape)
        plane = plane.take(low, axis) * (1 - part) + plane.take(high, axis) * part
    return plane


def rgb(samples, w, h, across, down):
    cw, ch = -(-w // across), -(-h // down)
    y = samples[:w * h].reshape(h, w)
    cb, cr = (up(samples[w * h + i * cw * ch:][:cw * ch].reshape(ch, cw), w, h) - 128 for i in range(2))
    r, b = y + 1.402 * cr, y + 1.772 * cb
    return np.stack([r, (y - 0.299 * r - 0.114 * b) / 0.587, b], -1)


scene().save("odd.png")
# libheif makes what is smaller than 64 larger, and says so in another place.
scene(80, 72).save("even.png")

# HEIC
for name, across, down in (("420", 2, 2), ("422", 2, 1), ("444", 1, 1)):
    run("heif-enc", "-q", 90, "-p", "chroma=" + name, "even.png", "-o", name + ".heic")
    ppm(name + ".heic", rgb(hevc(name + ".heic", find(open(name + ".heic", "rb").read(), "mdat")), 80, 72, across, down))
run("heif-enc", "-q", 90, "odd.png", "-o", "odd.heic")
scene().convert("L").save("grey.png")
run("heif-enc", "-q", 98, "grey.png", "-o", "grey.heic")
ppm("grey.heic", np.asarray(Image.open("grey.png").convert("RGB")))
alpha = scene(80, 72)
alpha.putalpha(Image.fromarray(np.uint8(np.linspace(0, 255, 80)[None, :].repeat(72, 0))))
alpha.save("alpha.png")
run("heif-enc", "-L", "-p", "chroma=444", "alpha.png", "-o", "alpha.heic")
over = Image.alpha_composite(Image.new("RGBA", alpha.size, "white"), alpha).convert("RGB")
ppm("alpha.heic", np.asarray(over))
run("heif-enc", "-q", 60, "odd.png", "even.png", "grey.png", "-o", "three.heic")


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png16(name, samples):
    """Writes rows of 16-bit samples: of grey, or of red, green and blue, which may have opacity."""
    h, w = samples.shape[:2]
    kind = {2: 0, 3: {3: 2, 4: 6}.get(samples.shape[-1])}[samples.ndim]
    with open(name, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 16, kind, 0, 0, 0))
                + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in samples.astype(">u2")))) + chunk(b"IEND", b""))


y, x = np.mgrid[0:48, 0:64]
deep = np.stack([x * 1023 + y, y * 1300 + x, 65535 - x * 300 - y * 500], -1)
png16("deep.png", deep)
run("heif-enc", "-q", 98, "-b", 10, "-p", "chroma=444", "deep.png", "-o", "deep.heic")
ppm("deep.heic", deep / 257)


def deepest(name, w, h, bits, across, down):
    """What samples of more than 8 bits become in 8 bits."""
    s = hevc(name, find(open(name, "rb").read(), "mdat"), np.uint16) / (2**bits - 1) * 255
    if across == 0:
        return np.repeat(s[:w * h].reshape(h, w, 1), 3, -1)
    s[w * h:] += 128 - 2**(bits - 1) / (2**bits - 1) * 255  # what stands for no colour is 128 in rgb
    return rgb(s, w, h, across, down)


large = np.asarray(scene(128, 96)).astype(int) * 257 - np.arange(96)[:, None, None] // 2
png16("large.png", np.clip(large, 0, 65535))
png16("largegrey.png", np.clip(large[..., 1], 0, 65535))
png16("largealpha.png", np.clip(np.concatenate([large, (np.arange(128) * 516).reshape(1, -1, 1).repeat(96, 0)], -1), 0, 65535))
for name, source, bits, across, down, option in (
        ("deep420", "large", 10, 2, 2, "chroma=420"), ("deep422", "large", 12, 2, 1, "chroma=422"), ("deepgrey", "largegrey", 10, 0, 0, "chroma=420")):
    run("heif-enc", "-q", 80, "-b", bits, "-p", option, source + ".png", "-o", name + ".heic")
    ppm(name + ".heic", deepest(name + ".heic", 128, 96, bits, across, down))
run("heif-enc", "-q", 98, "-b", 10, "-p", "chroma=444", "largealpha.png", "-o", "deepalpha.heic")
opacity = np.arange(128).reshape(1, -1, 1) * 516 / 65535
ppm("deepalpha.heic", np.clip(large, 0, 65535) / 257 * opacity + 255 * (1 - opacity))


# A picture as telephones take it: a grid of tiles, the last ones wider and higher than what is shown, to be turned, in Display P3.
def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind.encode() + body


def grid(name, im, side):
    columns, rows = -(-im.width // side), -(-im.height // side)
    data, shown = [], np.zeros((rows * side, columns * side, 3))
    for r in range(rows):
        for c in range(columns):
            tile = Image.new("RGB", (side, side))
            tile.paste(im.crop((c * side, r * side, (c + 1) * side, (r + 1) * side)))
            tile.save("tile.png")
            run("heif-enc", "-q", 90, "-p", "chroma=444", "tile.png", "-o", "tile.heic")
            data.append(find(open("tile.heic", "rb").read(), "mdat"))
            shown[r * side:][:side, c * side:][:, :side] = rgb(hevc("tile.heic", data[-1]), side, side, 1, 1)
    n, full = len(data), bytes(4)
    item = lambda i, kind, hidden: box("infe", bytes([2, 0, 0, hidden]), struct.pack(">HH", i, 0), kind, b"\0")
    size = lambda w, h: box("ispe", full, struct.pack(">II", w, h))
    configuration = find(open("tile.heic", "rb").read(), "meta", "iprp", "ipco", "hvcC")
    properties = [box("hvcC", configuration), size(side, side), size(*im.size),
                  box("colr", b"nclx", struct.pack(">HHHB", 12, 13, 6, 0x80)), box("irot", b"\x03")]
    owned = [struct.pack(">HBBB", i + 1, 2, 0x81, 2) for i in range(n)] + [struct.pack(">HBBBB", n + 1, 3, 3, 4, 0x85)]

    def meta(at):
        places = b""
        for i, d in enumerate(data):
            places += struct.pack(">HHHHII", i + 1, 0, 0, 1, at, len(d))
            at += len(d)
        places += struct.pack(">HHHHII", n + 1, 1, 0, 1, 0, 8)
        return box("meta", full, box("hdlr", full, full, b"pict", bytes(13)), box("pitm", full, struct.pack(">H", n + 1)),
                   box("iloc", b"\x01\0\0\0\x44\0", struct.pack(">H", n + 1), places),
                   box("iinf", full, struct.pack(">H", n + 1), *[item(i + 1, b"hvc1", 1) for i in range(n)], item(n + 1, b"grid", 0)),
                   box("iref", full, box("dimg", struct.pack(">HH", n + 1, n), *[struct.pack(">H", i + 1) for i in range(n)])),
                   box("iprp", box("ipco", *properties), box("ipma", full, struct.pack(">I", n + 1), *owned)),
                   box("idat", struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *im.size)))

    head = box("ftyp", b"heic", full, b"mif1", b"heic")
    with open(name, "wb") as f:
        f.write(head + meta(len(head) + len(meta(0)) + 8) + box("mdat", *data))
    return np.rot90(shown[:im.height, :im.width], -1)


# What the colours become is checked elsewhere: here they are those of Display P3.
ppm("grid.heic", grid("grid.heic", scene(100, 90), 64))


# A picture that is narrower than what libheif makes: the size that is coded is that of whole blocks, and less is shown.
def single(name, stream, w, h, bits=8):
    units = [u for u in re.split(b"\0\0\0?\1", stream) if u]
    sets = [u for u in units if u[0] >> 1 in (32, 33, 34)]
    data = b"".join(struct.pack(">I", len(u)) + u for u in units if u[0] >> 1 < 32)
    configuration = b"\1\1" + bytes(10) + b"\x1e\xf0\0\xfc\xff" + bytes([0xf8 | bits - 8] * 2) + b"\0\0\x0f" + bytes([len(sets)])
    for u in sets:
        configuration += bytes([0x80 | u[0] >> 1]) + struct.pack(">HH", 1, len(u)) + u
    full = bytes(4)

    def meta(at):
        return box("meta", full, box("hdlr", full, full, b"pict", bytes(13)), box("pitm", full, b"\0\1"),
                   box("iloc", b"\0\0\0\0\x44\0", struct.pack(">HHHHII", 1, 1, 0, 1, at, len(data))),
                   box("iinf", full, b"\0\1", box("infe", b"\2\0\0\0\0\1\0\0hvc1\0")),
                   box("iprp", box("ipco", box("hvcC", configuration), box("ispe", full, struct.pack(">II", w, h))),
                       box("ipma", full, struct.pack(">IHBBB", 1, 1, 2, 0x81, 2))))

    head = box("ftyp", b"heic", full, b"mif1", b"heic")
    with open(name, "wb") as f:
        f.write(head + meta(len(head) + len(meta(0)) + 8) + box("mdat", data))


def x265(source, options, colours=""):
    return subprocess.run(["ffmpeg", "-v", "error", "-i", source, *options, "-c:v", "libx265", "-x265-params",
                           "log-level=none:info=0:crf=2:range=full" + colours, "-f", "hevc", "-"], stdout=subprocess.PIPE, check=True).stdout


single("narrow.heic", x265("odd.png", ["-pix_fmt", "yuv444p"]), W, H)
ppm("narrow.heic", rgb(hevc("narrow.heic", find(open("narrow.heic", "rb").read(), "mdat")), W, H, 1, 1))


# AVIF
def avif(name, source, *options):
    run("avifenc", "--min", 2, "--max", 5, *options, source + ".png", name + ".avif")
    run("avifdec", "-d", 8, "-u", "nearest", name + ".avif", "decoded.png")
    im = Image.open("decoded.png")
    if im.mode == "RGBA":
        im = Image.alpha_composite(Image.new("RGBA", im.size, "white"), im)
    ppm(name + ".avif", np.asarray(im.convert("RGB")))


avif("444", "even", "-y", 444)
avif("420", "odd", "-y", 420)
avif("grey", "grey")
avif("alpha", "alpha", "-y", 444)
avif("deep", "deep", "-d", 10, "-y", 444)
avif("limited", "even", "-y", 444, "-r", "l", "--cicp", "1/13/1")

# High dynamic range: values in PQ, none above the 58 % that white has where nothing shines (ITU-R BT.2408), and what zimg makes of them.
y, x = np.mgrid[0:72, 0:80]
hdr = (np.stack([0.02 * x / 79, 0.02 * y / 71, 0.02 - 0.02 * x / 79], -1) + (0.1 + 0.22 * x / 79 + 0.22 * y / 71)[..., None]) * 65535
png16("hdr.png", hdr)
shown = subprocess.run(["ffmpeg", "-v", "error", "-i", "hdr.png", "-vf", "format=gbrp16,zscale=rin=full:min=gbr:pin=2020:tin=smpte2084:npl=203:"
                        "r=full:m=gbr:p=709:t=linear,format=gbrpf32,zscale=min=gbr:rin=full:pin=709:tin=linear:t=iec61966-2-1,format=gbrp",
                        "-pix_fmt", "rgb24", "-f", "rawvideo", "-"], stdout=subprocess.PIPE, check=True).stdout
single("pq.heic", x265("hdr.png", ["-vf", "format=gbrp16,zscale=rin=full:min=gbr:r=full:m=2020_ncl,format=yuv444p10"],
                       ":colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"), 80, 72, 10)
run("avifenc", "--min", 0, "--max", 2, "-d", 10, "-y", "444", "--cicp", "9/16/9", "hdr.png", "pq.avif")
for name in ("pq.heic", "pq.avif"):
    ppm(name, np.frombuffer(shown, np.uint8).reshape(72, 80, 3))
scene(128, 128).save("wide.png")
avif("grid", "wide", "-g", "2x2")
run("avifenc", "--min", 2, "--max", 5, "--cicp", "12/13/6", "even.png", "p3.avif")
run("avifenc", "--min", 30, "--max", 40, "--fps", 1, "even.png", "even.png", "even.png", "animated.avif")
# They say that the picture is to be cropped, turned a quarter clockwise, and mirrored, in this order.
run("avifenc", "--min", 2, "--max", 5, "--irot", 3, "--imir", 1, "--crop", "10,20,30,16", "even.png", "turned.avif")
ppm("turned.avif", np.asarray(scene(80, 72).crop((10, 20, 40, 36)).transpose(Image.Transpose.ROTATE_270).transpose(Image.Transpose.FLIP_LEFT_RIGHT)))

for name in os.listdir("."):
    if name.endswith(".png") or name.startswith("tile."):
        os.remove(name)
