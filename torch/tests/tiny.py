"""What several tests have in common: small runs on the made-up material in testdata/data."""
import json
import pathlib
import subprocess
import sys
from typing import Dict, List, Optional

from ditas_torch import safetensors

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
        "model": {"name": "ditas-m", "transform": "none", "tile": 16, "bands": 64, "width": 8, "depth": 4, "amplitude": 0.1},
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


def train(*args: str, env: Optional[dict] = None) -> None:
    done = subprocess.run(command(*args), cwd=HERE, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stderr)


def log(folder: str) -> List[dict]:
    return [json.loads(line) for line in (pathlib.Path(folder) / "log.jsonl").read_text().splitlines()]


def distance(a: str, b: str, prefix: str = "") -> float:
    """How far the tensors of two files whose names begin with prefix lie apart, all as one vector, as a share of its norm."""
    first, second = safetensors.read(a)[0], safetensors.read(b)[0]
    if first.keys() != second.keys():
        raise AssertionError(f"{a} and {b} hold other tensors")
    names = [name for name in first if name.startswith(prefix)]
    off = sum((first[name].double() - second[name].double()).square().sum().item() for name in names)
    return (off / sum(first[name].double().square().sum().item() for name in names)) ** 0.5
