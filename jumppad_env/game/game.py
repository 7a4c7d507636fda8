"""The game's logic: consecutive episodes at 10 Hz, interpolated frames, and commands. The caller measures time."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import gymnasium
import numpy as np

import jumppad_env  # noqa: F401  registers the environments
from jumppad_env import gamepad
from jumppad_env.drawing import Painter
from jumppad_env.env import JumppadEnv
from jumppad_env.game import panels
from jumppad_env.game.interpolation import interpolate
from jumppad_env.levels import COLORS, LevelSettings
from jumppad_env.machine.cores import count_cores
from jumppad_env.rules import CHARACTERS, PADS, RULES
from jumppad_env.streams import integer_seed
from jumppad_env.world.episodes import longest_episode
from jumppad_env.world.state import X, Y

LONGEST_FRAME = 0.5
"""s: longest time simulated between two frames; after a longer stall the rest is dropped."""
RESTARTS = {"again", "discard", "character", "target"}
"""Commands that start another episode; "discard" and "again" differ only for recordings."""
MOST_THREADS = 4
"""Most drawing threads, if there are as many cores."""


class Played(NamedTuple):
    """An episode up to now: T control steps.

    Resetting with `seed` and `character` and repeating `actions` reproduces `states` bit for bit.
    """

    seed: int
    character: str
    target: str | None
    """A pad, None for any."""
    pad: int
    """Index of the pad that was touched, -1 for none."""
    fell: bool
    ended: bool
    """False while it runs, or if it was abandoned."""
    actions: np.ndarray
    """uint8 (T, 16)."""
    states: np.ndarray
    """float64 (T + 1, len(STATE)); row t is the state before action t, the last row the final state."""


class Game:
    """Consecutive episodes of one person.

    Args:
        character: a name in `CHARACTERS`.
        target: a pad, or None for any.
        seed: each episode's seed follows from this one and its number.
        size: (height, width) of the frames, pixels.
        variety: keyword of the environment.
        skipped: seeds of episodes to skip.
        levels: keywords of `JumppadIslands-v0`; None: the classic island.

    Attributes:
        shown: "help" or "pause" while the game waits, else None.
        ended: whether the episode has ended.
    """

    def __init__(
        self,
        character: str,
        target: str | None,
        seed: int,
        size: tuple[int, int],
        variety: str = "none",
        skipped: Collection[int] = (),
        levels: dict[str, Any] | None = None,
    ) -> None:
        """Starts the first episode, paused behind the help.

        Raises:
            ValueError: an invalid size, seed or variety.
        """
        self.character, self.target = character, target
        self.shown: str | None = "help"
        self._size, self._variety = size, variety
        self._levels = levels
        self._seed, self._number, self._skipped = seed, 0, skipped
        self._env = self._make()
        self._painters: dict[tuple[int, int], Painter] = {}
        self._restart()

    @property
    def waiting(self) -> bool:
        """Whether the game is paused."""
        return self.shown is not None

    def prepare(self) -> None:
        """Compiles rules and rasterizer, which takes seconds after an installation, before play starts."""
        self._env.step(gamepad.NEUTRAL)
        self.frame()
        self._restart()

    def leaves(self, commands: set[str]) -> bool:
        """Returns whether these commands leave the current episode."""
        return bool(commands & {"quit", *RESTARTS}) or (self.ended and "start" in commands)

    def obey(self, commands: set[str]) -> None:
        """Executes commands, see `Controls.read`."""
        if "start" in commands:  # START does what is needed most
            commands = commands | {"again" if self.ended else "pause"}
        if "character" in commands:
            names = list(CHARACTERS)
            self.character = names[(names.index(self.character) + 1) % len(names)]
        if "target" in commands:
            targets = self._targets
            self.target = targets[(targets.index(self.target) + 1) % len(targets)]
            self._env.close()
            self._env = self._make()
        if commands & RESTARTS:
            self._number += 1
            self._restart()
        if "help" in commands:
            self.shown = None if self.shown == "help" else "help"
        elif commands & {"play", "again", "discard"}:
            self.shown = None
        elif "pause" in commands and not self.ended:
            self.shown = None if self.waiting else "pause"
        elif "wait" in commands and not self.ended:
            self.shown = self.shown or "pause"

    def advance(self, seconds: float, action: Callable[[], np.ndarray]) -> None:
        """Advances time by as many control steps as fit; none while the game is paused.

        Args:
            seconds: since the last call; clipped to `LONGEST_FRAME`.
            action: called at each step, returns its action (16,).
        """
        if self.waiting:
            return
        self._since_step += min(seconds, LONGEST_FRAME)
        while self._since_step >= RULES.control_step and not self.ended:
            self._since_step -= RULES.control_step
            self._step(action())

    def frame(self, size: tuple[int, int] | None = None) -> np.ndarray:
        """Returns the current frame, uint8 (height, width, 3), of this size, by default the game's."""
        size = size or self._size
        state = interpolate(self._older, self._newer, self._since_step / RULES.control_step)
        if self._drawn is None or self._drawn[1].shape[:2] != size or not np.array_equal(state, self._drawn[0]):
            self._drawn = state, self._painter(size).draw_one(state, self.character)  # cached while nothing changes
        return self._drawn[1]

    def played(self) -> Played:
        """Returns a copy of the episode up to now."""
        return Played(
            seed=self._episode_seed,
            character=self.character,
            target=self.target,
            pad=int(self._info["pad"]),
            fell=bool(self._info["fell"]),
            ended=self.ended,
            actions=np.array(self._actions, np.uint8).reshape(-1, gamepad.FACTORS),
            states=np.stack(self._states),
        )

    def panels(self, recorded: panels.Recorded | None = None) -> list[panels.Panel]:
        """Returns the panels over the frame; `recorded` is the status of the recording, None without one."""
        status = self.status()._replace(recorded=recorded)
        if self.shown == "help":
            return [panels.help_panel(status)]
        if self.shown == "pause":
            return [panels.pause_panel(status)]
        return [panels.summary_panel(status)] if self.ended else panels.heads_up(status)

    def status(self) -> panels.Status:
        """Returns the status of the episode."""
        return panels.Status(
            character=self.character,
            target=self.target,
            pad=int(self._info["pad"]),
            success=bool(self._info["success"]),
            fell=bool(self._info["fell"]),
            ended=self.ended,
            seconds=self._run_steps * RULES.control_step,
            seconds_left=(self._longest - len(self._actions)) * RULES.control_step,
            distance=self._distance,
            names=self._names,
            place=self._place,
        )

    @property
    def settings(self) -> LevelSettings | None:
        """What levels are like; None on the classic island."""
        return self._unwrapped.options.settings

    @property
    def _longest(self) -> int:
        """Control steps of an episode."""
        longest = longest_episode(self._unwrapped.options)
        if longest is None:
            assert self._env.spec is not None and self._env.spec.max_episode_steps is not None
            longest = self._env.spec.max_episode_steps
        return longest

    @property
    def _targets(self) -> list[str | None]:
        """Targets to choose from; none in a row of islands."""
        if self.settings is None:
            return [None, *PADS]
        return [None, *self.settings.colors] if self.settings.islands == 1 else [None]

    @property
    def _names(self) -> tuple[str, ...]:
        """What the pads are called."""
        if self.settings is None:
            return PADS
        return tuple(COLORS[color] for color in self._info["pad_colors"][-1])

    @property
    def _place(self) -> str:
        """Level and island."""
        if self.settings is None:
            return ""
        island = f", island {self._info['island'] + 1} of {self.settings.islands}" if self.settings.islands > 1 else ""
        return f"level {self._info['level']}{island}"

    def close(self) -> None:
        """Closes the environment and ends the drawing threads."""
        self._env.close()
        for painter in self._painters.values():
            painter.close()

    @property
    def _unwrapped(self) -> JumppadEnv:
        env = self._env.unwrapped
        assert isinstance(env, JumppadEnv), env
        return env

    def _make(self) -> gymnasium.Env[Any, Any]:
        name = "JumppadState-v0" if self._levels is None else "JumppadIslandsState-v0"
        keywords = {"target": self.target, "variety": self._variety, "render_size": self._size}
        return gymnasium.make(name, **keywords, **(self._levels or {}))

    def _painter(self, size: tuple[int, int]) -> Painter:
        if size not in self._painters:
            threads = min(count_cores(), MOST_THREADS)
            self._painters[size] = Painter(
                *size, fine=True, threads=threads, variety=self._variety, settings=self.settings
            )
        return self._painters[size]

    def _restart(self) -> None:
        while (seed := integer_seed(self._seed, "play", self._number)) in self._skipped:
            self._number += 1
        self._episode_seed = seed
        self._info = self._env.reset(seed=self._episode_seed, options={"character": self.character})[1]
        self._older = self._newer = self._unwrapped.get_state()
        self._actions: list[np.ndarray] = []
        self._states = [self._newer]
        self._since_step = 0.0
        self._run_steps = 0
        self._distance = 0.0
        self._drawn: tuple[np.ndarray, np.ndarray] | None = None
        self.ended = False

    def _step(self, action: np.ndarray) -> None:
        running = self._info["pad"] < 0
        _, _, terminated, truncated, self._info = self._env.step(action)
        self._older, self._newer = self._newer, self._unwrapped.get_state()
        self._actions.append(action.copy())
        self._states.append(self._newer)
        self.ended = terminated or truncated
        if running:  # the flight from a pad does not count
            self._run_steps += 1
            self._distance += float(np.linalg.norm((self._newer - self._older)[[X, Y]]))
