#!/usr/bin/env python3
"""Makes golden.safetensors: outputs and gradients of single operations, computed by PyTorch (made with 1.13) in float64.

The metadata key "cases" lists the operations with their settings as JSON. Case c has the inputs "c.x0", "c.x1" …, the
weights "c.weight" and "c.bias" where it has any, and a "c.target"; the results are the output "c.y" and the gradients
"….grad" of WEIGHT·mse(y, target) with respect to inputs and weights. Signals are tensors of one row.
"""
import json
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.dont_write_bytecode = True
from safetensors import write  # noqa: E402

WEIGHT = 1.7
rng = np.random.default_rng(11)
cases, tensors = [], {}


def normal(*shape):
    return np.float32(rng.normal(size=shape))


def case(name, op, shapes, f, weight=None, bias=None, **settings):
    """Adds an operation on inputs of the given shapes. f takes the inputs, then weight and bias where there are any."""
    values = {f"x{i}": normal(*s) for i, s in enumerate(shapes)}
    if weight:
        values["weight"] = normal(*weight)
    if bias:
        values["bias"] = normal(bias)
    leaves = {k: torch.tensor(v, dtype=torch.float64, requires_grad=True) for k, v in values.items()}
    y = f(*leaves.values())
    target = normal(*y.shape)
    (WEIGHT * F.mse_loss(y, torch.tensor(target, dtype=torch.float64))).backward()
    tensors.update({f"{name}.{k}": v for k, v in values.items()})
    tensors[f"{name}.target"] = target
    tensors[f"{name}.y"] = np.float32(y.detach().numpy())
    tensors.update({f"{name}.{k}.grad": np.float32(t.grad.numpy()) for k, t in leaves.items()})
    cases.append({"name": name, "op": op, "inputs": len(shapes), **settings})


def conv2d(name, shape, out, kernel, stride=(1, 1), dilation=(1, 1), padding=(0, 0), bias=True):
    case(name, "conv", [shape],
         lambda x, w, b=None: F.conv2d(x, w, b, stride=stride, dilation=dilation, padding=padding),
         (out, shape[1], *kernel), out if bias else None,
         kernel=kernel, stride=stride, dilation=dilation, padding=padding)


def conv1d(name, shape, out, kernel, stride=1, dilation=1, padding=0):
    case(name, "conv", [shape],
         lambda x, w, b: F.conv1d(x[:, :, 0], w[:, :, 0], b, stride, padding, dilation)[:, :, None],
         (out, shape[1], 1, kernel), out,
         kernel=(1, kernel), stride=(1, stride), dilation=(1, dilation), padding=(0, padding))


def transpose2d(name, shape, out, kernel, stride=(1, 1), dilation=(1, 1), padding=(0, 0), output_padding=(0, 0)):
    case(name, "transpose", [shape],
         lambda x, w, b: F.conv_transpose2d(x, w, b, stride, padding, output_padding, 1, dilation),
         (shape[1], out, *kernel), out,
         kernel=kernel, stride=stride, dilation=dilation, padding=padding, outputPadding=output_padding)


def transpose1d(name, shape, out, kernel, stride, padding, output_padding):
    case(name, "transpose", [shape],
         lambda x, w, b: F.conv_transpose1d(x[:, :, 0], w[:, :, 0], b, stride, padding, output_padding)[:, :, None],
         (shape[1], out, 1, kernel), out,
         kernel=(1, kernel), stride=(1, stride), dilation=(1, 1), padding=(0, padding),
         outputPadding=(0, output_padding))


conv2d("3x3", (2, 3, 6, 7), 5, (3, 3), padding=(1, 1))
conv2d("1x1", (1, 9, 5, 6), 10, (1, 1))
conv2d("3x3 of many channels", (1, 12, 8, 20), 17, (3, 3), padding=(1, 1))
conv2d("valid without bias", (2, 2, 7, 6), 3, (3, 3), bias=False)
conv2d("5x3 dilated 1x2", (1, 2, 9, 11), 4, (5, 3), dilation=(1, 2), padding=(2, 2))
conv2d("even kernel", (1, 2, 6, 6), 3, (4, 2), padding=(2, 1))
conv2d("stride 2", (2, 3, 7, 8), 4, (3, 3), stride=(2, 2), padding=(1, 1))
conv2d("stride 2x3 dilated", (1, 2, 11, 13), 3, (3, 3), stride=(2, 3), dilation=(2, 2), padding=(2, 3))
conv2d("stride beyond the kernel", (1, 2, 7, 7), 3, (1, 1), stride=(2, 2))
conv1d("signal k9", (2, 2, 1, 40), 3, 9, padding=4)
conv1d("signal k9 stride 4", (1, 3, 1, 50), 2, 9, stride=4, padding=4)
conv1d("signal k5 dilated 3", (1, 2, 1, 33), 4, 5, dilation=3, padding=6)
transpose2d("transposed", (2, 3, 5, 6), 4, (3, 3), padding=(1, 1))
transpose2d("transposed stride 2", (1, 3, 5, 6), 2, (4, 4), stride=(2, 2), padding=(1, 1))
transpose2d("output padding", (2, 2, 4, 5), 3, (3, 3), stride=(2, 2), padding=(1, 1), output_padding=(1, 1))
transpose2d("transposed 2x3 dilated", (1, 2, 4, 4), 2, (3, 2), stride=(2, 3), dilation=(2, 1), padding=(1, 0),
            output_padding=(1, 2))
transpose1d("transposed signal", (1, 3, 1, 12), 2, 9, stride=4, padding=4, output_padding=3)

shape = (2, 3, 4, 6)
case("relu", "leaky", [shape], F.relu, slope=0.0)
case("leaky", "leaky", [shape], lambda x: F.leaky_relu(x, 0.1), slope=0.1)
case("sigmoid", "sigmoid", [shape], torch.sigmoid)
case("tanh", "tanh", [shape], torch.tanh)
case("gated", "gated", [shape, shape], lambda x, z: x * torch.sigmoid(z))
case("sub", "sub", [shape, shape], torch.sub)
case("concat", "concat", [(2, 3, 4, 5), (2, 1, 4, 5), (2, 2, 4, 5)], lambda *xs: torch.cat(xs, 1))
case("pixel shuffle", "shuffle", [(2, 8, 3, 5)], lambda x: F.pixel_shuffle(x, 2), factor=2)
case("pixel shuffle 3", "shuffle", [(1, 9, 2, 3)], lambda x: F.pixel_shuffle(x, 3), factor=3)
case("pixel unshuffle", "unshuffle", [(2, 2, 6, 10)], lambda x: F.pixel_unshuffle(x, 2), factor=2)

meta = {"pytorch": torch.__version__, "weight": str(WEIGHT), "cases": json.dumps(cases)}
write(pathlib.Path(__file__).with_name("golden.safetensors"), tensors, meta)
