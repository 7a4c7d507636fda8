"""Robustness probes: how do agents act in states that demonstrations do not lead to?

The actor is not informed. All random numbers of a probe come from streams of the episode's own seed, so an episode does
not depend on how many are played at a time, and the actor draws the same random numbers as without the probe.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from agents.outcomes import wilson_interval
from agents.rollout import Actor, rollout
from agents.targets import Target
from agents.worlds import WorldConfig
from jumppad_env import gamepad
from jumppad_env.dataset import Trajectory
from jumppad_env.island import load_island
from jumppad_env.island.walkable import walkable_places
from jumppad_env.levels import LevelSettings, make_level
from jumppad_env.levels.track import draw_place
from jumppad_env.rules import PADS
from jumppad_env.streams import stream
from jumppad_env.world.episodes import level_of
from jumppad_env.world.options import IslandsOptions, Options
from jumppad_env.world.state import ISLAND, LEVEL, PAD, POSITION, VELOCITY

Probe = Literal["forced_miss", "odd_start", "pushes"]
PROBES: tuple[Probe, ...] = get_args(Probe)

PROBE_STEPS = 160
"""Control steps of a probed episode on the classic island: 6 s more than usual, to recover."""
EXTRA_STEPS = PROBE_STEPS - 100
"""Control steps by which a probed episode on levels may last longer."""

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


def longer(world: WorldConfig) -> dict[str, int]:
    """Returns the keyword for `agents.rollout.make_envs` that gives episodes of a world the time to recover."""
    return {"extra_steps": EXTRA_STEPS} if world.keywords else {"max_episode_steps": PROBE_STEPS}


class ForcedMiss:
    """Wraps an actor and makes its first run to a pad in an episode miss the pad."""

    def __init__(self, actor: Actor, count: int, share: float = 1.0, settings: LevelSettings | None = None) -> None:
        """Wraps an actor.

        Args:
            actor: acts in all rows.
            count: number of rows.
            share: of the episodes in which a miss is forced.
            settings: what the levels are like that are played; None: the classic island.
        """
        self._actor, self._share, self._settings = actor, share, settings
        self._left = np.zeros(count, dtype=np.int64)  # remaining steps for which the sticks are overridden
        self._ready = np.zeros(count, dtype=np.bool_)
        self._angle = np.zeros(count)  # of the forced run: first relative to the pad, then in the world, rad
        self._island = np.full((count, 2), -1, dtype=np.int64)  # level and island that each row is on
        self._pads = np.zeros((count, 0 if settings is None else settings.pads, 3))  # of that island, m

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
        running, ways = running_to_a_pad(infos["position"], infos["velocity"], *self._pads_of(infos))
        for row in np.flatnonzero(running & self._ready):
            self._ready[row] = False
            self._left[row] = MISS_STEPS
            self._angle[row] += ways[row]
        for row in np.flatnonzero(self._left):
            actions[row] = _run(self._angle[row] - infos["camera_yaw"][row])
            self._left[row] -= 1
        return actions

    def _pads_of(self, infos: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Returns the pad that each row has touched on its island, (N,), and the pads of that island."""
        if self._settings is None:
            return infos["pad"], load_island().pads[None]
        now = np.stack([infos["level"], infos["island"]], axis=1)
        changed = (now != self._island).any(axis=1)
        for row in np.flatnonzero(changed):  # asked for once: more levels may be played than are kept
            level, island = now[row].tolist()
            self._pads[row] = make_level(level, self._settings).islands[island].pads
        self._island[changed] = now[changed]
        return np.take_along_axis(infos["pads"], now[:, 1:], axis=1)[:, 0], self._pads

    def mode(self, row: int) -> str:
        """Returns the mode that the actor reports."""
        return self._actor.mode(row)


def is_watched(seed: int, share: float) -> bool:
    """Returns whether the episode belongs to the share in which a miss is forced."""
    return share >= 1 or bool(stream(seed, "probe forced miss", 1).random() < share)


def miss_began(trajectory: Trajectory) -> int | None:
    """Returns the control step at which `ForcedMiss` took over, None if it never did."""
    states, pads = trajectory.states, load_island().pads[None]
    if trajectory.settings is not None:
        level = make_level(int(states[0, LEVEL]), trajectory.settings)
        pads = np.array([island.pads for island in level.islands])[states[:, ISLAND].astype(np.int64)]
    running, _ = running_to_a_pad(states[:, POSITION], states[:, VELOCITY], states[:, PAD], pads)
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


