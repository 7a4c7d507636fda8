"""Episodes of N characters: reset, reward, termination, state observation and info.

The single environment is `Episodes` of one, the vector environment of many; both only add Gymnasium's API.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding

from jumppad_env.compiled import compiled
from jumppad_env.island import load_island
from jumppad_env.levels import FLIGHT_SECONDS, LEVELS, Level, make_level
from jumppad_env.rules import CHARACTERS, PADS, RULES
from jumppad_env.world.level_observation import level_observation, observe_on_levels
from jumppad_env.world.moves import RULE_CUE, RULE_ISLAND, RULE_LEVEL, RULE_PAD, RULE_SINCE_PAD, RULE_TAKEN
from jumppad_env.world.observation import observe_rows
from jumppad_env.world.options import IslandsOptions, Options
from jumppad_env.world.state import (
    CAMERA_YAW,
    FARTHEST,
    LOOKS,
    PAD,
    TAKEN_BASE,
    VX,
    YAW,
    YAW_RATE,
    X,
    Z,
    taken_pads,
    wrap_angle,
)
from jumppad_env.world.world import BOUNDS, World

ANYTHING = (-math.inf, math.inf)
STATE_OBSERVATION = (
    ("position", 3, "m; x right, y forward, z up; joints x, y, z", ANYTHING),
    ("velocity", 3, "m/s; joints x, y, z", ANYTHING),
    ("sine and cosine of the heading", 2, "joint yaw", (-1.0, 1.0)),
    ("sine and cosine of the camera's yaw", 2, "", (-1.0, 1.0)),
    ("camera's tilt", 1, "rad, positive looks up", BOUNDS["camera_tilt"]),
    ("grounded", 1, "0 or 1; sensor ground", BOUNDS["grounded"]),
    ("mounted", 1, "0 or 1: on the board", BOUNDS["mounted"]),
    ("attack", 1, "s left", BOUNDS["attack_left"]),
    ("dodge", 1, "s until the next can start", BOUNDS["dodge_wait"]),
    ("offset to each pad", 6, "m; x and y from the character to geoms pad_left, pad_middle, pad_right", ANYTHING),
    ("pad touched", 3, "one-hot left, middle, right", (0.0, 1.0)),
)
"""Names, widths, units and bounds of the state observation, in order."""
STATE_WIDTH = sum(width for _, width, *_ in STATE_OBSERVATION)

RESET_OPTIONS = ("spawn", "position", "heading", "character", "look")
LEVEL_RESET_OPTIONS = (*RESET_OPTIONS, "level", "cue")
ISLAND_STEPS = 100
"""Control steps that an episode has for each island."""
FLIGHT_STEPS = round(FLIGHT_SECONDS / RULES.control_step)
"""Control steps of a flight from one island to the next."""


def longest_episode(options: Options) -> int | None:
    """Returns after how many control steps an environment truncates episodes by itself; None: it does not."""
    if not isinstance(options, IslandsOptions):
        return None
    return ISLAND_STEPS * options.islands + FLIGHT_STEPS * (options.islands - 1) + options.extra_steps


def observation_space(options: Options) -> spaces.Space[Any]:
    """Returns the observation space of a single environment."""
    pixels = spaces.Box(0, 255, (*options.image_size, 3), np.uint8)
    columns = STATE_OBSERVATION if options.settings is None else level_observation(STATE_OBSERVATION, options.settings)
    bounds = np.array([bounds for _, width, _, bounds in columns for _ in range(width)], np.float32)
    state = spaces.Box(*bounds.T, dtype=np.float32)
    if options.observation == "both":
        return spaces.Dict(pixels=pixels, state=state)
    return pixels if options.observation == "pixels" else state


def _within(name: str, value: object, shape: tuple[int, ...], what: str) -> np.ndarray:
    """Returns a user's value as float64 of this shape, or raises a ValueError that says what it must be."""
    try:
        array = np.asarray(value)
        fits = array.shape == shape and array.dtype.kind in "iuf" and bool((np.abs(array) <= FARTHEST).all())
    except ValueError:  # rows of different lengths
        fits = False
    if not fits:
        raise ValueError(f"{name}={value!r} must be {what}, at most {FARTHEST:g}")
    return array.astype(np.float64)


