#!/usr/bin/env python3
"""Makes golden.safetensors from the published description of the format, with nothing but struct and json.
struct's "e" is Python's own binary16, rounded to nearest, ties to even: an oracle for our conversion.
usage: make_golden.py  (writes beside itself)"""
import json
import pathlib
import struct

tensors = [  # laid out by falling element size, then by name
    ("count", "I64", [3], struct.pack("<3q", -1, 0, 2**63 - 1)),
    ("pi", "F64", [], struct.pack("<d", 3.141592653589793)),
    ("layer.0.weight", "F32", [2, 3], struct.pack("<6f", 0.0, -1.5, 2.25, 1e-30, -3e38, 0.1)),
    ("none", "F32", [0, 7], b""),
    ("half", "F16", [2, 5], struct.pack("<10e", 0.1, -0.0, 65504.0, 6e-8, 3e-8, 1 + 2**-11, 1 + 3 * 2**-11, -1e-5,
                                        float("inf"), 2**-14 - 2**-26)),
]
header = {"__metadata__": {"format": "ditas", "note": "naïve <1> & \"2\""}}
end = 0
for name, dtype, shape, data in tensors:
    header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + len(data)]}
    end += len(data)
text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
text += b" " * (-len(text) % 8)
path = pathlib.Path(__file__).with_name("golden.safetensors")
path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(t[3] for t in tensors))
