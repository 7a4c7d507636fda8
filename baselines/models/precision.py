"""Device and precision of the network: bfloat16 where the hardware supports it, else float32."""

from typing import Literal

import torch

from baselines.models.threads import prepare_cpu

Precision = Literal["auto", "bfloat16", "float32"]


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


def choose_device() -> torch.device:
    """Returns the first GPU, or the CPU if there is none, and sets this process up for it.

    With a GPU, float32 matrix products and convolutions use TF32 from now on. Without one, threads take whole episodes
    of a batch instead of a share of every operation (`baselines.models.threads`).
    """
    if not torch.cuda.is_available():
        prepare_cpu()
        return torch.device("cpu")
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = True
    return torch.device("cuda")
