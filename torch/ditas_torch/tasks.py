"""What is learnt from one example, and what is kept from step to step, as in the Go program's internal/lab/train.

A task is a module that takes a batch of examples and returns the loss of each, and a row of figures for each from which
`settle` goes on, the same on all ranks.
"""
import math
from typing import Dict, Tuple

import numpy as np
import torch
from torch import Tensor, nn

from . import config, systems
from .data import Pictures, Speech
from .ditas import Ditas
from .random import of_example
from .unit import ROW_SAMPLES, SIDE

CONTROL_EVERY, CONTROL_GAIN, CONTROL_LIMIT, CONTROL_DECAY, CONTROL_RANGE = 5, 0.2, 0.3, 0.9, 12.0


class Controller:
    """Holds an error near a target by the weight that the loss gives it."""

    def __init__(self) -> None:
        self.log, self.mean, self.seen = 0.0, 0.0, 0

    def weight(self) -> float:
        return math.exp(self.log)

    def update(self, error: float, target: float) -> None:
        """Takes in the error of a step."""
        if self.seen == 0:
            self.mean = error
        self.mean = CONTROL_DECAY * self.mean + (1 - CONTROL_DECAY) * error
        self.seen += 1
        if self.seen % CONTROL_EVERY == 0:
            off = CONTROL_GAIN * math.log(max(self.mean, 1e-30) / target)
            self.log = max(-CONTROL_RANGE, min(CONTROL_RANGE, self.log + max(-CONTROL_LIMIT, min(CONTROL_LIMIT, off))))

    def remember(self) -> dict:
        return {"log": self.log, "mean": self.mean, "seen": self.seen}

    def recall(self, kept: dict) -> None:
        self.log, self.mean, self.seen = float(kept["log"]), float(kept["mean"]), int(kept["seen"])


def psnr(mse: float) -> float:
    """In dB, at most 100, full scale being 1."""
    return -10 * math.log10(max(mse, 1e-10))


class Task(nn.Module):
    """What both tasks have in common."""

    def __init__(self, cfg: dict):
        super().__init__()
        self.cfg = cfg
        self.system = systems.build(cfg["model"])
        self.columns = 0
        """Figures of an example."""

    def begin(self, seed: int) -> None:
        """Sets everything to what a fresh run starts with."""
        self.system.initialise(seed)

    def draw(self, speech: Speech, pictures: Pictures, step: int, i: int) -> Dict[str, np.ndarray]:
        """Returns example i of a step, both counted from 0: what the Go program draws for it."""
        raise NotImplementedError

    def settle(self, step: int, figures: np.ndarray) -> Tuple[float, dict]:
        """Takes in the figures of all examples, and returns the loss and what the log tells. step is the number
        taken."""
        raise NotImplementedError

    def logged(self) -> None:
        """Begins anew with what the log tells as means over several steps."""

    def remember(self) -> dict:
        """What is kept in a checkpoint besides weights."""
        raise NotImplementedError

    def recall(self, memory: dict) -> None:
        raise NotImplementedError


class Systems(Task):
    """Teaches the paper's systems."""

    system: Ditas

    def __init__(self, cfg: dict):
        super().__init__(cfg)
        stages = cfg["model"]["stages"]
        self.control = [Controller() for _ in range(stages)] if cfg["containerTarget"] > 0 else []
        self.columns = 2 + 2 * stages

    def draw(self, speech: Speech, pictures: Pictures, step: int, i: int) -> Dict[str, np.ndarray]:
        cfg, rng = self.cfg, of_example(self.cfg["seed"], step, i)
        side, (rows, _) = cfg["model"]["tile"], config.parts(cfg, step)
        secret = pictures.crop(rng, side)
        top = rng.below(side - rows + 1) if rows < side else 0
        covers = []
        for _ in range(cfg["model"]["stages"]):
            x = speech.clip(rng, 4 * rows * side)
            low, high = cfg["loudness"]
            a = np.float32(math.exp(high - (high - low) * rng.uniform()))
            covers.append(x * (-a if rng.below(2) == 0 else a))
        tau = rng.between(*cfg["thresholds"])
        step_size = rng.between(*cfg["rounding"]) / 2**15
        keep = [0.0 if rng.uniform() < cfg["dropout"] else 1.0 for _ in covers]
        return {
            "secret": secret[:, top : top + rows] - np.float32(0.5),
            "covers": np.stack(covers),
            "tau": np.array([tau]),
            "step": np.array([step_size]),
            "keep": np.array(keep, np.float32),
        }

    def forward(self, batch: Dict[str, Tensor]) -> Tuple[Tensor, Tensor]:
        cfg, tau = self.cfg, batch["tau"][:, 0]
        out = self.system(batch["secret"], list(batch["covers"].unbind(1)), batch["tau"], batch["step"])
        loss = torch.zeros_like(tau)
        for i, (missed, lost) in enumerate(zip(out["missed"], out["distortion"])):
            weight = cfg["stageWeights"][min(i, len(cfg["stageWeights"]) - 1)]
            if cfg["relative"]:
                loss = loss + weight / self.system.gains[i] ** 2 * missed.double()
            else:
                # Every decibel counts the same, at the first stage and at the last.
                loss = loss + weight * torch.log(missed.double() + 1e-9)
            if self.control:
                loss = loss + cfg["containerWeight"] * self.control[i].weight() / cfg["containerTarget"] * lost.double()
            else:
                loss = loss + cfg["containerWeight"] / tau.square() * lost.double()
        if cfg["dropoutWeight"] > 0:
            arrived = sum(r * k[:, None, None, None] for r, k in zip(out["revealed"], batch["keep"].unbind(1)))
            lossy = (batch["secret"] - arrived).square().mean((1, 2, 3))
            loss = loss + cfg["dropoutWeight"] * torch.log(lossy.double() + 1e-9)
        missing = [batch["secret"].square().mean((1, 2, 3))] + out["missed"]
        return loss, torch.stack([loss] + missing + out["distortion"], 1).detach().double()

    def settle(self, step: int, figures: np.ndarray) -> Tuple[float, dict]:
        cfg, n = self.cfg, self.cfg["model"]["stages"]
        mean = figures.mean(0)
        log = {
            "psnr": [float(np.mean([psnr(v) for v in figures[:, 2 + i]])) for i in range(n)],
            "container": mean[2 + n :].tolist(),
        }
        if self.control:
            log["containerWeights"] = [cfg["containerWeight"] * c.weight() for c in self.control]
        for c, error in zip(self.control, log["container"]):
            c.update(error, cfg["containerTarget"])
        gains = self.system.gains
        if step < cfg["freezeGains"] * cfg["steps"]:
            # Residuals are scaled by what stages had to hide of late.
            gains[:] = [math.sqrt(0.98 * g * g + 0.02 * float(m)) for g, m in zip(gains, mean[1:])]
        log["gains"] = list(gains)
        return float(mean[0]), log

    def remember(self) -> dict:
        memory: dict = {"gains": list(self.system.gains)}
        if self.control:
            memory["controllers"] = [c.remember() for c in self.control]
        return memory

    def recall(self, memory: dict) -> None:
        gains, control = memory["gains"], memory.get("controllers", [])
        if len(gains) != len(self.system.gains) or len(control) != len(self.control) or not all(g > 0 for g in gains):
            raise ValueError(f"checkpoint: its memory is {memory}")
        self.system.gains[:] = map(float, gains)
        for c, kept in zip(self.control, control):
            c.recall(kept)


