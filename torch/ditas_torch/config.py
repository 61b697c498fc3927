"""Reads the configurations of the Go program: JSON over the defaults that it has for the same system, and nothing it
does not know."""
import copy
import json
from typing import Dict, Tuple

SYSTEMS, BASELINE, RESTORER = "systems", "baseline", "restorer"
"""The tasks that are trained here; the Go program trains detectors and the codestream's prior, too."""

COMMON = {
    "task": "", "seed": 1, "init": "", "steps": 0, "batch": 8, "rate": 0.0, "warmup": 0, "final": 0.01,
    "beta1": 0.9, "beta2": 0.99, "eps": 0.0, "clip": 1.0, "average": 0.0, "validateEvery": 0,
}  # fmt: skip
STRIPES = {"rows": 0, "finish": 0, "finishBatch": 0}

DITAS = {"name": "", "stages": 3, "crossHide": False, "crossReveal": False, "transform": "", "tile": 64, "bands": 256,
         "width": 32, "depth": 6, "amplitude": 0.5}  # fmt: skip
MODELS: Dict[str, Tuple[str, dict]] = {
    "ditas-s": (SYSTEMS, {**DITAS, "name": "ditas-s", "stages": 1}),
    "ditas-m": (SYSTEMS, {**DITAS, "name": "ditas-m"}),
    "ditas-m-e": (SYSTEMS, {**DITAS, "name": "ditas-m-e", "crossHide": True}),
    "ditas-m-d": (SYSTEMS, {**DITAS, "name": "ditas-m-d", "crossReveal": True}),
    "ditas-m-ed": (SYSTEMS, {**DITAS, "name": "ditas-m-ed", "crossHide": True, "crossReveal": True}),
    "deep-steg": (BASELINE, {"name": "deep-steg", "layers": 5, "filters": 50}),
    "kreuk": (BASELINE, {"name": "kreuk", "width": 64, "encode": 3, "decode": 4, "reveal": 6, "folded": False}),
}
TASKS = {
    SYSTEMS: {
        **COMMON, **STRIPES, "steps": 4000, "rate": 2e-3, "warmup": 100, "average": 0.995, "validateEvery": 100,
        "thresholds": [0.006, 0.15], "loudness": [-0.5, 0.0], "rounding": [1.0, 10.0], "stageWeights": [0.3, 0.3, 1.0],
        "relative": False, "containerWeight": 0.0, "containerTarget": 0.0, "dropout": 0.0, "dropoutWeight": 0.0,
        "freezeGains": 0.5, "validationPairs": 24, "validationThresholds": [0.01, 0.03, 0.1],
    },
    BASELINE: {
        **COMMON, **STRIPES, "batch": 1, "warmup": 50, "average": 0.995, "validateEvery": 1000,
        "containerWeight": 0.0, "secretWeight": 1.0, "containerTarget": 0.0, "identity": False, "validationPairs": 8,
    },
    RESTORER: {
        **COMMON, "task": RESTORER, "steps": 6000, "batch": 16, "rate": 2e-3, "warmup": 100, "average": 0.997,
        "validateEvery": 250, "tile": 64, "bits": [0.08, 8.0], "large": 0.25,
        "validationBytes": [50, 100, 200, 500, 1000, 2000, 3000],
    },
}  # fmt: skip
RESTORER_MODEL = {"width": 48, "blocks": 4}
OF_BASELINES = {
    "deep-steg": {"rows": 8, "steps": 4740, "rate": 2e-4, "containerWeight": 1.0},
    "kreuk": {"rows": 4, "steps": 5430, "rate": 5e-4, "containerWeight": 3.0},
}
SIDE = 64
"""Rows of pictures for the systems of other papers."""


class ConfigError(ValueError):
    """A configuration that makes no sense, or that is not for PyTorch."""


def overlay(what: str, defaults: dict, given: dict, whole: bool) -> dict:
    """Returns defaults with what is given, which must be known and of the same kind. What is missing of a whole one is
    empty."""
    out = {k: type(v)() for k, v in defaults.items()} if whole else copy.deepcopy(defaults)
    for key, value in given.items():
        if key not in defaults:
            raise ConfigError(f"{what}: unknown field {key!r}")
        default = defaults[key]
        if isinstance(default, float) and type(value) is int:
            value = float(value)
        if isinstance(default, list) and isinstance(value, list):
            value = [type(default[0])(v) if type(v) is int else v for v in value]
        if type(value) is not type(default):
            raise ConfigError(f"{what}: {key} is {value!r}, want something like {default!r}")
        out[key] = value
    return out


def parse(text: str, whole: bool = False) -> dict:
    """Returns the whole configuration of what is to be trained, every field set; "model" holds the system's. whole says
    that text is one already, of a checkpoint, in which the Go program leaves out what is empty. Raises ConfigError."""
    try:
        given = json.loads(text)
    except json.JSONDecodeError as e:
        raise ConfigError(f"training configuration: {e}") from None
    if not isinstance(given, dict) or not isinstance(given.get("model", {}), dict):
        raise ConfigError("training configuration: want one object, and one as its model")
    model = given.pop("model", {})
    name = model.get("name", "")
    task = given.get("task") or MODELS.get(name, ("", {}))[0]
    if task == RESTORER:
        defaults, system = TASKS[task], RESTORER_MODEL
    elif task in TASKS and name in MODELS and MODELS[name][0] == task:
        defaults, system = {**TASKS[task], **OF_BASELINES.get(name, {})}, MODELS[name][1]
    else:
        raise ConfigError(
            f"training configuration: task {task!r} and system {name!r}: PyTorch trains {', '.join(MODELS)}"
        )
    cfg = {"model": overlay("model", system, model, whole), **overlay("training configuration", defaults, given, whole)}
    check(cfg)
    return cfg


