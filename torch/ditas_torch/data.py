"""The recordings and pictures that are learnt from: folders, or what the manifest of `ditas data` names.

Files are opened when something is drawn from them, and the last ones are kept, so that memory does not grow with the
set.
"""
import functools
import hashlib
import json
import os
import wave
from typing import List, NamedTuple, Optional, Tuple

import numpy as np

from .random import Random

RATE = 16000
"""Of all recordings, in Hz."""
PEAK = 0.99
"""The magnitude that the loudest sample of a recording is scaled to."""
SMALLEST_CROP, LARGEST_SIDE = 64, 640
MAGIC = {"speech": (b"RIFF",), "pictures": (b"\x89PNG", b"\xff\xd8\xff")}


class DataError(ValueError):
    """Material that cannot be learnt from; the message says which file it is."""


def from_manifest(folder: str, split: str, kind: str, verify: bool = False) -> List[str]:
    """Returns the files of a set ("train", "validation" or "test") of a kind ("speech", "photos" or "faces") that a
    folder's manifest names, in the order of their paths. verify has their hashes compared."""
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as f:
        manifest = json.load(f)
    if not manifest.get("complete"):
        raise DataError(f"{folder}: the set is not complete; run ditas data again")
    found = {}
    for group in manifest["groups"]:
        for file in group["files"]:
            if os.path.dirname(file["path"]) != f"{group['split']}/{group['kind']}" or "\\" in file["path"]:
                raise DataError(f"{folder}: {file['path']!r} cannot be a file of {group['split']}/{group['kind']}")
            if (group["split"], group["kind"]) == (split, kind):
                found[file["path"]] = file["sha256"]
    if not found:
        raise DataError(f"{folder}: its manifest names no files of {split}/{kind}")
    paths = [os.path.join(folder, path) for path in sorted(found)]
    for path in paths if verify else ():
        with open(path, "rb") as f:
            if hashlib.sha256(f.read()).hexdigest() != found[os.path.relpath(path, folder).replace(os.sep, "/")]:
                raise DataError(f"{path} is not what the manifest says")
    return paths


def from_folder(folder: str, kind: str) -> List[str]:
    """Returns the WAV files ("speech") or the PNG and JPEG files ("pictures") below a folder, told apart by content, in
    the order of their paths."""
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith(".")]
        for name in names:
            if not name.startswith("."):
                path = os.path.join(root, name)
                with open(path, "rb") as f:
                    if f.read(4).startswith(MAGIC[kind]):
                        found.append(path)
    if not found:
        raise DataError(f"{folder}: there are no {kind} in it; recordings are WAV files here, pictures PNG or JPEG")
    return sorted(found, key=lambda p: os.path.relpath(p, folder).replace(os.sep, "/").encode())


class Clip(NamedTuple):
    """A recording: its samples, and what brings the loudest of them to PEAK, 0 if all are silent."""

    samples: np.ndarray
    gain: np.float32


@functools.lru_cache(maxsize=512)
def read_clip(path: str) -> Clip:
    """Reads a WAV file of 16 kHz and 16 bits. Several channels are averaged, and scaled to make the best of 16 bits."""
    with wave.open(path, "rb") as f:
        channels = f.getnchannels()
        x = np.frombuffer(f.readframes(f.getnframes()), "<i2").astype(np.float64) / 2**15
    x = x.reshape(-1, channels).mean(1)
    top = np.abs(x).max()
    if top == 0:
        return Clip(np.zeros(len(x), np.int16), np.float32(0))
    scale = 2.0**15 if channels == 1 else 32767 / top
    return Clip(np.rint(x * scale).astype(np.int16), np.float32(PEAK / (top * scale)))


