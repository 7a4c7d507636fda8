"""Robustness probes: how do agents act in states that demonstrations do not lead to?

The actor is not informed. All random numbers of a probe come from streams of the episode's own seed, so an episode does
not depend on how many are played at a time, and the actor draws the same random numbers as without the probe.
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
"""Control steps of a probed episode: 6 s more than usual, to recover."""

MISS_DISTANCE = (3.5, 5.0)
"""Distance in m from a pad at which a run is forced to miss it. A turn takes time (docs/environment.md): closer, the
run would still touch the pad; farther away, it would hit a bed or a wall before passing the pad."""
MISS_ANGLE = math.radians(40)
"""Angle between the direction of the pad and the forced run."""
MISS_STEPS = 5
"""Control steps for which the sticks are overridden."""
RUNNING = 3.0
"""Minimum speed of a run, m/s."""
TOWARDS = math.radians(25)
"""Largest angle between the velocity and the direction of a pad at which the run counts as a run to it."""

PUSHES = 3
"""Number of pushes per episode."""
PUSH_STEPS = 50
"""Control steps from the start within which all pushes come."""
PUSH_SPEED = 4.0
"""Change of velocity, m/s."""


class ForcedMiss:
    """Wraps an actor and makes its first run to a pad in an episode miss the pad."""

    def __init__(self, actor: Actor, count: int, share: float = 1.0) -> None:
        """Wraps an actor of `count` rows; a miss is forced in this share of the episodes."""
        self._actor, self._share = actor, share
        self._left = np.zeros(count, dtype=np.int64)  # remaining steps for which the sticks are overridden
        self._ready = np.zeros(count, dtype=np.bool_)
        self._angle = np.zeros(count)  # of the forced run: first relative to the pad, then in the world, rad

    def reset(self, rows: np.ndarray, seeds: np.ndarray) -> None:
        """Draws the side on which new episodes will miss."""
        self._actor.reset(rows, seeds)
        for row in np.flatnonzero(rows):
            right = stream(int(seeds[row]), "probe forced miss").random() < 0.5
            self._angle[row] = -MISS_ANGLE if right else MISS_ANGLE
            self._ready[row] = is_watched(int(seeds[row]), self._share)
        self._left[rows] = 0

    def act(self, observations: Any, infos: dict[str, Any]) -> np.ndarray:
        """Returns actions, uint8 (N, 16): the actor's, or those that run past the pad."""
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
        """Returns the mode that the actor reports."""
        return self._actor.mode(row)


def is_watched(seed: int, share: float) -> bool:
    """Returns whether the episode belongs to the share in which a miss is forced."""
    return share >= 1 or bool(stream(seed, "probe forced miss", 1).random() < share)


def miss_began(trajectory: Trajectory) -> int | None:
    """Returns the control step at which `ForcedMiss` took over, None if it never did."""
    states = trajectory.states
    running, _ = running_to_a_pad(states[:, POSITION], states[:, VELOCITY], states[:, PAD])
    return int(running.argmax()) if running.any() else None


def missed(trajectory: Trajectory) -> bool:
    """Returns whether no pad was touched by the end of a forced miss."""
    began = miss_began(trajectory)
    if began is None or began + MISS_STEPS >= len(trajectory):
        return False
    return bool(trajectory.states[began + MISS_STEPS, PAD] < 0)


class Pushes:
    """Wraps an actor and pushes its character at random times."""

    def __init__(self, actor: Actor, envs: Any) -> None:
        """Wraps an actor that plays in these environments."""
        self._actor = actor
        self._envs = envs.unwrapped
        self._steps = np.zeros(envs.num_envs, dtype=np.int64)
        self._pushes: list[dict[int, float]] = [{} for _ in range(envs.num_envs)]

    def reset(self, rows: np.ndarray, seeds: np.ndarray) -> None:
        """Draws times and directions of the pushes of new episodes."""
        self._actor.reset(rows, seeds)
        for row in np.flatnonzero(rows):
            self._pushes[row] = draw_pushes(int(seeds[row]))
        self._steps[rows] = 0

    def act(self, observations: Any, infos: dict[str, Any]) -> np.ndarray:
        """Returns the actor's actions, uint8 (N, 16), and then pushes, which the actor sees only in the next step."""
        actions = self._actor.act(observations, infos)
        directions = [pushes.get(int(step)) for pushes, step in zip(self._pushes, self._steps, strict=True)]
        rows = np.array([direction is not None for direction in directions])
        if rows.any():
            angles = np.array([direction or 0.0 for direction in directions])
            self._envs.push(rows, PUSH_SPEED * np.stack([-np.sin(angles), np.cos(angles), 0.0 * angles], axis=1))
        self._steps += 1
        return actions

    def mode(self, row: int) -> str:
        """Returns the mode that the actor reports."""
        return self._actor.mode(row)


