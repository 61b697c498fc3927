"""Compares activations, losses, gradients and fresh weights of all systems with those of the Go program.

testdata/golden.safetensors is written, and kept to what the Go program computes, by `go test ./internal/lab/train/tasks
-run TestTorch`. Every tensor may be off by 1e-4 of its largest value.
"""
import json
import pathlib
import unittest

import numpy as np
import torch

from ditas_torch import config, safetensors, systems, tasks
from ditas_torch.data import material
from ditas_torch.ditas import Ditas
from ditas_torch.layers import flops

HERE = pathlib.Path(__file__).resolve().parent.parent
DATA = HERE / "testdata" / "data"
TOLERANCE = 1e-4
MOST = 48
"""Values of a tensor that the file has at most, evenly spread."""


def some(x: torch.Tensor) -> torch.Tensor:
    """The values that the file has of a tensor."""
    flat = x.detach().reshape(-1)
    return flat[:: -(-len(flat) // MOST)]


def batch_of(task: tasks.Task, step: int, n: int):
    """The batch of a step, as tensors."""
    examples = [task.draw(*material(str(DATA), "photos", None, None, True), step, i) for i in range(n)]
    return {k: torch.from_numpy(np.stack([e[k] for e in examples])) for k in examples[0]}


class Parity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.golden, meta = safetensors.read(str(HERE / "testdata" / "golden.safetensors"))
        cls.cases = json.loads(meta["cases"])
        cls.worst = (0.0, "")

    @classmethod
    def tearDownClass(cls):
        print(f"\nworst: {cls.worst[1]}, off by {cls.worst[0]:.1e} of its largest value")

    def compare(self, name: str, got: torch.Tensor, scale: float = 0.0):
        want = self.golden[name].double().reshape(-1)
        got = got.detach().double().reshape(-1)
        self.assertEqual(len(want), len(got), name)
        off = (got - want).abs().max().item() / max(want.abs().max().item(), scale, 1e-30)
        if off > self.worst[0]:
            type(self).worst = (off, name)
        self.assertLessEqual(off, TOLERANCE, name)

    def params(self, name: str, values):
        for key, v in values.items():
            self.compare(f"{name}/{key}", some(v), v.abs().max().item())
        self.compare(f"{name}/norms", torch.stack([v.double().norm() for v in values.values()]))

    def test_steps(self):
        # The gradients of the other papers' trained systems are compared without a file's rounding: see
        # test_activations.
        for case in (c for c in self.cases if c["name"] not in ("deep-steg", "kreuk")):
            with self.subTest(case["name"]):
                cfg = config.parse(json.dumps(case["config"]))
                task = tasks.make(cfg)
                task.begin(cfg["seed"])
                if "weights" in case:
                    task.system, _ = systems.load(str(HERE.parent / case["weights"]))
                else:
                    self.params(f"{case['name']}/weight", {k: p.detach() for k, p in task.system.named_parameters()})
                _, n = config.parts(cfg, 0)
                loss, figures = task(batch_of(task, 0, n))
                self.compare(f"{case['name']}/loss", loss.mean(), 1.0)
                loss.mean().backward()
                self.params(f"{case['name']}/grad", {k: p.grad for k, p in task.system.named_parameters()})
                self.assertEqual(figures.shape, (n, task.columns))

    def test_activations(self):
        secret, cover = self.golden["picture"][None] - 0.5, self.golden["cover"][None]
        step = torch.zeros(1, 1, dtype=torch.float64)
        for case in self.cases:
            if "weights" not in case:
                continue
            name = case["name"]
            with self.subTest(name):
                system, _ = systems.load(str(HERE.parent / case["weights"]))
                if isinstance(system, Ditas):
                    covers = list(cover.split(4 * 64 * 64, 1))[: system.stages]
                    out = system(secret, covers, torch.full_like(step, 0.1), step)
                    for i in range(system.stages):
                        self.compare(f"{name}/container{i}", some(out["containers"][i]))
                        self.compare(f"{name}/revealed{i}", some(out["revealed"][i]))
                else:
                    out = system(secret, cover, step)
                    self.compare(f"{name}/container", some(out["container"]))
                    self.compare(f"{name}/revealed", some((out["revealed"] + 0.5).clamp(0, 1)))
                    out = system(secret[:, :, :8], cover[:, : 8 * 768], step)
                    loss = (out["changed"] + out["missed"]).sum()
                    self.compare(f"{name}/loss", loss)
                    loss.backward()
                    self.params(f"{name}/grad", {k: p.grad for k, p in system.named_parameters()})

    def test_restorer(self):
        system, _ = systems.load(str(HERE.parent / "internal/model/restorer/restorer.safetensors"))
        restored = system(self.golden["restorer/decoded"], self.golden["restorer/error"])
        for i in range(2):
            self.compare(f"restorer/restored{i}", some(restored[i]))
        loss = torch.log((restored - self.golden["restorer/truth"]).square().mean((1, 2, 3)).double() + 1e-8)
        self.compare("restorer/loss", loss)
        loss.mean().backward()
        self.params("restorer/grad", {k: p.grad for k, p in system.named_parameters()})

    def test_flops(self):
        # docs/TRAINING.md says that a tile takes 2.8 GFLOP to hide, half of which is the receiver's part.
        system = systems.build(config.MODELS["ditas-m-ed"][1])
        self.assertEqual(sum(p.numel() for p in system.parameters()), 345522)
        zero = torch.zeros(1, 3, 64, 64)
        step = torch.ones(1, 1, dtype=torch.float64)
        n = flops(system, lambda: system(zero, [torch.zeros(1, 4 * 64 * 64)] * 3, step, step))
        self.assertAlmostEqual(n / 1e9, 2.8, delta=0.05)


if __name__ == "__main__":
    unittest.main()
