"""What happens in a control step besides MuJoCo's physics: the gamepad drives characters, and pads launch them.

Both functions are compiled: in NumPy the few numbers of one character take longer than its physics
(docs/performance.md).
"""

import math
from typing import NamedTuple

import numpy as np

from jumppad_env.compiled import compiled, compiled_part, inlined
from jumppad_env.levels.level import B_GEOM, B_PHASE, B_RATE, B_REACH_X, B_REACH_Y, B_X, B_Y
from jumppad_env.rules import CHARACTERS
from jumppad_env.world.state import STRIDES, TAKEN_BASE, YAW, X, Y, Z

# Columns of the rule state, which has an array of its own.
RULE_CAMERA_YAW, RULE_CAMERA_TILT, RULE_GROUNDED, RULE_MOUNTED, RULE_MOUNT_HELD = range(5)
RULE_ATTACK_LEFT, RULE_DODGE_LEFT, RULE_DODGE_WAIT, RULE_PAD, RULE_FLIGHT_LEFT = range(5, 10)
RULE_SINCE_PAD, RULE_STEPS, RULE_STRIDE, RULE_LOOK = range(10, 14)
RULE_LEVEL, RULE_ISLAND, RULE_TAKEN, RULE_CUE = range(14, 18)
BOARD_SPEED, FOOT_SPEED, HAS_BOARD = range(3)  # columns of the traits
NAMES = list(CHARACTERS)
TRAITS = np.array([(each.board_speed, each.foot_speed, each.has_board) for each in CHARACTERS.values()])


class Launches(NamedTuple):
    """What compiled code needs of the islands, and speeds derived from them."""

    landings: np.ndarray
    """(N, K * P, 3) m, where the launch of each pad ends, island by island."""
    pads: int
    """P, of an island."""
    islands: int
    """K, in a row."""
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


@inlined
def pad_number(state, launches):
    """Returns the number of the pad that was touched last, among those of all islands."""
    first = int(state[RULE_ISLAND]) * launches.pads if launches.islands > 1 else 0
    return first + int(state[RULE_PAD])


@compiled
def control(actions, deflections, traits, rules, launches, rule_state, positions, velocities, targets):
    """Turns actions into actuator targets and moves the camera; jumps and dodges change the velocity at once.

    Args:
        actions: (N, 16) uint8.
        deflections: of each stick bucket.
        traits: (N, 3): top speeds on board and on foot, m/s; whether the character has a board.
        rules: `Rules`.
        launches: `Launches`.
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
            velocity[Z] = launches.jump_speed

        # While dodging or flying the targets match the velocity, so that the actuators exert no force.
        if not free:
            landing = launches.landings[row, pad_number(state, launches)]
            drive_x = (landing[X] - position[X]) / state[RULE_FLIGHT_LEFT]
            drive_y = (landing[Y] - position[Y]) / state[RULE_FLIGHT_LEFT]
        elif state[RULE_DODGE_LEFT] > 0:
            drive_x, drive_y = velocity[X], velocity[Y]
        targets[row, 0] = drive_x
        targets[row, 1] = drive_y
        turned = (aim - position[YAW] + math.pi) % (2 * math.pi) - math.pi
        targets[row, 2] = min(max(turned / rules.control_step, -rules.body_turn_rate), rules.body_turn_rate)


@compiled
def settle(sensors, rules, launches, rule_state, positions, velocities):
    """Counts timers down and launches characters at their first touch of a pad during this control step.

    Args:
        sensors: (N, physics steps, n), recorded during the control step.
        rules: `Rules`.
        launches: `Launches`.
        rule_state: (N, len(RULE_STATE)), updated.
        positions: (N, >= 3) of the joints, m.
        velocities: (N, >= 3) of the joints, m/s, updated.
    """
    steps = sensors.shape[1]
    for row in range(len(sensors)):
        state, position, velocity = rule_state[row], positions[row], velocities[row]
        state[RULE_GROUNDED] = sensors[row, steps - 1, launches.ground_sensor] > 0
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
            if launches.islands > 1 and state[RULE_FLIGHT_LEFT] == 0 and state[RULE_ISLAND] < launches.islands - 1:
                state[RULE_ISLAND] += 1  # landed on the next
                state[RULE_PAD] = state[RULE_SINCE_PAD] = -1
            continue
        first = int(state[RULE_ISLAND]) * launches.pads if launches.islands > 1 else 0
        for pad in range(launches.pads):
            touched = False
            for step in range(steps):
                touched |= sensors[row, step, launches.first_pad_sensor + first + pad] > 0
            if touched:
                landing = launches.landings[row, first + pad]
                state[RULE_PAD] = pad
                state[RULE_SINCE_PAD] = 0
                state[RULE_FLIGHT_LEFT] = launches.flight_seconds
                state[RULE_GROUNDED] = 0
                velocity[X] = (landing[X] - position[X]) / launches.flight_seconds
                velocity[Y] = (landing[Y] - position[Y]) / launches.flight_seconds
                velocity[Z] = (landing[Z] - position[Z]) / launches.flight_seconds + launches.fall_speed
                if len(state) > RULE_TAKEN:
                    place = int(state[RULE_ISLAND])
                    state[RULE_TAKEN] += (pad + 1) * TAKEN_BASE**place
                break


@compiled_part
def block_offset(block, steps):
    """Returns where a moving block is: x and y from the middle of its way, m."""
    turn = math.sin(block[B_RATE] * steps + block[B_PHASE])
    return block[B_REACH_X] * turn, block[B_REACH_Y] * turn


@compiled
def move_blocks(blocks, steps, positions):
    """Moves the blocks of levels to where they are during a control step.

    Args:
        blocks: (N, K, len(BLOCK)).
        steps: (N,), control steps since the episodes began.
        positions: (N, geoms, 3) m, updated.
    """
    for row in range(len(blocks)):
        for island in range(blocks.shape[1]):
            block = blocks[row, island]
            if block[B_GEOM] >= 0:
                x, y = block_offset(block, steps[row])
                geom = int(block[B_GEOM])
                positions[row, geom, 0], positions[row, geom, 1] = block[B_X] + x, block[B_Y] + y
