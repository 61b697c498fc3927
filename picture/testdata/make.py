#!/usr/bin/env python3
"""Makes the pictures in this folder and, as NAME.ppm, what they must decode to.

Needs Pillow (made with 9.4), numpy, tifffile (2023.2), ffmpeg (5.1) and webpmux (1.2.4). Everything is synthetic. The expected values are Pillow's
(libjpeg, libwebp, libtiff) after ImageOps.exif_transpose, laid over white; where Pillow falls short of 16 bits or of the
frame's place on a GIF's screen they are computed from the source. upright.ppm serves the orientation files.
"""
import io
import json
import os
import struct
import subprocess
import zlib

import numpy as np
import tifffile
from PIL import Image, ImageDraw, ImageOps

os.chdir(os.path.dirname(os.path.abspath(__file__)))
W, H = 37, 26  # odd on purpose: the last chroma sample serves one column only


def scene(w=W, h=H):
    """A smooth picture with two hard shapes, all channels different."""
    y, x = np.mgrid[0:h, 0:w]
    rgb = np.stack([x / (w - 1), y / (h - 1), 0.5 + 0.5 * np.sin(x / 6 + y / 9)], -1)
    im = Image.fromarray(np.uint8(np.round(255 * rgb)))
    d = ImageDraw.Draw(im)
    d.ellipse([w // 2, 3, w // 2 + 9, 12], fill=(230, 40, 60))
    d.rectangle([3, h - 9, 11, h - 4], fill=(20, 90, 200))
    return im


def ppm(name, im):
    with open(name + ".ppm", "wb") as f:
        f.write(b"P6 %d %d 255\n" % im.size + im.convert("RGB").tobytes())


def over_white(im):
    im = im.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", im.size, "white"), im).convert("RGB")


def expect(name):
    im = ImageOps.exif_transpose(Image.open(name))
    ppm(name, over_white(im) if im.mode in ("LA", "PA", "RGBA") or "transparency" in im.info else im)


def save(name, im, **options):
    im.save(name, **options)
    expect(name)


def ffmpeg(source, name, *options):
    raw = source.convert("RGB").tobytes()
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "%dx%d" % source.size,
                    "-i", "-", *options, "-flags", "+bitexact", name], input=raw, check=True)
    expect(name)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(name, depth, colour, interlace, raw):
    with open(name, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, depth, colour, 0, 0, interlace))
                + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))


def rows(values):
    """The scan lines of h×w×channels values, unfiltered."""
    return b"".join(b"\0" + row.tobytes() for row in values)


im = scene()
alpha = Image.fromarray(np.uint8(np.linspace(0, 255, W)[None, :].repeat(H, 0)))
rgba = im.copy()
rgba.putalpha(alpha)

# PNG
save("rgb.png", im)
save("rgba.png", rgba)
save("grey.png", im.convert("L"))
save("greyalpha.png", Image.merge("LA", [im.convert("L"), alpha]))
save("palette.png", im.quantize(12, dither=0))
save("transparent.png", im.quantize(12, dither=0), transparency=3)
save("bilevel.png", im.convert("1"))
adam7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
png("interlaced.png", 8, 2, 1, b"".join(rows(np.asarray(im)[y::dy, x::dx]) for x, y, dx, dy in adam7))
expect("interlaced.png")
y, x = np.mgrid[0:H, 0:W]
deep = np.stack([x * 1771 + y, y * 2520 + x, 65535 - x * 701 - y * 907], -1)
png("deep.png", 16, 2, 0, rows(deep.astype(">u2")))
ppm("deep.png", Image.fromarray(np.uint8(np.round(deep / 257))))
png("deepgrey.png", 16, 0, 0, rows(deep[:, :, :1].astype(">u2")))
ppm("deepgrey.png", Image.fromarray(np.uint8(np.round(deep[:, :, 0] / 257))))

