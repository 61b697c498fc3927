#!/usr/bin/env python3
"""The PyTorch side of the benchmark, which main.go drives: it prints what it runs on as one line of JSON, and then answers
every line "TASK REPEATS" on its standard input with {"layout": [seconds, …], …} for the memory layouts it tries.

usage: pytorch.py THREADS BATCH CONFIG  (CONFIG is a model.Config as JSON)
"""
import ctypes
import json
import pathlib
import re
import sys
import time

sys.dont_write_bytecode = True
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "model" / "testdata"))

try:
    import torch
except ImportError:
    sys.exit("PyTorch is not installed for this Python (Debian: python3-torch)")
import torch.nn as nn
import torch.nn.functional as F

from ditas import System, objective

THREADS, BATCH, CONFIG = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
torch.set_num_threads(THREADS)
torch.manual_seed(1)
LAYOUTS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}


def blas():
    """The name of OpenBLAS's kernels, from the library that is loaded."""
    for line in open("/proc/self/maps"):
        path = line.split()[-1]
        if "openblas" in path:
            try:
                f = ctypes.CDLL(path).openblas_get_corename
            except (OSError, AttributeError):
                continue
            f.restype = ctypes.c_char_p
            return "OpenBLAS " + f().decode()
    return "BLAS unknown"


def convolution(rows, columns, kernel):
    """Returns functions that convolve 32 channels of a batch of 16, forward only and with a loss and its gradients."""
    runs = {}
    for name, layout in LAYOUTS.items():
        conv = nn.Conv2d(32, 32, kernel, padding=(kernel[0] // 2, kernel[1] // 2)).to(memory_format=layout)
        x = torch.randn(16, 32, rows, columns).contiguous(memory_format=layout).requires_grad_()
        target = torch.randn_like(x)
        if name == "contiguous" and rows == 1:
            # A signal proper; it has no other layout.
            conv = nn.Conv1d(32, 32, kernel[1], padding=kernel[1] // 2)
            x, target = x.detach()[:, :, 0].requires_grad_(), target[:, :, 0]

        def forward(conv=conv, x=x):
            with torch.no_grad():
                conv(x)

        def both(conv=conv, x=x, target=target):
            x.grad = None
            conv.zero_grad(set_to_none=True)
            F.mse_loss(conv(x), target).backward()

        runs[name] = forward, both
    return {k: v[0] for k, v in runs.items()}, {k: v[1] for k, v in runs.items()}


def training():
    """Returns functions that take a step of training as package train does."""
    runs = {}
    tile, stages = CONFIG["tile"], CONFIG["stages"]
    for name, layout in LAYOUTS.items():
        system = System(CONFIG, [0.25, 0.06, 0.02][:stages]).float().to(memory_format=layout)
        with torch.no_grad():
            for key, p in system.named_parameters():
                if "gate" in key and key.endswith("bias"):
                    p.fill_(1)
        optimiser = torch.optim.Adam(system.parameters(), 2e-3, (0.9, 0.99))
        picture = torch.rand(BATCH, 3, tile, tile).contiguous(memory_format=layout)
        covers = [0.02 * torch.randn(BATCH, 4 * tile * tile) for _ in range(stages)]
        thresholds = [torch.linspace(0.01, 0.1, BATCH).view(-1, 1, 1, 1)] * stages
        step = torch.full((BATCH, 1), 1 / 32768)
        flat = [t.flatten() for t in thresholds]

        def take(system=system, optimiser=optimiser, picture=picture):
            optimiser.zero_grad(set_to_none=True)
            out = system(picture, covers, thresholds, step)
            objective(out, flat, [0.3, 0.3, 1][-stages:], 0.1).mean().backward()
            nn.utils.clip_grad_norm_(system.parameters(), 1)
            optimiser.step()

        runs[name] = take
    return runs


TASKS = {"step": training()}
TASKS["conv2d forward"], TASKS["conv2d both"] = convolution(64, 64, (3, 3))
TASKS["conv1d forward"], TASKS["conv1d both"] = convolution(1, 16384, (1, 9))

config = torch.__config__.show()
found = {k: re.search(v, config) for k, v in {"onednn": r"MKL-DNN v(\S+)", "isa": r"CPU capability usage: (\S+)"}.items()}
print(json.dumps({"version": torch.__version__, "blas": blas(), "threads": torch.get_num_threads(),
                  **{k: m.group(1) if m else "unknown" for k, m in found.items()}}), flush=True)
for line in sys.stdin:
    name, repeats = line.rsplit(" ", 1)
    seconds = {}
    for layout, f in TASKS[name].items():
        f()
        seconds[layout] = []
        for _ in range(int(repeats)):
            start = time.perf_counter()
            f()
            seconds[layout].append(time.perf_counter() - start)
    print(json.dumps(seconds), flush=True)
