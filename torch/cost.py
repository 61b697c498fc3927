#!/usr/bin/env python3
"""Prints what training each system costs, counted from its layers: the table in docs/SCALE.md.

    cd torch && python3 cost.py

FLOPs are those of convolutions for one whole picture, a multiply-add counting as two, and twice more for gradients.
Memory is that of weights, gradients, both moments and the average (20 bytes for each weight), and of what is kept of
an example until its gradient is computed.
"""
import torch

from ditas_torch import config, systems
from ditas_torch.layers import flops

PICTURES, EPOCHS = 1_281_167, 10
"""Of ImageNet's training set (ILSVRC 2012), and how often each is seen."""
GPU, CORE = 10e12, 30e9
"""Operations a second that are assumed of a GPU in 32 bits, and of a core."""


def kept(run) -> int:
    """Bytes of the distinct tensors that run() keeps for the backward pass."""
    found = {}

    def pack(x: torch.Tensor) -> torch.Tensor:
        found[x.storage().data_ptr()] = x.storage().nbytes()
        return x

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        held = run()
    del held
    return sum(found.values())


def main() -> None:
    print(
        "| system | weights | GFLOP an example | MB fixed | MB an example | PFLOP in all | hours of a GPU | of 8 | of 2 cores |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, (_, model) in config.MODELS.items():
        system = systems.build(model)
        one = torch.full((1, 1), 0.03, dtype=torch.float64)
        secret, speech = torch.rand(1, 3, 64, 64) - 0.5, torch.randn(1, 12 * 64 * 64) / 10
        if "stages" in model:
            covers = list(speech.split(4 * 64 * 64, 1))[: model["stages"]]
            run = lambda: system(secret, covers, one, one * 1e-3)  # noqa: E731
        else:
            run = lambda: system(secret, speech, one * 1e-3)  # noqa: E731
        weights = sum(p.numel() for p in system.parameters())
        each = 3 * flops(system, run)
        total = each * PICTURES * EPOCHS
        memory = kept(run) - 4 * weights
        print(
            f"| {name} | {weights:,} | {each / 1e9:.1f} | {20 * weights / 1e6:.0f} | {memory / 1e6:.0f} | {total / 1e15:.0f} |"
            f" {total / GPU / 3600:.1f} | {total / GPU / 8 / 3600:.1f} | {total / CORE / 2 / 3600:,.0f} |"
        )


main()
