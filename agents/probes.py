"""Probes of robustness: what does somebody do away from where demonstrations lead?

Whoever acts is told nothing. All that a probe draws comes from streams of the episode's own seed, so that an episode is
the same however many are played at a time, and whoever acts draws what it would have drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from agents.outcomes import wilson_interval
from agents.rollout import Actor, rollout
from jumppad_env import gamepad
from jumppad_env.dataset import Trajectory
from jumppad_env.island import load_island
from jumppad_env.island.walkable import walkable_places
from jumppad_env.rules import PADS
from jumppad_env.streams import stream
from jumppad_env.world.state import PAD, POSITION, VELOCITY

Probe = Literal["forced_miss", "odd_start", "pushes"]
PROBES: tuple[Probe, ...] = get_args(Probe)

PROBE_STEPS = 160
"""Control steps of a probed episode: 6 s more than usual, to come back in."""

MISS_DISTANCE = (3.5, 5.0)
"""m from a pad at which a run to it is made to miss. A turn takes time (docs/environment.md): nearer, the run would
still touch the pad; farther away, it would end at a bed or a wall before it was beside the pad."""
MISS_ANGLE = math.radians(40)
"""Between the way to the pad and the forced run."""
MISS_STEPS = 5
"""Control steps for which the sticks are held."""
RUNNING = 3.0
"""m/s; whoever is slower does not run."""
TOWARDS = math.radians(25)
"""Whoever moves within this angle of the way to a pad runs to it."""

PUSHES = 3
"""In an episode."""
PUSH_STEPS = 50
"""All pushes come in the first so many control steps."""
PUSH_SPEED = 4.0
"""m/s."""


class ForcedMiss:
    """Lets an actor play, but makes its first run to a pad in an episode miss it."""

    def __init__(self, actor: Actor, count: int, share: float = 1.0) -> None:
        """Watches over an actor of so many rows, in this share of the episodes."""
        self._actor, self._share = actor, share
        self._left = np.zeros(count, dtype=np.int64)  # steps for which the sticks are still held
        self._ready = np.zeros(count, dtype=np.bool_)
        self._angle = np.zeros(count)  # of the forced run from the way to the pad, then in the world, rad

    def reset(self, rows: np.ndarray, seeds: np.ndarray) -> None:
        """Draws the side on which the runs of new episodes will miss."""
        self._actor.reset(rows, seeds)
        for row in np.flatnonzero(rows):
            right = stream(int(seeds[row]), "probe forced miss").random() < 0.5
            self._angle[row] = -MISS_ANGLE if right else MISS_ANGLE
            self._ready[row] = is_watched(int(seeds[row]), self._share)
        self._left[rows] = 0

    def act(self, observations: Any, infos: dict[str, Any]) -> np.ndarray:
        """Returns the actor's actions, uint8 (N, 16), or those that run past the pad."""
        actions = self._actor.act(observations, infos)
        running, ways = running_to_a_pad(infos["position"], infos["velocity"], infos["pad"])
        for row in np.flatnonzero(running & self._ready):
            self._ready[row] = False
            self._left[row] = MISS_STEPS
            self._angle[row] += ways[row]
        for row in np.flatnonzero(self._left):
            actions[row] = _run(self._angle[row] - infos["camera_yaw"][row])
            self._left[row] -= 1
        return actions

    def mode(self, row: int) -> str:
        """Returns what the actor says of itself."""
        return self._actor.mode(row)


def is_watched(seed: int, share: float) -> bool:
    """Returns whether an episode is among the share in which a miss is forced."""
    return share >= 1 or bool(stream(seed, "probe forced miss", 1).random() < share)


def miss_began(trajectory: Trajectory) -> int | None:
    """Returns the control step of an episode in which `ForcedMiss` took the sticks, None if it never did."""
    states = trajectory.states
    running, _ = running_to_a_pad(states[:, POSITION], states[:, VELOCITY], states[:, PAD])
    return int(running.argmax()) if running.any() else None


def missed(trajectory: Trajectory) -> bool:
    """Returns whether no pad had been touched when the actor had the sticks back after a forced miss."""
    began = miss_began(trajectory)
    if began is None or began + MISS_STEPS >= len(trajectory):
        return False
    return bool(trajectory.states[began + MISS_STEPS, PAD] < 0)


class Pushes:
    """Lets an actor play, and pushes its character about."""

    def __init__(self, actor: Actor, envs: Any) -> None:
        """Watches over an actor in the rows of these environments."""
        self._actor = actor
        self._envs = envs.unwrapped
        self._steps = np.zeros(envs.num_envs, dtype=np.int64)
        self._pushes: list[dict[int, float]] = [{} for _ in range(envs.num_envs)]

    def reset(self, rows: np.ndarray, seeds: np.ndarray) -> None:
        """Draws when and where to new episodes are pushed."""
        self._actor.reset(rows, seeds)
        for row in np.flatnonzero(rows):
            self._pushes[row] = draw_pushes(int(seeds[row]))
        self._steps[rows] = 0

    def act(self, observations: Any, infos: dict[str, Any]) -> np.ndarray:
        """Returns the actor's actions, uint8 (N, 16), after which a push may come that it has not seen."""
        actions = self._actor.act(observations, infos)
        directions = [pushes.get(int(step)) for pushes, step in zip(self._pushes, self._steps, strict=True)]
        rows = np.array([direction is not None for direction in directions])
        if rows.any():
            angles = np.array([direction or 0.0 for direction in directions])
            self._envs.push(rows, PUSH_SPEED * np.stack([-np.sin(angles), np.cos(angles), 0.0 * angles], axis=1))
        self._steps += 1
        return actions

    def mode(self, row: int) -> str:
        """Returns what the actor says of itself."""
        return self._actor.mode(row)


