"""The one training loop under every stage: resumable at any moment, bit for bit.

A stage brings a pure function from the batch's index to a loss (its batches come from `stream(seed, name, index)`),
so weights, optimizer moments and the index are all there is to save. They lie in one file, replaced in one step: a kill
leaves the old state or the new one. Beside it, `metrics.jsonl` gets one line per update.
"""

import json
import math
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from tqdm import tqdm

from baselines.artifact import STATE_DIRECTORY
from baselines.models.checkpoint import network_device
from baselines.training.muon import Muon
from jumppad_env.files import explain_full_disk, write_atomically

METRICS = "metrics.jsonl"
STATE = "state.safetensors"


@dataclass(frozen=True)
class OptimizerConfig:
    """Optimizer and its schedule."""

    method: Literal["adamw", "muon"] = "adamw"
    """`muon` for the matrices and convolutions of hidden layers, whose steps are about as long as AdamW's, and AdamW
    for all else."""
    updates: int = 1000
    """Number of updates."""
    learning_rate: float = 1e-3
    """At its highest, after the warm-up."""
    warmup_updates: int = 20
    """Updates over which the learning rate rises linearly from near 0."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """What the learning rate does after the warm-up."""
    final_fraction: float = 0.1
    """Of the learning rate, reached by the cosine at the last update."""
    weight_decay: float = 0.01
    """On matrices and convolutions only."""
    betas: tuple[float, float] = (0.9, 0.95)
    """Decay of AdamW's first and second moments, not of Muon's momentum."""
    gradient_clip: float = 1.0
    """Largest norm of the gradient."""
    accumulate: int = 1
    """Batches whose mean gradient makes up an update: a large batch in parts that fit the device's memory."""
    compile: Literal["never", "cuda", "always"] = "never"
    """Where the network is compiled before the first update, which takes a minute or so: on GPUs, or everywhere."""

    def __post_init__(self) -> None:
        """Refuse what cannot train."""
        requirements = {
            "method must be adamw or muon": self.method in ("adamw", "muon"),
            "updates and warmup_updates must not be negative": min(self.updates, self.warmup_updates) >= 0,
            "accumulate must be at least 1": self.accumulate >= 1,
            "compile must be never, cuda or always": self.compile in ("never", "cuda", "always"),
            "learning_rate and gradient_clip must be above 0": min(self.learning_rate, self.gradient_clip) > 0,
            "weight_decay must not be negative": self.weight_decay >= 0,
            "final_fraction must be in [0, 1]": 0 <= self.final_fraction <= 1,
            "betas must be in [0, 1)": all(0 <= beta < 1 for beta in self.betas),
        }
        for requirement, met in requirements.items():
            if not met:
                raise ValueError(f"{requirement}: {self}")

    def compiles_on(self, device: torch.device) -> bool:
        """Whether the network is compiled on this device."""
        return self.compile == "always" or (self.compile == "cuda" and device.type == "cuda")


def learning_rate(config: OptimizerConfig, update: int) -> float:
    """Learning rate of an update, counted from 0."""
    if update < config.warmup_updates:
        return config.learning_rate * (update + 1) / (config.warmup_updates + 1)
    if config.schedule == "constant":
        return config.learning_rate
    progress = (update - config.warmup_updates) / max(1, config.updates - 1 - config.warmup_updates)
    fraction = config.final_fraction + (1 - config.final_fraction) * 0.5 * (1 + math.cos(math.pi * progress))
    return config.learning_rate * fraction


