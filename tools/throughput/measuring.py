"""Measures the parts that the throughput of many machines is made of, each on one core."""

import dataclasses
import multiprocessing
import pickle
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agents.dataset import write_dataset
from agents.dataset.drawing import CHUNK_BYTES
from agents.population.cast import People, episode_seed
from agents.population.modes import GOALS
from agents.workers.playing import BLOCK
from baselines.align.reinforce import CHUNK, alignment_loss
from baselines.models.batches import make_batch
from baselines.models.policy import Policy, PolicyActor
from baselines.models.precision import use_device
from baselines.models.reward_model import RewardModel
from baselines.models.threads import EPISODES, count_parts, use_threads
from baselines.presets import PRESETS, PresetName
from jumppad_env.bench.measuring import in_turns, vector
from jumppad_env.dataset import Trajectory
from jumppad_env.dataset.blocks import BlockHasher
from jumppad_env.dataset.format import GrowingArray
from jumppad_env.drawing import Painter
from jumppad_env.machine.cores import count_cores
from jumppad_env.streams import stream

ROUNDS = 5
"""Repetitions of what is measured as a median."""
DRAWN = 64
"""Episodes whose frames are drawn, to be sent and written."""
FEW = 8
"""Rows of the smaller of the two batches that acting is measured with."""


def _median(work: Callable[[], Any]) -> float:
    """Returns the median seconds of some work, after one warm-up."""
    work()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def _play(seeds: list[int]) -> list[Trajectory]:
    """Plays episodes of people as a worker does."""
    seats = People("human", "rider")(BLOCK, 1)
    try:
        return list(seats.play(seeds))
    finally:
        seats.close()


def _workers() -> dict[str, float]:
    """Measures a worker process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        began = time.perf_counter()
        pool.apply(_play, ([0],))
        start = time.perf_counter() - began
        return {"start_seconds": start, "task_seconds": _median(lambda: pool.apply(len, ([],)))}


def _environment(size: tuple[int, int], seconds: float, seed: int) -> dict[str, float]:
    """Measures the vector environment in one thread and on all cores, in turns."""
    cores = count_cores()
    with ExitStack() as closing:
        steps = {count: vector(closing, seed, BLOCK, image_size=size, threads=count) for count in {1, cores}}
        rates = in_turns(steps, seconds)
    speed_up = statistics.median(all_of_them / one for all_of_them, one in zip(rates[cores], rates[1], strict=True))
    return {"environment_seconds": 1 / statistics.median(rates[1]), "efficiency": min(1.0, speed_up / cores)}


def _episodes(played: list[Trajectory], drawn: list[Trajectory]) -> dict[str, float]:
    """Measures episodes and their frames on their way: pickled, unpickled, written."""
    found = {}
    frames = [episode.frames for episode in drawn if episode.frames is not None]
    for name, parts in (("state", played), ("frame", frames)):
        pickled = pickle.dumps(parts, pickle.HIGHEST_PROTOCOL)
        found[f"{name}_bytes"] = len(pickled) / len(parts)
        found[f"receive_{name}_seconds"] = _median(lambda data=pickled: pickle.loads(data)) / len(parts)
    with tempfile.TemporaryDirectory() as place:
        numbers = iter(range(10**6))

        def write(episodes: list[Trajectory]) -> Any:
            return write_dataset(Path(place) / str(next(numbers)), episodes, seed=0, description={"goals": list(GOALS)})

        def store() -> None:
            array = GrowingArray(Path(place) / "frames.npy", frames[0].dtype, frames[0].shape[1:])
            hasher = BlockHasher()
            for rows in frames:
                array.append(rows)
                hasher.update(rows.data)
            array.finish()

        some = played[: len(played) // 4]  # without what a dataset takes whatever its size
        each = (_median(lambda: write(played)) - _median(lambda: write(some))) / (len(played) - len(some))
        return {**found, "write_seconds": max(0.0, each), "store_seconds": _median(store) / len(frames)}


def _network(preset: PresetName, drawn: list[Trajectory], seed: int) -> dict[str, float]:
    """Measures the policy of a preset, with random weights, on one thread of the CPU."""
    policy = Policy.initialize(PRESETS[preset].base.network, seed)
    policy.network.eval()
    reference, judge = policy.frozen_copy(), RewardModel.from_policy(policy.network).requires_grad_(False)
    acting = []
    for rows in (FEW, BLOCK):
        actor = PolicyActor(policy)
        actor.reset(np.ones(rows, bool), np.arange(rows))
        frames = stream(seed, "frames").integers(0, 256, (rows, *policy.config.image_size, 3), dtype=np.uint8)
        acting.append(_median(lambda actor=actor, frames=frames: [actor.act(frames) for _ in range(20)]) / 20)
    row = (acting[1] - acting[0]) / (BLOCK - FEW)
    batch = make_batch(drawn[:CHUNK], torch.device("cpu"))

    def learn() -> None:
        loss, _ = alignment_loss(policy, reference, judge, [batch], PRESETS[preset].aligned.kl_coefficient)
        loss.backward()

    return {
        "act_row_seconds": row,
        "act_seconds": max(0.0, acting[0] - FEW * row),
        "weight_bytes": sum(weight.numel() * weight.element_size() for weight in policy.network.parameters()),
        "learn_seconds": _median(learn) / int(batch.lengths.sum()),
        "learn_parts": count_parts(CHUNK, EPISODES),
    }


def measure(preset: PresetName, seconds: float, seed: int) -> dict[str, Any]:
    """Returns what `tools.throughput.model` needs to know of this machine; progress goes to stderr.

    Args:
        preset: whose network and image size.
        seconds: for the environment; the rest takes about a minute.
        seed: of episodes and weights.
    """

    def say(what: str) -> None:
        print(f"{what} ...", file=sys.stderr, flush=True)

    size = PRESETS[preset].base.network.image_size
    seeds = [episode_seed(seed, "human", index) for index in range(BLOCK)]
    say("a worker")
    workers = _workers()
    say("people")
    played = _play(seeds)
    play_seconds = _median(lambda: _play(seeds)) / len(seeds)
    say("drawing")
    painter = Painter(*size, threads=1)
    drawn = []
    for episode in played[:DRAWN]:
        frames = np.empty((len(episode), *size, 3), np.uint8)
        painter.draw(episode.states, [episode.character] * len(episode), frames)
        drawn.append(dataclasses.replace(episode, frames=frames))
    first = drawn[0]
    draw = _median(lambda: painter.draw(first.states, [first.character] * len(first), np.empty_like(first.frames)))
    painter.close()
    say("episodes on their way")
    on_their_way = _episodes(played, drawn)
    say("the environment")
    environment = _environment(size, seconds, seed)
    say("the network")
    use_device("cpu")
    with use_threads(1):
        network = _network(preset, drawn, seed)
    return {
        "update_episodes": PRESETS[preset].aligned.episodes,
        "block": BLOCK,
        "chunk": max(1, CHUNK_BYTES // first.frames[0].size),
        "steps": statistics.mean(len(episode) for episode in played),
        "longest": max(len(episode) for episode in played),
        "play_seconds": play_seconds,
        "draw_seconds": draw / len(first),
        **workers,
        **on_their_way,
        **environment,
        **network,
    }
