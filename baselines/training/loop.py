"""The training loop of all stages; it can be interrupted at any time and resumes bit for bit.

A stage provides a pure function from the batch's index to a loss (its batches come from `stream(seed, name, index)`),
so the training state is weights, optimizer moments and the index. It is one file, replaced atomically: a kill leaves
the old state or the new one, and Ctrl-C or SIGTERM that of the last update. `metrics.jsonl` beside it gets one line per
update, and so does TensorBoard if installed.
"""

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Required, TypedDict

import torch
from torch import Tensor, nn

from agents.progress import Progress
from baselines.artifact import STATE_DIRECTORY
from baselines.models.checkpoint import network_device
from baselines.models.precision import announce_device
from baselines.training.dashboard import Dashboard
from baselines.training.distributed import add_up, rank
from baselines.training.muon import Muon
from baselines.training.state import encode_state, load_state, share_state, state_tensors
from jumppad_env.files import check_file, explain_full_disk, flush_to_disk, read_json_lines, write_atomically
from jumppad_env.files.reading import check_regular
from jumppad_env.files.shapes import Count, Range, Share, misfit
from jumppad_env.machine.signals import deferred_signals

METRICS = "metrics.jsonl"
STATE = "state.safetensors"
SMALL_STATE = 2**27
"""Largest training state that is saved when the training is interrupted, bytes: it takes less than a second."""
SHORTEST, LONGEST = 2.0, 30.0
"""s between saved states."""


@dataclass(frozen=True)
class OptimizerConfig:
    """Optimizer and its schedule."""

    method: Literal["adamw", "muon"] = "adamw"
    """`adamw`, or `muon` for the matrices and convolutions of hidden layers (with steps of about the same length) and
    AdamW for all other parameters."""
    updates: int = 1000
    """Number of updates."""
    learning_rate: float = 1e-3
    """Peak learning rate (after warm-up)."""
    warmup_updates: int = 20
    """Updates of linear warm-up from near 0."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """Learning rate schedule after the warm-up."""
    final_fraction: float = 0.1
    """Learning rate at the end of the cosine schedule, as a fraction of the peak."""
    weight_decay: float = 0.01
    """Decoupled weight decay, on matrices and convolutions only."""
    betas: tuple[float, float] = (0.9, 0.95)
    """Decay rates of AdamW's first and second moments; Muon's momentum is fixed."""
    gradient_clip: float = 1.0
    """Maximum norm of the gradient."""
    accumulate: int = 1
    """Batches per update, whose gradients are averaged, to fit a large batch into the device's memory."""
    compile: Literal["never", "cuda", "always"] = "never"
    """Whether to compile the network before training, which takes about a minute: never, on GPUs, or always."""

    def __post_init__(self) -> None:
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
                raise ValueError(f"{requirement}, got {self}")

    def compiles_on(self, device: torch.device) -> bool:
        """Whether the network is compiled on this device."""
        return self.compile == "always" or (self.compile == "cuda" and device.type == "cuda")


