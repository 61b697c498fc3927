#!/usr/bin/env python3
"""Makes golden.safetensors: one training step of a small DITAS-M-ED as PyTorch (made with 1.13) computes it, in float64.

The file is a system that the package loads, with random weights (connections between stages included), and besides
- picture, cover<i> and, as the metadata "step", the settings;
- container<i> (samples as written), revealed<i>, and the losses containerLoss, revealLoss and lossyLoss;
- grad.<parameter>: the gradient of the loss that the metadata describes with respect to every parameter;
- adam.<parameter>: the parameters after steps of Adam with clipping, whose k-th batch of two gradients is grad times the
  k-th pair of adam.factors in the metadata.

Where a decision (a threshold, the rounding of a sample, a rectifier) hangs on less than float32 resolves, results mean
nothing; seeds are tried until none does.
"""
import json
import pathlib
import sys

import numpy as np
import torch

sys.dont_write_bytecode = True
from ditas import System, objective  # noqa: E402

here = pathlib.Path(__file__).parent
sys.path.append(str(here.parents[1] / "nn" / "testdata"))
from safetensors import write  # noqa: E402

CONFIG = {"name": "golden", "stages": 3, "crossHide": True, "crossReveal": True, "tile": 16, "bands": 64, "width": 8,
          "depth": 4, "amplitude": 0.5}
GAINS = [0.25, 0.0625, 0.03]
THRESHOLDS = [0.09, 0.06, 0.045]
STEP = 1 / 128
KEEP = [1, 0, 1]
STAGE_WEIGHTS, CONTAINER_WEIGHT, LOSSY_WEIGHT = [0.3, 0.5, 1.0], 0.2, 0.4
RATE, BETAS, CLIP = 1e-2, (0.9, 0.99), 1.0
FACTORS = [(1, 0.5), (-0.002, 0.001), (0.25, -1)]  # the second is not clipped


def random_system(rng):
    """Weights near those that training starts from, rounded to float32: open gates, connections that are not zero."""
    system = System(CONFIG, GAINS)
    with torch.no_grad():
        for name, p in system.named_parameters():
            if name.endswith("bias"):
                p.copy_(torch.tensor(rng.normal(float("gate" in name), 0.1, p.shape)))
            else:
                p.copy_(torch.tensor(rng.normal(0, np.sqrt(1 / p[0].numel()), p.shape)))
    return system


def picture(rng, tile):
    y, x = np.mgrid[0:tile, 0:tile] / tile
    planes = [0.5 + 0.3 * np.sin(rng.uniform(2, 9) * x + rng.uniform(2, 9) * y + rng.uniform(0, 6)) for _ in range(3)]
    return np.float32(np.clip(np.stack(planes) + rng.normal(0, 0.1, (3, tile, tile)), 0, 1))


def voice(rng, n):
    """Harmonics that come and go, over faint noise: a spectrum as sparse as that of speech, peak beyond full scale."""
    t = np.arange(n)
    pitch = 2 * np.pi * rng.uniform(0.02, 0.03)
    tone = sum(np.sin(k * pitch * t + rng.uniform(0, 6)) / k**1.5 for k in range(1, 9))
    cover = tone * np.clip(np.sin(2 * np.pi * t / n * 2 + rng.uniform(0, 6)), 0, 1) ** 2
    return np.float32(cover / np.abs(cover).max() + rng.normal(0, 0.004, n))


def step(system, pixels, covers):
    """Computes the activations, the loss and its gradients, and how close the closest decisions are."""
    dtype = system.hide0.skip.weight.dtype
    kinks = []
    hooks = [module.register_forward_hook(lambda m, x, y: kinks.append(y.detach().abs().min().item()))
             for name, module in system.named_modules() if "context" in name]
    out = system(torch.tensor(pixels, dtype=dtype)[None], [torch.tensor(c, dtype=dtype)[None] for c in covers],
                 THRESHOLDS, torch.tensor(STEP, dtype=dtype))
    for h in hooks:
        h.remove()
    kept = sum(k * r for k, r in zip(KEEP, out["revealed"]))
    out["lossy_mse"] = (out["missing"][0] - kept).square().mean()
    loss = objective(out, THRESHOLDS, STAGE_WEIGHTS, CONTAINER_WEIGHT).sum()
    (loss + LOSSY_WEIGHT * torch.log(out["lossy_mse"] + 1e-9)).backward()
    steps = torch.cat(out["exact"]).detach() / STEP
    return out, {
        "threshold": min(((size - limit).abs() / limit).min().item() for size, limit in out["decisions"]),
        "rounding": ((steps - steps.floor() - 0.5).abs() * STEP).min().item(),
        "rectifier": min(kinks),
    }


