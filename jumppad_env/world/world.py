"""The rules: N characters, each alone on its own island, advanced together.

A single environment is a world of one; a vector environment a world of many. Both run the same arithmetic row by row,
so element i of a vector environment is bit for bit a single environment. MuJoCo does the physics (collisions, stairs,
jumps, falls, flight); `moves.py` turns the gamepad into actuator targets and launches characters that touch a pad.

Angles are counter-clockwise seen from above, 0 along +y.
"""

import ctypes
import math
import os
import weakref
from typing import Any

import numpy as np

from jumppad_env import gamepad
from jumppad_env.compiled import specialized
from jumppad_env.island import Places, load_island
from jumppad_env.island.mujoco_library import Batch
from jumppad_env.levels import BLOCK, FALL_HEIGHT, FLIGHT_SECONDS, LEVELS, Level, LevelSettings, load_stock, make_level
from jumppad_env.rules import PADS, RULES
from jumppad_env.world.moves import (
    HAS_BOARD,
    NAMES,
    RULE_CUE,
    RULE_LEVEL,
    TRAITS,
    Launches,
    control,
    move_blocks,
    settle,
)
from jumppad_env.world.state import (
    CUE,
    FARTHEST,
    ISLAND,
    LEVEL,
    LEVEL_STATE,
    LOOK,
    LOOKS,
    PAD,
    PHYSICS_STATE,
    STATE,
    TAKEN,
    TAKEN_BASE,
    taken_pads,
)

BOUNDS = {
    "camera_tilt": RULES.camera_tilt_range,
    "grounded": (0.0, 1.0),
    "mounted": (0.0, 1.0),
    "attack_left": (0.0, RULES.attack_seconds),
    "dodge_wait": (0.0, RULES.dodge_cooldown),
}
"""Columns of a state that play keeps within bounds; the space of observed states promises the same."""
LOWEST, HIGHEST = np.array([BOUNDS.get(name, (-math.inf, math.inf)) for name in STATE]).T


