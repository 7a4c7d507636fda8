"""Episodes of N characters: reset, reward, termination, state observation and info.

The single environment is `Episodes` of one, the vector environment of many; both only add Gymnasium's API.
"""

import math
from typing import Any

import numpy as np
from gymnasium import spaces

from jumppad_env.compiled import compiled
from jumppad_env.rules import CHARACTERS, PADS, RULES
from jumppad_env.world.options import Options
from jumppad_env.world.state import CAMERA_YAW, FARTHEST, LOOKS, PAD, VX, YAW, YAW_RATE, X, Z, wrap_angle
from jumppad_env.world.world import BOUNDS, RULE_PAD, RULE_SINCE_PAD, World

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


def observation_space(options: Options) -> spaces.Space[Any]:
    """Returns the observation space of a single environment."""
    pixels = spaces.Box(0, 255, (*options.image_size, 3), np.uint8)
    bounds = np.array([bounds for _, width, _, bounds in STATE_OBSERVATION for _ in range(width)], np.float32)
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


LISTABLE = {"position": (1, expect_position), "heading": (0, expect_heading), "character": (0, expect_character)}
"""Reset options that a vector environment takes per row: number of axes of one value, and its validator."""


class Episodes:
    """N episodes advanced together.

    Args:
        count: N.
        options: the keywords of `gymnasium.make`.
        threads: number of physics threads.
    """

    def __init__(self, count: int, options: Options, threads: int = 1) -> None:
        """Makes the world; every row must be reset before it is stepped."""
        self.options = options
        self.count = count
        self.world = World(count, threads)
        self._target = -1 if options.target is None else PADS.index(options.target)

    def reset(self, row: int, generator: np.random.Generator, options: dict[str, Any] | None = None) -> None:
        """Starts an episode in one row.

        Args:
            row: index of the row.
            generator: samples spawn point, character and look, always all three, so fixing one does not shift others.
            options: `spawn` (int), `position` ((3,) m), `heading` (rad), `character` (name), `look` (int) override the
                sampled values.

        Raises:
            ValueError: an unknown or invalid option.
        """
        options = options or {}
        unknown = set(options) - set(RESET_OPTIONS)
        if unknown:
            raise ValueError(f"unknown reset options {sorted(unknown, key=repr)}; known are {list(RESET_OPTIONS)}")
        spawns = self.world.island.spawns
        names = list(CHARACTERS)
        spawn = int(generator.integers(len(spawns)))
        character = names[int(generator.integers(len(names)))]
        look = int(generator.integers(LOOKS))
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
        self.world.place(row, character, position, heading, int(look))

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
        fall_height = world.island.fall_height
        judge(world.rule_state, world.qpos, fall_height, self._target, flight_steps, rewards, terminated)
        return rewards, terminated

    def _success(self) -> np.ndarray:
        pad = self.world.pad
        return pad >= 0 if self._target < 0 else pad == self._target

    def info(self) -> dict[str, np.ndarray]:
        """Returns the info as one fresh array per key, over the rows."""
        world = self.world
        return {
            "pad": world.pad.astype(np.int64),
            "success": self._success(),
            "fell": world.fell & (world.pad < 0),
            "position": world.position.copy(),
            "velocity": world.velocity.copy(),
            "heading": wrap_angle(world.qpos[:, 3]),
            "camera_yaw": wrap_angle(world.camera_yaw),
            "character": world.who.copy(),
        }

    def info_of_one(self, state: np.ndarray) -> dict[str, Any]:
        """Returns the info of the only row, whose state (len(STATE),) it keeps; faster than `info`, as NumPy numbers.

        `success` and `fell` are arrays without axes: of NumPy's booleans Gymnasium's own vector environments would make
        arrays of objects.
        """
        numbers = state.tolist()
        pad = int(numbers[PAD])
        return {
            "pad": np.int64(pad),
            "success": np.array(pad >= 0 if self._target < 0 else pad == self._target),
            "fell": np.array(pad < 0 and numbers[Z] < self.world.island.fall_height),
            "position": state[X:YAW],
            "velocity": state[VX:YAW_RATE],
            "heading": np.float64(wrap_angle(numbers[YAW])),
            "camera_yaw": np.float64(wrap_angle(numbers[CAMERA_YAW])),
            "character": self.world.who[0],
        }


@compiled
def judge(rule_state, positions, fall_height, target, flight_steps, rewards, terminated):
    """Computes rewards and terminations of a step.

    Args:
        rule_state: (N, len(RULE_STATE)).
        positions: (N, >= 3) of the joints, m.
        fall_height: m; a character below it has fallen off.
        target: index of the target pad, -1: any.
        flight_steps: control steps after a launch until the episode terminates; -1: it does not.
        rewards: (N,) float64, output.
        terminated: (N,) bool, output.
    """
    for row in range(len(rule_state)):
        pad, since = rule_state[row, RULE_PAD], rule_state[row, RULE_SINCE_PAD]
        rewards[row] = 1.0 if since == 0 and (target < 0 or pad == target) else 0.0
        fell = pad < 0 and positions[row, Z] < fall_height
        terminated[row] = flight_steps >= 0 and (since >= flight_steps or fell)


FPS = round(1 / RULES.control_step)
"""Control steps, and frames, per second."""
