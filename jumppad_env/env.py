"""The single environment, `Jumppad-v0`."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from jumppad_env import gamepad
from jumppad_env.drawing import CLOSED, Painter
from jumppad_env.episodes import FPS, Episodes, observation_space
from jumppad_env.options import RENDER_MODES, Options


class JumppadEnv(gymnasium.Env[Any, np.ndarray]):
    """A character spawns on an island with three jump pads, left, middle and right; pixels in, gamepad out, at 10 Hz.

    A reproduction of the testbed of "Aligning Agents like Large Language Models" (arXiv 2406.04208) in MuJoCo.

    ## Action space
    `MultiDiscrete([11, 11, 11, 11] + [2] * 12)`. Stick buckets: 0 is -1.0, 5 the center, 10 is +1.0; up and right are
    positive.

    | index | control | effect |
    |---|---|---|
    | 0, 1 | left stick x, y | movement relative to the camera, top speed 9 m/s on the board |
    | 2, 3 | right stick x, y | turns the camera right, tilts it up |
    | 4 | A | jumps 1.3 m |
    | 5 | B | dodges: a dash of 3 m, once a second |
    | 6 | X | attacks: swings the arm, a third of the speed for 0.5 s |
    | 7 | Y | leaves or mounts the board |
    | 8 to 15 | LB RB LT RT L3 R3 DPAD_UP DPAD_DOWN | nothing |

    ## Observation space
    `observation="pixels"`: `Box(0, 255, (height, width, 3), uint8)` from the third-person camera.
    `observation="state"`: `Box(float32)`, in this order (see `jumppad_env.episodes.STATE_OBSERVATION`):

    | columns | what | unit, MJCF name |
    |---|---|---|
    | 0 to 2 | position of the feet | m; joints x, y, z |
    | 3 to 5 | velocity | m/s; joints x, y, z |
    | 6, 7 | sine, cosine of the heading | joint yaw; 0 along +y, counter-clockwise |
    | 8, 9 | sine, cosine of the camera's yaw | |
    | 10 | camera's tilt | rad, positive up |
    | 11 | grounded | 0 or 1; sensor ground |
    | 12 | mounted | 0 or 1 |
    | 13 | attack, time left | s |
    | 14 | dodge, time until the next | s |
    | 15 to 20 | way to the left, middle, right pad, x and y | m; geoms pad_left, pad_middle, pad_right |
    | 21 to 23 | pad touched, one-hot | |

    `observation="both"`: `Dict(pixels=..., state=...)`.

    ## Reward
    1.0 at the step that touches the `target` pad (any pad if `target` is None), else 0.

    ## Episode end
    Terminates `flight_steps` steps after a pad was touched, or when the character has fallen off; truncates after 100
    steps (10 s). With `terminate_on_pad=False` it always lasts 100 steps.

    ## Info
    `pad` (int, -1 none, 0 left, 1 middle, 2 right), `success` (bool), `fell` (bool), `position` (float64 (3,), m),
    `velocity` (float64 (3,), m/s), `heading` and `camera_yaw` (float, rad), `character` (str).

    ## Reset options
    `spawn` (0 to 3), `position` ((3,) m), `heading` (rad), `character` (name), `look` (int from 0, what `variety` is
    drawn from).

    ## Version history
    v0: initial version.
    """

    metadata = {"render_modes": list(RENDER_MODES), "render_fps": FPS}

    def __init__(self, **keywords: Any) -> None:
        """Makes the environment.

        Args:
            **keywords: see `jumppad_env.options.Options`.

        Raises:
            ValueError: an unknown or impossible keyword value.
            TypeError: an unknown keyword.
        """
        self.options = Options(**keywords)
        self.render_mode = self.options.render_mode
        self.action_space = gamepad.action_space()
        self.observation_space = observation_space(self.options)
        self._episodes = Episodes(1, self.options)
        self._painter = Painter(*self.options.image_size, variety=self.options.variety)
        self._screen = Painter(*self.options.render_size, fine=True, threads=2, variety=self.options.variety)
        self._window: Any = None
        self._started = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Starts an episode.

        Raises:
            ValueError: an unknown or impossible reset option.
            gymnasium.error.ClosedEnvironmentError: after `close`; `step` and `render` too.
        """
        self._check_open()
        super().reset(seed=seed)
        self._episodes.reset(0, self.np_random, options)
        self._started = True
        if self.render_mode == "human":
            self.render()
        return self._observe(), self._episodes.info_of_one()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Advances by 0.1 s.

        Raises:
            ValueError: the action does not fit the action space.
            gymnasium.error.ResetNeeded: before the first reset.
        """
        self._check_open()
        if not self._started:
            raise gymnasium.error.ResetNeeded("call reset() before step()")
        rewards, terminated = self._episodes.step(gamepad.validate(action, (gamepad.FACTORS,))[None])
        if self.render_mode == "human":
            self.render()
        return self._observe(), float(rewards[0]), bool(terminated[0]), False, self._episodes.info_of_one()

    def render(self) -> Any:
        """Returns uint8 (*render_size, 3) in mode "rgb_array"; shows it in a window in mode "human"."""
        self._check_open()
        if self.render_mode is None:
            gymnasium.logger.warn('render() needs gymnasium.make(..., render_mode="rgb_array")')
            return None
        if not self._started:
            raise gymnasium.error.ResetNeeded("call reset() before render()")
        frame = self._screen.draw_one(self.get_state(), self._episodes.world.characters[0])
        if self.render_mode == "rgb_array":
            return frame
        if self._window is None:
            from jumppad_env.window import Window

            self._window = Window(*self.options.render_size, fps=FPS)
        self._window.show(frame)
        return None

    def render_state(self, state: np.ndarray) -> np.ndarray:
        """Returns the frame of any state of this character as `render` draws it, uint8 (*render_size, 3)."""
        self._check_open()
        return self._screen.draw_one(np.asarray(state), self._episodes.world.characters[0])

    def close(self) -> None:
        """Closes the window; may be called twice."""
        self._painter.close()
        self._screen.close()
        if self._window is not None:
            self._window.close()
            self._window = None

    def get_state(self) -> np.ndarray:
        """Returns the exact state, float64, columns named by `jumppad_env.world.STATE`."""
        return self._episodes.world.get_state(0)

    def set_state(self, state: np.ndarray) -> tuple[Any, dict[str, Any]]:
        """Restores a state of `get_state` (of the same character) and returns observation and info there.

        Raises:
            ValueError: wrong shape, or not finite.
        """
        if not self._started:
            self.reset()
        self._episodes.world.set_state(0, state)
        return self._observe(), self._episodes.info_of_one()

    def _check_open(self) -> None:
        if self._painter.closed:
            raise gymnasium.error.ClosedEnvironmentError(CLOSED)

    def _observe(self) -> Any:
        parts: dict[str, np.ndarray] = {}
        if self.options.draws:
            parts["pixels"] = self._painter.draw_one(self.get_state(), self._episodes.world.characters[0])
        if self.options.observation != "pixels":
            parts["state"] = self._episodes.state_observation()[0]
        return parts if self.options.observation == "both" else parts[self.options.observation]
