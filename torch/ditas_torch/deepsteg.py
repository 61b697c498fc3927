"""Deep-Steg (Baluja, Hiding images in plain sight: deep steganography, 2017) with speech in place of the cover
image."""
import math
from typing import List, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import Conv, Interleaved
from .unit import LOUDNESS, SAMPLES_PER_PIXEL, SIDE, Unit, middle, mixture

SIZES = (3, 4, 5)
"""Sides of the parallel kernels."""


class Network(nn.Module):
    """Layers of parallel convolutions, rectified, and a 1×1 convolution."""

    def __init__(self, inputs: int, outputs: int, layers: int, filters: int):
        super().__init__()
        self.layers, self.inputs, gain = layers, inputs, math.sqrt(0.5)
        for i in range(layers):
            sizes = {f"size{k}": Conv(inputs, filters, k, gain) for k in SIZES}
            layer = nn.Module()
            for name, conv in sizes.items():
                layer.add_module(name, conv)
            self.add_module(f"layer{i}", layer)
            inputs, gain = len(SIZES) * filters, 1.0
        self.last = Conv(inputs, outputs, 1)

    def parallel(self, i: int) -> List[Conv]:
        return list(self._modules[f"layer{i}"].children())

    def forward(self, x: Tensor) -> Tensor:
        for i in range(self.layers):
            x = F.relu(torch.cat([conv(x) for conv in self.parallel(i)], 1))
        return self.last(x)

    def carried(self) -> int:
        """How many of the inputs have pairs of filters that pass them on."""
        return min(self.inputs, len(SIZES) * self.parallel(0)[0].out_channels // 2)

    def pass_on(self) -> None:
        """Has the first pairs of filters of each layer pass on the inputs, and makes all others small."""
        for i in range(self.layers):
            convs = self.parallel(i)
            for conv in convs:
                conv.weight.mul_(0.5)
            for into in range(self.carried()):
                for sign in range(2):
                    which, f = divmod(2 * into + sign, convs[0].out_channels)
                    conv, w = convs[which], 1 - 2 * sign
                    conv.weight[f] = 0
                    if i == 0:
                        middle(conv, f, into, w)
                    else:
                        middle(conv, f, 2 * into, w)
                        middle(conv, f, 2 * into + 1, -w)
        self.last.weight.mul_(0.05)
        for out in range(self.last.out_channels):
            for into in range(self.carried()):
                self.read(out, into, 0)

    def read(self, out: int, into: int, a: float) -> None:
        """Has an output take an input that is passed on to it, times a."""
        if into < self.carried():
            middle(self.last, out, 2 * into, a)
            middle(self.last, out, 2 * into + 1, -a)


class DeepSteg(Unit):
    """A preparation, a hiding and a reveal network. config holds the fields of the configuration's "model"."""

    def __init__(self, config: dict):
        super().__init__()
        self.config = config
        size, planes = (config["layers"], config["filters"]), SAMPLES_PER_PIXEL
        self.prepare = Network(3, planes, *size)
        self.hide = Network(2 * planes, planes, *size)
        self.reveal = Network(planes, 3, *size)
        self.fold = Interleaved(planes, SIDE)

    @torch.no_grad()
    def initialise(self, seed: int) -> None:
        """Starts linear and pixel by pixel: of kernels the middle alone, filters in pairs of opposite sign."""
        super().initialise(seed)
        for network in (self.prepare, self.hide, self.reveal):
            for i in range(network.layers):
                for conv in network.parallel(i):
                    kept = conv.weight[:, :, conv.near, conv.near] * conv.kernel_size[0]
                    conv.weight.zero_()
                    conv.weight[:, :, conv.near, conv.near] = kept
                    if i > 0:
                        conv.weight[:, 1::2] = -conv.weight[:, 0::2]
                    conv.weight[1::2] = -conv.weight[0::2]
            network.last.weight[:, 1::2] = -network.last.weight[:, 0::2]

    @torch.no_grad()
    def identity(self, seed: int, distortion: float) -> None:
        super().initialise(seed)
        for network in (self.prepare, self.hide, self.reveal):
            network.pass_on()
        planes = SAMPLES_PER_PIXEL
        for colour, (add, take) in enumerate(mixture(seed, 3, planes, distortion)):
            for plane in range(planes):
                self.prepare.read(plane, colour, add[plane])
                self.reveal.read(colour, plane, take[plane])
        for plane in range(planes):
            self.hide.read(plane, plane, 1)
            self.hide.read(plane, planes + plane, 1)

    def send(self, secret: Tensor, cover: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        planes = self.fold(cover) * LOUDNESS
        with self.narrow(cover.device):
            out = self.hide(torch.cat([self.prepare(secret), planes], 1))
        out = out.float()
        return self.fold.inverse(out * (1 / LOUDNESS)), out, planes

    def receive(self, received: Tensor) -> Tensor:
        with self.narrow(received.device):
            out = self.reveal(self.fold(received) * LOUDNESS)
        return out.float()
