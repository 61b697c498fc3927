"""Trains the systems in PyTorch, by the configurations of `ditas train`, in folders that both programs continue.

    python3 -m ditas_torch.train --config configs/ditas-m-ed.json --data data --out runs/ditas-m-ed

On several processes, each started with RANK and WORLD_SIZE (and MASTER_ADDR and MASTER_PORT on several machines), as
Slurm or torchrun do, each takes its share of the examples of every step, and all come to the weights of one.
"""
import argparse
import json
import math
import os
import signal
import sys
import time
from typing import Dict, Iterator, List, Optional, TextIO, Tuple

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset

from . import config, data, safetensors, systems, tasks

RUN, STEP, SECONDS, MEMORY = "ditas.run", "ditas.step", "ditas.seconds", "ditas.memory"
"""Keys of a checkpoint's metadata."""
LOG_EVERY = 10


class Examples(Dataset):
    """The examples of a run by their step and their number in it, both counted from 0."""

    def __init__(self, task: tasks.Task, speech: data.Speech, pictures: data.Pictures):
        self.task, self.speech, self.pictures = task, speech, pictures

    def __getitem__(self, at: Tuple[int, int]) -> Dict[str, np.ndarray]:
        return self.task.draw(self.speech, self.pictures, *at)


class Share:
    """Which examples of each step are this rank's: every world-th one."""

    def __init__(self, cfg: dict, first: int, rank: int, world: int):
        self.cfg, self.first, self.rank, self.world = cfg, first, rank, world

    def __len__(self) -> int:
        return self.cfg["steps"] - self.first

    def __iter__(self) -> Iterator[List[Tuple[int, int]]]:
        for step in range(self.first, self.cfg["steps"]):
            _, examples = config.parts(self.cfg, step)
            yield [(step, i) for i in range(self.rank, examples, self.world)]


def schedule(cfg: dict, step: int) -> float:
    """The learning rate of a step, counted from 0: it rises from 0, and falls by half a cosine."""
    if step < cfg["warmup"]:
        return cfg["rate"] * (step + 1) / cfg["warmup"]
    t = min(1.0, (step - cfg["warmup"]) / max(1, cfg["steps"] - cfg["warmup"]))
    return cfg["rate"] * (cfg["final"] + (1 - cfg["final"]) * (1 + math.cos(math.pi * t)) / 2)


