"""Throughput: how fast a preset trains and acts on this machine, and how much of the machine's peak rate it uses.

    python -m baselines.throughput quick
    python -m baselines.throughput quick --beside 1    # and while another program keeps a core busy
    python -m baselines.throughput paper --json

Frames are random and in memory, so reading data is not measured. An update is one of pre-training, with the optimizer.
"""

import dataclasses
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from baselines.models.precision import autocast, choose_device, use_device
from baselines.models.threads import count_threads, use_threads
from baselines.presets import PRESETS, PresetName
from baselines.pretrain import PretrainConfig
from baselines.training.imitation import imitation_loss
from baselines.training.loop import compile_network, compute_gradient, make_optimizers
from jumppad_env.command_line import command_line
from jumppad_env.streams import stream

PEOPLE_STEPS = 85
"""Mean length of human episodes, in steps."""
KINDS = {
    "matrix products": ("mm", "linear", "attention"),
    "norms and softmax": ("norm", "softmax"),
    "copies and casts": ("copy", "cat", "clone", "fill_", "zero_", "index_put"),
}
"""Kinds of kernels, by substrings of PyTorch's operation names."""


def forward_flops(config: NetworkConfig, steps: int) -> float:
    """Returns the floating-point operations of one frame's forward pass.

    For feature maps of h x w, c channels, width d, L blocks, T steps and M components of 57 logits:

        convolutions   2 h w c_out c_in k^2 each       k = patch, then 2
        projection     2 h w c d                       of the last map
        blocks         L (24 d^2 + 4 T d)              24: queries, keys, values 6, output 2, perceptron 16
        head           2 d 57 M

    Attention counts all T x T pairs of steps, including masked ones. Biases, norms and the like are not counted.

    Args:
        config: The network.
        steps: T, the length of the episodes in a batch.
    """
    (height, width), d = config.image_size, config.width
    last = sum(_convolution_flops(config))
    shrunk = config.patch * 2 ** (len(config.channels) - 1)
    project = 2 * (height // shrunk) * (width // shrunk) * config.channels[-1] * d
    blocks = config.layers * (24 * d**2 + 4 * steps * d)
    return last + project + blocks + 2 * d * COMPONENT_LOGITS * config.components


def training_flops(config: NetworkConfig, steps: int) -> float:
    """Returns the floating-point operations of one frame in training: the backward pass costs two forward passes.

    The first convolution costs only one more, because frames need no gradient. The optimizer is not counted.
    """
    return 3 * forward_flops(config, steps) - _convolution_flops(config)[0]


def _convolution_flops(config: NetworkConfig) -> list[int]:
    """Returns the forward operations of each convolution, per frame."""
    (height, width), side, flops = config.image_size, config.patch, []
    for before, after in zip((3, *config.channels), config.channels, strict=False):
        height, width = height // side, width // side
        flops.append(2 * height * width * after * before * side**2)
        side = 2
    return flops


class Measured:
    """A preset's network in training, on a batch of random frames."""

    def __init__(self, config: PretrainConfig, steps: int, seed: int) -> None:
        """Set up network, optimizers and batch.

        Args:
            config: Pre-training.
            steps: Length of every episode.
            seed: Seed for weights and frames.
        """
        self.config, self.steps, self.device = config, steps, choose_device()
        self.policy = Policy.initialize(config.network, seed)
        self.policy.network.to(self.device)
        compile_network(self.policy.network, config.optimizer)
        self.trained = dict(self.policy.network.named_parameters())
        self.optimizers = make_optimizers(self.policy.network, self.trained, config.optimizer)
        random = stream(seed, "throughput")
        shape = (config.batch_episodes, steps)
        frames = random.integers(0, 256, (*shape, *config.network.image_size, 3), dtype=np.uint8)
        actions = random.integers(0, 2, (*shape, ACTIONS), dtype=np.uint8)
        lengths = np.full(config.batch_episodes, steps)
        self.batch = Batch(*(torch.from_numpy(array).to(self.device) for array in (frames, actions, lengths)))

    @property
    def frames(self) -> int:
        """Frames per update."""
        return self.config.batch_episodes * self.steps * self.config.optimizer.accumulate

    def loss(self, index: int) -> tuple[Tensor, dict[str, float]]:
        """Loss on the batch, as in `imitate`."""
        with autocast(self.device):
            logits = self.policy.network(self.batch.frames)
        return imitation_loss(logits, self.batch, self.config.network.hold), {}

    def update(self) -> None:
        """Make one update, at the peak learning rate."""
        optimizer = self.config.optimizer
        compute_gradient(self.trained, self.optimizers, self.loss, optimizer, optimizer.warmup_updates)
        for one in self.optimizers:
            one.step()


def milliseconds(work: Callable[[], Any], seconds: float, device: torch.device) -> float:
    """Returns the median time of some work, after one warm-up; it is repeated for `seconds`, at least three times."""
    work()
    times: list[float] = []
    while sum(times) < seconds or len(times) < 3:
        began = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e3


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Runs programs of normal priority, each of which keeps a core busy, beside the block."""
    programs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def matmul_rate(device: torch.device, dtype: torch.dtype, seconds: float) -> float:
    """Returns the floating-point operations per second of a large matrix product in this precision."""
    side = 8192 if device.type == "cuda" else 2048
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return 2 * side**3 / (milliseconds(lambda: left @ right, seconds, device) / 1e3)


def shares(work: Callable[[], Any], device: torch.device) -> dict[str, float]:
    """Returns the share of kernel time of each kind in `KINDS`, and of the rest."""
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.type == "cuda" else [])]
    # The profiler sees one thread only.
    with use_threads(1), profile(activities=activities) as profiler:
        for _ in range(3):
            work()
    spent = dict.fromkeys([*KINDS, "the rest"], 0.0)
    for event in profiler.key_averages():
        # On a GPU, only the operations that launch kernels count: the kernels themselves are listed a second time.
        own = device.type == "cpu" or event.device_type.name == "CPU"
        seconds = event.self_cpu_time_total if device.type == "cpu" else event.self_device_time_total
        spent[kind_of(event.key)] += seconds if own else 0.0
    total = sum(spent.values())
    return {kind: seconds / total for kind, seconds in spent.items()}


def kind_of(operation: str) -> str:
    """Returns the kind of an operation, given its name."""
    name = operation.removeprefix("aten::")
    return next((kind for kind, words in KINDS.items() if any(word in name for word in words)), "the rest")


def measure(
    preset: PresetName, seconds: float, steps: int, episodes: int | None, rows: int, seed: int, beside: int
) -> dict[str, Any]:
    """Measures a preset, with progress on stderr; for the arguments see `throughput`.

    Returns:
        The JSON object that `--json` prints.
    """

    def say(what: str) -> None:
        print(f"{what} ...", file=sys.stderr, flush=True)

    config = PRESETS[preset].base
    config = dataclasses.replace(config, batch_episodes=episodes or config.batch_episodes)
    say("preparing")
    measured = Measured(config, steps, seed)
    device, network = measured.device, config.network
    say("training")
    update = milliseconds(measured.update, seconds, device)
    say("profiling")
    kinds = shares(measured.update, device)
    say("acting")
    actor = PolicyActor(measured.policy)
    actor.reset(np.ones(rows, bool), np.arange(rows))
    observations = stream(seed, "observations").integers(0, 256, (rows, *network.image_size, 3), dtype=np.uint8)
    acting = milliseconds(lambda: actor.act(observations), seconds, device)
    crowded = {}
    if beside:
        say(f"training and acting beside {beside} busy programs")
        with busy(beside):
            crowded["update_ms"] = round(milliseconds(measured.update, seconds, device), 2)
            crowded["acting_ms"] = round(milliseconds(lambda: actor.act(observations), seconds, device), 3)
    say("matrix products")
    with autocast(device):
        dtype = compute_dtype(measured.policy.network.head.weight)
    rate = matmul_rate(device, dtype, seconds / 5)
    frames_per_second = measured.frames / update * 1e3
    flops = training_flops(network, steps)
    return {
        "preset": preset,
        "device": torch.cuda.get_device_name() if device.type == "cuda" else platform.processor() or "CPU",
        "threads": max(torch.get_num_threads(), count_threads()),
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
        "acting_rows": rows,
        "acting_ms": round(acting, 3),
        "beside": {"programs": beside, **crowded} if beside else None,
    }


def table(result: dict[str, Any]) -> str:
    """Returns the measurement as a table."""
    kinds = result["kernel_shares"]
    compiled = ", compiled" if result["compiled"] else ""
    rows = {
        "parameters": f"{result['parameters']:,}",
        f"update of {result['frames_per_update']:,} frames": f"{result['update_ms']:,.1f} ms",
        "training": f"{result['frames_per_second']:,.0f} frames/s",
        **{f"  share of kernel time: {kind}": f"{share:.1%}" for kind, share in kinds.items()},
        "operations per frame, forward and backward": f"{result['flops_per_frame'] / 1e6:,.1f} MFLOP",
        "peak rate (large matrix product)": f"{result['matmul_flops_per_second'] / 1e9:,.0f} GFLOP/s",
        "utilization (training / peak rate)": f"{result['utilization']:.1%}",
        f"acting, one step of {result['acting_rows']:,} episodes": f"{result['acting_ms']:.2f} ms",
    }
    if (crowded := result["beside"]) is not None:
        frames = result["frames_per_update"] / crowded["update_ms"] * 1e3
        share = result["update_ms"] / crowded["update_ms"]
        rows[f"beside {crowded['programs']} busy: training"] = f"{frames:,.0f} frames/s"
        rows["  of training alone"] = f"{share:.0%}"
        rows[f"beside {crowded['programs']} busy: acting"] = f"{crowded['acting_ms']:.2f} ms"
        rows["  of acting alone"] = f"{result['acting_ms'] / crowded['acting_ms']:.0%}"
    head = f"{result['preset']} on {result['device']}, {result['threads']} threads, {result['precision']}{compiled}"
    return "\n".join([head, *(f"{name:<48}{value:>18}" for name, value in rows.items())])


def throughput(
    preset: Annotated[PresetName, tyro.conf.Positional],
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
    seconds: float = 10.0,
    steps: int = PEOPLE_STEPS,
    episodes: int | None = None,
    rows: int = PARALLEL,
    seed: int = 0,
    beside: int = 0,
    device: str = "auto",
) -> None:
    """Measure how fast a preset trains and acts.

    Args:
        preset: Preset whose network, batches and optimizer are measured.
        as_json: Print a JSON object instead of a table.
        seconds: Approximate duration of each measurement, in seconds; it takes at least three updates.
        steps: Length of each episode, in steps.
        episodes: Episodes per batch; by default those of the preset.
        rows: Episodes that act at a time.
        seed: Seed for weights and frames.
        beside: Also measure beside this many programs that each keep a core busy.
        device: Where the network runs: cpu, cuda, cuda:1, ...; auto is a GPU where there is one.

    Raises:
        ValueError: A number out of range, there is no such device, or the GPU is too small.
    """
    use_device(device)
    if not 0 < seconds < float("inf"):
        raise ValueError(f"--seconds must be a positive number, got {seconds}")
    if min(steps, rows, 1 if episodes is None else episodes) < 1:
        raise ValueError(f"--steps, --rows and --episodes must be at least 1, got {steps}, {rows} and {episodes}")
    if beside < 0:
        raise ValueError(f"--beside must not be negative, got {beside}")
    try:
        result = measure(preset, seconds, steps, episodes, rows, seed, beside)
    except torch.OutOfMemoryError:
        raise ValueError(f"preset {preset} does not fit this GPU; try --episodes 1") from None
    print(json.dumps(result) if as_json else table(result))


if __name__ == "__main__":
    with command_line(stopped="stopped"):
        tyro.cli(throughput, prog="python -m baselines.throughput")
