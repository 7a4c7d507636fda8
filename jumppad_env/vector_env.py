"""The native vector environment: many episodes in one process, with physics and drawing on thread pools."""

import os
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from jumppad_env import gamepad
from jumppad_env.drawing import Painter
from jumppad_env.drawing.painter import CLOSED
from jumppad_env.machine.cores import count_cores
from jumppad_env.world.episodes import FPS, LISTABLE, Episodes, expect_push, longest_episode, observation_space
from jumppad_env.world.options import RENDER_MODES, IslandsOptions, Options


class JumppadVectorEnv(VectorEnv[Any, Any, Any]):
    """N environments; element i is bit for bit a single environment with the same seed and actions.

    Every call returns fresh observation arrays. `infos` has one array per key of the single environment's info, with
    Gymnasium's `_key` masks. In autoreset mode SAME_STEP (default) a finished row returns the first observation of its
    next episode; `infos["final_obs"]` and `infos["final_info"]` hold the last ones of the finished episode. In mode
    NEXT_STEP a finished row begins its next episode at the next step, which ignores its action. In mode DISABLED, rows
    wait for `reset(options={"reset_mask": bool array (N,)})`; seeds may then be a list with None for the other rows,
    and positions, headings and characters lists of N. Copies by `copy.deepcopy` or pickle have the same future, bit for
    bit.
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES[:1]), "render_fps": FPS}
    _options: type[Options] = Options

    def __init__(
        self,
        num_envs: int = 1,
        *,
        max_episode_steps: int | None = 100,
        autoreset_mode: str | AutoresetMode = AutoresetMode.SAME_STEP,
        threads: int | None = None,
        **keywords: Any,
    ) -> None:
        """Makes the environments.

        Args:
            num_envs: N.
            max_episode_steps: steps after which episodes are truncated; None: never.
            autoreset_mode: SAME_STEP, NEXT_STEP or DISABLED; names in any case.
            threads: for physics and drawing; by default one per core.
            **keywords: see `jumppad_env.world.options.Options`.

        Raises:
            ValueError: an unknown or invalid keyword value.
        """
        _expect_count("num_envs", num_envs)
        if threads is not None:
            _expect_count("threads", threads)
        if max_episode_steps is not None:
            _expect_count("max_episode_steps", max_episode_steps)
        self.options = self._options(**keywords)
        mode = _expect_mode(autoreset_mode)
        if self.options.render_mode == "human":
            raise ValueError('a vector environment has no window; use render_mode="rgb_array" or a single environment')
        self.metadata = {**type(self).metadata, "autoreset_mode": mode}
        self.autoreset_mode = mode
        self.num_envs = num_envs
        longest = longest_episode(self.options)
        self.max_episode_steps = max_episode_steps if longest is None else min(longest, max_episode_steps or longest)
        self.render_mode = self.options.render_mode
        self.single_observation_space = observation_space(self.options)
        make_space, self._decode = gamepad.FORMATS[self.options.actions]
        self.single_action_space = make_space()
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.threads = max(1, min(num_envs, threads or count_cores()))
        self._process = os.getpid()
        self._episodes = Episodes(num_envs, self.options, self.threads)
        self._generators: list[np.random.Generator] = []
        self._generator_seeds: list[int] = []
        for _ in range(num_envs):
            generator, seed = seeding.np_random(None)
            self._generators.append(generator)
            self._generator_seeds.append(seed)
        self._steps = np.zeros(num_envs, dtype=np.int64)
        self._begun = np.zeros(num_envs, dtype=np.bool_)
        self._done = np.ones(num_envs, dtype=np.bool_)
        self._retired = np.zeros(num_envs, dtype=np.bool_)
        self._pixels = np.zeros((num_envs, *self.options.image_size, 3), dtype=np.uint8)  # as last drawn
        look: dict[str, Any] = {"threads": self.threads, "variety": self.options.variety}
        look["settings"] = self.options.settings
        self._painter = Painter(*self.options.image_size, **look)
        self._screen = Painter(*self.options.render_size, fine=True, **look)

    def __getstate__(self) -> dict[str, Any]:
        """Returns what a copy needs to have the same future; it starts threads of its own."""
        _ = self.action_space.np_random  # made at its first use: now
        return self.__dict__.copy()

    def __setstate__(self, stored: dict[str, Any]) -> None:
        self.__dict__.update(stored)
        self._process = os.getpid()

    @property
    def spec(self) -> EnvSpec | None:
        """What `gymnasium.make_vec` made this from; its keywords can be written as JSON."""
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        if spec is not None and "autoreset_mode" in spec.kwargs:
            spec.kwargs["autoreset_mode"] = self.autoreset_mode.value
        self._spec = spec

    @property
    def np_random(self) -> tuple[np.random.Generator, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Generators of the rows, as in Gymnasium's `SyncVectorEnv`."""
        return tuple(self._generators)

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Seeds of the rows' generators."""
        return tuple(self._generator_seeds)

    @property
    def characters(self) -> list[str]:
        """Names of the rows' characters; `infos["character"]` holds their indices in `jumppad_env.CHARACTERS`."""
        return self._episodes.world.characters

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Starts episodes in all rows, or in those of `options["reset_mask"]`.

        Args:
            seed: an integer gives row i the seed `seed + i`; a list gives one per row.
            options: `reset_mask`, and the reset options of the single environment; `position` may also be (N, 3) and
                `heading` and `character` lists of N, read only for the rows that are reset.

        Returns:
            observations (of all rows; those not reset keep their current one), infos.

        Raises:
            ValueError: wrong lengths or invalid options.
            gymnasium.error.ClosedEnvironmentError: after `close`; `step`, `render` and `draw` too.
        """
        self._check_open()
        options = dict(options or {})
        mask = options.pop("reset_mask", None)
        mask = np.ones(self.num_envs, dtype=np.bool_) if mask is None else np.asarray(mask)
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_ or not mask.any():
            raise ValueError(f"reset_mask must be bool ({self.num_envs},) with at least one True, got {mask!r}")
        seeds = self._seeds(seed)
        rows = np.flatnonzero(mask).tolist()
        listed = self._listed(options, rows)
        for row in rows:
            row_seed = seeds[row]
            if row_seed is not None:
                self._generators[row], self._generator_seeds[row] = seeding.np_random(row_seed)
            self._start(row, {**options, **listed[row]})
        return self._observe(mask), self._infos(self._episodes.info(), mask)

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Advances all rows by 0.1 s.

        Raises:
            ValueError: the actions are not in the action space.
            gymnasium.error.ResetNeeded: a row has ended or not begun.
        """
        self._check_open()
        next_step = self.autoreset_mode == AutoresetMode.NEXT_STEP
        waiting = ~self._begun if next_step else self._done & ~self._retired
        if waiting.any():
            rows = np.flatnonzero(waiting).tolist()
            raise gymnasium.error.ResetNeeded(f"rows {rows} have ended or not begun; reset them before step()")
        rewards, terminated = self._episodes.step(self._decode(actions, (self.num_envs, gamepad.FACTORS)))
        self._steps += 1
        if next_step:  # rows that have ended begin anew instead of a step
            rewards[self._done], terminated[self._done] = 0.0, False
            for row in np.flatnonzero(self._done).tolist():
                self._start(row, {})
        limit = self.max_episode_steps
        # Like Gymnasium's TimeLimit, which sets truncated even if terminated.
        truncated = self._steps >= limit if limit is not None else np.zeros(self.num_envs, dtype=np.bool_)
        done = terminated | truncated
        info = self._episodes.info()
        all_rows = np.ones(self.num_envs, dtype=np.bool_)
        if self.autoreset_mode != AutoresetMode.SAME_STEP or not done.any():
            self._done |= done
            return self._observe(~self._retired), rewards, terminated, truncated, self._infos(info, all_rows)
        final = self._observe()
        for row in np.flatnonzero(done).tolist():
            self._start(row, {})
        infos = self._infos(self._episodes.info(), all_rows)
        infos["final_obs"], infos["_final_obs"] = _objects(final, done), done.copy()
        infos["final_info"], infos["_final_info"] = self._infos(info, done), done.copy()
        return self._observe(done), rewards, terminated, truncated, infos

    def render(self) -> tuple[np.ndarray, ...] | None:
        """Returns one uint8 (*render_size, 3) frame per row."""
        self._check_open()
        if self.render_mode is None:
            return None
        frames = np.empty((self.num_envs, *self.options.render_size, 3), dtype=np.uint8)
        self._screen.draw(self.states(), self._episodes.world.characters, frames)
        return tuple(frames)

    def close_extras(self, **kwargs: Any) -> None:
        """Ends the threads; called once by Gymnasium's `close()`."""
        self._painter.close()
        self._screen.close()

    def retire(self, rows: np.ndarray) -> None:
        """Retires rows until their next reset: `step` neither requires their reset nor draws them.

        Args:
            rows: bool (N,). Only in autoreset mode DISABLED.

        Raises:
            ValueError: another autoreset mode, or wrong shape.
        """
        if self.autoreset_mode != AutoresetMode.DISABLED:
            raise ValueError(f"rows can retire only in autoreset mode DISABLED, not {self.autoreset_mode.value}")
        self._retired |= self._expect_mask("rows", rows)

    def push(self, rows: np.ndarray, velocities: np.ndarray) -> None:
        """Adds to the velocity of some rows at once, as a collision would; the next observation shows it.

        Args:
            rows: bool (N,), rows to push.
            velocities: (N, 3) m/s, added where `rows` is true.

        Raises:
            ValueError: wrong shape, not finite, or too fast.
            gymnasium.error.ResetNeeded: a row has ended or not begun.
            gymnasium.error.ClosedEnvironmentError: after `close`.
        """
        self._check_open()
        rows = self._expect_mask("rows", rows)
        waiting = np.flatnonzero(self._done & ~self._retired & rows).tolist()
        if waiting:
            raise gymnasium.error.ResetNeeded(f"rows {waiting} have ended or not begun; reset them before push()")
        self._episodes.world.velocity[rows] += expect_push(velocities, (self.num_envs, 3))[rows]

    def states(self) -> np.ndarray:
        """Returns the complete states, float64 (N, len(STATE)), columns named by `jumppad_env.world.STATE`."""
        return self._episodes.world.states()

    def draw(self, states: np.ndarray, characters: list[str]) -> np.ndarray:
        """Draws stored states as this environment would show them.

        Args:
            states: (M, len(STATE)), any M.
            characters: M names.

        Returns:
            uint8 (M, *image_size, 3).
        """
        self._check_open()
        frames = np.empty((len(states), *self.options.image_size, 3), dtype=np.uint8)
        self._painter.draw(states, characters, frames)
        return frames

    def _seeds(self, seed: Any) -> list[int | None]:
        if seed is None or isinstance(seed, int | np.integer):
            return [None if seed is None else int(seed) + row for row in range(self.num_envs)]
        seeds = list(seed) if isinstance(seed, list | tuple | np.ndarray) else [seed]
        if not all(one is None or isinstance(one, int | np.integer) for one in seeds):
            raise ValueError(f"seed={seed!r} must be an integer, a list of integers and Nones, or None")
        if len(seeds) != self.num_envs:
            raise ValueError(f"seed has {len(seeds)} entries for {self.num_envs} environments")
        return [None if one is None else int(one) for one in seeds]

    def _listed(self, options: dict[str, Any], rows: list[int]) -> dict[int, dict[str, Any]]:
        """Returns each row's own reset options, taken from lists and validated before any row starts."""
        listed: dict[int, dict[str, Any]] = {row: {} for row in rows}
        for name, (axes, expect) in LISTABLE.items():
            values: Any = options.get(name)
            if not _is_list(values, axes):
                continue
            if len(values) != self.num_envs:
                raise ValueError(f"reset option {name} has {len(values)} entries for {self.num_envs} environments")
            for row in rows:
                listed[row][name] = expect(values[row])
        return listed

    def _expect_mask(self, name: str, mask: object) -> np.ndarray:
        mask = np.asarray(mask)
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
            raise ValueError(f"{name} must be bool ({self.num_envs},), got {mask!r}")
        return mask

    def _check_open(self) -> None:
        if self.closed:
            raise gymnasium.error.ClosedEnvironmentError(CLOSED)
        if self.threads > 1 and os.getpid() != self._process:  # the fork would wait forever for missing threads
            raise gymnasium.error.Error("a forked process does not inherit threads; make a new environment there")

    def _start(self, row: int, options: dict[str, Any]) -> None:
        self._episodes.reset(row, self._generators[row], options)
        self._steps[row] = 0
        self._begun[row] = True
        self._done[row] = self._retired[row] = False

    def _observe(self, mask: np.ndarray | None = None) -> Any:
        """Returns observations of all rows; with a mask, only its rows are redrawn, as the others have not changed."""
        kind = self.options.observation
        states = self.states()
        parts: dict[str, np.ndarray] = {}
        if self.options.draws:
            rows = np.arange(self.num_envs) if mask is None else np.flatnonzero(mask)
            self._painter.draw_rows(states, self._episodes.world.who, self._pixels, rows)
            parts["pixels"] = self._pixels.copy()
        if kind != "pixels":
            parts["state"] = self._episodes.observe(states)
        return parts if kind == "both" else parts[kind]

    @staticmethod
    def _infos(info: dict[str, np.ndarray], mask: np.ndarray) -> dict[str, Any]:
        return {**info, **{f"_{name}": mask.copy() for name in info}}


