"""What other formats need beyond a trajectory: the last observation, rewards, terminations and truncations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

import jumppad_env  # noqa: F401 -- registers the environments
from agents.worlds import world_of
from jumppad_env.dataset import Trajectory
from jumppad_env.env import JumppadEnv
from jumppad_env.world import PHYSICS_STATE, STATE, observe, observe_levels
from jumppad_env.world.episodes import judge
from jumppad_env.world.state import VX

KEYWORDS = ("character", "variety", "target", "terminate_on_pad", "flight_steps")
"""Keywords of `gymnasium.make` that determine frames, rewards and terminations."""


@dataclass(frozen=True, eq=False)
class Transitions:
    """T steps between T + 1 observations; step t leads from row t to row t + 1."""

    states: np.ndarray
    """float64 (T + 1, C)."""
    frames: np.ndarray | None
    """uint8 (T + 1, H, W, 3), None if not rendered."""
    rewards: np.ndarray
    """float64 (T,): 1 at the step that touches the target pad."""
    terminations: np.ndarray
    """bool (T,)."""
    truncations: np.ndarray
    """bool (T,): True at the last step of an episode that did not terminate."""


class Player:
    """Replays the last action of trajectories.

    Attributes:
        env: environment with the dataset's keywords and frame size; that of states if nothing is rendered.
    """

    def __init__(self, environment: Mapping[str, Any], image_size: tuple[int, int] | None) -> None:
        """Makes the environment, which `close` closes.

        Args:
            environment: keywords of `gymnasium.make`, from the manifest.
            image_size: (height, width) of the frames; None: render nothing.

        Raises:
            ValueError: a keyword has an invalid value.
        """
        world = world_of(environment)
        self._settings = world.settings
        keywords = {name: environment[name] for name in KEYWORDS if name in environment} | world.keywords
        shown = {} if image_size is None else {"image_size": tuple(image_size)}
        name = world.environment if image_size is not None else world.environment.replace("-", "State-")
        self.env = gymnasium.make(name, **shown, **keywords)

    def finish(self, trajectory: Trajectory) -> Transitions:
        """Returns the trajectory's steps with their consequences.

        Row t of a trajectory holds the observation before action t, so the last action is replayed and rendered here.

        Raises:
            ValueError: the trajectory has no frames, and they are to be rendered.
        """
        env = self.env.unwrapped
        assert isinstance(env, JumppadEnv)
        frames = trajectory.frames if env.options.draws else None
        if env.options.draws and frames is None:
            raise ValueError("the trajectory has no frames; render them first")
        env.reset(options={"character": trajectory.character})
        episodes = env.episodes
        columns = len(episodes.world.columns)
        before, others = np.split(trajectory.states[-1], [columns])
        env.set_state(before)
        last, *_ = env.step(trajectory.actions[-1])
        after = np.concatenate([env.get_state(), others])  # this world does not change other columns
        states = np.concatenate([trajectory.states, after[None]])
        rewards, terminations = np.empty(len(trajectory)), np.empty(len(trajectory), dtype=np.bool_)
        judge(  # by the environment's own rules
            np.ascontiguousarray(states[1:, len(PHYSICS_STATE) : columns]),
            np.ascontiguousarray(states[1:, :VX]),
            episodes.world.fall_height,
            episodes.targets.repeat(len(trajectory), axis=0),
            env.options.flight_steps if env.options.terminate_on_pad else -1,
            rewards,
            terminations,
        )
        truncations = np.zeros(len(trajectory), dtype=np.bool_)
        truncations[-1] = not terminations[-1]
        return Transitions(
            states=states,
            frames=None if frames is None else np.concatenate([frames, last[None]]),
            rewards=rewards,
            terminations=terminations,
            truncations=truncations,
        )

    def observe(self, states: np.ndarray) -> np.ndarray:
        """Returns what the world's environment of states, such as `JumppadState-v0`, shows of states (T, columns)."""
        if self._settings is None:
            return observe(states[:, : len(STATE)])
        return observe_levels(states, self._settings)

    def close(self) -> None:
        """Closes the environment."""
        self.env.close()