def read(path: str) -> dict:
    """Reads a file: see parse."""
    with open(path, encoding="utf-8") as f:
        return parse(f.read())


def kind(cfg: dict) -> str:
    """The task of a whole configuration."""
    return cfg["task"] or MODELS[cfg["model"]["name"]][0]


def want(ok: bool, what: str) -> None:
    if not ok:
        raise ConfigError(f"training configuration: {what}")


def check_model(model: dict) -> None:
    """Raises ConfigError where the numbers of a system are out of their ranges."""
    if "blocks" in model:
        want(1 <= model["width"] <= 512 and 1 <= model["blocks"] <= 64, "width is 1 to 512, and blocks are 1 to 64")
    elif "filters" in model:
        want(1 <= model["layers"] <= 32 and 2 <= model["filters"] <= 256, "layers are 1 to 32, and filters 2 to 256")
        want(model["filters"] % 2 == 0, "filters must be even")
    elif "encode" in model:
        want(1 <= model["width"] <= 512, "width is 1 to 512")
        want(all(2 <= model[k] <= 32 for k in ("encode", "decode", "reveal")), "networks have 2 to 32 blocks")
    else:
        want(
            1 <= model["stages"] <= 16 and model["tile"] in (8, 16, 32, 64),
            "stages are 1 to 16, a tile is 8, 16, 32 or 64",
        )
        want(model["transform"] in ("", "mdct", "none"), "transform is mdct or none")
        want(
            4 <= model["bands"] <= 4096 and 4 * model["tile"] ** 2 % model["bands"] == 0,
            "bands must divide a stage's samples",
        )
        want(1 <= model["width"] <= 256 and 3 <= model["depth"] <= 32, "width is 1 to 256, and depth 3 to 32")
        want(0 < model["amplitude"] < 1, "amplitude is more than 0 and less than 1")


def check(cfg: dict) -> None:
    """Raises ConfigError where numbers are out of their ranges."""
    model, task = cfg["model"], kind(cfg)
    check_model(model)
    want(cfg["steps"] >= 1 and cfg["batch"] >= 1, "steps and batch must be at least 1")
    want(cfg["rate"] > 0 and cfg["warmup"] >= 0 and 0 <= cfg["final"] <= 1, "rate, warmup or final is out of range")
    want(all(0 <= cfg[k] < 1 for k in ("beta1", "beta2", "average")), "beta1, beta2 and average are from 0 to below 1")
    want(cfg["eps"] >= 0 and cfg["clip"] >= 0 and cfg["seed"] >= 0, "eps, clip and seed must not be negative")
    want(cfg["validateEvery"] >= 1, "validateEvery must be at least 1")
    if task == RESTORER:
        return
    side = model.get("tile", SIDE)
    want(0 <= cfg["rows"] <= side and 0 <= cfg["finish"] <= cfg["steps"], "rows or finish is out of range")
    want(
        cfg["finishBatch"] >= 0 and cfg["containerWeight"] >= 0, "finishBatch and containerWeight must not be negative"
    )
    if task == BASELINE:
        want(
            cfg["secretWeight"] >= 0 and cfg["containerWeight"] + cfg["secretWeight"] > 0,
            "one of the weights must be positive",
        )
        want(not cfg["identity"] or cfg["containerTarget"] > 0, "identity needs a containerTarget")
        return
    plain = model["transform"] == "none"
    for key, low, high in (("thresholds", 1e-300, 1), ("rounding", 1e-300, 2**15), ("loudness", -5, 5)):
        r = cfg[key]
        want(len(r) == 2 and low <= r[0] <= r[1] <= high, f"{key} is {r}: want two rising values")
    want(len(cfg["stageWeights"]) > 0 and 0 <= cfg["dropout"] < 1, "stageWeights or dropout is out of range")
    want(plain == (cfg["containerTarget"] > 0), "containerTarget goes with the transform none, and with no other")
    want(not plain or cfg["containerWeight"] > 0, "a system without a transform needs a containerWeight")
    want(plain or cfg["rows"] in (0, side), "a system with a transform takes whole pictures")


def parts(cfg: dict, step: int) -> Tuple[int, int]:
    """Returns the rows of each example and the number of examples of a step, counted from 0."""
    side = cfg["model"].get("tile", SIDE)
    if kind(cfg) == RESTORER:
        return cfg["tile"], cfg["batch"]
    rows = cfg["rows"] or side
    if step < cfg["steps"] - cfg["finish"]:
        return rows, cfg["batch"]
    return side, cfg["finishBatch"] or max(1, cfg["batch"] * rows // side)
