"""Rollouts: playing episodes in a vector environment."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

import jumppad_env
from agents.worlds import WorldConfig
from jumppad_env.dataset import Trajectory


class Actor(Protocol):
    """An agent or a crowd that acts in the rows of a vector environment."""

    def reset(self, rows: np.ndarray, seeds: np.ndarray) -> None:
        """Starts new episodes in the rows of a bool mask (N,), with seeds int (N,)."""
        ...

    def act(self, observations: Any, infos: dict[str, Any]) -> np.ndarray:
        """Returns actions, uint8 (N, 16)."""
        ...

    def mode(self, row: int) -> str:
        """Returns the true mode of the actor in a row, "" if it has none."""
        ...


class Truth(NamedTuple):
    """Ground truth about the actor in a row."""

    person: int
    """Number within the population."""
    skill: float
    """0 to 1."""
    favorite: str
    """Favorite character."""
    goals: np.ndarray | None
    """uint8 (T,), goal of each step so far: indices into `agents.population.modes.GOALS`."""


UNKNOWN = Truth(person=-1, skill=math.nan, favorite="", goals=None)
"""Ground truth of learned agents."""


@runtime_checkable
class KnownActor(Actor, Protocol):
    """An actor with ground truth: scripted people, but not learned agents."""

    def truth(self, row: int) -> Truth:
        """Returns the ground truth of a row's episode; everything but the goals is known after the reset."""
        ...


def make_envs(count: int, image_size: tuple[int, int] | None, world: WorldConfig | None = None, **keywords: Any) -> Any:
    """Makes the vector environment for rollouts.

    Args:
        count: number of episodes played at a time.
        image_size: (height, width), or None for states only, without rendering.
        world: the classic island by default.
        **keywords: further keywords of `gymnasium.make_vec`.
    """
    if image_size is None:
        keywords = {"observation": "state", **keywords}
    else:
        keywords = {"observation": "pixels", "image_size": image_size, **keywords}
    world = world or WorldConfig()
    keywords = {**world.keywords, **keywords}
    return gymnasium.make_vec(world.environment, num_envs=count, autoreset_mode=AutoresetMode.DISABLED, **keywords)


def rollout(
    envs: Any,
    actor: Actor,
    seeds: Sequence[int],
    *,
    keep_frames: bool = True,
    favorites: bool = False,
    starts: Callable[[np.ndarray], dict[str, Any]] | None = None,
) -> Iterator[Trajectory]:
    """Plays one episode per seed and yields them in the order of the seeds.

    An episode depends only on its own seed, not on how many are played at a time.

    Args:
        envs: result of `make_envs`.
        actor: acts in all rows.
        seeds: one per episode.
        keep_frames: whether trajectories hold the frames, if the environment renders them.
        favorites: whether people play their favorite character instead of the environment's.
        starts: returns reset options of all rows, given the seeds of their episodes, int (N,); options of rows that
            are not reset are ignored.

    Raises:
        ValueError: the actor has no favorites.
    """
    known = actor if isinstance(actor, KnownActor) else None
    if favorites and known is None:
        raise ValueError(f"{type(actor).__name__} has no favorite characters; only scripted people do")
    count = envs.num_envs
    draws = keep_frames and envs.unwrapped.options.observation == "pixels"
    horizon = envs.unwrapped.max_episode_steps
    waiting = iter(enumerate(seeds))
    episode = [-1] * count  # index of each row's episode, -1 if there are none left
    row_seeds = np.zeros(count, dtype=np.int64)
    steps = np.zeros(count, dtype=np.int64)
    actions = np.zeros((count, horizon, 16), dtype=np.uint8)
    states = np.zeros((count, horizon, envs.unwrapped.states().shape[1]))
    frames = np.zeros((count, horizon, *envs.single_observation_space.shape), dtype=np.uint8) if draws else None
    finished: dict[int, Trajectory] = {}
    due = 0

    def seat(rows: np.ndarray) -> None:
        """Assigns the next episodes to the rows."""
        for row in np.flatnonzero(rows):
            episode[row], row_seeds[row] = next(waiting, (-1, row_seeds[row]))
            steps[row] = 0

    rows = np.ones(count, dtype=np.bool_)
    seat(rows)
    while any(index >= 0 for index in episode):
        if rows.any():
            seed_list = [int(seed) if fresh else None for seed, fresh in zip(row_seeds, rows, strict=True)]
            actor.reset(rows, row_seeds)
            options = {"reset_mask": rows, **(starts(row_seeds) if starts else {})}
            if favorites and known is not None:
                options["character"] = [known.truth(row).favorite if rows[row] else "" for row in range(count)]
            observations, infos = envs.reset(seed=seed_list, options=options)
            envs.unwrapped.retire(np.array(episode) < 0)  # rows without an episode
        action = actor.act(observations, infos)
        playing = np.flatnonzero([index >= 0 for index in episode])
        actions[playing, steps[playing]] = action[playing]
        states[playing, steps[playing]] = envs.unwrapped.states()[playing]
        if frames is not None:
            for row in playing:
                frames[row, steps[row]] = observations[row]
        observations, _, terminated, truncated, infos = envs.step(action)
        steps += 1
        rows = (terminated | truncated) & (np.array(episode) >= 0)
        for row in np.flatnonzero(rows).tolist():
            length = int(steps[row])
            truth = UNKNOWN if known is None else known.truth(row)
            finished[episode[row]] = Trajectory(
                seed=int(row_seeds[row]),
                character=jumppad_env.CHARACTERS[infos["character"][row]],
                mode=actor.mode(row),
                pad=int(infos["pad"][row]),
                fell=bool(infos["fell"][row]),
                actions=actions[row, :length].copy(),
                states=states[row, :length].copy(),
                frames=None if frames is None else frames[row, :length].copy(),
                person=truth.person,
                skill=truth.skill,
                goals=truth.goals,
                settings=envs.unwrapped.options.settings,
            )
        while due in finished:
            yield finished.pop(due)
            due += 1
        seat(rows)