def adam(system):
    """Returns the parameters after the steps that FACTORS describes, and the norms of their gradients."""
    parameters = dict(system.named_parameters())
    grads = {k: p.grad.clone() for k, p in parameters.items()}
    optimiser = torch.optim.Adam(parameters.values(), RATE, BETAS)
    norms = []
    for factors in FACTORS:
        for k, p in parameters.items():
            p.grad = grads[k] * np.mean(factors)
        norms.append(torch.nn.utils.clip_grad_norm_(parameters.values(), CLIP).item())
        optimiser.step()
    return {k: p.detach() for k, p in parameters.items()}, norms


def results(out):
    tensors = {}
    for i in range(CONFIG["stages"]):
        tensors[f"container{i}"] = out["containers"][i][0]
        tensors[f"revealed{i}"] = out["revealed"][i][0]
    tensors["containerLoss"] = torch.cat(out["container_mse"])
    tensors["revealLoss"] = torch.cat(out["reveal_mse"])
    tensors["lossyLoss"] = out["lossy_mse"]
    return {k: v.detach() for k, v in tensors.items()}


def main():
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        single = random_system(rng).float()
        pixels = picture(rng, CONFIG["tile"])
        covers = [voice(rng, 4 * CONFIG["tile"] ** 2) for _ in range(CONFIG["stages"])]
        double = System(CONFIG, GAINS).double()
        double.load_state_dict(single.state_dict())
        out, margins = step(double, pixels, covers)
        if margins["threshold"] > 1e-4 and margins["rounding"] > 1e-6 and margins["rectifier"] > 1e-5:
            break
    else:
        sys.exit("no seed keeps its distance from all decisions")
    free = [(size < limit).double().mean().item() for size, limit in out["decisions"]]
    limited = [(c == -1).sum().item() + (c == 1 - STEP).sum().item() for c in out["containers"]]
    print("seed", seed, "margins", margins)
    print("share of free coefficients", free, "samples at full scale", limited)

    expected = results(out)
    expected.update({f"grad.{k}": p.grad for k, p in double.named_parameters()})
    narrow = results(step(single, pixels, covers)[0])
    narrow.update({f"grad.{k}": p.grad for k, p in single.named_parameters()})
    errors = {k: ((narrow[k] - v).abs().max() / v.abs().max()).item() for k, v in expected.items()}
    print("largest error of float32, as a share of the largest value:", max(zip(errors.values(), errors)))

    tensors = {k: p.float() for k, p in double.state_dict().items()}
    tensors.update(expected)
    parameters, norms = adam(double)
    tensors.update({f"adam.{k}": p for k, p in parameters.items()})
    print("norms", norms)
    arrays = {k: np.float32(v.numpy()) for k, v in tensors.items()}
    arrays["picture"] = pixels
    arrays.update({f"cover{i}": c for i, c in enumerate(covers)})
    meta = {f"ditas.gain{i}": repr(g) for i, g in enumerate(GAINS)}
    meta["ditas.config"] = json.dumps(CONFIG)
    meta["pytorch"] = torch.__version__
    meta["step"] = json.dumps({
        "thresholds": THRESHOLDS, "step": STEP, "keep": KEEP, "stageWeights": STAGE_WEIGHTS,
        "containerWeight": CONTAINER_WEIGHT, "lossyWeight": LOSSY_WEIGHT,
        "adam": {"rate": RATE, "betas": BETAS, "clip": CLIP, "factors": FACTORS, "norms": norms}})
    write(here / "golden.safetensors", arrays, meta)


main()
