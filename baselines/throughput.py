"""How fast a preset trains and acts on this machine, and what share of what the machine can do that is.

    python -m baselines.throughput quick
    python -m baselines.throughput paper --json

Frames are random and in memory: reading them is no part of it. An update is that of pre-training, optimizer included.
"""

from __future__ import annotations

import dataclasses
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
import tyro
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from baselines.models.batches import Batch
from baselines.models.gamepad_distribution import ACTIONS, COMPONENT_LOGITS
from baselines.models.network import NetworkConfig, compute_dtype
from baselines.models.playing import PARALLEL
from baselines.models.policy import Policy, PolicyActor
from baselines.models.precision import autocast, choose_device
from baselines.presets import PRESETS, PresetName
from baselines.pretrain import PretrainConfig
from baselines.training.imitation import imitation_loss
from baselines.training.loop import compile_network, make_optimizers, take_update
from jumppad_env.command_line import command_line
from jumppad_env.streams import stream

PEOPLE_STEPS = 85
"""Steps of people's episodes, on average."""
KINDS = {
    "convolutions": ("conv",),
    "matrix products": ("mm", "linear", "attention"),
    "norms and softmax": ("norm", "softmax"),
    "copies and casts": ("copy", "cat", "clone", "fill_", "zero_", "index_put"),
}
"""Kinds of kernels, by what the names of PyTorch's operations contain."""


def forward_flops(config: NetworkConfig, steps: int) -> float:
    """Returns the floating-point operations of one frame's way through the network, forward, as they are computed.

    With sides h and w of a map, c channels, width d, L blocks, T steps and M components of 57 logits:

        convolutions   2 h w c_out c_in k^2 each       k = patch, then 2
        projection     2 h w c d                       of the last map
        blocks         L (24 d^2 + 4 T d)              24: queries, keys, values 6, output 2, perceptron 16
        head           2 d 57 M

    Attention counts all T x T pairs of steps, masked ones too. Additions of biases, norms and the like are left out.

    Args:
        config: Of the network.
        steps: T, of the episodes in a batch.
    """
    (height, width), d = config.image_size, config.width
    last = sum(_convolution_flops(config))
    shrunk = config.patch * 2 ** (len(config.channels) - 1)
    project = 2 * (height // shrunk) * (width // shrunk) * config.channels[-1] * d
    blocks = config.layers * (24 * d**2 + 4 * steps * d)
    return last + project + blocks + 2 * d * COMPONENT_LOGITS * config.components


def training_flops(config: NetworkConfig, steps: int) -> float:
    """Returns those of one frame in training: the backward pass costs two forward ones.

    All but the first convolution's: nobody asks for a gradient of the frames. The optimizer is left out.
    """
    return 3 * forward_flops(config, steps) - _convolution_flops(config)[0]


def _convolution_flops(config: NetworkConfig) -> list[int]:
    """Forward operations of each convolution, per frame."""
    (height, width), side, flops = config.image_size, config.patch, []
    for before, after in zip((3, *config.channels), config.channels, strict=False):
        height, width = height // side, width // side
        flops.append(2 * height * width * after * before * side**2)
        side = 2
    return flops


class Measured:
    """A network of a preset in training, on batches of random frames."""

    def __init__(self, config: PretrainConfig, steps: int, seed: int) -> None:
        """Prepare; nothing is computed yet.

        Args:
            config: Of pre-training.
            steps: Of every episode.
            seed: Of weights and frames.
        """
        self.config, self.steps, self.device = config, steps, choose_device()
        self.policy = Policy.initialize(config.network, seed)
        self.policy.network.to(self.device)
        compile_network(self.policy.network, config.optimizer)
        self.trained = dict(self.policy.network.named_parameters())
        self.optimizers = make_optimizers(self.policy.network, self.trained, config.optimizer)
        random = stream(seed, "throughput")
        shape = (config.batch_episodes, steps)
        self.batch = Batch(
            *(
                torch.from_numpy(array).to(self.device)
                for array in (
                    random.integers(0, 256, (*shape, *config.network.image_size, 3), dtype=np.uint8),
                    random.integers(0, 2, (*shape, ACTIONS), dtype=np.uint8),
                    np.full(config.batch_episodes, steps),
                )
            )
        )

    @property
    def frames(self) -> int:
        """Frames of an update."""
        return self.config.batch_episodes * self.steps * self.config.optimizer.accumulate

    def loss(self, index: int) -> tuple[Tensor, dict[str, float]]:
        """Loss on the batch, as in `imitate`."""
        with autocast(self.device):
            logits = self.policy.network(self.batch.frames)
        return imitation_loss(logits, self.batch, self.config.network.hold), {}

    def update(self) -> None:
        """Make an update, one of those with the full learning rate."""
        optimizer = self.config.optimizer
        take_update(self.trained, self.optimizers, self.loss, optimizer, optimizer.warmup_updates)


def milliseconds(work: Callable[[], Any], seconds: float, device: torch.device) -> float:
    """Returns the median time of doing something, once warm, for some seconds and three times at least."""
    work()
    times: list[float] = []
    while sum(times) < seconds or len(times) < 3:
        began = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e3


def matmul_rate(device: torch.device, dtype: torch.dtype, seconds: float) -> float:
    """Returns the floating-point operations a second of a large matrix product in this precision."""
    side = 8192 if device.type == "cuda" else 2048
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return 2 * side**3 / (milliseconds(lambda: left @ right, seconds, device) / 1e3)


def shares(work: Callable[[], Any], device: torch.device) -> dict[str, float]:
    """Returns which share of the time of all kernels each kind of `KINDS` takes, and the rest."""
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.type == "cuda" else [])]
    with profile(activities=activities) as profiler:
        for _ in range(3):
            work()
    spent = dict.fromkeys([*KINDS, "the rest"], 0.0)
    for event in profiler.key_averages():
        # On a GPU, of the operations that launch kernels: the kernels themselves are listed once more.
        own = device.type == "cpu" or event.device_type.name == "CPU"
        seconds = event.self_cpu_time_total if device.type == "cpu" else event.self_device_time_total
        spent[kind_of(event.key)] += seconds if own else 0.0
    total = sum(spent.values())
    return {kind: seconds / total for kind, seconds in spent.items()}