# JPEG
save("444.jpg", im, quality=92, subsampling=0)
save("422.jpg", im, quality=92, subsampling=1)
save("420.jpg", im, quality=92, subsampling=2)
save("progressive.jpg", im, quality=92, subsampling=2, progressive=True)
ffmpeg(im, "440.jpg", "-pix_fmt", "yuvj440p", "-q:v", "2")
ffmpeg(im, "411.jpg", "-pix_fmt", "yuvj411p", "-q:v", "2")
save("grey.jpg", im.convert("L"), quality=92)
save("cmyk.jpg", im.convert("CMYK"), quality=95)
# RGB in JPEG: the channels are stored as if they were luma and chroma, and Adobe's marker says that they are not.
buf = io.BytesIO()
Image.merge("YCbCr", im.split()).save(buf, "JPEG", quality=92, subsampling=0)
jfif = buf.getvalue()
with open("rgb.jpg", "wb") as f:
    f.write(jfif[:2] + b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0" + jfif[4 + int.from_bytes(jfif[4:6], "big"):])
expect("rgb.jpg")

# GIF: a still, and an animation whose first frame covers a part of the screen, with a transparent colour
save("still.gif", im.quantize(32, dither=0))
frame = im.crop((0, 0, 20, 15)).quantize(15, dither=0)
table = (bytes(frame.getpalette()) + bytes(48))[:48]
index = np.asarray(frame).copy()
index[4:8, 5:12] = 15


def gif_frame(left, top, index):
    """An image block of uncompressed LZW: a clear code before the codes grow longer."""
    h, w = index.shape
    bits = "".join(format(c, "05b")[::-1] for i, v in enumerate(index.ravel()) for c in ([16, v] if i % 14 == 0 else [v]))
    bits += format(17, "05b")[::-1]
    bits += "0" * (-len(bits) % 8)
    data = bytes(int(bits[i:i + 8][::-1], 2) for i in range(0, len(bits), 8))
    blocks = b"".join(bytes([len(data[i:i + 255])]) + data[i:i + 255] for i in range(0, len(data), 255))
    control = b"\x21\xf9\x04" + struct.pack("<BHB", 1, 10, 15) + b"\0"
    return control + b"," + struct.pack("<HHHHB", left, top, w, h, 0) + b"\x04" + blocks + b"\0"


with open("partial.gif", "wb") as f:
    f.write(b"GIF89a" + struct.pack("<HHBBB", W, H, 0xb3, 0, 0) + table + gif_frame(7, 5, index)
            + gif_frame(0, 0, index) + b";")
canvas = np.full((H, W, 3), 255, np.uint8)
colours = np.frombuffer(table, np.uint8).reshape(-1, 3)
part = canvas[5:20, 7:27]
part[index != 15] = colours[index[index != 15]]
ppm("partial.gif", Image.fromarray(canvas))

# WebP
save("lossy.webp", im, quality=92)
save("lossless.webp", im, lossless=True)
save("lossyalpha.webp", rgba, quality=92)
save("losslessalpha.webp", rgba, lossless=True, exact=True)
scene(8, 8).save("animated.webp", save_all=True, append_images=[scene(8, 8).transpose(Image.Transpose.ROTATE_90)], lossless=True)
expect("animated.webp")
# An animation whose first frame covers a part of the picture, and is transparent in places.
rgba.crop((0, 0, 20, 15)).save("frame.webp", quality=92)
rgba.save("rest.webp", quality=92)
subprocess.run(["webpmux", "-frame", "frame.webp", "+100+6+4+1", "-frame", "rest.webp", "+100", "-o", "offset.webp"], check=True)
os.remove("frame.webp")
os.remove("rest.webp")
expect("offset.webp")

# BMP
save("24.bmp", im)
save("8.bmp", im.quantize(16, dither=0))
save("1.bmp", im.convert("1"))

# TIFF
save("raw.tif", im)
save("lzw.tif", im, compression="tiff_lzw")
save("deflate.tif", im, compression="tiff_adobe_deflate")
save("packbits.tif", im, compression="packbits")
save("grey.tif", im.convert("L"))
save("palette.tif", im.quantize(16, dither=0))
save("alpha.tif", rgba)
save("fax.tif", im.convert("1"), compression="group4", tiffinfo={262: 0})
tifffile.imwrite("bigendian.tif", np.asarray(im), byteorder=">", photometric="rgb", metadata=None, software=False)
expect("bigendian.tif")
tifffile.imwrite("tiled.tif", np.asarray(im), tile=(16, 16), photometric="rgb", metadata=None, software=False)
expect("tiled.tif")
tifffile.imwrite("deep.tif", deep.astype(np.uint16), photometric="rgb", compression="zlib", metadata=None, software=False)
ppm("deep.tif", Image.fromarray(np.uint8(np.round(deep / 257))))

# Orientation: what is stored, turned by its tag, is always the same picture.
small = scene(19, 12)
ppm("upright", small)
T = Image.Transpose
stored = {1: None, 2: T.FLIP_LEFT_RIGHT, 3: T.ROTATE_180, 4: T.FLIP_TOP_BOTTOM, 5: T.TRANSPOSE, 6: T.ROTATE_90,
          7: T.TRANSVERSE, 8: T.ROTATE_270}


def exif(o, order):
    """Exif data with the orientation second of two tags; order is the mark of a byte order."""
    mark = "<" if order == b"II" else ">"
    entry = struct.pack(mark + "HHIHH", 0x0100, 3, 1, 19, 0) + struct.pack(mark + "HHIHH", 0x0112, 3, 1, o, 0)
    return order + struct.pack(mark + "HI", 42, 8) + struct.pack(mark + "H", 2) + entry + struct.pack(mark + "I", 0)


for o, op in stored.items():
    turned = small if op is None else small.transpose(op)
    data = exif(o, b"II" if o % 2 else b"MM")
    turned.save(f"orientation{o}.png", exif=data)
    turned.save(f"orientation{o}.jpg", quality=100, subsampling=0, exif=b"Exif\0\0" + data)
    if o in (3, 6):
        turned.save(f"orientation{o}.webp", lossless=True, exif=data)
        turned.save(f"orientation{o}.tif", tiffinfo={274: o})
    for name in (f"orientation{o}.png", f"orientation{o}.jpg"):
        got = np.asarray(ImageOps.exif_transpose(Image.open(name)).convert("RGB")).astype(int)
        assert got.shape == (12, 19, 3) and abs(got - np.asarray(small)).max() <= (0 if name.endswith("png") else 4), name

# Enlarging, against Pillow's bicubic filter (a = −½, too), which works on float32 pictures.
rng = np.random.default_rng(1)
source = rng.random((5, 7), np.float32) * 0.6 + 0.2
sizes = [(16, 16), (7, 11), (13, 5), (64, 9)]
json.dump({"width": 7, "height": 5, "values": [round(float(v), 6) for v in source.ravel()],
           "enlarged": [{"width": w, "height": h, "values": [round(float(v), 6) for v in np.asarray(
               Image.fromarray(np.round(source, 6)).resize((w, h), Image.Resampling.BICUBIC)).ravel()]} for w, h in sizes]},
          open("enlarge.json", "w"))


# Hostile files, to begin fuzzing from.
def corpus(target, name, data):
    os.makedirs("fuzz/" + target, exist_ok=True)
    with open(f"fuzz/{target}/{name}", "w") as f:
        f.write('go test fuzz v1\n[]byte("%s")\n' % "".join("\\x%02x" % b for b in data))


signature = b"\x89PNG\r\n\x1a\n"
file = {name: open(name, "rb").read() for name in ("24.bmp", "lossyalpha.webp", "raw.tif", "grey.jpg", "partial.gif")}


def patched(name, at, data):
    return file[name][:at] + data + file[name][at + len(data):]


corpus("FuzzDecode", "png-huge", signature + chunk(b"IHDR", struct.pack(">IIBBBBB", 65535, 65535, 16, 6, 0, 0, 0)))
corpus("FuzzDecode", "png-tall", signature + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 2**31 - 1, 8, 0, 0, 0, 0)))
corpus("FuzzDecode", "gif-small-screen", patched("partial.gif", 6, struct.pack("<HH", 20, 15)))
corpus("FuzzDecode", "gif-no-screen", patched("partial.gif", 6, bytes(4)))
corpus("FuzzDecode", "webp-large-canvas", patched("lossyalpha.webp", 24, b"\xfe\xff\0\0\0\0"))
corpus("FuzzDecode", "bmp-lowest-height", patched("24.bmp", 22, struct.pack("<I", 2**31)))
corpus("FuzzDecode", "bmp-empty", patched("24.bmp", 18, bytes(8)))
corpus("FuzzDecode", "tiff-directory-in-header", patched("raw.tif", 4, struct.pack("<I", 0)))
corpus("FuzzDecode", "tiff-directory-outside", patched("raw.tif", 4, b"\xff\xff\xff\xff"))
sof = file["grey.jpg"].index(b"\xff\xc0")
corpus("FuzzDecode", "jpeg-no-rows", patched("grey.jpg", sof + 5, bytes(2)))
corpus("FuzzDecode", "jpeg-large", patched("grey.jpg", sof + 5, b"\xff\xff\xff\xff"))
corpus("FuzzExif", "png-endless-chunk", signature + b"\xff\xff\xff\xffeXIf" + exif(6, b"MM"))
corpus("FuzzExif", "png-chunk-to-the-end", signature + struct.pack(">I", 38) + b"eXIf" + exif(6, b"II") + bytes(4))
corpus("FuzzExif", "webp-odd-end", b"RIFF\0\0\0\0WEBPXMP \x01\0\0\0x")
corpus("FuzzExif", "webp-endless-chunk", b"RIFF\0\0\0\0WEBPEXIF\xff\xff\xff\xff" + exif(6, b"II"))
corpus("FuzzExif", "jpeg-fill-bytes", b"\xff\xd8\xff\xff\xff\xff\xe1\0\x2eExif\0\0" + exif(6, b"MM"))
corpus("FuzzExif", "jpeg-short-segment", b"\xff\xd8\xff\xe1\0\0\xff\xe1\0\x01")
corpus("FuzzExif", "directory-outside", b"II*\0\xff\xff\xff\xff")
corpus("FuzzExif", "directory-too-long", b"MM\0*\0\0\0\x08\xff\xff" + bytes(11))
corpus("FuzzExif", "orientation-zero", exif(0, b"II"))
