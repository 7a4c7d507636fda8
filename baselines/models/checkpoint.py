"""A network on disk: `config.json` and `model.safetensors`. Loading executes no code from the files."""

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
    """Write a module's weights and the JSON-serializable configuration to rebuild it.

    Raises:
        OSError: If it cannot be written.
    """
    directory = Path(directory)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    # The configuration is written last: a directory without one is not a checkpoint.
    write_atomically(directory / WEIGHTS, save(weights))
    content = json.dumps({"kind": kind, "format": FORMAT, **config}, indent=2)
    write_atomically(directory / CONFIG, content.encode())


def load_config(directory: Path | str, kind: str) -> dict[str, Any]:
    """Read the `config.json` of a checkpoint of the given kind.

    Raises:
        FileNotFoundError: If there is no checkpoint.
        ValueError: If it is damaged, of another kind or of another format version.
    """
    directory = Path(directory)
    path = directory / CONFIG
    if not path.is_file():
        raise FileNotFoundError(f"{directory} holds no {kind} (no {CONFIG}); give the directory of a finished stage")
    try:
        config = json.loads(path.read_text())
        found, version = config["kind"], config["format"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        raise ValueError(f"{path} is damaged; run the stage that wrote it again") from None
    if found != kind:
        raise ValueError(f"{directory} holds a {found!r}, but a {kind!r} is needed; give another directory")
    if version != FORMAT:
        remedy = "update jumppad" if version > FORMAT else "run the stage that wrote it again"
        raise ValueError(f"{path} has format version {version}, this code reads {FORMAT}; {remedy}")
    return config


def load_weights(directory: Path | str, module: nn.Module) -> None:
    """Load `model.safetensors` into a module; all names and shapes must match.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If it is damaged or does not match.
    """
    path = Path(directory) / WEIGHTS
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; run the stage that wrote it again")
    try:
        with safe_open(path, framework="pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is damaged ({error}); run the stage that wrote it again") from None
    own = module.state_dict()
    wrong = sorted(own.keys() ^ weights.keys()) or [name for name in own if own[name].shape != weights[name].shape]
    if wrong:
        raise ValueError(f"{path} does not match its {CONFIG} (first at {wrong[0]}); run the stage that wrote it again")
    module.load_state_dict(weights, strict=True)


def network_device(module: nn.Module) -> torch.device:
    """Returns the device of a module's weights."""
    return next(module.parameters()).device
