"""The single environment, `Jumppad-v0`."""

from typing import Any

import gymnasium
import numpy as np

from jumppad_env import gamepad
from jumppad_env.drawing import Painter
from jumppad_env.drawing.painter import CLOSED
from jumppad_env.world.episodes import FPS, Episodes, expect_push, longest_episode, observation_space
from jumppad_env.world.options import RENDER_MODES, IslandsOptions, Options

_ONLY = np.zeros(1, np.int64)
"""The only row."""


class JumppadEnv(gymnasium.Env[Any, np.ndarray]):
    """A character spawns on an island with three jump pads, left, middle and right; pixels in, gamepad out, at 10 Hz.

    A reproduction of the testbed of "Aligning Agents like Large Language Models" (arXiv 2406.04208) in MuJoCo.

    docs/environment.md documents keywords, actions, observations and infos with their units, the map and the looks; a
    test compares it with this code. In short:

    - Actions: `MultiDiscrete([11, 11, 11, 11] + [2] * 12)`, a gamepad's sticks and buttons (`jumppad_env.gamepad`);
      with `actions="continuous"` or `"discrete"` one of the simpler formats.
    - Observations: pixels `Box(0, 255, (height, width, 3), uint8)`, or a state `Box(float32)` with the columns of
      `jumppad_env.world.episodes.STATE_OBSERVATION`, or a `Dict` of both.
    - Copies by `copy.deepcopy` or pickle have the same future, bit for bit.
    - Reward: 1.0 at the step that touches the `target` pad (any pad if `target` is None), else 0.
    - End: terminates `flight_steps` steps after a pad is touched, or when the character falls off; truncates after 100
      steps (10 s). With `terminate_on_pad=False` every episode lasts 100 steps.
    - Infos: `pad`, `success`, `fell`, `position`, `velocity`, `heading`, `camera_yaw`, `character`.
    - Reset options: `spawn`, `position`, `heading`, `character`, `look`.

    Version history: v0, first version.
    """

    metadata = {"render_modes": list(RENDER_MODES), "render_fps": FPS}
    _options: type[Options] = Options

    def __init__(self, **keywords: Any) -> None:
        """Makes the environment.

        Args:
            **keywords: see `jumppad_env.world.options.Options`.

        Raises:
            ValueError: an unknown or invalid keyword value.
            TypeError: an unknown keyword.
        """
        self.options = self._options(**keywords)
        self.render_mode = self.options.render_mode
        make_space, self._decode = gamepad.FORMATS[self.options.actions]
        self.action_space = make_space()
        self.observation_space = observation_space(self.options)
        self.episodes = Episodes(1, self.options)
        self._painter = Painter(*self.options.image_size, variety=self.options.variety, settings=self.options.settings)
        self._screen = Painter(
            *self.options.render_size, fine=True, threads=2, variety=self.options.variety,
            settings=self.options.settings,
        )  # fmt: skip
        self._longest = longest_episode(self.options)
        self._steps = 0
        self._window: Any = None
        self._started = False

    def __getstate__(self) -> dict[str, Any]:
        """Returns what a copy needs to have the same future; it opens a window of its own."""
        _ = self.np_random, self.action_space.np_random  # a generator that is made at its first use is made now
        return {**self.__dict__, "_window": None}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Starts an episode.

        Raises:
            ValueError: an unknown or invalid reset option.
            gymnasium.error.ClosedEnvironmentError: after `close`; `step` and `render` too.
        """
        self._check_open()
        super().reset(seed=seed)
        self.episodes.reset(0, self.np_random, options)
        self._started, self._steps = True, 0
        if self.render_mode == "human":
            self.render()
        return self._observe()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Advances by 0.1 s.

        Raises:
            ValueError: the action is not in the action space.
            gymnasium.error.ResetNeeded: before the first reset.
        """
        self._check_open()
        if not self._started:
            raise gymnasium.error.ResetNeeded("call reset() before step()")
        rewards, terminated = self.episodes.step(self._decode(action, (gamepad.FACTORS,))[None])
        if self.render_mode == "human":
            self.render()
        observation, info = self._observe()
        self._steps += 1
        truncated = self._longest is not None and self._steps >= self._longest
        return observation, float(rewards[0]), bool(terminated[0]), truncated, info

    def render(self) -> Any:
        """Returns a frame, uint8 (*render_size, 3), in mode "rgb_array"; shows it in a window in mode "human"."""
        self._check_open()
        if self.render_mode is None:
            gymnasium.logger.warn('render() needs gymnasium.make(..., render_mode="rgb_array")')
            return None
        if not self._started:
            raise gymnasium.error.ResetNeeded("call reset() before render()")
        frame = self._screen.draw_one(self.get_state(), self.character)
        if self.render_mode == "rgb_array":
            return frame
        if self._window is None:
            from jumppad_env.drawing.window import Window

            self._window = Window(*self.options.render_size, fps=FPS)
        self._window.show(frame)
        return None

    def render_state(self, state: np.ndarray) -> np.ndarray:
        """Renders any state of this character like `render`, uint8 (*render_size, 3)."""
        self._check_open()
        return self._screen.draw_one(np.asarray(state), self.character)

    def close(self) -> None:
        """Closes the window; may be called twice."""
        self._painter.close()
        self._screen.close()
        if self._window is not None:
            self._window.close()
            self._window = None

    @property
    def character(self) -> str:
        """Name of the character; `info["character"]` is its index in `jumppad_env.CHARACTERS`."""
        return self.episodes.world.characters[0]

    def get_state(self) -> np.ndarray:
        """Returns the complete state, float64, columns named by `jumppad_env.world.STATE`."""
        return self.episodes.world.get_state(0)

    def set_state(self, state: np.ndarray) -> tuple[Any, dict[str, Any]]:
        """Restores a state of `get_state` (of the same character) and returns its observation and info.

        Raises:
            ValueError: an invalid state; see `jumppad_env.world.World.set_state`.
            gymnasium.error.ClosedEnvironmentError: after `close`.
        """
        self._check_open()
        if not self._started:
            self.reset()
        self.episodes.set_state(0, state)
        return self._observe()

    def push(self, velocity: np.ndarray) -> None:
        """Adds to the character's velocity at once, as a collision would; the next observation shows it.

        Args:
            velocity: (3,) m/s, added.

        Raises:
            ValueError: wrong shape, not finite, or too fast.
            gymnasium.error.ResetNeeded: before the first reset.
            gymnasium.error.ClosedEnvironmentError: after `close`.
        """
        self._check_open()
        if not self._started:
            raise gymnasium.error.ResetNeeded("call reset() before push()")
        self.episodes.world.velocity[0] += expect_push(velocity, (3,))

    def _check_open(self) -> None:
        if self._painter.closed:
            raise gymnasium.error.ClosedEnvironmentError(CLOSED)

    def _observe(self) -> tuple[Any, dict[str, Any]]:
        """Returns observation and info."""
        world = self.episodes.world
        states = world.states()
        parts: dict[str, np.ndarray] = {}
        if self.options.draws:
            frames = np.empty((1, *self.options.image_size, 3), np.uint8)
            self._painter.draw_rows(states, world.who, frames, _ONLY)
            parts["pixels"] = frames[0]
        if self.options.observation != "pixels":
            parts["state"] = self.episodes.observe(states)[0]
        observation = parts if self.options.observation == "both" else parts[self.options.observation]
        return observation, self.episodes.info_of_one(states[0])


class JumppadIslandsEnv(JumppadEnv):
    """Islands without number: a level is drawn from `num_levels` in every episode; docs/islands.md documents it.

    Keywords, actions, observations and infos are those of `Jumppad-v0`, and: `num_levels`, `start_level`,
    `distribution_mode`, `pads`, `islands`, `color_tie`, `cue`. Infos also have `level`, `island`, `pads`, `pad_colors`
    and `cue`; reset options `level` and `cue`. States have the columns of `jumppad_env.world.state.LEVEL_STATE` in
    addition. Episodes are truncated after 10 s for each island, and the flights between, by the environment itself.

    Version history: v0, first version.
    """

    _options = IslandsOptions
