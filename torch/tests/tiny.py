"""What several tests have in common: small runs on the made-up material in testdata/data."""
import contextlib
import io
import json
import pathlib
import sys
from typing import Dict, List

from ditas_torch import safetensors
from ditas_torch.train import main

HERE = pathlib.Path(__file__).resolve().parent.parent
DATA = str(HERE / "testdata" / "data")
CONFIGS: Dict[str, dict] = {
    "ditas-m-ed": {
        "model": {"name": "ditas-m-ed", "tile": 16, "bands": 64, "width": 8, "depth": 4},
        "dropout": 0.3,
        "dropoutWeight": 0.1,
        "validationThresholds": [0.1],
    },
    "plain": {
        "model": {
            "name": "ditas-m",
            "transform": "none",
            "tile": 16,
            "bands": 64,
            "width": 8,
            "depth": 4,
            "amplitude": 0.1,
        },
        "rows": 4,
        "finish": 3,
        "containerWeight": 0.03,
        "containerTarget": 1e-3,
    },
    "deep-steg": {"model": {"name": "deep-steg", "layers": 2, "filters": 4}, "rows": 8},
    "kreuk": {
        "model": {"name": "kreuk", "width": 16, "folded": True},
        "rows": 8,
        "identity": True,
        "containerTarget": 1e-3,
    },
}


def config_file(folder: str, name: str, **fields) -> str:
    """Writes a configuration and returns its path."""
    cfg = {"steps": 12, "batch": 4, "warmup": 2, "validateEvery": 6, "validationPairs": 1, **CONFIGS[name], **fields}
    path = pathlib.Path(folder) / f"{name}.json"
    path.write_text(json.dumps(cfg))
    return str(path)


def command(*args: str) -> List[str]:
    """The command that trains on the made-up material."""
    return [sys.executable, "-m", "ditas_torch.train", "--data", DATA, "--threads", "1", *args]


def train(*args: str) -> None:
    """Trains on it in this process. Raises AssertionError with what is told where that fails."""
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        code = main(["--data", DATA, "--threads", "1", *args])
    if code != 0:
        raise AssertionError(told.getvalue())


def log(folder: str) -> List[dict]:
    return [json.loads(line) for line in (pathlib.Path(folder) / "log.jsonl").read_text().splitlines()]


def distance(a: str, b: str, prefix: str = "") -> float:
    """How far the tensors of two files whose names begin with prefix lie apart, all as one vector, as a share of its
    norm."""
    first, second = safetensors.read(a)[0], safetensors.read(b)[0]
    if first.keys() != second.keys():
        raise AssertionError(f"{a} and {b} hold other tensors")
    names = [name for name in first if name.startswith(prefix)]
    off = sum((first[name].double() - second[name].double()).square().sum().item() for name in names)
    return (off / sum(first[name].double().square().sum().item() for name in names)) ** 0.5