def learning_rate(config: OptimizerConfig, update: int) -> float:
    """Returns the learning rate of an update, counted from 0."""
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
    checkpoint_seconds: float | None = None,
    after_update: Callable[[int], dict[str, float]] | None = None,
) -> dict[str, float]:
    """Train a module in place, resuming from `directory/training_state` if it exists.

    Args:
        module: Module to train, save and restore, on any device.
        compute_loss: Maps the batch's index (from 0) to the scalar loss and the metrics to log. It must depend only on
            the weights and the index. An update takes `config.accumulate` batches, by default one. With several ranks
            both are this rank's share, and added up; see `baselines.training.distributed`.
        config: Optimizer and schedule.
        directory: Directory for the training state and `metrics.jsonl`.
        description: Name of this training in the progress bar and in errors.
        parameters: Parameters of the module to train; all by default.
        checkpoint_seconds: Time between saved states, the most that a kill costs; by default 2 to 30 s, such that
            saving takes about a hundredth of the time. Ctrl-C, SIGTERM in a command, and SystemExit cost nothing but
            the update that was being made, unless the state is larger than `SMALL_STATE`.
        after_update: Called after each update with its index, such as `baselines.models.playing.while_training`; what
            it returns joins the update's metrics. Like the loss, it must depend only on the weights and the index. It
            runs on rank 0, while other ranks wait.

    Returns:
        The metrics of the last update, empty if there was none.

    Raises:
        ValueError: If the loss or its gradient is not finite, or the saved state is damaged or does not match.
        OSError: If the disk is full.
    """
    announce_device(network_device(module))
    directory = Path(directory)
    state_path = directory / STATE_DIRECTORY / STATE
    writes = rank() == 0
    if writes:
        directory.mkdir(parents=True, exist_ok=True)
    named = {parameter: name for name, parameter in module.named_parameters()}
    trained = {named[parameter]: parameter for parameter in (module.parameters() if parameters is None else parameters)}
    optimizers = make_optimizers(module, trained, config)
    first = load_state(state_path, module, optimizers, trained) if writes and state_path.exists() else 0
    first = share_state(module, optimizers, trained, first)
    if first < config.updates:
        compile_network(module, config)
    last = _truncate_metrics(directory / METRICS, first) if writes else {}
    if not writes:
        after_update = None
    with (
        explain_full_disk(directory),
        (directory / METRICS if writes else Path(os.devnull)).open("a") as log,
        Dashboard(directory if writes else None, first) as dashboard,
        Progress(total=config.updates, initial=first, description=description, unit="update") as bar,
    ):
        saved, saved_at = first, time.monotonic()
        interval = SHORTEST if checkpoint_seconds is None else checkpoint_seconds
        done = first  # updates that are in the weights and in the log
        changing = False  # whether the weights may be ahead of the log

        def checkpoint() -> None:
            nonlocal saved, saved_at, interval
            if not writes:
                return
            began = time.monotonic()
            flush_to_disk(log.fileno())  # the log may be ahead of the state, never behind it
            write_atomically(state_path, encode_state(state_tensors(module, optimizers, trained), done))
            saved, saved_at = done, time.monotonic()
            if checkpoint_seconds is None:
                interval = min(max(SHORTEST, 100 * (saved_at - began)), LONGEST)

        def note(line: dict[str, float]) -> None:
            nonlocal done, changing
            log.write(json.dumps(line) + "\n")
            log.flush()
            dashboard.add(line)
            done, changing = done + 1, False

        try:
            for update in range(first, config.updates):
                try:
                    last = {"update": update, **compute_gradient(trained, optimizers, compute_loss, config, update)}
                except FloatingPointError as error:
                    raise ValueError(
                        f"{description}: {error} at update {update}; "
                        f"try a learning rate below {config.learning_rate:g} in another directory"
                    ) from None
                with deferred_signals():
                    changing = True
                    for optimizer in optimizers:
                        optimizer.step()
                    if after_update is None:
                        note(last)
                if after_update is not None:  # it may take long, and whoever stops it does not wait for its end
                    last |= after_update(update)
                    with deferred_signals():
                        note(last)
                bar.set_postfix(loss=f"{last['loss']:.4g}", refresh=False)
                bar.update()
                if time.monotonic() - saved_at >= interval:
                    checkpoint()
            checkpoint()
        except (KeyboardInterrupt, SystemExit):
            with deferred_signals():  # a second one would cost what the first one saves
                size = sum(tensor.nbytes for tensor in state_tensors(module, optimizers, trained).values())
                if writes and done > saved and not changing and size <= SMALL_STATE:
                    checkpoint()
                    bar.close()
                    print(f"{description}: saved at update {done}", file=sys.stderr)
            raise
    return last