class Speech:
    """A set of recordings."""

    def __init__(self, paths: List[str]):
        self.paths, lengths = paths, []
        for path in paths:
            try:
                with wave.open(path, "rb") as f:
                    lengths.append(f.getnframes())
                    if (f.getframerate(), f.getsampwidth()) != (RATE, 2) or lengths[-1] == 0:
                        raise wave.Error(f"{f.getframerate()} Hz, {8 * f.getsampwidth()} bits, {lengths[-1]} samples")
            except (wave.Error, EOFError) as e:
                raise DataError(
                    f"{path}: {e}: recordings are WAV files of {RATE} Hz and 16 bits here; ffmpeg makes them"
                ) from None
        self.ends = np.cumsum(lengths)

    def clip(self, rng: Random, n: int) -> np.ndarray:
        """Draws n consecutive samples of one recording, the loudest of the whole of which is at PEAK. Every second of
        the set is as likely as any other; a recording that is shorter is repeated, from a random sample on."""
        at = rng.below(int(self.ends[-1]))
        c = read_clip(self.paths[int(np.searchsorted(self.ends, at, "right"))])
        length, start = len(c.samples), 0
        if length > n:
            start = rng.below(length - n + 1)
        elif length < n:
            start = rng.below(length)
        first = c.samples[start : start + n]
        rest = np.resize(c.samples, n - len(first)) if len(first) < n else c.samples[:0]
        return np.concatenate([first, rest]).astype(np.float32) * c.gain


@functools.lru_cache(maxsize=512)
def read_picture(path: str) -> np.ndarray:
    """Reads a picture as 3×rows×columns bytes, scaled down where a side is longer than LARGEST_SIDE: as the Go
    program, to which it is not equal there, since that averages in another way."""
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        rgb = ImageOps.exif_transpose(image).convert("RGB")
    scale = min(1.0, LARGEST_SIDE / max(rgb.size))
    if scale < 1:
        rgb = rgb.resize((max(1, round(rgb.width * scale)), max(1, round(rgb.height * scale))), Image.BOX)
    return np.ascontiguousarray(np.asarray(rgb, np.uint8).transpose(2, 0, 1))


@functools.lru_cache(maxsize=4096)
def shares(side: int, size: int) -> np.ndarray:
    """How much of each of side pixels counts for each of size, size×side, in units of 1/size of a pixel."""
    low, pixel = side * np.arange(size)[:, None], size * np.arange(side)[None, :]
    return np.clip(np.minimum(low + side, pixel + size) - np.maximum(low, pixel), 0, None).astype(np.float64)


class Pictures:
    """A set of pictures."""

    def __init__(self, paths: List[str]):
        self.paths = paths

    def crop(self, rng: Random, size: int) -> np.ndarray:
        """Draws a square of a picture, 3×size×size values in [0, 1]: its side is any from 64 pixels to the whole, half
        of them are mirrored, and pixels are averaged over their area."""
        pixels = read_picture(self.paths[rng.below(len(self.paths))])
        rows, columns = pixels.shape[1:]
        whole = min(rows, columns)
        side = SMALLEST_CROP + rng.below(whole - SMALLEST_CROP + 1) if whole > SMALLEST_CROP else whole
        left = rng.below(columns - side + 1)
        top = rng.below(rows - side + 1)
        mirror = rng.below(2) == 1
        # Sums of integers below 2^53, so that all but the last factor is exact.
        square = pixels[:, top : top + side, left : left + side].astype(np.float64)
        w = shares(side, size)
        out = (w @ square @ w.T) * (1 / (255 * float(side) * float(side)))
        return out[:, :, ::-1].astype(np.float32) if mirror else out.astype(np.float32)


def material(
    data: Optional[str], kind: str, speech: Optional[str], pictures: Optional[str], verify: bool
) -> Tuple[Speech, Pictures]:
    """Opens what is learnt from: folders where they are named, and otherwise what the manifest of data names."""
    if (speech is None or pictures is None) and data is None:
        raise DataError("name --data, a folder that ditas data made, or both --speech and --pictures")
    recordings = from_folder(speech, "speech") if speech else from_manifest(data, "train", "speech", verify)
    images = from_folder(pictures, "pictures") if pictures else from_manifest(data, "train", kind, verify)
    return Speech(recordings), Pictures(images)
