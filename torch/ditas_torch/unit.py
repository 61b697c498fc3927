"""What the systems of other papers have in common here: a picture of 64 columns goes into 768 samples for each row.

A row of the picture goes with consecutive samples, so that a stripe of rows and its samples are a task like the whole.
"""
import math
from typing import Dict, List, Tuple

import numpy as np
from torch import Tensor

from .layers import Conv, Model, Round
from .random import Random

SIDE = 64
"""Columns of a picture."""
SAMPLES_PER_PIXEL = 12
ROW_SAMPLES = SIDE * SAMPLES_PER_PIXEL
LOUDNESS = 2.0
"""What samples are multiplied by, to be as strong as pictures."""


class Unit(Model):
    """A pair of networks, one that hides and one that reveals."""

    def send(self, secret: Tensor, cover: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        """Returns the container (batch×samples, not rounded), and what the loss compares: changed and original.

        secret is batch×3×rows×64 around 0, cover batch×samples.
        """
        raise NotImplementedError

    def receive(self, received: Tensor) -> Tensor:
        """Returns the secret, batch×3×rows×64, that batch×samples hold."""
        raise NotImplementedError

    def identity(self, seed: int, distortion: float) -> None:
        """Draws weights with which networks pass on what they get, the container being the cover with the picture added
        at a mean squared error of about distortion."""
        raise NotImplementedError

    def forward(self, secret: Tensor, cover: Tensor, step: Tensor) -> Dict[str, Tensor]:
        """Hides and reveals. step, of the file's samples, is batch×1 in float64. "changed", "missed" and "distortion"
        are mean squares of each example: of the container as networks see it, of the picture, and of samples."""
        container, changed, original = self.send(secret, cover)
        written = Round.apply(container, step)
        revealed = self.receive(written)
        return {
            "container": written,
            "revealed": revealed,
            "changed": (changed - original).square().mean((1, 2, 3)),
            "missed": (revealed - secret).square().mean((1, 2, 3)),
            "distortion": (written - cover).square().mean(1),
        }


def middle(conv: Conv, out: int, into: int, value: float) -> None:
    """Sets the element of a filter's kernel for an input that the output's place falls on."""
    conv.weight[out, into, conv.near, conv.near] = value


def mixture(seed: int, colours: int, channels: int, distortion: float) -> List[Tuple[np.ndarray, np.ndarray]]:
    """Orthonormal mixtures of colours into channels: what each channel gets of a colour, and gives to it."""
    picture_variance, caution = 0.06, 0.3
    amplitude = LOUDNESS * math.sqrt(distortion * channels / (colours * picture_variance))
    rng, found = Random(seed, 1 << 32), []
    for _ in range(colours):
        v = rng.normals(channels)
        for u in found:
            v = v - np.dot(u, v) * u
        found.append(v / np.linalg.norm(v))
    return [(amplitude * v, caution / amplitude * v) for v in found]
