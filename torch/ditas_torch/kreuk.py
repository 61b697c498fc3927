"""The model of Kreuk, Adi, Raj, Singh and Keshet (Hide and Speak, 2020; arXiv 1902.03083), with a picture as the
message.

Rows of the picture run in time; each pixel has 6 frames × 2 bins of the carrier's STFT, each of its colours 2×2 of
them.
"""
import math
from typing import Tuple

import torch
from torch import Tensor, nn

from .layers import STFT, Conv, magnitude
from .unit import LOUDNESS, ROW_SAMPLES, SIDE, Unit, middle, mixture

HOP = 128
COLOURS = 3
ROW_FRAMES = ROW_SAMPLES // HOP
PIXEL_BINS = HOP // SIDE
PIXEL_CELLS = ROW_FRAMES * PIXEL_BINS
OPEN_GATE = 1.0


class Block(nn.Module):
    """A gated convolution."""

    def __init__(self, inputs: int, outputs: int, kernel: int):
        super().__init__()
        self.value = Conv(inputs, outputs, kernel)
        self.gate = Conv(inputs, outputs, kernel, 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.value(x) * torch.sigmoid(self.gate(x))

    def read(self, filter: int, into: int, a: float) -> None:
        """Has a filter take an input times a, its gate being open."""
        if into < self.value.in_channels:
            middle(self.value, filter, into, a * (1 + math.exp(-OPEN_GATE)))


class Network(nn.Sequential):
    """A stack of blocks, whose last one has a kernel of its own."""

    def __init__(self, inputs: int, width: int, outputs: int, blocks: int, last: int):
        super().__init__()
        for i in range(blocks):
            end = i == blocks - 1
            self.add_module(
                f"block{i}", Block(inputs if i == 0 else width, outputs if end else width, last if end else 3)
            )

    def pass_on(self, first: int, n: int) -> None:
        """Has n filters of each block but the last pass on n inputs, from the first-th on; makes all others small."""
        for i, block in enumerate(self):
            block.gate.weight.mul_(0.5)
            block.gate.bias.fill_(OPEN_GATE)
            if i == len(self) - 1:
                block.value.weight.mul_(0.1)
                return
            block.value.weight.mul_(0.5)
            for f in range(min(n, block.value.in_channels, block.value.out_channels)):
                block.value.weight[f] = 0
                block.read(f, first + f, 1)
            first = 0


def spread(picture: Tensor) -> Tensor:
    """Lays batch×3×rows×64 out on the grid, batch×1×frames×128: 2 frames and 2 bins for each value."""
    rows = picture.transpose(1, 2).flatten(1, 2)
    return rows.repeat_interleave(2, 1).repeat_interleave(PIXEL_BINS, 2)[:, None]


def pool(cells: Tensor) -> Tensor:
    """The means of the cells that spread repeats a value over."""
    parts = cells.view(len(cells), -1, COLOURS, ROW_FRAMES // COLOURS, SIDE, PIXEL_BINS)
    return parts.mean((3, 5)).transpose(1, 2)


def fold(cells: Tensor) -> Tensor:
    """Makes the cells of each pixel channels, frame by frame: batch×1×frames×128 to batch×12×rows×64."""
    parts = cells.view(len(cells), -1, ROW_FRAMES, SIDE, PIXEL_BINS)
    return parts.permute(0, 2, 4, 1, 3).flatten(1, 2)


def unfold(planes: Tensor) -> Tensor:
    """The inverse of fold."""
    parts = planes.view(len(planes), ROW_FRAMES, PIXEL_BINS, -1, SIDE)
    return parts.permute(0, 3, 1, 4, 2).reshape(len(planes), 1, -1, HOP)


class Kreuk(Unit):
    """A carrier encoder, a carrier decoder and a message decoder. config holds the fields of "model"."""

    def __init__(self, config: dict):
        super().__init__()
        self.config, width = config, config["width"]
        self.folded = bool(config.get("folded"))
        self.cells, self.message = (PIXEL_CELLS, COLOURS) if self.folded else (1, 1)
        self.encode = Network(self.cells, width, width, config["encode"], 3)
        self.decode = Network(width + self.message + self.cells, width, self.cells, config["decode"], 1)
        self.reveal = Network(self.cells, width, self.message, config["reveal"], 3)
        self.stft = STFT(HOP)

    @torch.no_grad()
    def identity(self, seed: int, distortion: float) -> None:
        self.initialise(seed)
        self.encode.pass_on(0, self.cells)
        self.decode.pass_on(self.config["width"], self.message + self.cells)
        self.reveal.pass_on(0, self.cells)
        decode, reveal = list(self.decode)[-1], list(self.reveal)[-1]
        for i, (add, take) in enumerate(mixture(seed, self.message, self.cells, distortion)):
            for c in range(self.cells):
                decode.read(c, i, add[c])
                reveal.read(i, c, take[c])
        for c in range(self.cells):
            decode.read(c, self.message + c, 1)

    def see(self, spectrum: Tensor) -> Tensor:
        """Magnitudes as networks see them."""
        cells = magnitude(spectrum) * LOUDNESS
        return fold(cells) if self.folded else cells

    def send(self, secret: Tensor, cover: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        spectrum = self.stft(cover)
        size = magnitude(spectrum)
        # Where there is no magnitude the phase is that of 1.
        unit = torch.stack([torch.ones_like(size[:, 0]), torch.zeros_like(size[:, 0])], 1)
        phase = torch.where(size > 0, spectrum / size, unit)
        seen = self.see(spectrum)
        with self.narrow(cover.device):
            message = secret if self.folded else spread(secret)
            out = self.decode(torch.cat([self.encode(seen), message, seen], 1))
        out = out.float()
        difference = (out - seen) * (1 / LOUDNESS)
        added = self.stft.adjoint((unfold(difference) if self.folded else difference) * phase)
        return cover + added, out, seen

    def receive(self, received: Tensor) -> Tensor:
        with self.narrow(received.device):
            out = self.reveal(self.see(self.stft(received)))
        out = out.float()
        return out if self.folded else pool(out)
