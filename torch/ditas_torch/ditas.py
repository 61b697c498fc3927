"""The paper's systems, DITAS-S, -M, -M-E, -M-D and -M-ED.

Stage i takes what is still missing of a picture, S_i, and a subsequence of the recording, T_i, and makes
T~_i = H_i(S_i, T_i), of which the receiver makes S~_i = R_i(T~_i); S_{i+1} = S_i − S~_i. docs/METHOD.md has the whole.
"""
from typing import Dict, List, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import PLANES, Conv, Fold, Interleaved, Model, Round

LINEAR = 0.7071
"""The gain with which a convolution without rectifier keeps the variance."""
INITIAL_GAINS = (0.25, 0.06, 0.02)
"""Magnitudes of the residuals that stages start with."""
LOUDER = 5.0
"""What samples are multiplied by for networks without a transform."""

Features = Optional[List[Tensor]]


class Gated(nn.Module):
    """Convolutions that are linear in the content, each multiplied by gates computed from the context alone."""

    def __init__(self, content: int, context: int, out: int, width: int, depth: int, cross: bool):
        super().__init__()
        self.context0 = Conv(context, width, 3)
        self.context1 = Conv(width, width, 3)
        self.content0 = Conv(content, width, 3, LINEAR)
        self.hidden = range(1, depth - 1)
        for i in self.hidden:
            self.add_module(f"content{i}", Conv(width, width, 3, LINEAR))
            if cross:
                self.add_module(f"cross{i}", Conv(width, width, 1, 0))
        for i in range(depth - 1):
            self.add_module(f"gate{i}", Conv(width, width, 1, LINEAR / 2))
        self.last = f"content{depth - 1}"
        self.add_module(self.last, Conv(width, out, 3, LINEAR / 2))
        self.skip = Conv(content, out, 1, LINEAR / 2)

    @torch.no_grad()
    def open(self) -> None:
        """Has the gates pass everything."""
        for name, layer in self.named_children():
            if name.startswith("gate"):
                layer.bias.fill_(1)

    def forward(self, content: Tensor, context: Tensor, features: Features) -> Tuple[Tensor, List[Tensor]]:
        """Returns batch×out×rows×columns and the features of the hidden layers; takes those of the stage before."""
        layer = self._modules
        q = F.relu(self.context1(F.relu(self.context0(context))))
        h = self.content0(content) * self.gate0(q)
        own = []
        for i in self.hidden:
            u = layer[f"content{i}"](h)
            if f"cross{i}" in layer:
                u = u + layer[f"cross{i}"](features[i - 1])
            h = (h + u * layer[f"gate{i}"](q)) * LINEAR
            own.append(h)
        return layer[self.last](h) + self.skip(content), own


class Plain(nn.Module):
    """Rectified convolutions, as in the paper; the content and the context are joined."""

    def __init__(self, inputs: int, out: int, width: int, depth: int, cross: bool):
        super().__init__()
        self.depth = depth
        for i in range(depth):
            last = i == depth - 1
            self.add_module(f"layer{i}", Conv(width if i else inputs, out if last else width, 3, 0.1 if last else 1.0))
            if cross and 0 < i < depth - 1:
                self.add_module(f"cross{i}", Conv(width, width, 1, 0))

    def open(self) -> None:
        """There are no gates."""

    def forward(self, content: Tensor, context: Optional[Tensor], features: Features) -> Tuple[Tensor, List[Tensor]]:
        """See Gated.forward."""
        layer = self._modules
        h = content if context is None else torch.cat([content, context], 1)
        own = []
        for i in range(self.depth - 1):
            h = layer[f"layer{i}"](h)
            if f"cross{i}" in layer:
                h = h + layer[f"cross{i}"](features[i - 1])
            h = F.relu(h)
            if i > 0:
                own.append(h)
        return layer[f"layer{self.depth - 1}"](h), own


