"""The rules: N characters, each alone on its own island, advanced together.

A single environment is a world of one; a vector environment a world of many. Both run the same arithmetic row by row,
so element i of a vector environment is bit for bit a single environment. MuJoCo does the physics (collisions, stairs,
jumps, falls, flight); this file turns the gamepad into actuator targets (`control`) and launches characters that touch
a pad (`settle`). Both functions are compiled: in NumPy the few numbers of one character take longer than its physics
(docs/performance.md).

Angles are counter-clockwise seen from above, 0 along +y.
"""

import ctypes
import math
import os
import weakref
from typing import Any, NamedTuple

import numpy as np

from jumppad_env import gamepad
from jumppad_env.compiled import compiled, specialized
from jumppad_env.island import load_island
from jumppad_env.island.mujoco_library import Batch
from jumppad_env.rules import CHARACTERS, PADS, RULES
from jumppad_env.world.state import FARTHEST, LOOK, LOOKS, PAD, PHYSICS_STATE, RULE_STATE, STATE, STRIDES, YAW, X, Y, Z

# Columns of the rule state, which has an array of its own.
RULE_CAMERA_YAW, RULE_CAMERA_TILT, RULE_GROUNDED, RULE_MOUNTED, RULE_MOUNT_HELD = range(5)
RULE_ATTACK_LEFT, RULE_DODGE_LEFT, RULE_DODGE_WAIT, RULE_PAD, RULE_FLIGHT_LEFT = range(5, 10)
RULE_SINCE_PAD, RULE_STEPS, RULE_STRIDE = range(10, 13)
BOARD_SPEED, FOOT_SPEED, HAS_BOARD = range(3)  # columns of the traits
NAMES = list(CHARACTERS)
TRAITS = np.array([(each.board_speed, each.foot_speed, each.has_board) for each in CHARACTERS.values()])

BOUNDS = {
    "camera_tilt": RULES.camera_tilt_range,
    "grounded": (0.0, 1.0),
    "mounted": (0.0, 1.0),
    "attack_left": (0.0, RULES.attack_seconds),
    "dodge_wait": (0.0, RULES.dodge_cooldown),
}
"""Columns of a state that play keeps within bounds; the space of observed states promises the same."""
LOWEST, HIGHEST = np.array([BOUNDS.get(name, (-math.inf, math.inf)) for name in STATE]).T


class Places(NamedTuple):
    """What compiled code needs of the island, and speeds derived from it."""

    landings: np.ndarray
    """(3, 3) m, where the launch of each pad ends."""
    flight_seconds: float
    """s from a pad to its landing place."""
    jump_speed: float
    """m/s, upwards at take-off."""
    fall_speed: float
    """m/s, lost to gravity during half of the flight."""
    ground_sensor: int
    """Column of the sensor data: number of contacts of the foot."""
    first_pad_sensor: int
    """First column of the sensor data with the number of contacts with each pad."""


