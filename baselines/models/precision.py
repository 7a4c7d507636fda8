"""Device and precision of the network: bfloat16 where the hardware supports it, else float32."""

import functools
import os
import re
import sys
from typing import Literal

import torch

from baselines.models.threads import prepare_cpu

Precision = Literal["auto", "bfloat16", "float32"]
DEVICE = "JUMPPAD_DEVICE"
"""Environment variable that names the device, for this process and those that it starts."""


def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 matrix products are faster than float32 on this device."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        # PyTorch runs bfloat16 on every CPU, but without these instructions it is several times slower.
        capabilities = getattr(torch.cpu, "get_capabilities", dict)()
        native = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
        return bool(native if capabilities else torch.cpu._is_avx512_bf16_supported())
    return False


def autocast(device: torch.device | str, precision: Precision = "auto") -> torch.autocast:
    """Return the autocast context for running the network; weights and losses stay float32.

    Args:
        device: Device of the network.
        precision: `"auto"` means bfloat16 where the hardware supports it.
    """
    device = torch.device(device)
    enabled = precision == "bfloat16" or (precision == "auto" and has_bfloat16(device))
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


def use_device(name: str) -> None:
    """Chooses the device of this process and of those that it starts.

    Args:
        name: cpu, cuda, cuda:1, ...; auto changes nothing.

    Raises:
        ValueError: There is no such device here.
    """
    _find_device(name)
    if name != "auto":
        os.environ[DEVICE] = name


def choose_device() -> torch.device:
    """Returns the device given by `use_device` or `JUMPPAD_DEVICE`; by default the first GPU, or the CPU without one.

    With a GPU, float32 matrix products and convolutions use TF32 from now on. On a CPU, threads take whole episodes of
    a batch from now on, instead of a share of every operation (`baselines.models.threads`).

    Raises:
        ValueError: There is no such device here.
    """
    device = _find_device(os.environ.get(DEVICE, "auto"))
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.allow_tf32 = True
    else:
        prepare_cpu()
    return device


@functools.cache
def announce_device(device: torch.device) -> None:
    """Says once on stderr where networks run; silent in processes that show no progress."""
    if os.environ.get("TQDM_DISABLE") == "1":
        return
    name = f" ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else ""
    print(f"device: {device}{name}, {'bfloat16' if has_bfloat16(device) else 'float32'}", file=sys.stderr)


def _find_device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, number = name.partition(":")
    if not re.fullmatch(r"cpu|cuda(:\d+)?", name):
        raise ValueError(f"device must be auto, cpu, cuda or cuda:0, cuda:1, ..., got {name!r}")
    count = torch.cuda.device_count() if kind == "cuda" else 0
    if kind == "cuda" and int(number or 0) >= count:
        built = "" if torch.version.cuda else f"; torch {torch.__version__} is a CPU build: make setup TORCH=cuda"
        raise ValueError(f"device {name} is not here: {count} GPUs are usable{built}; give --device cpu or auto")
    return torch.device(name)
