"""A network on disk: `config.json`, which rebuilds it, and `model.safetensors`. Loading runs no code from the files."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from jumppad_env.files import write_atomically

FORMAT = 1
CONFIG = "config.json"
WEIGHTS = "model.safetensors"


def save_checkpoint(directory: Path | str, kind: str, config: dict[str, Any], module: nn.Module) -> None:
    """Write a module and the JSON-serializable configuration that rebuilds it.

    Raises:
        OSError: If it cannot be written.
    """
    directory = Path(directory)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    # The configuration comes last: a directory without one is no checkpoint.
    write_atomically(directory / WEIGHTS, save(weights))
    content = json.dumps({"kind": kind, "format": FORMAT, **config}, indent=2)
    write_atomically(directory / CONFIG, content.encode())


def load_config(directory: Path | str, kind: str) -> dict[str, Any]:
    """Read `config.json` of a checkpoint of this kind.

    Raises:
        FileNotFoundError: If there is no checkpoint.
        ValueError: If it is damaged, of another kind or of another format version.
    """
    directory = Path(directory)
    path = directory / CONFIG
    if not path.is_file():
        raise FileNotFoundError(f"no {kind} checkpoint in {directory} (no {CONFIG} there); give a finished directory")
    try:
        config = json.loads(path.read_text())
        found, version = config["kind"], config["format"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        raise ValueError(f"{path} is damaged or no checkpoint's; run the stage that made it again") from None
    if found != kind:
        raise ValueError(f"{directory} holds a checkpoint of kind {found!r}, but {kind!r} is needed; give another one")
    if version != FORMAT:
        age = "newer, so update jumppad" if version > FORMAT else "older, so run the stage that made it again"
        raise ValueError(f"{path} has format version {version}, this code reads {FORMAT}: the file is {age}")
    return config


def load_weights(directory: Path | str, module: nn.Module) -> None:
    """Load `model.safetensors` into a module of exactly the same names and shapes.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If it is damaged or does not fit.
    """
    path = Path(directory) / WEIGHTS
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; run the stage that made it again")
    try:
        with safe_open(path, framework="pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is damaged ({error}); run the stage that made it again") from None
    own = module.state_dict()
    wrong = sorted(own.keys() ^ weights.keys()) or [name for name in own if own[name].shape != weights[name].shape]
    if wrong:
        raise ValueError(f"{path} does not fit {CONFIG} beside it (first at {wrong[0]}); run the stage again")
    module.load_state_dict(weights, strict=True)


def network_device(module: nn.Module) -> torch.device:
    """Where a module's weights live."""
    return next(module.parameters()).device
