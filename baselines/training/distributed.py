"""Training by several processes, on one machine or many: `torchrun --nproc-per-node 2 -m baselines.pretrain ...`.

Each process, a rank, computes its share of a batch; their losses, divided by what the whole batch holds, and gradients
are added, so that all ranks make the update that one process would, up to rounding. Rank 0 alone reads and writes the
training's directory: it goes on with any number of ranks. Without torchrun there is one rank, and nothing to add.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from baselines import artifact
from baselines.models.precision import DEVICE
from jumppad_env.command_line import first_line
from jumppad_env.machine.scarcity import what_ran_out
from jumppad_env.machine.signals import Terminated

Items = TypeVar("Items", list[Any], np.ndarray, range)

MEETING = timedelta(minutes=5)
"""Time in which ranks must find each other; torchrun has waited for their machines before."""
LONGEST = timedelta(hours=1)
"""Time that a rank waits for the others, as while rank 0 evaluates."""
ENDED = "ended"
"""What the rank that failed first tells the others: its number and exit code."""


class Lost(SystemExit):
    """Another rank has ended, and this one can't go on without it."""


def rank() -> int:
    """Returns the number of this process among those that train together, from 0."""
    return dist.get_rank() if world_size() > 1 else 0


def world_size() -> int:
    """Returns how many processes train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


@contextmanager
def processes() -> Iterator[None]:
    """Joins the processes that torchrun started, on its machines; around a command that can share its training.

    GPUs exchange gradients by NCCL, CPUs by Gloo. If several ranks fail, as they do if one does, only the first tells
    why; the others end with its exit code.

    Raises:
        ConnectionError: The others are not reached.
        Lost: Another rank was killed.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    from torch.distributed.rendezvous import rendezvous  # some builds of PyTorch have none

    gpu = torch.cuda.is_available()
    if gpu:
        os.environ.setdefault(DEVICE, _own_gpu())
    try:
        store, number, size = next(iter(rendezvous("env://", timeout=MEETING)))
        backend = "cpu:gloo,cuda:nccl" if gpu and dist.is_nccl_available() else "gloo"
        dist.init_process_group(backend, store=store, rank=number, world_size=size, timeout=LONGEST)
    except RuntimeError as error:
        place = f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}"
        remedy = "check the addresses that torchrun was given, and GLOO_SOCKET_IFNAME"
        raise ConnectionError(f"no connection to the other ranks at {place} ({first_line(error)}); {remedy}") from None
    if number > 0:
        os.environ["TQDM_DISABLE"] = "1"
    try:
        yield
    except BaseException as error:
        if code := _exit_code(error):
            first = own = f"{number} {code}"
            with suppress(RuntimeError):  # whoever keeps the store has ended
                first = store.compare_set(ENDED, "", own).decode()
            if first != own:
                raise SystemExit(int(first.split()[1])) from None
            if number > 0 and isinstance(error, (ValueError, OSError)):
                raise ValueError(f"rank {number}: {first_line(error)}") from error
        raise
    dist.destroy_process_group()


def _exit_code(error: BaseException) -> int:
    """Returns the code with which `command_line` will end."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if isinstance(error, KeyboardInterrupt):
        return 143 if isinstance(error, Terminated) else 130
    known = isinstance(error, (ValueError, OSError)) or (isinstance(error, Exception) and what_ran_out(error))
    return 2 if known else 1


@contextmanager
def begin(
    directory: Path, *, kind: str, config: Any, seed: int, inputs: Mapping[str, Path | None], batch: int
) -> Iterator[artifact.Work]:
    """Begins an artifact that all ranks work on and rank 0 writes; see `artifact.begin`.

    Args:
        directory: Only rank 0 needs to see it.
        kind: Kind of the artifact.
        config: Dataclass of the stage.
        seed: Seed of the stage.
        inputs: By role; each rank reads them from its own path.
        batch: What the ranks share at each update: a number of episodes or comparisons.

    Yields:
        The work. All ranks leave the block when rank 0 has finished the artifact.

    Raises:
        ValueError: See `artifact.begin`; or there are more ranks than the batch has parts, or they differ in
            configuration or inputs.
    """
    asked: dict[str, Any] = {"kind": kind, "config": config, "seed": seed, "inputs": inputs}
    if world_size() == 1:
        with artifact.begin(directory, **asked) as work:
            yield work
        return
    share(range(batch))
    device = os.environ.get(DEVICE, "cpu")
    if device == "cuda":
        os.environ[DEVICE] = _own_gpu()
    elif device not in ("cpu", _own_gpu()):
        raise ValueError(f"device is {device}, but each rank has a GPU of its own; leave it out, or give --device cpu")
    _check_same(artifact.request(**asked))
    if rank() == 0:
        with artifact.begin(directory, **asked) as work:
            from_rank_0((work.finished, work.metrics))
            yield work
    else:
        yield artifact.Work(directory, *from_rank_0(None))
    from_rank_0(None)  # which may have much to write


def _own_gpu() -> str:
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"


def _check_same(asked: dict[str, Any]) -> None:
    everyone: list[Any] = [None] * world_size()
    with _reaching_all():
        dist.all_gather_object(everyone, asked)
    for number, other in enumerate(everyone):
        if rank() == 0 and (found := artifact.differences(everyone[0], other)):
            raise ValueError(f"rank {number} differs from rank 0: {found}; give all ranks the same command and data")


def share(items: Items) -> Items:
    """Returns this rank's items of a batch, every world_size-th.

    Raises:
        ValueError: There are fewer items than ranks.
    """
    if len(items) < world_size():
        raise ValueError(
            f"a batch of {len(items)} cannot be shared among {world_size()} ranks; make it larger or start fewer"
        )
    return items[rank() :: world_size()]


def from_rank_0(value: Any) -> Any:
    """Returns rank 0's value to all ranks, which wait for it."""
    if world_size() == 1:
        return value
    box = [value]
    with _reaching_all():
        dist.broadcast_object_list(box, 0, device=torch.device("cpu"))
    return box[0]


def tensors_from_rank_0(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Returns rank 0's tensors, by name, on the CPU of all ranks; those given by the others do not matter."""
    received = {}
    for name, dtype, shape in from_rank_0([(name, tensor.dtype, tensor.shape) for name, tensor in tensors.items()]):
        tensor = tensors[name].detach().cpu().contiguous() if rank() == 0 else torch.empty(shape, dtype=dtype)
        with _reaching_all():
            dist.broadcast(tensor, 0)
        received[name] = tensor
    return received


def add_up(
    parameters: Iterable[nn.Parameter], loss: Tensor, metrics: dict[str, float]
) -> tuple[Tensor, dict[str, float]]:
    """Adds gradients, in place, losses (scalars) and metrics over all ranks; returns loss and metrics."""
    if world_size() == 1:
        return loss, metrics
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    scalars = torch.tensor([*metrics.values()], dtype=loss.dtype, device=loss.device)
    parts = [*(gradient.flatten() for gradient in gradients), loss.reshape(1), scalars]
    sums = torch.cat(parts)  # one message: each costs a round trip
    with _reaching_all():
        dist.all_reduce(sums)
    *added, total, scalars = sums.split([len(part) for part in parts])
    for gradient, values in zip(gradients, added, strict=True):
        gradient.copy_(values.view(gradient.shape))
    return total[0], dict(zip(metrics, scalars.tolist(), strict=True))


@contextmanager
def _reaching_all() -> Iterator[None]:
    try:
        yield
    except RuntimeError:
        if sys.flags.dev_mode:
            raise
        raise Lost("error: another rank has ended, or is not reached; run the same command again to resume") from None
