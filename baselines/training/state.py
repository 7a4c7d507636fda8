"""The training state: weights, the optimizers' moments, and the index of the next update, in one file."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from baselines.models.checkpoint import digest_tensors
from baselines.training.distributed import from_rank_0, rank, tensors_from_rank_0, world_size
from jumppad_env.files.reading import check_regular


def _moments(optimizers: list[torch.optim.Optimizer], parameter: nn.Parameter) -> dict[str, Any]:
    """Returns the optimizer state of a parameter, to read and to write."""
    owner = next(o for o in optimizers if any(parameter is p for group in o.param_groups for p in group["params"]))
    return owner.state[parameter]


def state_tensors(
    module: nn.Module, optimizers: list[torch.optim.Optimizer], trained: dict[str, nn.Parameter]
) -> dict[str, Tensor]:
    """Returns weights and moments, where they are."""
    tensors = {f"weights/{name}": tensor for name, tensor in module.state_dict().items()}
    for name, parameter in trained.items():
        for moment, tensor in _moments(optimizers, parameter).items():
            tensors[f"{moment}/{name}"] = tensor
    return tensors


def encode_state(tensors: dict[str, Tensor], update: int) -> bytes:
    """Returns the content of the file."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return save(tensors, metadata={"update": f"{update} {digest_tensors(tensors, update)}"})


def load_state(
    path: Path, module: nn.Module, optimizers: list[torch.optim.Optimizer], trained: dict[str, nn.Parameter]
) -> int:
    """Restores weights and moments and returns the index of the next update."""
    check_regular(path)
    try:
        with safe_open(path, framework="pt") as file:
            said, _, checksum = file.metadata()["update"].partition(" ")  # one entry: several would have any order
            update = int(said)
            tensors: dict[str, Any] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if checksum != digest_tensors(tensors, update):
            raise KeyError("its checksum differs")
        module.load_state_dict(_weights(tensors), strict=True)
    except (SafetensorError, RuntimeError, LookupError, TypeError, ValueError, OSError, AttributeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ValueError(f"{path} is damaged or of another network ({reason}); delete it to start over") from None
    _restore_moments(tensors, optimizers, trained)
    return update


def _restore_moments(
    tensors: dict[str, Tensor], optimizers: list[torch.optim.Optimizer], trained: dict[str, nn.Parameter]
) -> None:
    for name, parameter in trained.items():
        for moment in ("step", "exp_avg", "exp_avg_sq", "momentum"):
            if (tensor := tensors.get(f"{moment}/{name}")) is not None:
                # Keep the memory layout: sums over a reordered tensor would round differently.
                tensor = tensor if moment == "step" else torch.empty_like(parameter).copy_(tensor)
                _moments(optimizers, parameter)[moment] = tensor.detach()


def share_state(
    module: nn.Module, optimizers: list[torch.optim.Optimizer], trained: dict[str, nn.Parameter], update: int
) -> int:
    """Gives all ranks the weights and moments of rank 0, and returns the index of its next update.

    Ranks on other machines need not see the directory of rank 0.
    """
    if world_size() == 1:
        return update
    tensors = tensors_from_rank_0(state_tensors(module, optimizers, trained))
    if rank() > 0:
        module.load_state_dict(_weights(tensors), strict=True)
        _restore_moments(tensors, optimizers, trained)
    return from_rank_0(update)


def _weights(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix("weights/"): tensors[name] for name in tensors if name.startswith("weights/")}
