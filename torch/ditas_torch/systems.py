"""Makes systems of configurations, and reads and writes their weights as the Go program does."""
import json
import math
from typing import Dict, Optional, Tuple

import torch
from torch import Tensor

from . import config, safetensors
from .deepsteg import DeepSteg
from .ditas import Ditas
from .kreuk import Kreuk
from .layers import Model
from .restorer import Restorer

CONFIG, RESTORER_CONFIG, GAIN = "ditas.config", "ditas.restorer", "ditas.gain"
"""Keys of the metadata; the last is followed by the number of a stage."""


def defaults(model: dict) -> dict:
    """What the fields of a system's configuration are, told by the one that no other has."""
    for field, known in (
        ("blocks", config.RESTORER_MODEL),
        ("filters", config.MODELS["deep-steg"][1]),
        ("encode", config.MODELS["kreuk"][1]),
    ):
        if field in model:
            return known
    return config.DITAS


def least_weights(model: dict) -> int:
    """A lower bound of the number of weights."""
    if "blocks" in model:
        return 2 * model["blocks"] * 9 * model["width"] ** 2
    if "filters" in model:
        return 3 * (model["layers"] - 1) * 3 * model["filters"] ** 2 * (9 + 16 + 25)
    if "encode" in model:
        return 18 * model["width"] ** 2 * (model["encode"] + model["decode"] + model["reveal"] - 5)
    return model["stages"] * 2 * (model["depth"] - 2) * 9 * model["width"] ** 2


def build(model: dict) -> Model:
    """Returns the system that a configuration's "model" describes, its weights yet to be initialised or loaded."""
    if "blocks" in model:
        return Restorer(model)
    if "filters" in model:
        return DeepSteg(model)
    return Kreuk(model) if "encode" in model else Ditas(model)


def load(path: str) -> Tuple[Model, Dict[str, str]]:
    """Reads a system, and what else its file's metadata say. Raises ValueError where the file does not hold one."""
    tensors, meta = safetensors.read(path)
    text = meta.pop(RESTORER_CONFIG, None) or meta.pop(CONFIG, None)
    if text is None:
        raise ValueError(f"{path}: no configuration of a system in the metadata")
    try:
        given = json.loads(text)
        model = config.overlay(path, defaults(given), given, whole=True)
        config.check_model(model)
    except (json.JSONDecodeError, TypeError, AttributeError) as e:
        raise ValueError(f"{path}: configuration: {e}") from None
    # A few bytes can describe networks of gigabytes: they are built only if the file can fill them.
    held = sum(t.numel() for t in tensors.values())
    if held < least_weights(model):
        raise ValueError(f"{path}: {held} weights, want more than {least_weights(model)}")
    system = build(model)
    take(system, tensors, path)
    if isinstance(system, Ditas):
        for i in range(system.stages):
            gain = float(meta.pop(f"{GAIN}{i}", "nan"))
            if not 0 < gain < math.inf:
                raise ValueError(f"{path}: stage {i} has no gain")
            system.gains[i] = gain
    return system, meta


@torch.no_grad()
def take(system: Model, tensors: Dict[str, Tensor], path: str) -> None:
    """Sets all parameters, from tensors of the same names and numbers of elements. Raises ValueError."""
    for name, p in system.named_parameters():
        if name not in tensors or tensors[name].numel() != p.numel():
            raise ValueError(f"{path}: {name} is missing or of another size: the weights are of another architecture")
        p.copy_(tensors[name].float().view_as(p))


def save(
    path: str,
    system: Model,
    values: Optional[Dict[str, Tensor]] = None,
    half: bool = False,
    about: Optional[Dict[str, str]] = None,
) -> None:
    """Writes a system's configuration with its weights, or with others of the same names. half stores them in 16 bits,
    as a restorer always does. about is added to the metadata."""
    restorer = isinstance(system, Restorer)
    dtype = torch.float16 if half or restorer else torch.float32
    values = values or dict(system.named_parameters())
    model = {k: v for k, v in system.config.items() if v != "" or k == "name"}
    meta = {RESTORER_CONFIG if restorer else CONFIG: json.dumps(model, separators=(",", ":"))}
    if not restorer:
        meta.update(system.extra(), **(about or {}))
    safetensors.write(path, {name: values[name].detach().to(dtype) for name, _ in system.named_parameters()}, meta)
