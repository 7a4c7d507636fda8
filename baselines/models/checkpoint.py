"""A network on disk: `config.json` and `model.safetensors`. Loading executes no code from the files."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from jumppad_env.command_line import first_line
from jumppad_env.files import check_file, read_json, write_atomically
from jumppad_env.files.reading import check_regular
from jumppad_env.files.shapes import misfit

M = TypeVar("M", bound=nn.Module)

FORMAT = 1
REMEDY = "run the stage that wrote it again"
DTYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64", torch.int64: "I64"}
"""As safetensors calls them."""
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


def load_config(directory: Path | str, kind: str, shape: Any) -> Any:
    """Read the `config.json` of a checkpoint of the given kind.

    Args:
        directory: Of the checkpoint; where it is an artifact, the file must be the one that its manifest tells of.
        kind: Required kind.
        shape: Type that the configuration must fit, a TypedDict.

    Raises:
        FileNotFoundError: If there is no checkpoint.
        ValueError: If it is damaged, of another kind or of another format version.
    """
    directory = Path(directory)
    path = directory / CONFIG
    if not path.exists():
        raise FileNotFoundError(f"{directory} holds no {kind} (no {CONFIG}); give the directory of a finished stage")
    config = read_json(path, REMEDY)
    if (found := config.get("kind")) != kind and isinstance(found, str):
        raise ValueError(f"{directory} holds a {found[:40]!r}, but a {kind!r} is needed; give another directory")
    if (version := config.get("format")) != FORMAT and isinstance(version, int):
        remedy = "update jumppad" if version > FORMAT else REMEDY
        raise ValueError(f"{path} has format version {str(version)[:40]}, this code reads {FORMAT}; {remedy}")
    if wrong := misfit(config, shape):
        raise ValueError(f"{path} is damaged ({wrong}); {REMEDY}")
    check_file(path, REMEDY)
    return config


def load_module(directory: Path | str, build: Callable[[], M]) -> M:
    """Build a module and load `model.safetensors` into it; all names, types and shapes must match.

    Args:
        directory: Of the checkpoint; where it is an artifact, the file must be the one that its manifest tells of.
        build: Makes the module. It is built without memory first, so that a configuration that does not fit the file
            is refused before it takes any.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If it is damaged, does not match, or holds numbers that are not finite.
    """
    path = Path(directory) / WEIGHTS
    try:
        check_regular(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing; {REMEDY}") from None
    check_file(path, REMEDY)
    try:
        with torch.device("meta"):
            wanted = {name: (DTYPES[t.dtype], list(t.shape)) for name, t in build().state_dict().items()}
    except RuntimeError as error:  # sizes that overflow
        raise ValueError(f"{directory} has an impossible {CONFIG} ({first_line(error)[:200]}); {REMEDY}") from None
    try:
        with safe_open(path, framework="pt") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
            found = {name: (part.get_dtype(), part.get_shape()) for name, part in slices.items()}
            if wrong := sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)):
                raise ValueError(
                    f"{path} does not match its {CONFIG}: {wrong[0]} is {_said(found.get(wrong[0]))}, expected "
                    f"{_said(wanted.get(wrong[0]))}; {REMEDY}"
                )
            weights = {name: file.get_tensor(name) for name in found}
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is damaged ({first_line(error)[:200]}); {REMEDY}") from None
    for name, tensor in weights.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{path} is damaged ({name} holds numbers that are not finite); {REMEDY}")
    module = build()
    module.load_state_dict(weights, strict=True)
    return module


def _said(header: tuple[str, list[int]] | None) -> str:
    return "absent" if header is None else f"{header[0]} {header[1]}"


def digest_tensors(tensors: Mapping[str, Tensor], *others: object) -> str:
    """Returns a sha256 over names, types, shapes and bytes of tensors on the CPU, and over the text of what else."""
    digest = hashlib.sha256(repr(others).encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def network_device(module: nn.Module) -> torch.device:
    """Returns the device of a module's weights."""
    return next(module.parameters()).device