def compute_gradient(
    trained: dict[str, nn.Parameter],
    optimizers: list[torch.optim.Optimizer],
    compute_loss: Callable[[int], tuple[Tensor, dict[str, float]]],
    config: OptimizerConfig,
    update: int,
) -> dict[str, float]:
    """Compute the clipped gradient of an update; the optimizers' steps, which change the weights, complete it.

    Args:
        trained: Parameters to train, by name; they get the gradient.
        optimizers: Their optimizers, which get the learning rate.
        compute_loss: As in `train`.
        config: Optimizer and schedule.
        update: Index of the update.

    Returns:
        Loss, learning rate, gradient norm before clipping, and the metrics, averaged over the batches.

    Raises:
        FloatingPointError: If the loss or its gradient is not finite.
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
        losses.append(loss.detach())  # read after all parts are launched, so that a GPU does not wait
        parts.append(metrics)
    averaged = {name: sum(metrics[name] for metrics in parts) / len(parts) for name in parts[0]}
    loss, averaged = add_up(trained.values(), torch.stack(losses).mean(), averaged)
    norm = nn.utils.clip_grad_norm_(trained.values(), config.gradient_clip)
    loss_value, norm_value = torch.stack([loss, norm.detach()]).tolist()
    if not (math.isfinite(loss_value) and math.isfinite(norm_value)):
        raise FloatingPointError(f"loss {loss_value:g} with gradient norm {norm_value:g}")
    return {"loss": loss_value, "learning_rate": rate, "gradient_norm": norm_value, **averaged}


class Logged(TypedDict, total=False):
    """Entries of a line of `metrics.jsonl` that mean the same in every training."""

    update: Required[Count]
    episodes: Annotated[float, Range(0.0, 2.0**53)]
    success: Share
    accuracy: Share


def read_metrics(directory: Path | str, *, unfinished: bool = False) -> list[dict[str, float]]:
    """Returns the lines of `directory/metrics.jsonl`, one per update: names and finite numbers.

    Args:
        directory: Of the training.
        unfinished: Whether a last line that is cut off is left out, as a running or killed training has it.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If a line is damaged, or the updates are not counted 0, 1, 2, ...
    """
    path = Path(directory) / METRICS
    remedy = f"delete {directory} and run its stage again"
    lines = read_json_lines(path, remedy, dict[str, float], cut_off=unfinished)
    for index, line in enumerate(lines):
        wrong = misfit(line, Logged)
        if wrong is None and line["update"] != index:
            wrong = f"update is {line['update']}, not {index}"
        if wrong:
            raise ValueError(f"{path} is damaged in line {index + 1} ({wrong}); {remedy}")
    check_file(path, remedy)
    return lines


def compile_network(module: nn.Module, config: OptimizerConfig) -> None:
    """Compile a network if the configuration asks for it; its parameters keep their names."""
    if config.compiles_on(network_device(module)):
        # All our networks call everything but the head `trunk`. Dynamic shapes from the start: kernels specialized for
        # the first episode length would round differently after resuming, when another length comes first.
        getattr(module, "trunk", module).compile(dynamic=True)


def make_optimizers(
    module: nn.Module, trained: dict[str, nn.Parameter], config: OptimizerConfig
) -> list[torch.optim.Optimizer]:
    """Returns one or two optimizers that divide the trained parameters among them."""
    # Weight decay would only pull biases and gains away from their useful values.
    matrices = {name: parameter for name, parameter in trained.items() if parameter.ndim >= 2}
    others = [parameter for parameter in trained.values() if parameter.ndim < 2]
    optimizers: list[torch.optim.Optimizer] = []
    if config.method == "muon":
        # All our networks call the last layer `head`. The rows of a head or an embedding are independent, and moving
        # all equally far gives rare ones the weight of frequent ones (validation loss 2.59 instead of 2.35).
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


def _truncate_metrics(path: Path, updates: int) -> dict[str, float]:
    """Removes lines that were logged after the saved state and returns the last remaining one, or {}.

    Raises:
        ValueError: If one of the others is damaged or missing.
    """
    kept = []
    if os.path.lexists(path):
        check_regular(path)
        kept = path.read_bytes().splitlines(keepends=True)[:updates]  # what follows may be damaged, after a power cut
    write_atomically(path, b"".join(kept))
    lines = read_metrics(path.parent)
    if len(lines) < updates:
        raise ValueError(f"{path} has {len(lines)} lines, not the {updates} of its updates; delete {path.parent}")
    return lines[-1] if lines else {}