class World:
    """State and rules of N characters, on the classic island or on a level each.

    Attributes:
        who: (N,) int64, indices of the characters in `CHARACTERS`; set by `place`.
        columns: names of a state's columns.
        rule_state: (N, columns that follow `PHYSICS_STATE`) float64; its columns are also attributes (views).
        levels: level of each row; None on the classic island.
    """

    def __init__(self, count: int, threads: int = 1, settings: LevelSettings | None = None) -> None:
        """Makes N characters, with this many physics threads, the caller's included; `place` each before `step`."""
        self.settings = settings
        self.count = count
        self.columns = STATE if settings is None else (*STATE, *LEVEL_STATE)
        self.levels: list[Level | None] = [None] * count
        self._threads = threads
        ground = load_island() if settings is None else load_stock(settings)
        self._substeps = ground.substeps(RULES.control_step)
        self._batch = Batch(ground.model, count, threads)  # includes the caller's thread; 0 would mean all cores
        self._fields = None if settings is None else load_stock(settings).expand(self._batch)
        if threads > 1:
            _THREADED.add(self)
        self.qpos = self._batch.bind("qpos")
        self.qvel = self._batch.bind("qvel")
        self._ctrl = self._batch.bind("ctrl")
        self.rule_state = np.zeros((count, len(self.columns) - len(PHYSICS_STATE)))
        columns = self.rule_state.T
        self.camera_yaw, self.camera_tilt, self.grounded, self.mounted, self.mount_held = columns[:5]
        self.attack_left, self.dodge_left, self.dodge_wait, self.pad, self.flight_left = columns[5:10]
        self.since_pad, self.steps, self.stride, self.look = columns[10:14]
        self.who = np.zeros(count, np.int64)
        self._traits = np.tile(TRAITS[0], (count, 1))
        pads, islands = (len(PADS), 1) if settings is None else (settings.pads, settings.islands)
        landings = np.zeros((count, pads * islands, 3))
        if settings is None:
            landings[:] = load_island().landings
        self.fall_height = load_island().fall_height if settings is None else FALL_HEIGHT
        flight_seconds = load_island().flight_seconds if settings is None else FLIGHT_SECONDS
        gravity, step = ground.gravity, ground.timestep
        self._launches = Launches(
            landings=landings,
            pads=pads,
            islands=islands,
            flight_seconds=flight_seconds,
            # Semi-implicit Euler steps of length h lose g*h*t/2 of height: take-off speeds compensate for it.
            jump_speed=math.sqrt(2 * gravity * RULES.jump_height) + gravity * step / 2,
            fall_speed=gravity * (flight_seconds + step) / 2,
            ground_sensor=ground.ground_sensor,
            first_pad_sensor=ground.pad_sensors.start,
        )
        self._blocks = np.full((count, islands, len(BLOCK)), -1.0)
        self._moves = settings is not None and settings.distribution_mode == "hard"
        self._sensors = np.zeros((count, self._substeps, ground.model.nsensordata))
        self._code: tuple[Any, Any] | None = None  # of `control` and `settle`, from the first step on

    @property
    def characters(self) -> list[str]:
        """Names of the characters, one per row."""
        return [NAMES[who] for who in self.who.tolist()]

    @property
    def position(self) -> np.ndarray:
        """(N, 3) m, view: where the feet are."""
        return self.qpos[:, :3]

    @property
    def velocity(self) -> np.ndarray:
        """(N, 3) m/s, view."""
        return self.qvel[:, :3]

    @property
    def fell(self) -> np.ndarray:
        """(N,) bool: below the island."""
        return self.qpos[:, 2] < self.fall_height

    def islands(self, row: int) -> tuple[Places, ...]:
        """Returns the islands of a row, in the order in which they are reached."""
        level = self.levels[row]
        return (load_island(),) if level is None else level.islands

    def place(
        self, row: int, character: str, position: np.ndarray, heading: float = 0.0, look: int = 0, cue: int = -1
    ) -> None:
        """Resets a row: the character is at rest, with the camera behind it; on a level, on its first island.

        Args:
            row: index of the row.
            character: a name in `CHARACTERS`.
            position: (3,) m, of the feet.
            heading: rad.
            look: number of the look, see `jumppad_env.drawing.looks`.
            cue: index of the color that the flag shows; levels only.
        """
        self.who[row] = NAMES.index(character)
        self._traits[row] = TRAITS[self.who[row]]
        self.qpos[row] = (*position, heading)
        self.qvel[row] = 0.0
        self.rule_state[row] = 0.0
        self.camera_yaw[row] = heading
        self.camera_tilt[row] = RULES.camera_tilt_start
        self.mounted[row] = self._traits[row, HAS_BOARD]
        self.grounded[row] = 1.0
        self.pad[row] = -1.0
        self.since_pad[row] = -1.0
        self.look[row] = look
        level = self.levels[row]
        if level is not None:
            self.rule_state[row, RULE_LEVEL], self.rule_state[row, RULE_CUE] = level.number, cue

    def load(self, row: int, number: int) -> None:
        """Puts a level into a row; levels only.

        Raises:
            ValueError: no such level.
        """
        assert self.settings is not None and self._fields is not None
        level = self.levels[row] = make_level(number, self.settings)
        for name, values in level.row._asdict().items():
            self._fields[name][row] = values
        self._launches.landings[row], self._blocks[row] = level.landings, level.blocks

    def step(self, actions: np.ndarray) -> None:
        """Advances all characters by one control step.

        Args:
            actions: (N, 16) integers, validated by the caller.
        """
        # One array type: it is compiled once for a single row, whose state is contiguous, and once for several.
        pressed = np.array(actions, np.uint8, order="C")
        # The compiled code checks no bounds.
        assert pressed.shape == (self.count, gamepad.FACTORS), f"{pressed.shape} actions for {self.count} characters"
        moving = self.rule_state, self.qpos, self.qvel
        before = pressed, gamepad.STICK_VALUES, self._traits, RULES, self._launches, *moving, self._ctrl
        after = self._sensors, RULES, self._launches, *moving
        if self._code is None:
            self._code = specialized(control, *before), specialized(settle, *after)
        self._code[0](*before)
        if self._moves and self._fields is not None:
            move_blocks(self._blocks, self.steps, self._fields["geom_pos"])
        self._batch.rollout(self._substeps, record=["sensordata"], out={"sensordata": self._sensors})
        self._code[1](*after)

    def __getstate__(self) -> dict[str, Any]:
        """Returns all that the future depends on; MuJoCo's part can neither be pickled nor copied."""
        return {"threads": self._threads, "who": self.who, "states": self.states(), "settings": self.settings}

    def __setstate__(self, stored: dict[str, Any]) -> None:
        who, states = stored["who"], stored["states"]
        self.__init__(len(who), stored["threads"], stored["settings"])
        self.who[:], self._traits[:] = who, TRAITS[who]
        split = [self.qpos.shape[1], len(PHYSICS_STATE)]
        self.qpos[:], self.qvel[:], self.rule_state[:] = np.split(states, split, axis=1)
        if self.settings is not None:
            for row, number in enumerate(states[:, LEVEL].tolist()):
                self.load(row, int(number))

    def get_state(self, row: int) -> np.ndarray:
        """Returns the state of one row, float64 (len(columns),)."""
        return np.concatenate((self.qpos[row], self.qvel[row], self.rule_state[row]))

    def states(self) -> np.ndarray:
        """Returns the states of all rows, float64 (N, len(columns))."""
        return np.concatenate([self.qpos, self.qvel, self.rule_state], axis=1)

    def set_state(self, row: int, state: np.ndarray) -> None:
        """Restores a state of `get_state`; the character's name is not part of it.

        Raises:
            ValueError: wrong shape, not finite, beyond `FARTHEST` or `BOUNDS`, an unknown pad or an invalid look.
        """
        given, state = state, np.asarray(state)
        columns = self.columns
        if state.shape != (len(columns),) or state.dtype.kind not in "iuf" or not np.isfinite(state).all():
            raise ValueError(f"state must be {len(columns)} finite numbers ({', '.join(columns)}), got {given!r}")
        if np.abs(state[: len(PHYSICS_STATE)]).max() > FARTHEST:
            place = dict(zip(PHYSICS_STATE, state.tolist(), strict=False))
            raise ValueError(f"state has {place}, expected at most {FARTHEST:g} (m, m/s, rad, rad/s)")
        pad = state[PAD]
        if pad not in range(-1, self._launches.pads):
            names = PADS if self.settings is None else f"{self._launches.pads} pads"
            raise ValueError(f"state has pad {pad}, expected -1 (none) or the index of one of {names}")
        rules = state[: len(STATE)]
        outside = np.flatnonzero((rules < LOWEST) | (rules > HIGHEST)).tolist()
        if outside:
            column = outside[0]
            raise ValueError(
                f"state has {STATE[column]} {state[column]}, expected {LOWEST[column]:g} to {HIGHEST[column]:g}"
            )
        look = state[LOOK]
        if look != int(look) or not 0 <= look < LOOKS:
            raise ValueError(f"state has look {look}, expected a whole number from 0 to {LOOKS - 1}")
        if self.settings is not None:
            self._expect_level_columns(state)
            self.load(row, int(state[LEVEL]))
        split = self.qpos.shape[1]
        self.qpos[row] = state[:split]
        self.qvel[row] = state[split : len(PHYSICS_STATE)]
        self.rule_state[row] = state[len(PHYSICS_STATE) :]

    def _expect_level_columns(self, state: np.ndarray) -> None:
        pads, islands = self._launches.pads, self._launches.islands
        assert self.settings is not None
        most = {LEVEL: LEVELS - 1, ISLAND: islands - 1, TAKEN: TAKEN_BASE**islands - 1}
        bounds = {column: (0, highest) for column, highest in most.items()}
        bounds[CUE] = (0, pads - 1) if self.settings.cue else (-1, -1)
        for column, (lowest, highest) in bounds.items():
            if state[column] != int(state[column]) or not lowest <= state[column] <= highest:
                name = self.columns[column]
                raise ValueError(f"state has {name} {state[column]}, expected a whole number, {lowest} to {highest}")
        if taken_pads(state[TAKEN], islands).max() >= pads:
            raise ValueError(f"state has taken {state[TAKEN]}, which names a pad that there is not")


_THREADED: weakref.WeakSet[World] = weakref.WeakSet()


def _keep_batches() -> None:
    """Keeps MuJoCo's batches for ever: in a forked process they would wait at their end for missing threads."""
    for world in _THREADED:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(world._batch))


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_keep_batches)