def draw_pushes(seed: int) -> dict[int, float]:
    """Returns the pushes of an episode: direction by control step, rad, counterclockwise from +y."""
    generator = stream(seed, "probe pushes")
    steps = generator.choice(PUSH_STEPS, size=PUSHES, replace=False)
    return dict(zip(steps.tolist(), generator.uniform(-math.pi, math.pi, size=PUSHES).tolist(), strict=True))


def odd_starts(seeds: np.ndarray) -> dict[str, Any]:
    """Returns reset options that start episodes at random places on the track, facing random directions.

    Args:
        seeds: int (N,), seeds of the episodes.
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
    """Whether the probe took effect, so that the episode counts."""


def play_probe(probe: Probe, envs: Any, actor: Actor, seeds: Sequence[int]) -> Iterator[Probed]:
    """Plays one episode per seed, without frames, and yields them in the order of the seeds.

    Args:
        probe: one of `PROBES`.
        envs: result of `agents.rollout.make_envs` with `max_episode_steps=PROBE_STEPS`.
        actor: acts in all rows.
        seeds: one per episode.

    Raises:
        ValueError: the probe is unknown.
    """
    if probe not in PROBES:
        raise ValueError(f"probe {probe!r} is unknown; choose one of {', '.join(PROBES)}")
    if probe == "forced_miss":
        actor = ForcedMiss(actor, envs.num_envs)
    elif probe == "pushes":
        actor = Pushes(actor, envs)
    starts = odd_starts if probe == "odd_start" else None
    for trajectory in rollout(envs, actor, seeds, keep_frames=False, starts=starts):
        yield Probed(trajectory, probe != "forced_miss" or missed(trajectory))


def recovery(probe: Probe, episodes: Sequence[Probed]) -> dict[str, Any]:
    """Returns the recovery rates of a probe, as `baselines.evaluate` writes them.

    Returns:
        `probe`; `probed`, the number of episodes that count; of these the share `recovered` that reached a pad
        afterwards, its `recovered_ci95`, and the share `recovered_at` each pad. If no episode counts, shares are 0
        and the interval is [0, 1].
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


def recovery_line(outcome: dict[str, Any], target: str | None = None) -> str:
    """Returns the result of `recovery` as a line of text, in percent; the agent's own pad first, if it has one."""
    low, high = outcome["recovered_ci95"]
    pads = ", ".join(f"{name} {100 * share:.1f}" for name, share in outcome["recovered_at"].items())
    own = (
        f"its target ({target}) {100 * outcome['recovered_at'][target]:.1f}, "
        if target in outcome["recovered_at"]
        else ""
    )
    return (
        f"{outcome['probe']}: {outcome['probed']} of {outcome['episodes']} episodes probed, of which reached {own}any "
        f"pad {100 * outcome['recovered']:.1f} [{100 * low:.1f}, {100 * high:.1f}]: {pads}"
    )


def running_to_a_pad(position: np.ndarray, velocity: np.ndarray, pad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Detects runs to a pad at the distance where a miss is forced.

    Args:
        position: (N, 3) m.
        velocity: (N, 3) m/s.
        pad: (N,), pad touched so far, -1 none.

    Returns:
        bool (N,); the direction of the nearest pad, float64 (N,) rad, counterclockwise from +y.
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
    """Returns the action (16,) that only runs, at full speed, at an angle from the camera's direction."""
    direction = np.array([-math.sin(angle), math.cos(angle)])
    action = gamepad.NEUTRAL.copy()
    # The nearest bucket on the edge of the stick's square, where the resolution of angles is highest.
    action[[gamepad.LEFT_X, gamepad.LEFT_Y]] = gamepad.to_buckets(direction / np.abs(direction).max())
    return action
