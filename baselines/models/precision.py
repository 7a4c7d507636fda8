"""Which arithmetic the network runs in: bfloat16 where the processor has it, float32 elsewhere."""

from typing import Literal

import torch

Precision = Literal["auto", "bfloat16", "float32"]


def has_bfloat16(device: torch.device) -> bool:
    """Whether matrix products in bfloat16 are faster than in float32 on this device."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        # PyTorch runs bfloat16 on every processor, but without these instructions it is several times slower.
        capabilities = getattr(torch.cpu, "get_capabilities", dict)()
        native = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
        return bool(native if capabilities else torch.cpu._is_avx512_bf16_supported())
    return False


def autocast(device: torch.device | str, precision: Precision = "auto") -> torch.autocast:
    """Return the context in which to run the network; weights and losses stay float32.

    Args:
        device: Where the network lives.
        precision: `"auto"` takes bfloat16 where the hardware computes in it.
    """
    device = torch.device(device)
    enabled = precision == "bfloat16" or (precision == "auto" and has_bfloat16(device))
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


def choose_device() -> torch.device:
    """Returns the first GPU, or the processor where there is none.

    On a GPU, matrix products and convolutions that stay float32 are from now on computed in TF32.
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = True
    return torch.device("cuda")