def expect_character(character: object) -> str:
    """Returns the reset option `character`, or raises a ValueError for an unknown name."""
    if not isinstance(character, str) or character not in CHARACTERS:
        raise ValueError(f"reset option character={character!r} is unknown; choose one of {list(CHARACTERS)}")
    return str(character)


def expect_position(position: object) -> np.ndarray:
    """Returns the reset option `position` as float64 (3,) m, or raises a ValueError."""
    return _within("reset option position", position, (3,), "three finite numbers (m)")


def expect_heading(heading: object) -> float:
    """Returns the reset option `heading` in rad, or raises a ValueError."""
    return float(_within("reset option heading", heading, (), "one finite number (rad)"))


def expect_push(velocities: object, shape: tuple[int, ...]) -> np.ndarray:
    """Returns velocities to add as float64 of this shape, m/s, or raises a ValueError."""
    return _within("push", velocities, shape, f"finite numbers (m/s) of shape {shape}")


def expect_level(level: object) -> int:
    """Returns the reset option `level`, or raises a ValueError; any level may be asked for."""
    if isinstance(level, bool) or not isinstance(level, int | np.integer) or not 0 <= level < LEVELS:
        raise ValueError(f"reset option level={level!r} must be an integer from 0 to {LEVELS - 1}")
    return int(level)


LISTABLE = {
    "position": (1, expect_position),
    "heading": (0, expect_heading),
    "character": (0, expect_character),
    "level": (0, expect_level),
}
"""Reset options that a vector environment takes per row: number of axes of one value, and its validator."""


SPAWNS = 4
"""Spawn points of every island."""


class Start(NamedTuple):
    """What is drawn for an episode."""

    spawn: int
    character: str
    look: int
    level: int
    """Number of the level, -1 on the classic island."""
    cue: int
    """Index of the color that a flag would show, -1 on the classic island."""


def draw_start(generator: np.random.Generator, options: Options) -> Start:
    """Draws how an episode starts: always everything, so fixing one does not shift others."""
    spawn = int(generator.integers(SPAWNS))
    character = list(CHARACTERS)[int(generator.integers(len(CHARACTERS)))]
    look, level, cue = int(generator.integers(LOOKS)), -1, -1
    if isinstance(options, IslandsOptions):
        level = options.levels[int(generator.integers(len(options.levels)))]
        cue = int(generator.integers(options.pads))
    return Start(spawn, character, look, level, cue)


def level_of(seed: int, options: IslandsOptions) -> int:
    """Returns the number of the level that an episode with this seed is played on, if no reset option names one."""
    return draw_start(seeding.np_random(seed)[0], options).level