def kind_of(operation: str) -> str:
    """Returns the kind of kernels that an operation's name stands for."""
    name = operation.removeprefix("aten::")
    return next((kind for kind, words in KINDS.items() if any(word in name for word in words)), "the rest")


def measure(arguments: Arguments) -> dict[str, Any]:
    """Measures everything and returns what `--json` prints; says on stderr how far it is."""

    def say(what: str) -> None:
        print(f"{what} ...", file=sys.stderr, flush=True)

    config = PRESETS[arguments.preset].base
    config = dataclasses.replace(config, batch_episodes=arguments.episodes or config.batch_episodes)
    say("preparing")
    measured = Measured(config, arguments.steps, arguments.seed)
    device, network = measured.device, config.network
    say("training")
    update = milliseconds(measured.update, arguments.seconds, device)
    say("profiling")
    kinds = shares(measured.update, device)
    say("acting")
    actor = PolicyActor(measured.policy)
    actor.reset(np.ones(PARALLEL, bool), np.arange(PARALLEL))
    observations = stream(arguments.seed, "observations").integers(
        0, 256, (PARALLEL, *network.image_size, 3), dtype=np.uint8
    )
    acting = milliseconds(lambda: actor.act(observations), arguments.seconds, device)
    say("matrix products")
    with autocast(device):
        dtype = compute_dtype(measured.policy.network.head.weight)
    rate = matmul_rate(device, dtype, arguments.seconds / 5)
    frames_per_second = measured.frames / update * 1e3
    flops = training_flops(network, arguments.steps)
    return {
        "preset": arguments.preset,
        "device": torch.cuda.get_device_name() if device.type == "cuda" else platform.processor() or "CPU",
        "threads": torch.get_num_threads(),
        "precision": str(dtype).removeprefix("torch."),
        "compiled": config.optimizer.compiles_on(device),
        "parameters": sum(parameter.numel() for parameter in measured.policy.network.parameters()),
        "frames_per_update": measured.frames,
        "update_ms": round(update, 2),
        "frames_per_second": round(frames_per_second, 1),
        "kernel_shares": {kind: round(share, 4) for kind, share in kinds.items()},
        "flops_per_frame": flops,
        "matmul_flops_per_second": rate,
        "utilization": round(frames_per_second * flops / rate, 4),
        "acting_ms": round(acting, 3),
    }


def table(result: dict[str, Any]) -> str:
    """Returns the measurement as text for people."""
    kinds = result["kernel_shares"]
    compiled = ", compiled" if result["compiled"] else ""
    rows = {
        "parameters": f"{result['parameters']:,}",
        f"an update of {result['frames_per_update']:,} frames": f"{result['update_ms']:,.1f} ms",
        "training": f"{result['frames_per_second']:,.0f} frames/s",
        **{f"  of its kernels' time, {kind}": f"{share:.1%}" for kind, share in kinds.items()},
        "operations per frame, forward and backward": f"{result['flops_per_frame'] / 1e6:,.1f} MFLOP",
        "a large matrix product": f"{result['matmul_flops_per_second'] / 1e9:,.0f} GFLOP/s",
        "of that rate, training uses": f"{result['utilization']:.1%}",
        f"a step of {PARALLEL} acting": f"{result['acting_ms']:.2f} ms",
    }
    head = f"{result['preset']} on {result['device']}, {result['threads']} threads, {result['precision']}{compiled}"
    return "\n".join([head, *(f"{name:<48}{value:>18}" for name, value in rows.items())])


@dataclass(frozen=True)
class Arguments:
    """Measure how fast a preset trains and acts."""

    preset: Annotated[PresetName, tyro.conf.Positional]
    """Whose network, batches and optimizer."""
    json: bool = False
    """Print one JSON object."""
    seconds: float = 10.0
    """For each measurement, about; longer where three updates take longer."""
    steps: int = PEOPLE_STEPS
    """Of each episode."""
    episodes: int | None = None
    """In a batch; the preset's by default."""
    seed: int = 0
    """Of weights and frames."""


def main() -> None:
    """Measures and prints."""
    with command_line(stopped="stopped"):
        arguments = tyro.cli(Arguments)
        if not 0 < arguments.seconds < float("inf"):
            raise ValueError(f"--seconds {arguments.seconds} must be a positive number of seconds")
        if min(arguments.steps, 1 if arguments.episodes is None else arguments.episodes) < 1:
            raise ValueError(f"--steps {arguments.steps} and --episodes {arguments.episodes} must be at least 1")
        try:
            result = measure(arguments)
        except torch.OutOfMemoryError:
            raise ValueError(f"preset {arguments.preset} does not fit this GPU; try --episodes 1") from None
        print(json.dumps(result) if arguments.json else table(result))


if __name__ == "__main__":
    main()