def train(
    module: nn.Module,
    compute_loss: Callable[[int], tuple[Tensor, dict[str, float]]],
    config: OptimizerConfig,
    directory: Path | str,
    *,
    description: str,
    parameters: Iterable[nn.Parameter] | None = None,
    checkpoint_seconds: float = 30.0,
) -> dict[str, float]:
    """Train a module in place, going on from `directory/training_state` if that is there.

    Args:
        module: What is saved and restored, on any device.
        compute_loss: From the batch's index (from 0) to the scalar loss and the metrics to log. It must depend on the
            weights and the index alone. An update takes `config.accumulate` batches, by default one.
        config: Optimizer and schedule.
        directory: Where the state and `metrics.jsonl` lie.
        description: What the progress bar and the errors call this training.
        parameters: Those of the module that are trained; all by default.
        checkpoint_seconds: Time between two saved states, and so the most that a kill costs.

    Returns:
        The metrics of the last update, empty if there was none.

    Raises:
        ValueError: If the loss or its gradient stops being a number, or the saved state is damaged or does not fit.
        OSError: If the disk is full.
    """
    directory = Path(directory)
    state_path = directory / STATE_DIRECTORY / STATE
    directory.mkdir(parents=True, exist_ok=True)
    named = {parameter: name for name, parameter in module.named_parameters()}
    trained = {named[parameter]: parameter for parameter in (module.parameters() if parameters is None else parameters)}
    optimizers = make_optimizers(module, trained, config)
    first = _load_state(state_path, module, optimizers, trained) if state_path.exists() else 0
    if first < config.updates:
        compile_network(module, config)
    last = _truncate_metrics(directory / METRICS, first)
    saved_at = time.monotonic()
    with (
        explain_full_disk(directory),
        (directory / METRICS).open("a") as log,
        tqdm(total=config.updates, initial=first, desc=description, unit="update", dynamic_ncols=True) as bar,
    ):

        def checkpoint(update: int) -> None:
            os.fsync(log.fileno())  # the log may run ahead of the state, never behind it
            write_atomically(state_path, _state(module, optimizers, trained, update))

        for update in range(first, config.updates):
            try:
                last = {"update": update, **take_update(trained, optimizers, compute_loss, config, update)}
            except FloatingPointError as error:
                raise ValueError(
                    f"{description}: {error} at update {update}; "
                    f"try a learning rate below {config.learning_rate:g}, in another directory"
                ) from None
            log.write(json.dumps(last) + "\n")
            log.flush()
            bar.set_postfix(loss=f"{last['loss']:.4g}", refresh=False)
            bar.update()
            if time.monotonic() - saved_at >= checkpoint_seconds:
                checkpoint(update + 1)
                saved_at = time.monotonic()
        checkpoint(max(first, config.updates))
    return last


def take_update(
    trained: dict[str, nn.Parameter],
    optimizers: list[torch.optim.Optimizer],
    compute_loss: Callable[[int], tuple[Tensor, dict[str, float]]],
    config: OptimizerConfig,
    update: int,
) -> dict[str, float]:
    """Make one update.

    Args:
        trained: Parameters that are trained, by name.
        optimizers: Of these parameters.
        compute_loss: As in `train`.
        config: Optimizer and schedule.
        update: Index of the update.

    Returns:
        Loss, learning rate, norm of the gradient before clipping, and the metrics, each a mean over the batches.

    Raises:
        FloatingPointError: If loss or gradient are no numbers; the weights are still what they were.
    """
    rate = learning_rate(config, update)
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
        for group in optimizer.param_groups:
            group["lr"] = rate
    losses: list[Tensor] = []
    parts: list[dict[str, float]] = []
    for part in range(config.accumulate):
        loss, metrics = compute_loss(update * config.accumulate + part)
        (loss / config.accumulate).backward()
        losses.append(loss.detach())  # read once all parts are under way: a GPU need not wait
        parts.append(metrics)
    norm = nn.utils.clip_grad_norm_(trained.values(), config.gradient_clip)
    loss_value, norm_value = torch.stack([torch.stack(losses).mean(), norm.detach()]).tolist()
    if not (math.isfinite(loss_value) and math.isfinite(norm_value)):
        raise FloatingPointError(f"loss {loss_value:g} with gradient norm {norm_value:g}")
    for optimizer in optimizers:
        optimizer.step()
    averaged = {name: sum(metrics[name] for metrics in parts) / len(parts) for name in parts[0]}
    return {"loss": loss_value, "learning_rate": rate, "gradient_norm": norm_value, **averaged}