class World:
    """State and rules of N characters.

    Attributes:
        who: (N,) int64, indices of the characters in `CHARACTERS`; set by `place`.
        rule_state: (N, len(RULE_STATE)) float64; its columns are also attributes (views).
    """

    def __init__(self, count: int, threads: int = 1) -> None:
        """Makes N characters, with this many physics threads, the caller's included; `place` each before `step`."""
        self.island = load_island()
        self.count = count
        self._threads = threads
        self._substeps = self.island.substeps(RULES.control_step)
        self._batch = Batch(self.island.model, count, threads)  # includes the caller's thread; 0 would mean all cores
        if threads > 1:
            _THREADED.add(self)
        self.qpos = self._batch.bind("qpos")
        self.qvel = self._batch.bind("qvel")
        self._ctrl = self._batch.bind("ctrl")
        self.rule_state = np.zeros((count, len(RULE_STATE)))
        columns = self.rule_state.T
        self.camera_yaw, self.camera_tilt, self.grounded, self.mounted, self.mount_held = columns[:5]
        self.attack_left, self.dodge_left, self.dodge_wait, self.pad, self.flight_left = columns[5:10]
        self.since_pad, self.steps, self.stride, self.look = columns[10:]
        self.who = np.zeros(count, np.int64)
        self._traits = np.tile(TRAITS[0], (count, 1))
        gravity, step = self.island.gravity, self.island.timestep
        self._places = Places(
            landings=self.island.landings,
            flight_seconds=self.island.flight_seconds,
            # Semi-implicit Euler steps of length h lose g*h*t/2 of height: take-off speeds compensate for it.
            jump_speed=math.sqrt(2 * gravity * RULES.jump_height) + gravity * step / 2,
            fall_speed=gravity * (self.island.flight_seconds + step) / 2,
            ground_sensor=self.island.ground_sensor,
            first_pad_sensor=self.island.pad_sensors.start,
        )
        self._sensors = np.zeros((count, self._substeps, self.island.model.nsensordata))
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
        return self.qpos[:, 2] < self.island.fall_height

    def place(self, row: int, character: str, position: np.ndarray, heading: float = 0.0, look: int = 0) -> None:
        """Resets a row: the character is at rest, with the camera behind it.

        Args:
            row: index of the row.
            character: a name in `CHARACTERS`.
            position: (3,) m, of the feet.
            heading: rad.
            look: number of the look, see `jumppad_env.drawing.looks`.
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
        before = pressed, gamepad.STICK_VALUES, self._traits, RULES, self._places, *moving, self._ctrl
        after = self._sensors, RULES, self._places, *moving
        if self._code is None:
            self._code = specialized(control, *before), specialized(settle, *after)
        self._code[0](*before)
        self._batch.rollout(self._substeps, record=["sensordata"], out={"sensordata": self._sensors})
        self._code[1](*after)

    def __getstate__(self) -> dict[str, Any]:
        """Returns all that the future depends on; MuJoCo's part can neither be pickled nor copied."""
        return {"threads": self._threads, "who": self.who, "states": self.states()}

    def __setstate__(self, stored: dict[str, Any]) -> None:
        who, states = stored["who"], stored["states"]
        self.__init__(len(who), stored["threads"])
        self.who[:], self._traits[:] = who, TRAITS[who]
        split = [self.qpos.shape[1], len(PHYSICS_STATE)]
        self.qpos[:], self.qvel[:], self.rule_state[:] = np.split(states, split, axis=1)

    def get_state(self, row: int) -> np.ndarray:
        """Returns the state of one row, float64 (len(STATE),), columns as in `STATE`."""
        return np.concatenate((self.qpos[row], self.qvel[row], self.rule_state[row]))

    def states(self) -> np.ndarray:
        """Returns the states of all rows, float64 (N, len(STATE))."""
        return np.concatenate([self.qpos, self.qvel, self.rule_state], axis=1)

    def set_state(self, row: int, state: np.ndarray) -> None:
        """Restores a state of `get_state`; the character's name is not part of it.

        Raises:
            ValueError: wrong shape, not finite, beyond `FARTHEST` or `BOUNDS`, an unknown pad or an invalid look.
        """
        given, state = state, np.asarray(state)
        if state.shape != (len(STATE),) or state.dtype.kind not in "iuf" or not np.isfinite(state).all():
            raise ValueError(f"state must be {len(STATE)} finite numbers ({', '.join(STATE)}), got {given!r}")
        if np.abs(state[: len(PHYSICS_STATE)]).max() > FARTHEST:
            place = dict(zip(PHYSICS_STATE, state.tolist(), strict=False))
            raise ValueError(f"state has {place}, expected at most {FARTHEST:g} (m, m/s, rad, rad/s)")
        pad = state[PAD]
        if pad not in range(-1, len(PADS)):
            raise ValueError(f"state has pad {pad}, expected -1 (none) or the index of one of {PADS}")
        outside = np.flatnonzero((state < LOWEST) | (state > HIGHEST)).tolist()
        if outside:
            column = outside[0]
            raise ValueError(
                f"state has {STATE[column]} {state[column]}, expected {LOWEST[column]:g} to {HIGHEST[column]:g}"
            )
        look = state[LOOK]
        if look != int(look) or not 0 <= look < LOOKS:
            raise ValueError(f"state has look {look}, expected a whole number from 0 to {LOOKS - 1}")
        split = self.qpos.shape[1]
        self.qpos[row] = state[:split]
        self.qvel[row] = state[split : len(PHYSICS_STATE)]
        self.rule_state[row] = state[len(PHYSICS_STATE) :]


_THREADED: weakref.WeakSet[World] = weakref.WeakSet()


def _keep_batches() -> None:
    """Keeps MuJoCo's batches for ever: in a forked process they would wait at their end for missing threads."""
    for world in _THREADED:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(world._batch))


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_keep_batches)


