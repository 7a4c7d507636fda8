"""The rulebook: N characters, each alone on its own island, advanced together.

A single environment is a world of one; a vector environment a world of many. Both run the same arithmetic row by row,
so that element i of a vector environment is bit for bit a single environment. MuJoCo does the physics (collisions, the
stairs, jumps, falls, flight); this file only turns the gamepad into servo targets and launches whoever touches a pad.

Angles are counter-clockwise seen from above, 0 along +y.
"""

from __future__ import annotations

import numpy as np

from jumppad_env import gamepad
from jumppad_env.island import Island, load_island
from jumppad_env.mujoco_library import Batch
from jumppad_env.rules import CHARACTERS, PADS, RULES

PHYSICS_STATE = ("x", "y", "z", "yaw", "arm", "vx", "vy", "vz", "yaw_rate", "arm_rate")
RULE_STATE = (
    "camera_yaw",  # rad
    "camera_tilt",  # rad, positive looks up
    "grounded",  # 0 or 1
    "mounted",  # 0 or 1: on the board
    "mount_held",  # 0 or 1: button Y was down, so that holding it toggles once
    "attack_left",  # s
    "dodge_left",  # s
    "dodge_wait",  # s until the next dodge
    "pad",  # -1 none, else index of the pad touched first
    "flight_left",  # s of the launch still to go
    "since_pad",  # control steps since the pad was touched, -1 before
)
STATE = PHYSICS_STATE + RULE_STATE
"""Names of the columns of a state, which is exact: setting it and playing on repeats the future bit for bit."""