def read_metrics(directory: Path | str) -> list[dict[str, float]]:
    """The lines of `directory/metrics.jsonl`, one per update.

    Raises:
        FileNotFoundError: If there are none.
    """
    return [json.loads(line) for line in (Path(directory) / METRICS).read_text().splitlines()]


def compile_network(module: nn.Module, config: OptimizerConfig) -> None:
    """Compile a network where the configuration says so; its parameters keep their names."""
    if config.compiles_on(network_device(module)):
        # Every network of ours calls all but its head `trunk`. For any length of episodes from the start: kernels for
        # the first length alone would round otherwise after a resumption, when another length comes first.
        getattr(module, "trunk", module).compile(dynamic=True)


def make_optimizers(
    module: nn.Module, trained: dict[str, nn.Parameter], config: OptimizerConfig
) -> list[torch.optim.Optimizer]:
    """One or two optimizers, which share the trained parameters among them."""
    # A decayed bias or gain would only be pulled from where it is needed.
    matrices = {name: parameter for name, parameter in trained.items() if parameter.ndim >= 2}
    others = [parameter for parameter in trained.values() if parameter.ndim < 2]
    optimizers: list[torch.optim.Optimizer] = []
    if config.method == "muon":
        # Every network of ours calls its last layer `head`. Neither its rows nor an embedding's mix, and to move all
        # equally far makes the rare ones as loud as the frequent ones (validation loss 2.59 instead of 2.35).
        embedded = {layer.weight for layer in module.modules() if isinstance(layer, nn.Embedding)}
        hidden = [name for name in matrices if not name.startswith("head.") and matrices[name] not in embedded]
        moved = [matrices.pop(name) for name in hidden]
        if moved:
            optimizers.append(Muon(moved, lr=config.learning_rate, weight_decay=config.weight_decay))
    groups = [
        {"params": list(matrices.values()), "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    fused = network_device(module).type in ("cpu", "cuda")
    optimizers.append(torch.optim.AdamW(groups, lr=config.learning_rate, betas=config.betas, fused=fused))
    return optimizers


def _moments(optimizers: list[torch.optim.Optimizer], parameter: nn.Parameter) -> dict[str, Any]:
    """What the optimizer of a parameter remembers of it, to read and to write."""
    owner = next(o for o in optimizers if any(parameter is p for group in o.param_groups for p in group["params"]))
    return owner.state[parameter]


def _state(
    module: nn.Module, optimizers: list[torch.optim.Optimizer], trained: dict[str, nn.Parameter], update: int
) -> bytes:
    tensors = {f"weights/{name}": tensor for name, tensor in module.state_dict().items()}
    for name, parameter in trained.items():
        for moment, tensor in _moments(optimizers, parameter).items():
            tensors[f"{moment}/{name}"] = tensor
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return save(tensors, metadata={"update": str(update)})


def _load_state(
    path: Path, module: nn.Module, optimizers: list[torch.optim.Optimizer], trained: dict[str, nn.Parameter]
) -> int:
    """Restore weights and moments; return the index of the next update."""
    try:
        with safe_open(path, framework="pt") as file:
            update = int(file.metadata()["update"])
            tensors: dict[str, Any] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        weights = {name.removeprefix("weights/"): tensors[name] for name in tensors if name.startswith("weights/")}
        module.load_state_dict(weights, strict=True)
    except (SafetensorError, RuntimeError, KeyError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path} is damaged or of another network ({reason}); delete it to start again") from None
    for name, parameter in trained.items():
        for moment in ("step", "exp_avg", "exp_avg_sq", "momentum"):
            if (tensor := tensors.get(f"{moment}/{name}")) is not None:
                # The memory layout too: sums over a reordered tensor would round differently.
                tensor = tensor if moment == "step" else torch.empty_like(parameter).copy_(tensor)
                _moments(optimizers, parameter)[moment] = tensor.detach()
    return update


def _truncate_metrics(path: Path, updates: int) -> dict[str, float]:
    """Drop what was logged after the saved state; return the last remaining line, or nothing."""
    lines = path.read_bytes().splitlines(keepends=True)[:updates] if path.exists() else []
    write_atomically(path, b"".join(lines))
    return json.loads(lines[-1]) if lines else {}