class Baseline(Task):
    """Teaches the systems of other papers."""

    STEP = 1 / 2**15
    """Of a file's samples."""
    SUMS = ("n", "loss", "psnr", "distortion", "power")

    def __init__(self, cfg: dict):
        super().__init__(cfg)
        self.control = Controller()
        self.recent = dict.fromkeys(self.SUMS, 0.0)
        self.columns = 4

    def begin(self, seed: int) -> None:
        if self.cfg["identity"]:
            self.system.identity(seed, self.cfg["containerTarget"])
        else:
            self.system.initialise(seed)

    def container_weight(self) -> float:
        return self.cfg["containerWeight"] * (self.control.weight() if self.cfg["containerTarget"] > 0 else 1.0)

    def draw(self, speech: Speech, pictures: Pictures, step: int, i: int) -> Dict[str, np.ndarray]:
        rng, (rows, _) = of_example(self.cfg["seed"], step, i), config.parts(self.cfg, step)
        secret = pictures.crop(rng, SIDE)
        top = rng.below(SIDE - rows + 1)
        cover = speech.clip(rng, rows * ROW_SAMPLES)
        if rng.below(2) == 0:
            cover = -cover
        return {"secret": secret[:, top : top + rows] - np.float32(0.5), "cover": cover, "step": np.array([self.STEP])}

    def forward(self, batch: Dict[str, Tensor]) -> Tuple[Tensor, Tensor]:
        out = self.system(batch["secret"], batch["cover"], batch["step"])
        loss = self.container_weight() * out["changed"].double() + self.cfg["secretWeight"] * out["missed"].double()
        power = batch["cover"].double().square().mean(1)
        return loss, torch.stack([loss, out["missed"].double(), out["distortion"].double(), power], 1).detach()

    def settle(self, step: int, figures: np.ndarray) -> Tuple[float, dict]:
        r = self.recent
        for loss, missed, distortion, power in figures.tolist():
            for key, value in zip(self.SUMS, (1.0, loss, psnr(missed), distortion, power)):
                r[key] += value
        log = {
            "psnr": r["psnr"] / r["n"],
            "container": r["distortion"] / r["n"],
            "snr": 10 * math.log10((r["power"] / r["n"] + 1e-12) / (r["distortion"] / r["n"] + 1e-12)),
        }
        if self.cfg["containerTarget"] > 0:
            log["containerWeight"] = self.container_weight()
            self.control.update(float(figures[:, 2].mean()), self.cfg["containerTarget"])
        return r["loss"] / r["n"], log

    def logged(self) -> None:
        self.recent = dict.fromkeys(self.SUMS, 0.0)

    def remember(self) -> dict:
        return {"recent": self.recent, "controller": self.control.remember()}

    def recall(self, memory: dict) -> None:
        self.recent = {key: float(memory["recent"][key]) for key in self.SUMS}
        self.control.recall(memory["controller"])


TASKS = {config.SYSTEMS: Systems, config.BASELINE: Baseline}


def make(cfg: dict) -> Task:
    """Returns the task of a whole configuration. Raises ConfigError for the restorer, whose examples the Go program's
    codestream makes."""
    if config.kind(cfg) not in TASKS:
        raise config.ConfigError(
            "the restorer learns from prefixes of picture streams, which the Go program makes: ditas train trains it"
        )
    return TASKS[config.kind(cfg)](cfg)
