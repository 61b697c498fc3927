#!/usr/bin/env python3
"""Makes expected.json, what the measures must say about recordings, which are given by their samples.

Needs numpy. Everything is synthetic.
"""
import json
import os

import numpy as np

os.chdir(os.path.dirname(os.path.abspath(__file__)))
rng = np.random.default_rng(7)
rng.normal(size=3 * (64 * 64 + 45 * 27 + 11 * 11))  # the recordings in the file were drawn after as many others
expected = []

for n, frame in ((100, 32), (96, 32), (20, 320)):
    x = np.round(rng.normal(0, 0.1, n) * np.linspace(0, 2, n) ** 3, 4)
    y = np.round(x + rng.normal(0, 0.01, n), 4)
    y[40:70] = x[40:70]  # a frame without error, or nearly
    frames = [10 * np.log10(max(np.sum(x[i:i + frame] ** 2), 1e-300) / max(np.sum((x - y)[i:i + frame] ** 2), 1e-300))
              for i in range(0, n, frame)]
    expected.append({
        "cover": x.tolist(), "stego": y.tolist(), "frame": frame, "mse": float(np.mean((x - y) ** 2)),
        "snr": float(20 * np.log10(np.linalg.norm(x) / np.linalg.norm(x - y))),
        "segmental": float(np.mean(np.clip(frames, -10, 35))), "deviation": float(np.abs(x - y).max())})

json.dump(expected, open("expected.json", "w"), indent=1)
