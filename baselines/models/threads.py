"""Threads: each takes whole episodes of a batch, instead of a share of every operation.

PyTorch divides each operation among its threads, which then spin until the last is done. Our operations last less than
a millisecond, so two threads gain little, and as soon as another program needs a core, all wait for the thread that it
displaced: beside two busy programs an update took up to 22 times as long. Here each operation runs on one thread, and
the threads take parts of the batch from a queue: nobody spins, and whoever has a core goes on.

Results do not depend on the number of threads: the parts of a batch depend on its size only, and their gradients are
added in the order of the parts.
"""

import contextlib
import ctypes
import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from jumppad_env.machine.cores import count_cores

T = TypeVar("T")

EPISODES = 4
"""Most whole episodes in a part: fewer cost more per episode, more keep threads waiting at the end."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Options of glibc's `mallopt`."""
ROWS = 32
"""Most rows in a part of a single step of many episodes."""


class _Crew:
    """The threads of this process, started when they are first needed."""

    threads = 1
    """Until `prepare_cpu`, whoever imports this package keeps PyTorch's way of threads."""
    pool: ThreadPoolExecutor | None = None


def prepare_cpu() -> None:
    """Sets this process up to run networks on its CPU: from now on, threads divide batches instead of operations.

    The number of threads is PyTorch's, which follows `OMP_NUM_THREADS` and `torch.set_num_threads`.
    """
    threads = torch.get_num_threads()
    if threads > 1:
        _Crew.threads = threads
        torch.set_num_threads(1)
    # Activations are freed and needed again at every update. By default glibc returns them to the system, which then
    # has to clear every page of them: up to a tenth of an update.
    with contextlib.suppress(AttributeError, OSError, TypeError):  # another C library than glibc
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, 32 * 2**20)  # the most that it takes
        mallopt(M_TRIM_THRESHOLD, 2**30)


def take_share_of_cores(worker: int, workers: int) -> None:
    """Gives one of several processes its part of the cores: see `agents.workers.processes.Processes`.

    Two trainings on a core each do more than one after the other on both, and an agent that plays keeps little more
    than one core busy.
    """
    if workers > 1 and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[worker % len(cores) :: workers] or cores)
    torch.set_num_threads(max(1, count_cores()))


def count_threads() -> int:
    """Returns among how many threads batches are divided."""
    return _Crew.threads


@contextmanager
def use_threads(count: int) -> Iterator[None]:
    """Divides batches among this many threads inside the block."""
    before, pool = _Crew.threads, _Crew.pool
    _Crew.threads, _Crew.pool = count, None
    try:
        yield
    finally:
        if _Crew.pool is not None:
            _Crew.pool.shutdown()
        _Crew.threads, _Crew.pool = before, pool


def run_all(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Returns the results of the jobs, in their order; each runs on whichever thread is free.

    Autocast and gradient mode are the caller's.
    """
    if _Crew.threads == 1 or len(jobs) == 1:
        return [job() for job in jobs]
    if _Crew.pool is None:
        _Crew.pool = ThreadPoolExecutor(_Crew.threads, "jumppad")
    return list(_Crew.pool.map(_in_modes(), jobs))


def _in_modes() -> Callable[[Callable[[], T]], T]:
    """Returns a function that runs a job in the modes of the calling thread; PyTorch keeps them per thread."""
    inference, grad = torch.is_inference_mode_enabled(), torch.is_grad_enabled()
    enabled, dtype = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")

    def run(job: Callable[[], T]) -> T:
        # A part uses each weight once, so there is nothing to keep; and threads would share what is kept.
        with (
            torch.inference_mode(inference),
            torch.set_grad_enabled(grad),
            torch.autocast("cpu", dtype, enabled, cache_enabled=False),
        ):
            return job()

    return run


def count_parts(rows: int, most: int) -> int:
    """Returns into how many parts of at most `most` rows a batch is divided: an even number, for two threads."""
    return min(rows, 2 * math.ceil(rows / (2 * most)))


def apply_in_parts(module: nn.Module, frames: Tensor, most: int) -> Tensor:
    """Returns `module(frames)`, computed in parts of a few rows, with gradients for the module's parameters.

    Args:
        module: Maps (B, ...) to (B, ...), each row independently, without changing itself.
        frames: (B, ...), which need no gradient.
        most: Most rows in a part, such as `EPISODES`.
    """
    count = count_parts(len(frames), most)
    compiled = getattr(module, "_compiled_call_impl", None) is not None  # it has its own way of dividing work
    if frames.device.type != "cpu" or count < 2 or compiled:
        return module(frames)
    parts = frames.tensor_split(count)
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if torch.is_grad_enabled() and parameters:
        return _InParts.apply(module, parts, *parameters)  # pyright: ignore[reportReturnType]
    return torch.cat(run_all([partial(module, part) for part in parts]))


class _InParts(torch.autograd.Function):
    """Forward and backward pass of a module over the parts of a batch."""

    @staticmethod
    def forward(ctx: Any, module: nn.Module, parts: Sequence[Tensor], *parameters: nn.Parameter) -> Tensor:
        with torch.enable_grad():  # of each part's own graph; the whole has only this function in its graph
            ctx.outputs = run_all([partial(module, part) for part in parts])
        ctx.parameters = parameters
        return torch.cat([output.detach() for output in ctx.outputs])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        gradients = gradient.split([len(output) for output in ctx.outputs])
        outputs, ctx.outputs = ctx.outputs, None  # a graph can be followed once, and its memory is needed again

        def follow(output: Tensor, gradient: Tensor) -> tuple[Tensor | None, ...]:
            return torch.autograd.grad(output, ctx.parameters, gradient, allow_unused=True)

        parts = run_all([partial(follow, *pair) for pair in zip(outputs, gradients, strict=True)])
        return (None, None, *(_add(of_parts) for of_parts in zip(*parts, strict=True)))


def _add(gradients: Sequence[Tensor | None]) -> Tensor | None:
    """Returns the sum in the given order, in place of the first."""
    total, *others = gradients
    if total is None:
        return None
    for other in others:
        assert other is not None
        total += other
    return total


def _forget_pool() -> None:
    _Crew.pool = None  # a forked process has none of its parent's threads


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