class JumppadIslandsVectorEnv(JumppadVectorEnv):
    """N environments on levels; see `jumppad_env.env.JumppadIslandsEnv`.

    `max_episode_steps` can only shorten episodes, which the environment truncates by itself.
    """

    _options = IslandsOptions

    def __init__(self, num_envs: int = 1, *, max_episode_steps: int | None = None, **keywords: Any) -> None:
        """Makes the environments; see `JumppadVectorEnv`."""
        super().__init__(num_envs, max_episode_steps=max_episode_steps, **keywords)


def _expect_count(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name}={value!r} must be an integer of at least 1")


def _expect_mode(given: str | AutoresetMode) -> AutoresetMode:
    """Returns one of Gymnasium's modes by its name (SAME_STEP) or value (SameStep), in any case."""
    if isinstance(given, AutoresetMode):
        return given
    plain = str(given).replace("_", "").replace("-", "").lower()
    for mode in AutoresetMode:
        if mode.value.lower() == plain and isinstance(given, str):
            return mode
    names = ", ".join(repr(mode.value) for mode in AutoresetMode)
    raise ValueError(f"autoreset_mode={given!r} is unknown; choose one of {names}")


def _is_list(values: Any, axes: int) -> bool:
    """Returns whether a reset option is a list of values that have this many axes each."""
    try:
        return np.ndim(values) > axes
    except ValueError:  # rows of different lengths
        return True


def _objects(observations: Any, mask: np.ndarray) -> np.ndarray:
    """Returns an object array (N,) that holds the observations of the masked rows and None elsewhere."""
    result = np.full(len(mask), None, dtype=object)
    for row in np.flatnonzero(mask):
        if isinstance(observations, dict):
            result[row] = {name: value[row].copy() for name, value in observations.items()}
        else:
            result[row] = observations[row].copy()
    return result