@compiled
def control(actions, deflections, traits, rules, places, rule_state, positions, velocities, targets):
    """Turns actions into actuator targets and moves the camera; jumps and dodges change the velocity at once.

    Args:
        actions: (N, 16) uint8.
        deflections: of each stick bucket.
        traits: (N, 3): top speeds on board and on foot, m/s; whether the character has a board.
        rules: `Rules`.
        places: `Places`.
        rule_state: (N, len(RULE_STATE)), updated.
        positions: (N, >= 4) of the joints, m and rad.
        velocities: (N, >= 3) of the joints, m/s, updated.
        targets: (N, 3) of the actuators, output: m/s along x and y, rad/s of the body.
    """
    for row in range(len(actions)):
        state, position, velocity = rule_state[row], positions[row], velocities[row]
        x, y = deflections[actions[row, 0]], deflections[actions[row, 1]]
        turn, tilt = deflections[actions[row, 2]], deflections[actions[row, 3]]
        jump, dodge = actions[row, 4] > 0, actions[row, 5] > 0
        attack, mount = actions[row, 6] > 0, actions[row, 7] > 0

        # Right stick to the right turns the view to the right, which is clockwise.
        state[RULE_CAMERA_YAW] -= turn * abs(turn) * (rules.camera_turn_rate * rules.control_step)
        lowest, highest = rules.camera_tilt_range
        tilted = state[RULE_CAMERA_TILT] + tilt * (rules.camera_tilt_rate * rules.control_step)
        state[RULE_CAMERA_TILT] = min(max(tilted, lowest), highest)

        free = state[RULE_FLIGHT_LEFT] <= 0
        if mount and state[RULE_MOUNT_HELD] == 0 and free and traits[row, HAS_BOARD] > 0:
            state[RULE_MOUNTED] = 1 - state[RULE_MOUNTED]
        state[RULE_MOUNT_HELD] = mount
        if attack and state[RULE_ATTACK_LEFT] <= 0 and free:
            state[RULE_ATTACK_LEFT] = rules.attack_seconds
        attacking = state[RULE_ATTACK_LEFT] > 0

        # Movement is relative to the camera; a diagonal is not faster.
        speed = traits[row, BOARD_SPEED] if state[RULE_MOUNTED] > 0 else traits[row, FOOT_SPEED]
        if attacking:
            speed *= rules.attack_slowdown
        speed /= max(1.0, math.sqrt(x * x + y * y))
        cos, sin = math.cos(state[RULE_CAMERA_YAW]), math.sin(state[RULE_CAMERA_YAW])
        drive_x = speed * (x * cos - y * sin)
        drive_y = speed * (x * sin + y * cos)
        aim = math.atan2(-drive_x, drive_y) if drive_x * drive_x + drive_y * drive_y > 0.01 else position[YAW]
        if dodge and state[RULE_DODGE_WAIT] <= 0 and free:
            dash = rules.dodge_distance / rules.dodge_seconds
            velocity[X] = -dash * math.sin(aim)
            velocity[Y] = dash * math.cos(aim)
            state[RULE_DODGE_LEFT] = rules.dodge_seconds
            state[RULE_DODGE_WAIT] = rules.dodge_cooldown
        if jump and state[RULE_GROUNDED] > 0 and free:
            velocity[Z] = places.jump_speed

        # While dodging or flying the targets match the velocity, so that the actuators exert no force.
        if not free:
            landing = places.landings[int(state[RULE_PAD])]
            drive_x = (landing[X] - position[X]) / state[RULE_FLIGHT_LEFT]
            drive_y = (landing[Y] - position[Y]) / state[RULE_FLIGHT_LEFT]
        elif state[RULE_DODGE_LEFT] > 0:
            drive_x, drive_y = velocity[X], velocity[Y]
        targets[row, 0] = drive_x
        targets[row, 1] = drive_y
        turned = (aim - position[YAW] + math.pi) % (2 * math.pi) - math.pi
        targets[row, 2] = min(max(turned / rules.control_step, -rules.body_turn_rate), rules.body_turn_rate)


@compiled
def settle(sensors, rules, places, rule_state, positions, velocities):
    """Counts timers down and launches characters at their first touch of a pad during this control step.

    Args:
        sensors: (N, physics steps, n), recorded during the control step.
        rules: `Rules`.
        places: `Places`.
        rule_state: (N, len(RULE_STATE)), updated.
        positions: (N, >= 3) of the joints, m.
        velocities: (N, >= 3) of the joints, m/s, updated.
    """
    steps = sensors.shape[1]
    for row in range(len(sensors)):
        state, position, velocity = rule_state[row], positions[row], velocities[row]
        state[RULE_GROUNDED] = sensors[row, steps - 1, places.ground_sensor] > 0
        for timer in (RULE_ATTACK_LEFT, RULE_DODGE_LEFT, RULE_DODGE_WAIT, RULE_FLIGHT_LEFT):
            # Sums of 0.1 are inexact: the remainder of a finished timer is set to zero.
            left = state[timer] - rules.control_step
            state[timer] = left if left >= 1e-9 else 0.0
        state[RULE_STEPS] += 1
        if state[RULE_GROUNDED] > 0:
            covered = math.sqrt(velocity[X] ** 2 + velocity[Y] ** 2) * rules.control_step
            state[RULE_STRIDE] += math.floor(covered * STRIDES + 0.5) / STRIDES
        if state[RULE_SINCE_PAD] >= 0:
            state[RULE_SINCE_PAD] += 1
        if state[RULE_PAD] >= 0:
            continue
        for pad in range(len(places.landings)):
            touched = False
            for step in range(steps):
                touched |= sensors[row, step, places.first_pad_sensor + pad] > 0
            if touched:
                landing = places.landings[pad]
                state[RULE_PAD] = pad
                state[RULE_SINCE_PAD] = 0
                state[RULE_FLIGHT_LEFT] = places.flight_seconds
                state[RULE_GROUNDED] = 0
                velocity[X] = (landing[X] - position[X]) / places.flight_seconds
                velocity[Y] = (landing[Y] - position[Y]) / places.flight_seconds
                velocity[Z] = (landing[Z] - position[Z]) / places.flight_seconds + places.fall_speed
                break