class Trainer:
    """A run, or one rank's part of it. Raises ValueError for configurations and files that do not fit."""

    def __init__(self, cfg: dict, device: torch.device, bf16: bool = False):
        self.cfg, self.device, self.step, self.seconds = cfg, device, 0, 0.0
        self.rank, self.world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        least = min(config.parts(cfg, s)[1] for s in (0, cfg["steps"] - 1))
        if least < self.world:
            raise config.ConfigError(
                f"steps of {least} examples for {self.world} processes: want one for each at least"
            )
        self.task = tasks.make(cfg)
        self.task.begin(cfg["seed"])
        self.task.system.bf16 = bf16
        self.task.to(device)
        self.module: torch.nn.Module = self.task
        if self.world > 1:
            self.module = DistributedDataParallel(self.task)
        self.params = dict(self.task.system.named_parameters())
        betas = (cfg["beta1"], cfg["beta2"])
        self.optimiser = torch.optim.Adam(self.params.values(), cfg["rate"], betas, cfg["eps"] or 1e-8)
        self.average = {name: p.detach().clone() for name, p in self.params.items()}

    @torch.no_grad()
    def start(self, path: str) -> None:
        """Has a fresh run start from weights of the same shapes."""
        system, _ = systems.load(path)
        systems.take(self.task.system, dict(system.named_parameters()), path)
        if isinstance(self.task, tasks.Systems):
            self.task.system.gains[:] = system.gains
        for name, p in self.params.items():
            self.average[name].copy_(p)

    def take(self, batch: Dict[str, Tensor], stop: bool = False) -> Tuple[dict, bool]:
        """Takes a step with this rank's examples. Returns its record for the log, and whether a rank wants to stop.

        Raises ArithmeticError where the gradient is not finite.
        """
        cfg = self.cfg
        _, examples = config.parts(cfg, self.step)
        losses, mine = self.module({k: v.to(self.device, non_blocking=True) for k, v in batch.items()})
        self.optimiser.zero_grad(set_to_none=True)
        # The ranks' gradients are averaged, whatever share of the examples each has.
        (losses.sum() * (self.world / examples)).backward()
        norm = torch.nn.utils.clip_grad_norm_(self.params.values(), cfg["clip"] or math.inf).item()
        if not math.isfinite(norm):
            raise ArithmeticError(f"step {self.step + 1}: the gradient is not finite")
        rate = schedule(cfg, self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self.step += 1
        keep = min(cfg["average"], self.step / (self.step + 9))
        with torch.no_grad():
            for name, p in self.params.items():
                self.average[name].lerp_(p, 1 - keep)
        # Each rank writes its rows of the figures; a last row says that it wants to stop.
        figures = torch.zeros(examples + 1, self.task.columns, dtype=torch.float64, device=self.device)
        figures[self.rank : examples : self.world] = mine
        figures[examples] = float(stop)
        if self.world > 1:
            dist.all_reduce(figures)
        table = figures.cpu().numpy()
        loss, log = self.task.settle(self.step, table[:examples])
        return {"step": self.step, "minutes": 0.0, "rate": rate, "loss": loss, "norm": norm, **log}, bool(
            table[examples].any()
        )

    def save(self, path: str, half: bool = False) -> None:
        """Writes the averaged weights, for the Go program to hide and reveal with."""
        systems.save(path, self.task.system, self.average, half, {STEP: str(self.step)})

    def write_checkpoint(self, path: str) -> None:
        """Writes the state of the run as the Go program does, for either to continue."""
        tensors = {}
        for name, p in self.params.items():
            state = self.optimiser.state.get(p, {})
            tensors[f"weight/{name}"] = p
            tensors[f"adam.m/{name}"] = state.get("exp_avg", torch.zeros_like(p))
            tensors[f"adam.v/{name}"] = state.get("exp_avg_sq", torch.zeros_like(p))
            tensors[f"average/{name}"] = self.average[name]
        meta = {
            RUN: json.dumps(self.cfg),
            STEP: str(self.step),
            SECONDS: f"{self.seconds:.3f}",
            MEMORY: json.dumps(self.task.remember()),
        }
        safetensors.write(path, {k: v.detach().reshape(-1) for k, v in tensors.items()}, meta)

    @torch.no_grad()
    def resume(self, path: str) -> None:
        """Continues from a checkpoint of either program of a run with the same configuration."""
        tensors, meta = safetensors.read(path)
        try:
            same = config.parse(meta[RUN], whole=True) == self.cfg
            step, seconds, memory = int(meta[STEP]), float(meta[SECONDS]), json.loads(meta[MEMORY])
        except (KeyError, json.JSONDecodeError) as e:
            raise ValueError(f"{path}: no checkpoint: {e}") from None
        if not same:
            raise ValueError(f"{path}: the checkpoint is of a run with another configuration")
        if not 0 <= step <= self.cfg["steps"] or not 0 <= seconds < 1e9:
            raise ValueError(f"{path}: step {step} after {seconds} s")
        for name, p in self.params.items():
            found = {}
            for kind in ("weight", "adam.m", "adam.v", "average"):
                values = tensors.pop(f"{kind}/{name}", None)
                if values is None or values.numel() != p.numel():
                    raise ValueError(f"{path}: {kind}/{name} is missing or does not fit the configuration")
                found[kind] = values.float().view_as(p).to(self.device)
            p.copy_(found["weight"])
            self.average[name].copy_(found["average"])
            self.optimiser.state[p] = {
                "step": torch.tensor(float(step)),
                "exp_avg": found["adam.m"],
                "exp_avg_sq": found["adam.v"],
            }
        if tensors:
            raise ValueError(f"{path}: {next(iter(tensors))} does not fit the configuration")
        self.task.recall(memory)
        self.step, self.seconds = step, seconds


class Folder:
    """A run's folder, as `ditas train --out` has it."""

    def __init__(self, path: str):
        self.path = path

    def at(self, name: str) -> str:
        return os.path.join(self.path, name)

    @property
    def checkpoint(self) -> str:
        return self.at("checkpoint.safetensors")

    def open(self, cfg: dict, step: int) -> TextIO:
        """Writes the configuration, and returns the log with nothing beyond a step in it."""
        os.makedirs(self.path, exist_ok=True)
        with open(self.at("config.json"), "w", encoding="utf-8") as f:
            json.dump(cfg, f, indent=2)
        kept = []
        if os.path.exists(self.at("log.jsonl")):
            with open(self.at("log.jsonl"), encoding="utf-8") as f:
                kept = [line for line in f if line.endswith("\n") and json.loads(line)["step"] <= step]
        log = open(self.at("log.jsonl"), "w", encoding="utf-8")
        log.writelines(kept)
        return log


def run(trainer: Trainer, folder: Folder, examples: Examples, minutes: float, half: bool, loaders: int) -> bool:
    """Takes the remaining steps, and writes to the folder on rank 0. Returns whether all were taken."""
    cfg, first = trainer.cfg, trainer.rank == 0
    log: Optional[TextIO] = folder.open(cfg, trainer.step) if first else None
    stopping: List[int] = []
    before = [(s, signal.signal(s, lambda number, _: stopping.append(number))) for s in (signal.SIGINT, signal.SIGTERM)]
    begin, spent, stop = time.monotonic(), trainer.seconds, False

    def keep() -> None:
        trainer.save(folder.at("weights.safetensors"), half)
        trainer.write_checkpoint(folder.checkpoint)

    try:
        share = Share(cfg, trainer.step, trainer.rank, trainer.world)
        for batch in DataLoader(examples, batch_sampler=share, num_workers=loaders):
            late = minutes > 0 and time.monotonic() - begin > 60 * minutes
            record, stop = trainer.take(batch, bool(stopping) or late)
            trainer.seconds = spent + time.monotonic() - begin
            whole = trainer.step % cfg["validateEvery"] == 0 or trainer.step == cfg["steps"]
            if whole or trainer.step % LOG_EVERY == 0:
                record["minutes"] = trainer.seconds / 60
                trainer.task.logged()
                if log:
                    log.write(json.dumps(record) + "\n")
                    log.flush()
            if log and (whole or stop):
                keep()
                print(
                    f"step {trainer.step} of {cfg['steps']}, {trainer.seconds / 60:.1f} min, loss {record['loss']:.4f}",
                    flush=True,
                )
            if stop:
                break
    finally:
        for number, handler in before:
            signal.signal(number, handler)
        if log:
            log.close()
    return trainer.step == cfg["steps"]


def arguments(args: Optional[List[str]]) -> argparse.Namespace:
    p = argparse.ArgumentParser(prog="python3 -m ditas_torch.train", description=(__doc__ or "").split("\n")[0])
    p.add_argument("--config", help="the configuration, a JSON file (default: that of the run in --out)")
    p.add_argument("--data", help="a folder that ditas data made")
    p.add_argument("--kind", default="photos", choices=("photos", "faces"), help="which pictures of --data")
    p.add_argument("--speech", help="a folder of WAV files of 16 kHz and 16 bits, instead of those of --data")
    p.add_argument("--pictures", help="a folder of PNG or JPEG files, instead of those of --data")
    p.add_argument("--verify", action="store_true", help="compare the files of --data with the hashes in its manifest")
    p.add_argument("--out", required=True, help="the folder of the run; one that is there is continued")
    p.add_argument("--steps", type=int, default=0, help="steps of the whole run, instead of the configuration's")
    p.add_argument("--minutes", type=float, default=0, help="stop after so many minutes; 0 means no limit")
    p.add_argument("--half", action="store_true", help="store weights in 16 bits")
    p.add_argument("--bf16", action="store_true", help="have networks compute in 16 bits (bfloat16)")
    p.add_argument("--threads", type=int, default=0, help="threads of this process; 0 leaves it to PyTorch")
    p.add_argument("--loaders", type=int, default=0, help="processes beside this one that draw examples")
    p.add_argument("--device", default="cpu", help="cpu, or cuda, where LOCAL_RANK says which")
    p.add_argument(
        "--backend", choices=("gloo", "nccl"), help="of several processes (default: gloo; nccl on cuda, UNTESTED)"
    )
    return p.parse_args(args)


def join(o: argparse.Namespace) -> torch.device:
    """Joins the other processes, if the environment says that there are any, and returns this one's device."""
    device = torch.device(o.device)
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
        torch.cuda.set_device(device)
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
        os.environ.setdefault("MASTER_PORT", "29500")
        dist.init_process_group(o.backend or ("nccl" if device.type == "cuda" else "gloo"))
    return device


def main(args: Optional[List[str]] = None) -> int:
    o, folder = arguments(args), Folder("")
    folder.path = o.out
    if o.threads > 0:
        torch.set_num_threads(o.threads)
    try:
        cfg = config.read(o.config or folder.at("config.json"))
        if o.steps > 0:
            cfg["steps"] = o.steps
            config.check(cfg)
        device = join(o)
        trainer = Trainer(cfg, device, o.bf16)
        if os.path.exists(folder.checkpoint):
            trainer.resume(folder.checkpoint)
        elif cfg["init"]:
            trainer.start(cfg["init"])
        material = data.material(o.data, o.kind, o.speech, o.pictures, o.verify)
        if trainer.world > 1:
            dist.barrier()  # nobody writes what another has yet to read
        done = run(trainer, folder, Examples(trainer.task, *material), o.minutes, o.half, o.loaders)
        if trainer.world > 1:
            # While this waits, threads of gloo's release tensors, for which they need the interpreter; once the group
            # is being destroyed they would wait for ever.
            dist.barrier()
    except (ValueError, OSError, ArithmeticError) as e:
        print(f"ditas_torch.train: {e}", file=sys.stderr)
        return 1
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
    if not done:
        print("stopped; run the same command again to continue")
    return 0


if __name__ == "__main__":
    sys.exit(main())