def odd_starts(seeds: np.ndarray, options: Options) -> dict[str, Any]:
    """Returns reset options that start episodes at random places on the track, facing random directions.

    Args:
        seeds: int (N,), seeds of the episodes.
        options: of the environment; of several islands in a row, they start on the first.
    """
    positions, headings = zip(*(_odd_start(seed, options) for seed in seeds.tolist()), strict=True)
    return {"position": np.array(positions), "heading": np.array(headings)}


@functools.lru_cache(4096)  # whenever one row begins anew, all are asked for
def _odd_start(seed: int, options: Options) -> tuple[np.ndarray, float]:
    generator = stream(seed, "probe odd start")
    if isinstance(options, IslandsOptions):
        position = draw_place(generator, make_level(level_of(seed, options), options.settings))
    else:
        places = walkable_places()
        position = places[generator.integers(len(places))]
    return position, generator.uniform(-math.pi, math.pi)


class Probed(NamedTuple):
    """An episode of a probe."""

    trajectory: Trajectory
    counts: bool
    """Whether the probe took effect, so that the episode counts."""


def play_probe(probe: Probe, envs: Any, actor: Actor, seeds: Sequence[int]) -> Iterator[Probed]:
    """Plays one episode per seed, without frames, and yields them in the order of the seeds.

    Args:
        probe: one of `PROBES`.
        envs: result of `agents.rollout.make_envs` with the keyword of `longer`.
        actor: acts in all rows.
        seeds: one per episode.

    Raises:
        ValueError: the probe is unknown.
    """
    if probe not in PROBES:
        raise ValueError(f"probe {probe!r} is unknown; choose one of {', '.join(PROBES)}")
    options = envs.unwrapped.options
    if probe == "forced_miss":
        actor = ForcedMiss(actor, envs.num_envs, settings=options.settings)
    elif probe == "pushes":
        actor = Pushes(actor, envs)
    starts = functools.partial(odd_starts, options=options) if probe == "odd_start" else None
    for trajectory in rollout(envs, actor, seeds, keep_frames=False, starts=starts):
        yield Probed(trajectory, probe != "forced_miss" or missed(trajectory))


def recovery(probe: Probe, episodes: Sequence[Probed], target: Target | None = None) -> dict[str, Any]:
    """Returns the recovery rates of a probe, as `baselines.evaluate` writes them.

    Args:
        probe: one of `PROBES`.
        episodes: all that were played.
        target: the agent's own.

    Returns:
        `probe`; `probed`, the number of episodes that count; of these the share `recovered` that reached a pad
        afterwards (in a row of islands: of the last one), its `recovered_ci95`, and the share `recovered_at` each
        place; with a target also `recovered_target`, its name and the share that reached it. If no episode counts,
        shares are 0 and the interval is [0, 1].
    """
    counted = [episode.trajectory for episode in episodes if episode.counts]
    pads, count = [trajectory.place for trajectory in counted], len(counted)
    own = {}
    if target is not None:
        share = sum(map(target.reached, counted)) / max(1, count)
        own["recovered_target"] = {"target": str(target), "share": share}
    return {
        "probe": probe,
        "probed": count,
        "recovered": sum(pad >= 0 for pad in pads) / max(1, count),
        "recovered_ci95": list(wilson_interval(sum(pad >= 0 for pad in pads), count)) if count else [0.0, 1.0],
        "recovered_at": {name: pads.count(index) / max(1, count) for index, name in enumerate(PADS)},
        **own,
    }


def recovery_line(outcome: dict[str, Any]) -> str:
    """Returns the result of `recovery` as a line of text, in percent; the agent's own target first, if it has one."""
    low, high = outcome["recovered_ci95"]
    pads = ", ".join(f"{name} {100 * share:.1f}" for name, share in outcome["recovered_at"].items())
    target = outcome.get("recovered_target")
    own = f"its target ({target['target']}) {100 * target['share']:.1f}, " if target else ""
    return (
        f"{outcome['probe']}: {outcome['probed']} of {outcome['episodes']} episodes probed, of which reached {own}any "
        f"pad {100 * outcome['recovered']:.1f} [{100 * low:.1f}, {100 * high:.1f}]: {pads}"
    )


def running_to_a_pad(
    position: np.ndarray, velocity: np.ndarray, pad: np.ndarray, pads: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Detects runs to a pad at the distance where a miss is forced.

    Args:
        position: (N, 3) m.
        velocity: (N, 3) m/s.
        pad: (N,), pad touched so far, -1 none.
        pads: (N or 1, P, 3) m, pads of the island that each is on.

    Returns:
        bool (N,); the direction of the nearest pad, float64 (N,) rad, counterclockwise from +y.
    """
    ways = pads[..., :2] - position[:, None, :2]
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
