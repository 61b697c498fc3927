"""The DITAS systems in PyTorch, written from the method's description and sharing no code with the Go package model.

Stage i hides what is still missing of a picture, S_i, in a subsequence of a recording, T_i: T~_i = H_i(S_i, T_i); the
receiver reads S~_i = R_i(T~_i), and S_{i+1} = S_i - S~_i. golden.py and the benchmark use this module.
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

PLANES = 4  # samples of one stage for each pixel


def permutation(n, stage):
    """Fisher and Yates's shuffle of 0 … n-1, driven by SplitMix64 started at the number of the stage."""
    mask = 2**64 - 1
    order, state = list(range(n)), stage
    for i in range(n - 1, 0, -1):
        state = (state + 0x9E3779B97F4A7C15) & mask
        z = state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & mask
        j = (z ^ (z >> 31)) % (i + 1)
        order[i], order[j] = order[j], order[i]
    return torch.tensor(order)


def mdct_matrix(bands):
    """The 2M × M matrix sqrt(2/M) sin(pi(n+1/2)/2M) cos(pi/M (n+1/2+M/2)(k+1/2)), in float64."""
    n = torch.arange(2 * bands, dtype=torch.float64)[:, None] + 0.5
    k = torch.arange(bands, dtype=torch.float64)[None, :] + 0.5
    return math.sqrt(2 / bands) * torch.sin(math.pi * n / (2 * bands)) * torch.cos(math.pi / bands * (n + bands / 2) * k)


class Fold(nn.Module):
    """Samples (B × 4·tile²) to planes (B × 4 × tile × tile): a circular MDCT, permuted."""

    def __init__(self, tile, bands, stage):
        super().__init__()
        self.tile, self.bands = tile, bands
        order = permutation(PLANES * tile * tile, stage)
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("places", torch.argsort(order), persistent=False)
        self.register_buffer("matrix", mdct_matrix(bands), persistent=False)

    def forward(self, samples):
        frames = samples.view(len(samples), -1, self.bands)
        pairs = torch.cat([frames, frames.roll(-1, 1)], 2)
        return (pairs @ self.matrix).flatten(1)[:, self.order].view(-1, PLANES, self.tile, self.tile)

    def inverse(self, planes):
        coefficients = planes.flatten(1)[:, self.places].view(len(planes), -1, self.bands)
        first, second = (coefficients @ self.matrix.t()).split(self.bands, 2)
        return (first + second.roll(1, 1)).flatten(1)


class Round(torch.autograd.Function):
    """Rounds to multiples of step, halves to even, within [-1, 1 - step]; the gradient is that of the identity."""

    @staticmethod
    def forward(ctx, x, step):
        return (torch.round(x / step) * step).clamp(min=-1).minimum(1 - step)

    @staticmethod
    def backward(ctx, grad):
        return grad, None


def conv(inputs, outputs, kernel):
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)


class Network(nn.Module):
    """Convolutions that are linear in the content, each multiplied by gates computed from the context alone."""

    BRANCH = 0.7071

    def __init__(self, content, context, out, width, depth, cross):
        super().__init__()
        self.depth, self.cross = depth, cross
        self.context0 = conv(context, width, 3)
        self.context1 = conv(width, width, 3)
        self.content0 = conv(content, width, 3)
        for i in range(1, depth - 1):
            self.add_module(f"content{i}", conv(width, width, 3))
            if cross:
                self.add_module(f"cross{i}", conv(width, width, 1))
        for i in range(depth - 1):
            self.add_module(f"gate{i}", conv(width, width, 1))
        self.add_module(f"content{depth - 1}", conv(width, out, 3))
        self.skip = conv(content, out, 1)

    def forward(self, content, context, features):
        """Returns the output and the features of the hidden layers; takes those of the stage before."""
        layer = self._modules
        q = F.relu(self.context1(F.relu(self.context0(context))))
        h = self.content0(content) * self.gate0(q)
        own = []
        for i in range(1, self.depth - 1):
            u = layer[f"content{i}"](h)
            if self.cross:
                u = u + layer[f"cross{i}"](features[i - 1])
            h = (h + u * layer[f"gate{i}"](q)) * self.BRANCH
            own.append(h)
        return layer[f"content{self.depth - 1}"](h) + self.skip(content), own


class System(nn.Module):
    """A whole system, to be cast to float or double. config holds the fields of model.Config under their names in JSON.

    Parameters have the names that they have in the Go package.
    """

    def __init__(self, config, gains):
        super().__init__()
        self.config, self.gains = config, gains
        width, depth = config["width"], config["depth"]
        self.folds = nn.ModuleList()
        for i in range(config["stages"]):
            self.add_module(f"hide{i}", Network(3, PLANES, PLANES, width, depth, config["crossHide"] and i > 0))
            self.add_module(f"reveal{i}", Network(PLANES, PLANES, 3, width, depth, config["crossReveal"] and i > 0))
            self.folds.append(Fold(config["tile"], config["bands"], i))

    def forward(self, picture, covers, thresholds, step):
        """Hides B pictures (B × 3 × tile × tile in [0, 1]) in covers (one tensor B × samples per stage).

        thresholds (one per stage) and step broadcast against planes and samples. Returns a dictionary of lists with one
        entry per stage; "missing" has S_1 … S_{N+1}, and "decisions" the pairs (magnitudes, limit) of all comparisons.
        """
        out = {k: [] for k in ("containers", "exact", "revealed", "container_mse", "reveal_mse", "decisions")}
        missing = picture - 0.5
        out["missing"] = [missing]
        hide_features = reveal_features = None
        for i, (samples, tau) in enumerate(zip(covers, thresholds)):
            peak = self.config["amplitude"] * tau
            limit = (tau + peak) / 2
            gain, fold = self.gains[i], self.folds[i]
            cover = fold(samples)
            size = cover.abs()
            out["decisions"].append((size, tau))
            free = (size < tau).to(cover)
            message, hide_features = self._modules[f"hide{i}"](missing / gain, free, hide_features)
            container = torch.where(free > 0, torch.tanh(message) * peak, cover)
            exact = fold.inverse(container)
            written = Round.apply(exact, step)

            received = fold(written)
            size = received.detach().abs()
            out["decisions"].append((size, limit))
            seen = (size < limit).to(received)
            revealed, reveal_features = self._modules[f"reveal{i}"](seen * received / peak, seen, reveal_features)
            revealed = revealed * gain

            out["exact"].append(exact)
            out["containers"].append(written)
            out["revealed"].append(revealed)
            out["container_mse"].append((container - cover).square().mean((1, 2, 3)))
            out["reveal_mse"].append((missing - revealed).square().mean((1, 2, 3)))
            missing = missing - revealed
            out["missing"].append(missing)
        return out


def objective(out, thresholds, stage_weights, container_weight):
    """The loss of training per picture: every decibel of what is missing counts the same at every stage."""
    loss = 0
    for mse, distortion, tau, weight in zip(out["reveal_mse"], out["container_mse"], thresholds, stage_weights):
        loss = loss + weight * torch.log(mse + 1e-9) + container_weight / (tau * tau) * distortion
    return loss