def wrap_angle(angle: np.ndarray) -> np.ndarray:
    """Returns the angle in [-pi, pi)."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


class World:
    """State and rules of N characters.

    Attributes:
        characters: names, one per row; set by `place`.
        rule_state: (N, len(RULE_STATE)) float64; its columns are attributes too, as live views.
    """

    camera_yaw: np.ndarray
    camera_tilt: np.ndarray
    grounded: np.ndarray
    mounted: np.ndarray
    mount_held: np.ndarray
    attack_left: np.ndarray
    dodge_left: np.ndarray
    dodge_wait: np.ndarray
    pad: np.ndarray
    flight_left: np.ndarray
    since_pad: np.ndarray

    def __init__(self, count: int, threads: int = 1, island: Island | None = None) -> None:
        """Makes N characters, physics on a pool of threads; `place` each before the first step."""
        self.island = island or load_island()
        self.count = count
        self._substeps = self.island.substeps(RULES.control_step)
        self._batch = Batch(self.island.model, count, threads)
        self.qpos = self._batch.bind("qpos")
        self.qvel = self._batch.bind("qvel")
        self._ctrl = self._batch.bind("ctrl")
        self.rule_state = np.zeros((count, len(RULE_STATE)))
        for column, name in enumerate(RULE_STATE):
            setattr(self, name, self.rule_state[:, column])
        first, last = RULE_STATE.index("attack_left"), RULE_STATE.index("dodge_wait")
        self._action_timers = self.rule_state[:, first : last + 1]  # neighbors: attack, dodge, wait for the next dodge
        names = list(CHARACTERS)
        self.characters = [names[0]] * count
        self._board_speed = np.full(count, CHARACTERS[names[0]].board_speed)
        self._foot_speed = np.full(count, CHARACTERS[names[0]].foot_speed)
        self._has_board = np.ones(count)
        gravity, step = self.island.gravity, self.island.timestep
        # Semi-implicit steps of length h lose g*h*t/2 of height: take-off speeds make up for it.
        self._jump_speed = np.sqrt(2 * gravity * RULES.jump_height) + gravity * step / 2
        self._fall_speed = gravity * (self.island.flight_seconds + step) / 2
        self._sensors = np.zeros((count, self._substeps, self.island.model.nsensordata))

    @property
    def position(self) -> np.ndarray:
        """(N, 3) m, live view: the point where the character stands."""
        return self.qpos[:, :3]

    @property
    def velocity(self) -> np.ndarray:
        """(N, 3) m/s, live view."""
        return self.qvel[:, :3]

    @property
    def fell(self) -> np.ndarray:
        """(N,) bool: has fallen off the island."""
        return self.qpos[:, 2] < self.island.fall_height

    def place(self, row: int, character: str, position: np.ndarray, heading: float = 0.0) -> None:
        """Puts a character down at rest, with the camera behind it.

        Args:
            row: which of the N.
            character: a name in `CHARACTERS`.
            position: (3,) m, where its feet are.
            heading: rad.
        """
        traits = CHARACTERS[character]
        self.characters[row] = character
        self._board_speed[row] = traits.board_speed
        self._foot_speed[row] = traits.foot_speed
        self._has_board[row] = traits.has_board
        self.qpos[row] = (*position, heading, 0.0)
        self.qvel[row] = 0.0
        self.rule_state[row] = 0.0
        self.camera_yaw[row] = heading
        self.camera_tilt[row] = RULES.camera_tilt_start
        self.mounted[row] = traits.has_board
        self.grounded[row] = 1.0
        self.pad[row] = -1.0
        self.since_pad[row] = -1.0

    def step(self, actions: np.ndarray) -> None:
        """Advances everyone by one control step.

        Args:
            actions: (N, 16) integers, validated by the caller.
        """
        sticks = gamepad.STICK_VALUES[actions[:, : len(gamepad.AXES)]]
        self._turn_camera(sticks)
        self._drive(sticks, actions)
        self._batch.rollout(self._substeps, record=["sensordata"], out={"sensordata": self._sensors})
        self._count_down()
        self._launch()

    def get_state(self, row: int) -> np.ndarray:
        """Returns the exact state of one character, float64 (len(STATE),), columns as in `STATE`."""
        return np.concatenate([self.qpos[row], self.qvel[row], self.rule_state[row]])

    def states(self) -> np.ndarray:
        """Returns the states of all, float64 (N, len(STATE))."""
        return np.concatenate([self.qpos, self.qvel, self.rule_state], axis=1)

    def set_state(self, row: int, state: np.ndarray) -> None:
        """Restores a state of `get_state`; the character (its name) is not part of it.

        Raises:
            ValueError: wrong shape, not finite, or an unknown pad.
        """
        given, state = state, np.asarray(state)
        if state.shape != (len(STATE),) or state.dtype.kind not in "iuf" or not np.isfinite(state).all():
            raise ValueError(f"state must be {len(STATE)} finite numbers ({', '.join(STATE)}), got {given!r}")
        pad = state[STATE.index("pad")]
        if pad not in range(-1, len(PADS)):
            raise ValueError(f"state has pad {pad}, expected -1 (none) or the index of one of {PADS}")
        split = self.qpos.shape[1]
        self.qpos[row] = state[:split]
        self.qvel[row] = state[split : len(PHYSICS_STATE)]
        self.rule_state[row] = state[len(PHYSICS_STATE) :]

    def _turn_camera(self, sticks: np.ndarray) -> None:
        turn = sticks[:, gamepad.RIGHT_X]
        # Stick to the right turns the view to the right, which is clockwise.
        self.camera_yaw -= turn * np.abs(turn) * (RULES.camera_turn_rate * RULES.control_step)
        self.camera_tilt += sticks[:, gamepad.RIGHT_Y] * (RULES.camera_tilt_rate * RULES.control_step)
        lowest, highest = RULES.camera_tilt_range
        self.camera_tilt[:] = np.minimum(np.maximum(self.camera_tilt, lowest), highest)

    def _drive(self, sticks: np.ndarray, actions: np.ndarray) -> None:
        """Turns the gamepad into targets of the servos; jumps and dodges change the velocity at once."""
        free = self.flight_left <= 0
        mount = actions[:, gamepad.Y] > 0
        if mount.any():
            toggle = mount & (self.mount_held == 0) & free & (self._has_board > 0)
            self.mounted[toggle] = 1 - self.mounted[toggle]
        self.mount_held[:] = mount
        attack = (actions[:, gamepad.X] > 0) & (self.attack_left <= 0) & free
        if attack.any():
            self.attack_left[attack] = RULES.attack_seconds
        attacking = self.attack_left > 0

        # Movement is relative to the camera; a diagonal is not faster.
        x, y = sticks[:, gamepad.LEFT_X], sticks[:, gamepad.LEFT_Y]
        speed = np.where(self.mounted > 0, self._board_speed, self._foot_speed)
        speed = np.where(attacking, speed * RULES.attack_slowdown, speed)
        speed = speed / np.maximum(1.0, np.sqrt(x * x + y * y))
        cos, sin = np.cos(self.camera_yaw), np.sin(self.camera_yaw)
        drive_x = speed * (x * cos - y * sin)
        drive_y = speed * (x * sin + y * cos)
        moving = drive_x * drive_x + drive_y * drive_y > 0.01

        yaw = self.qpos[:, 3]
        aim = np.where(moving, np.arctan2(-drive_x, drive_y), yaw)
        dodge = (actions[:, gamepad.B] > 0) & (self.dodge_wait <= 0) & free
        if dodge.any():
            speed = RULES.dodge_distance / RULES.dodge_seconds
            self.qvel[dodge, 0] = -speed * np.sin(aim[dodge])
            self.qvel[dodge, 1] = speed * np.cos(aim[dodge])
            self.dodge_left[dodge] = RULES.dodge_seconds
            self.dodge_wait[dodge] = RULES.dodge_cooldown
        jump = (actions[:, gamepad.A] > 0) & (self.grounded > 0) & free
        if jump.any():
            self.qvel[jump, 2] = self._jump_speed

        # While dodging or flying the servos hold the velocity, so that they exert no force.
        flying, dodging = ~free, self.dodge_left > 0
        if dodging.any():
            drive_x[dodging], drive_y[dodging] = self.qvel[dodging, 0], self.qvel[dodging, 1]
        if flying.any():
            landing = self.island.landings[self.pad[flying].astype(int)]
            left = self.flight_left[flying]
            drive_x[flying] = (landing[:, 0] - self.qpos[flying, 0]) / left
            drive_y[flying] = (landing[:, 1] - self.qpos[flying, 1]) / left
        limit = RULES.body_turn_rate
        self._ctrl[:, 0] = drive_x
        self._ctrl[:, 1] = drive_y
        self._ctrl[:, 2] = np.minimum(np.maximum(wrap_angle(aim - yaw) / RULES.control_step, -limit), limit)
        self._ctrl[:, 3] = attacking * RULES.arm_swing

    def _count_down(self) -> None:
        self.grounded[:] = self._sensors[:, -1, self.island.ground_sensor] > 0
        for timers in (self._action_timers, self.flight_left):
            # Sums of 0.1 are not exact: what is left of a finished timer is set to zero.
            timers -= RULES.control_step
            timers[timers < 1e-9] = 0.0
        self.since_pad += self.since_pad >= 0

    def _launch(self) -> None:
        """Launches whoever has touched a pad during this control step, for the first time."""
        touching = self._sensors[:, :, self.island.pad_sensors] > 0
        if not touching.any():
            return
        touched = np.any(touching, axis=1)
        new = np.any(touched, axis=1) & (self.pad < 0)
        if not new.any():
            return
        pad = touched[new].argmax(axis=1)
        flight = self.island.flight_seconds
        way = self.island.landings[pad] - self.qpos[new, :3]
        self.pad[new] = pad
        self.since_pad[new] = 0
        self.flight_left[new] = flight
        self.grounded[new] = 0
        self.dodge_left[new] = 0
        self.qvel[new, :2] = way[:, :2] / flight
        self.qvel[new, 2] = way[:, 2] / flight + self._fall_speed
