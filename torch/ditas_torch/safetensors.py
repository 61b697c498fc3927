"""Reads and writes the safetensors format, https://huggingface.co/docs/safetensors, as strictly as the Go program does.

A file is the length of its header (8 bytes, little-endian), the header (JSON), and the bytes of all tensors,
little-endian and in row-major order, without gaps. No more memory is taken than the file has bytes.
"""
import json
import os
import struct
from typing import Dict, List, Optional, Tuple

import numpy as np
import torch

MAX_HEADER = 100_000_000
"""Bytes of the largest header that the format allows."""

METADATA = "__metadata__"

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
SIZES = {name: torch.empty(0, dtype=dtype).element_size() for name, dtype in DTYPES.items()}


class FormatError(ValueError):
    """A file that is no valid safetensors file, or holds types that are not read here."""


def unique(pairs: List[Tuple[str, object]]) -> Dict[str, object]:
    """Makes an object of JSON, in which no name may stand twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise FormatError("a name appears twice in the header")
    return found


def is_size(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63


def check_entry(name: str, entry: object) -> Tuple[str, List[int], int, int]:
    """Returns the type, the shape and the range of bytes that a header gives a tensor, if they fit one another."""
    if not isinstance(entry, dict) or sorted(entry) != ["data_offsets", "dtype", "shape"]:
        raise FormatError(f"tensor {name!r} needs data_offsets, dtype and shape, and nothing else")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise FormatError(f"tensor {name!r} has the type {dtype!r}, which is not read here")
    if not isinstance(shape, list) or not all(map(is_size, shape)):
        raise FormatError(f"tensor {name!r} has the shape {shape!r}")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(is_size, offsets)):
        raise FormatError(f"tensor {name!r} has the data_offsets {offsets!r}")
    size = SIZES[dtype]
    for n in shape:
        size *= n
        if size >= 2**63:
            raise FormatError(f"tensor {name!r} has the shape {shape}, which is too large")
    if offsets[0] > offsets[1] or offsets[1] - offsets[0] != size:
        raise FormatError(f"tensor {name!r} takes {size} bytes, data_offsets give it {offsets}")
    return dtype, shape, offsets[0], offsets[1]


def read(path: str) -> Tuple[Dict[str, torch.Tensor], Dict[str, str]]:
    """Returns all tensors by name, in the order of their data, and the metadata. Raises FormatError or OSError."""
    with open(path, "rb") as f:
        total = os.fstat(f.fileno()).st_size
        head = f.read(8)
        if len(head) < 8:
            raise FormatError(f"{path}: {len(head)} bytes are too few for a safetensors file")
        (length,) = struct.unpack("<Q", head)
        if length > min(MAX_HEADER, total - 8):
            raise FormatError(f"{path}: a header of {length} bytes in a file of {total}")
        try:
            return parse(f.read(length), bytearray(f.read()))
        except FormatError as e:
            raise FormatError(f"{path}: {e}") from None


def parse(header: bytes, data: bytearray) -> Tuple[Dict[str, torch.Tensor], Dict[str, str]]:
    """Takes tensors and metadata out of a header and the bytes that follow it. The tensors share the memory of data."""
    if not header.startswith(b"{"):
        raise FormatError("the header does not start with {")
    try:
        entries = json.loads(header.decode("utf-8"), object_pairs_hook=unique)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as e:
        raise FormatError(f"header: {e}") from None
    metadata = entries.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise FormatError("the metadata are not strings")
    checked = [(name, *check_entry(name, entry)) for name, entry in entries.items()]
    checked.sort(key=lambda c: (c[3], c[4], c[0]))
    tensors, end = {}, 0
    for name, dtype, shape, low, high in checked:
        if low != end:
            raise FormatError(f"tensor {name!r} starts at {low}, not where the one before ends, {end}")
        if high > len(data):
            raise FormatError(f"tensor {name!r} ends at {high} of {len(data)} bytes")
        end = high
        if low == high:
            tensors[name] = torch.empty(shape, dtype=DTYPES[dtype])
            continue
        # A copy where the place is not aligned, which the format does not ask for.
        part = np.frombuffer(data, np.uint8, high - low, low)
        if low % SIZES[dtype]:
            part = part.copy()
        tensors[name] = torch.from_numpy(part).view(DTYPES[dtype]).reshape(shape)
    if end != len(data):
        raise FormatError(f"the tensors take {end} bytes, the file holds {len(data)}")
    return tensors, metadata


def write(path: str, tensors: Dict[str, torch.Tensor], metadata: Optional[Dict[str, str]] = None) -> None:
    """Writes a file that appears under its name only when it is complete, byte for byte as the Go program would."""
    ordered = sorted(tensors.items(), key=lambda t: (-t[1].element_size(), t[0].encode()))
    header: Dict[str, object] = {METADATA: dict(sorted(metadata.items()))} if metadata else {}
    end = 0
    for name, tensor in ordered:
        if name == METADATA or tensor.dtype not in NAMES:
            raise ValueError(f"tensor {name!r} of {tensor.dtype} cannot be written")
        size = tensor.numel() * tensor.element_size()
        header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # so that the data starts aligned
    part = f"{path}.part"
    with open(part, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for _, tensor in ordered:
            flat = tensor.detach().cpu().contiguous().reshape(-1)
            f.write(flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b"")
    os.replace(part, path)