class Ditas(Model):
    """A whole system. config holds the fields of the configuration's "model"."""

    def __init__(self, config: dict):
        super().__init__()
        self.config = config
        self.stages, self.tile, width, depth = config["stages"], config["tile"], config["width"], config["depth"]
        self.plain = config.get("transform") == "none"
        self.gains = [INITIAL_GAINS[min(i, len(INITIAL_GAINS) - 1)] for i in range(self.stages)]
        folds: List[nn.Module] = []
        for i in range(self.stages):
            hide, reveal = config["crossHide"] and i > 0, config["crossReveal"] and i > 0
            if self.plain:
                self.add_module(f"hide{i}", Plain(3 + PLANES, PLANES, width, depth, hide))
                self.add_module(f"reveal{i}", Plain(PLANES, 3, width, depth, reveal))
                folds.append(Interleaved(PLANES, self.tile))
            else:
                self.add_module(f"hide{i}", Gated(3, PLANES, PLANES, width, depth, hide))
                self.add_module(f"reveal{i}", Gated(PLANES, PLANES, 3, width, depth, reveal))
                folds.append(Fold(self.tile, config["bands"], i))
        self.folds = nn.ModuleList(folds)

    def initialise(self, seed: int) -> None:
        super().initialise(seed)
        for i in range(self.stages):
            self._modules[f"hide{i}"].open()
            self._modules[f"reveal{i}"].open()

    def extra(self) -> Dict[str, str]:
        return {f"ditas.gain{i}": repr(float(g)) for i, g in enumerate(self.gains)}

    def send(self, i: int, missing: Tensor, cover: Tensor, tau: Tensor, features: Features):
        """Stage i's container (batch×4×rows×tile, in the transform's domain), before rounding, and its features.

        missing is batch×3×rows×tile, cover as the container; tau, the threshold, is batch×1×1×1 in float64.
        """
        network, gain = self._modules[f"hide{i}"], self.gains[i]
        if self.plain:
            with self.narrow(cover.device):
                out, own = network(missing * (1 / gain), cover * LOUDER, features)
            return cover + out.float() * self.config["amplitude"], own
        free = (cover.abs() < tau.float()).to(cover)
        with self.narrow(cover.device):
            out, own = network(missing * (1 / gain), free, features)
        peak = (self.config["amplitude"] * tau).float()
        return cover * (1 - free) + free * (torch.tanh(out.float()) * peak), own

    def receive(self, i: int, received: Tensor, tau: Tensor, features: Features):
        """What stage i reveals (batch×3×rows×tile) of what it received, in the transform's domain; and its features."""
        network, gain = self._modules[f"reveal{i}"], self.gains[i]
        if self.plain:
            with self.narrow(received.device):
                out, own = network(received * LOUDER, None, features)
            return out.float() * gain, own
        peak = self.config["amplitude"] * tau
        free = (received.detach().abs() < ((tau + peak) / 2).float()).to(received)
        with self.narrow(received.device):
            out, own = network(free * received * (1 / peak).float(), free, features)
        return out.float() * gain, own

    def forward(self, secret: Tensor, covers: List[Tensor], tau: Tensor, step: Tensor) -> Dict[str, List[Tensor]]:
        """Hides and reveals, as the sender does, who knows the rounding of the file.

        secret is batch×3×rows×tile around 0, covers are one tensor batch×samples for each stage; tau and step, the
        threshold and the step of the file's samples, are batch×1 in float64. Returns, for each stage, containers as
        written and what was revealed; and of each example the mean squares of what the container lost ("distortion"),
        and of what is missing after the stage ("missed").
        """
        out: Dict[str, List[Tensor]] = {k: [] for k in ("containers", "revealed", "distortion", "missed")}
        missing, tau4 = secret, tau[:, :, None, None]
        hidden: Features = None
        revealed_features: Features = None
        for i, samples in enumerate(covers):
            fold = self.folds[i]
            cover = fold(samples)
            container, hidden = self.send(i, missing, cover, tau4, hidden)
            out["distortion"].append((container - cover).square().mean((1, 2, 3)))
            written = Round.apply(fold.inverse(container), step)
            revealed, revealed_features = self.receive(i, fold(written), tau4, revealed_features)
            missing = missing - revealed
            out["missed"].append(missing.square().mean((1, 2, 3)))
            out["containers"].append(written)
            out["revealed"].append(revealed)
        return out
