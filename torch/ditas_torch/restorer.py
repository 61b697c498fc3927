"""The network that makes the best of a picture decoded from a prefix of its stream: residual blocks at half resolution,
gated by what is known of the error."""
from typing import List, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import Conv, Model

CONTEXT_WIDTH = 16
RADII = (1, 4)
"""Radii of the squares over which features takes means."""
CHANNELS = 3 + 3 * len(RADII)


class Block(nn.Module):
    """Two convolutions of 3×3 and the gate of what they make."""

    def __init__(self, width: int):
        super().__init__()
        self.first = Conv(width, width, 3)
        self.second = Conv(width, width, 3, 0.3)
        self.gate = Conv(CONTEXT_WIDTH, width, 1, 0.3)

    def forward(self, h: Tensor, q: Tensor) -> Tensor:
        return h + self.second(F.relu(self.first(h))) * self.gate(q)


class Restorer(Model):
    """The network. config holds the fields of the configuration's "model"."""

    def __init__(self, config: dict):
        super().__init__()
        self.config, width = config, config["width"]
        self.blocks = range(config["blocks"])
        self.context = Conv(3, CONTEXT_WIDTH, 1)
        self.first = Conv(4 * CHANNELS, width, 3)
        for i in self.blocks:
            self.add_module(f"block{i}", Block(width))
        self.last = Conv(width, 12, 3, 0)

    @torch.no_grad()
    def initialise(self, seed: int) -> None:
        super().initialise(seed)
        for i in self.blocks:
            self._modules[f"block{i}"].gate.bias.fill_(1)

    def forward(self, decoded: Tensor, error: Tensor) -> Tensor:
        """Returns restored pictures, batch×3×rows×columns, not limited.

        decoded are pictures in [0, 1] whose sides are even, and error, batch×3, is how far off the planes Y, Co and Cg
        of each are expected to be, as a root mean square.
        """
        given, context, scale = features(decoded, error), log_error(error), rms(error)
        context = context[:, :, None, None].expand(-1, -1, decoded.shape[2] // 2, decoded.shape[3] // 2)
        with self.narrow(decoded.device):
            q = F.relu(self.context(context))
            h = self.first(F.pixel_unshuffle(given, 2))
            for i in self.blocks:
                h = self._modules[f"block{i}"](h, q)
            residual = self.last(h)
        return decoded + F.pixel_shuffle(residual.float(), 2) * scale.float()[:, None, None, None]


def rms(error: Tensor) -> Tensor:
    """The expected root mean square error in RGB, in float64, given those of Y, Co and Cg (batch×3)."""
    weights: Sequence[float] = (3, 0.5, 0.75)
    return (
        (error.double().square() * torch.tensor(weights, dtype=torch.float64, device=error.device)).sum(1).div(3).sqrt()
    )


def log_error(error: Tensor) -> Tensor:
    """What gates are computed from, batch×3."""
    return (torch.log2(255 * error.double() + 1 / 16) / 4).float()


def box_mean(pictures: Tensor, radius: int) -> Tensor:
    """Means over squares of 2·radius+1 pixels, as far as they lie within the picture: along rows, then along
    columns."""
    for dim in (3, 2):
        size: List[int] = [1, 1]
        size[dim - 2] = 2 * radius + 1
        padding: Tuple[int, int] = (size[0] // 2, size[1] // 2)
        pictures = F.avg_pool2d(pictures, size, 1, padding, count_include_pad=False)
    return pictures


def features(decoded: Tensor, error: Tensor) -> Tensor:
    """What the network sees of a picture, batch×9×rows×columns: its values around 0, and for each radius its details,
    relative to the expected error and limited."""
    scale = (1 / (2 * rms(error).float() + 1e-4))[:, None, None, None]
    found = [2 * decoded - 1]
    for radius in RADII:
        x = (decoded - box_mean(decoded, radius)) * scale
        found.append(x / (1 + x.abs()))
    return torch.cat(found, 1)