def draw_pushes(seed: int) -> dict[int, float]:
    """Returns the pushes of an episode: direction, rad, counter-clockwise from +y, by control step."""
    generator = stream(seed, "probe pushes")
    steps = generator.choice(PUSH_STEPS, size=PUSHES, replace=False)
    return dict(zip(steps.tolist(), generator.uniform(-math.pi, math.pi, size=PUSHES).tolist(), strict=True))


def odd_starts(seeds: np.ndarray) -> dict[str, Any]:
    """Returns reset options that begin episodes anywhere on the track, facing anywhere.

    Args:
        seeds: int (N,), of the episodes.
    """
    places = walkable_places()
    generators = [stream(int(seed), "probe odd start") for seed in seeds]
    return {
        "position": np.array([places[generator.integers(len(places))] for generator in generators]),
        "heading": np.array([generator.uniform(-math.pi, math.pi) for generator in generators]),
    }


class Probed(NamedTuple):
    """An episode of a probe."""

    trajectory: Trajectory
    counts: bool
    """Whether the probe did to it what it says."""


def play_probe(probe: Probe, envs: Any, actor: Actor, seeds: Sequence[int]) -> Iterator[Probed]:
    """Plays one episode per seed, without frames, and yields them in the order of the seeds.

    Args:
        probe: one of `PROBES`.
        envs: of `agents.rollout.make_envs` with `max_episode_steps=PROBE_STEPS`.
        actor: plays all rows.
        seeds: one per episode.

    Raises:
        ValueError: an unknown probe.
    """
    if probe == "forced_miss":
        for trajectory in rollout(envs, ForcedMiss(actor, envs.num_envs), seeds, keep_frames=False):
            yield Probed(trajectory, missed(trajectory))
    elif probe == "odd_start":
        for trajectory in rollout(envs, actor, seeds, keep_frames=False, starts=odd_starts):
            yield Probed(trajectory, True)
    elif probe == "pushes":
        for trajectory in rollout(envs, Pushes(actor, envs), seeds, keep_frames=False):
            yield Probed(trajectory, True)
    else:
        raise ValueError(f"probe {probe!r} is unknown; choose one of {', '.join(PROBES)}")


def recovery(probe: Probe, episodes: Sequence[Probed]) -> dict[str, Any]:
    """Returns how many recovered, by the keys that `baselines.evaluate` writes.

    Returns:
        `probe`; `probed`, how many episodes count; of these the share `recovered` that reached a pad afterwards, its
        `recovered_ci95`, and the share `recovered_at` each pad. If none counts, shares are 0 and the interval is all.
    """
    pads = [episode.trajectory.pad for episode in episodes if episode.counts]
    count = len(pads)
    return {
        "probe": probe,
        "probed": count,
        "recovered": sum(pad >= 0 for pad in pads) / max(1, count),
        "recovered_ci95": list(wilson_interval(sum(pad >= 0 for pad in pads), count)) if count else [0.0, 1.0],
        "recovered_at": {name: pads.count(index) / max(1, count) for index, name in enumerate(PADS)},
    }


def recovery_line(outcome: dict[str, Any]) -> str:
    """Returns what `recovery` says as a line of text, in percent."""
    low, high = outcome["recovered_ci95"]
    pads = ", ".join(f"{name} {100 * share:.1f}" for name, share in outcome["recovered_at"].items())
    return (
        f"{outcome['probe']}: {outcome['probed']} of {outcome['episodes']} episodes probed, of which reached a pad "
        f"{100 * outcome['recovered']:.1f} [{100 * low:.1f}, {100 * high:.1f}]: {pads}"
    )


def running_to_a_pad(position: np.ndarray, velocity: np.ndarray, pad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Says where somebody runs to a pad and is as near to it as forced misses begin.

    Args:
        position: (N, 3) m.
        velocity: (N, 3) m/s.
        pad: (N,), touched so far, -1 none.

    Returns:
        bool (N,); the direction of the nearest pad, float64 (N,) rad, counter-clockwise from +y.
    """
    ways = load_island().pads[:, :2] - position[:, None, :2]
    distances = np.hypot(ways[..., 0], ways[..., 1])
    nearest = distances.argmin(axis=1)
    every = np.arange(len(nearest))
    distance, way = distances[every, nearest], ways[every, nearest]
    speed = np.hypot(velocity[:, 0], velocity[:, 1])
    towards = (velocity[:, :2] * way).sum(axis=1) > math.cos(TOWARDS) * speed * distance
    low, high = MISS_DISTANCE
    near = (low <= distance) & (distance <= high)
    return near & towards & (speed > RUNNING) & (pad < 0), np.arctan2(-way[:, 0], way[:, 1])


def _run(angle: float) -> np.ndarray:
    """Returns the action (16,) that runs at full speed at an angle from the camera's direction, and nothing else."""
    direction = np.array([-math.sin(angle), math.cos(angle)])
    action = gamepad.NEUTRAL.copy()
    # The nearest bucket on the edge of the stick's square, where both axes are as fine as they get.
    action[[gamepad.LEFT_X, gamepad.LEFT_Y]] = gamepad.to_buckets(direction / np.abs(direction).max())
    return action
