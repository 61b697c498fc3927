"""What the systems are made of: transforms of recordings, the rounding of files, convolutions and their first weights.

Recordings are batch×samples with full scale 1, pictures batch×3×rows×columns around 0.
"""
import math
from typing import List

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .random import Random, permutation

PLANES = 4
"""Samples of one stage for each pixel, and planes that networks see them in."""


def mdct_matrix(bands: int) -> Tensor:
    """The 2M×M matrix √(2/M) sin(π(n+½)/2M) cos(π/M (n+½+M/2)(k+½)) in float64 (Princen, Johnson and Bradley 1987)."""
    n = torch.arange(2 * bands, dtype=torch.float64)[:, None] + 0.5
    k = torch.arange(bands, dtype=torch.float64)[None, :] + 0.5
    return (
        math.sqrt(2 / bands) * torch.sin(math.pi * n / (2 * bands)) * torch.cos(math.pi / bands * (n + bands / 2) * k)
    )


class Fold(nn.Module):
    """Samples (batch×4·tile²) to planes (batch×4×tile×tile): a circular MDCT, whose coefficients a stage's permutation
    spreads over the planes. The map is orthonormal."""

    def __init__(self, tile: int, bands: int, stage: int):
        super().__init__()
        self.tile, self.bands = tile, bands
        order = torch.tensor(permutation(PLANES * tile * tile, stage))
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("places", torch.argsort(order), persistent=False)
        self.register_buffer("matrix", mdct_matrix(bands).float(), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        frames = samples.view(len(samples), -1, self.bands)
        pairs = torch.cat([frames, frames.roll(-1, 1)], 2)
        return (pairs @ self.matrix).flatten(1)[:, self.order].view(-1, PLANES, self.tile, self.tile)

    def inverse(self, planes: Tensor) -> Tensor:
        coefficients = planes.flatten(1)[:, self.places].view(len(planes), -1, self.bands)
        first, second = (coefficients @ self.matrix.t()).split(self.bands, 2)
        return (first + second.roll(1, 1)).flatten(1)


class Interleaved(nn.Module):
    """Samples (batch×planes·rows·columns) to planes (batch×planes×rows×columns), pixel i having samples planes·i to
    planes·i + planes−1, one in each plane."""

    def __init__(self, planes: int, columns: int):
        super().__init__()
        self.planes, self.columns = planes, columns

    def forward(self, samples: Tensor) -> Tensor:
        pixels = samples.view(len(samples), -1, self.planes)
        return pixels.transpose(1, 2).reshape(len(samples), self.planes, -1, self.columns)

    def inverse(self, planes: Tensor) -> Tensor:
        return planes.flatten(2).transpose(1, 2).flatten(1)


class STFT(nn.Module):
    """Samples (batch×frames·hop) to real and imaginary parts (batch×2×frames×hop): a circular short-time Fourier
    transform with a sine window of 2·hop samples, scaled to be a tight frame, without the bin at half of the rate."""

    def __init__(self, hop: int):
        super().__init__()
        self.hop = hop
        n = torch.arange(2 * hop, dtype=torch.float64)[:, None]
        k = torch.arange(hop, dtype=torch.float64)[None, :]
        scale = torch.full((hop,), math.sqrt(1 / hop), dtype=torch.float64)
        scale[0] /= math.sqrt(2)
        window = torch.sin(math.pi * (n + 0.5) / (2 * hop)) * scale
        angle = math.pi * n * k / hop
        matrix = torch.cat([window * torch.cos(angle), -window * torch.sin(angle)], 1)
        self.register_buffer("matrix", matrix.float(), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        hops = samples.view(len(samples), -1, self.hop)
        frames = torch.cat([hops, hops.roll(-1, 1)], 2)
        return torch.stack((frames @ self.matrix).split(self.hop, 2), 1)

    def adjoint(self, spectrum: Tensor) -> Tensor:
        """The adjoint, which is the least-squares inverse."""
        frames = torch.cat(spectrum.unbind(1), 2) @ self.matrix.t()
        first, second = frames.split(self.hop, 2)
        return (first + second.roll(1, 1)).flatten(1)


def magnitude(spectrum: Tensor) -> Tensor:
    """|x| of batch×2×… complex numbers, as batch×1×…; its gradient is 0 at 0."""
    power = spectrum.square().sum(1, keepdim=True)
    some = power > 0
    return torch.sqrt(torch.where(some, power, torch.ones_like(power))) * some


class Round(torch.autograd.Function):
    """Rounds samples to multiples of a step, halves to even, within [−1, 1 − step], and does nothing where the step is
    0. The gradient is the identity's."""

    @staticmethod
    def forward(ctx, samples: Tensor, step: Tensor) -> Tensor:
        x, step = samples.double(), step.double()
        rounded = torch.minimum((torch.round(x / step) * step).clamp(min=-1), 1 - step)
        return torch.where(step > 0, rounded, x).to(samples)

    @staticmethod
    def backward(ctx, grad: Tensor):
        return grad, None


class Conv(nn.Conv2d):
    """A square convolution that keeps the extent; of an even kernel's padding the far side has one more row and column.
    Its weights begin normal with a standard deviation of gain·√(2/fan-in) (He et al. 2015)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, gain: float = 1.0):
        super().__init__(inputs, outputs, kernel)
        self.near, self.far = (kernel - 1) // 2, kernel // 2
        self.std = gain * math.sqrt(2 / (inputs * kernel * kernel))

    def forward(self, x: Tensor) -> Tensor:
        if self.near == self.far:
            return F.conv2d(x, self.weight, self.bias, padding=self.near)
        return F.conv2d(F.pad(x, (self.near, self.far, self.near, self.far)), self.weight, self.bias)


class Model(nn.Module):
    """A system of networks whose parameters have the names, and the order, that they have in the Go program."""

    config: dict
    bf16 = False
    """Have networks, but not transforms, rounding and losses, compute in 16 bits where PyTorch sees fit."""

    @torch.no_grad()
    def initialise(self, seed: int) -> None:
        """Draws the weights that the Go program draws from a seed."""
        index = 0
        for module in self.modules():
            if not isinstance(module, Conv):
                continue
            module.weight.zero_()
            module.bias.zero_()
            if module.std > 0:
                values = Random(seed, index).normals(module.weight.numel()) * module.std
                module.weight.copy_(torch.from_numpy(values).view_as(module.weight))
            index += 2

    def narrow(self, device: torch.device):
        """The context that networks compute in."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.bf16)

    def extra(self) -> dict:
        """What a file of weights says besides the configuration."""
        return {}


def flops(model: nn.Module, run) -> int:
    """Returns the floating-point operations of the convolutions in run(), a multiply-add counting as two."""
    total = 0

    def count(conv: Conv, inputs: tuple, output: Tensor) -> None:
        nonlocal total
        total += 2 * output[:, 0].numel() * conv.weight.numel()

    hooks: List = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, Conv)]
    try:
        with torch.no_grad():
            run()
    finally:
        for h in hooks:
            h.remove()
    return total