class Episodes:
    """N episodes advanced together.

    Attributes:
        world: states and rules.
        targets: (N, K) int64, index of the target pad on each island, -1: any.

    Args:
        count: N.
        options: the keywords of `gymnasium.make`.
        threads: number of physics threads.
    """

    def __init__(self, count: int, options: Options, threads: int = 1) -> None:
        """Makes the world; every row must be reset before it is stepped."""
        self.options = options
        self.count = count
        self.world = World(count, threads, options.settings)
        self.targets = np.full((count, options.islands), -1, np.int64)
        self._colors = np.zeros((count, options.islands, options.pads), np.int64)
        self._pads = np.zeros((count, options.islands, options.pads, 3))
        self._origins = np.zeros((count, options.islands, 2))
        if options.settings is None and options.target is not None:
            self.targets[:] = PADS.index(options.target)

    def reset(self, row: int, generator: np.random.Generator, options: dict[str, Any] | None = None) -> None:
        """Starts an episode in one row.

        Args:
            row: index of the row.
            generator: samples what the options leave open, see `draw_start`.
            options: `spawn` (int), `position` ((3,) m), `heading` (rad), `character` (name), `look` (int) override the
                sampled values; so do `level` (int) and `cue` (index of a color) on levels, which are drawn last.

        Raises:
            ValueError: an unknown or invalid option.
        """
        options = options or {}
        known = RESET_OPTIONS if self.options.settings is None else LEVEL_RESET_OPTIONS
        unknown = set(options) - set(known)
        if unknown:
            raise ValueError(f"unknown reset options {sorted(unknown, key=repr)}; known are {list(known)}")
        spawn, character, look, number, cue = draw_start(generator, self.options)
        level, cue = self._asked_level(number, cue, options)
        spawns = (load_island() if level is None else level.islands[0]).spawns
        if self.options.character != "random":
            character = self.options.character
        character = expect_character(options.get("character", character))
        spawn = options.get("spawn", spawn)
        if isinstance(spawn, bool) or not isinstance(spawn, int | np.integer) or not 0 <= spawn < len(spawns):
            raise ValueError(f"reset option spawn={spawn!r} must be an integer from 0 to {len(spawns) - 1}")
        look = options.get("look", look)
        if isinstance(look, bool) or not isinstance(look, int | np.integer) or not 0 <= look < LOOKS:
            raise ValueError(f"reset option look={look!r} must be an integer from 0 to {LOOKS - 1}")
        position = expect_position(options.get("position", spawns[spawn]))
        heading = expect_heading(options.get("heading", 0.0))
        if level is not None:  # all else is valid: a refused reset changes nothing
            self.world.load(row, level.number)
            self.follow_level(row, cue)
        self.world.place(row, character, position, heading, int(look), cue)

    def _asked_level(self, number: int, cue: int, options: dict[str, Any]) -> tuple[Level | None, int]:
        """Returns the level, none on the classic island, and the color that its flag shows, -1 without one.

        Args:
            number: of the level that was drawn.
            cue: that was drawn.
            options: of the reset, which may name others.
        """
        keywords = self.options
        if not isinstance(keywords, IslandsOptions):
            return None, -1
        number = expect_level(options.get("level", number))
        if "cue" in options:
            asked = options["cue"]
            whole = isinstance(asked, int | np.integer) and not isinstance(asked, bool)
            if not keywords.cue or not whole or not 0 <= asked < keywords.pads:
                raise ValueError(
                    f"reset option cue={asked!r} needs cue=True, and a color from 0 to {keywords.pads - 1}"
                )
            cue = int(asked)
        return make_level(number, keywords.settings), cue if keywords.cue else -1

    def follow_level(self, row: int, cue: int) -> None:
        """Takes colors, places and target from the level of a row, which `World.load` put there."""
        level, keywords = self.world.levels[row], self.options
        assert level is not None and isinstance(keywords, IslandsOptions)
        self._colors[row], self._origins[row] = level.colors, level.origins
        self._pads[row] = [island.pads for island in level.islands]
        self.targets[row] = keywords.target_pads(level.colors.tolist(), cue)

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Advances all rows by one control step.

        Args:
            actions: (N, 16) integers.

        Returns:
            rewards, float64 (N,): 1 at the step that touches the target pad (any pad if there is no target);
            terminated, bool (N,).
        """
        world = self.world
        world.step(actions)
        rewards, terminated = np.empty(self.count), np.empty(self.count, np.bool_)
        flight_steps = self.options.flight_steps if self.options.terminate_on_pad else -1
        judge(world.rule_state, world.qpos, world.fall_height, self.targets, flight_steps, rewards, terminated)
        return rewards, terminated

    def set_state(self, row: int, state: np.ndarray) -> None:
        """Restores a state, with its level.

        Raises:
            ValueError: see `jumppad_env.world.World.set_state`.
        """
        self.world.set_state(row, state)
        if self.world.settings is not None:
            self.follow_level(row, int(self.world.rule_state[row, RULE_CUE]))

    def observe(self, states: np.ndarray) -> np.ndarray:
        """Returns what agents observe of the rows' states (N, columns), float32 (N, width)."""
        settings = self.world.settings
        if settings is None:
            return observe_rows(states)
        return observe_on_levels(states, self._origins, self._pads, self._colors, settings)

    def taken(self) -> np.ndarray:
        """Returns the pads taken on each island, int64 (N, K), -1 for none."""
        world = self.world
        if world.settings is None:
            return world.pad.astype(np.int64)[:, None]
        return taken_pads(world.rule_state[:, RULE_TAKEN], self.options.islands)

    def info(self) -> dict[str, np.ndarray]:
        """Returns the info as one fresh array per key, over the rows."""
        world, taken = self.world, self.taken()
        right = np.where(self.targets < 0, taken >= 0, taken == self.targets)
        return {
            "pad": taken[:, -1],
            "success": np.asarray(right.all(axis=1)),
            "fell": world.fell & (world.pad < 0),
            "position": world.position.copy(),
            "velocity": world.velocity.copy(),
            "heading": wrap_angle(world.qpos[:, 3]),
            "camera_yaw": wrap_angle(world.camera_yaw),
            "character": world.who.copy(),
            **self._level_info(taken),
        }

    def _level_info(self, taken: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the entries that only levels have, given the pads taken."""
        world = self.world
        if world.settings is None:
            return {}
        whole = world.rule_state[:, [RULE_LEVEL, RULE_ISLAND, RULE_CUE]].astype(np.int64).T.copy()
        entries = dict(zip(("level", "island", "cue"), whole, strict=True))
        return {**entries, "pads": taken, "pad_colors": self._colors.copy()}

    def info_of_one(self, state: np.ndarray) -> dict[str, Any]:
        """Returns the info of the only row, whose state (len(STATE),) it keeps; faster than `info`, as NumPy numbers.

        `success` and `fell` are arrays without axes: of NumPy's booleans Gymnasium's own vector environments would make
        arrays of objects.
        """
        if self.world.settings is not None:
            return _only(self.info())
        target = int(self.targets[0, 0])
        numbers = state.tolist()
        pad = int(numbers[PAD])
        return {
            "pad": np.int64(pad),
            "success": np.array(pad >= 0 if target < 0 else pad == target),
            "fell": np.array(pad < 0 and numbers[Z] < self.world.fall_height),
            "position": state[X:YAW],
            "velocity": state[VX:YAW_RATE],
            "heading": np.float64(wrap_angle(numbers[YAW])),
            "camera_yaw": np.float64(wrap_angle(numbers[CAMERA_YAW])),
            "character": self.world.who[0],
        }


def _only(info: dict[str, np.ndarray]) -> dict[str, Any]:
    """Returns the entries of the only row; booleans stay arrays, see `Episodes.info_of_one`."""
    return {name: np.array(values[0]) if values.dtype == np.bool_ else values[0] for name, values in info.items()}


@compiled
def judge(rule_state, positions, fall_height, targets, flight_steps, rewards, terminated):
    """Computes rewards and terminations of a step.

    Args:
        rule_state: (N, columns).
        positions: (N, >= 3) of the joints, m.
        fall_height: m; a character below it has fallen off.
        targets: (N, K) int64, index of the target pad on each island, -1: any.
        flight_steps: control steps after the last launch until the episode terminates; -1: it does not.
        rewards: (N,) float64, output.
        terminated: (N,) bool, output.
    """
    islands = targets.shape[1]
    for row in range(len(rule_state)):
        state = rule_state[row]
        pad, since = state[RULE_PAD], state[RULE_SINCE_PAD]
        last = islands == 1 or state[RULE_ISLAND] == islands - 1
        right = since == 0 and last and (targets[row, islands - 1] < 0 or pad == targets[row, islands - 1])
        if right and islands > 1:
            taken = int(state[RULE_TAKEN])
            for island in range(islands - 1):
                right &= targets[row, island] < 0 or taken % TAKEN_BASE == targets[row, island] + 1
                taken //= TAKEN_BASE
        rewards[row] = 1.0 if right else 0.0
        fell = pad < 0 and positions[row, Z] < fall_height
        terminated[row] = flight_steps >= 0 and ((last and since >= flight_steps) or fell)


FPS = round(1 / RULES.control_step)
"""Control steps, and frames, per second."""
