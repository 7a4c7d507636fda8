"""The rules, tested by probes of the real physics, one per row of a world."""

import numpy as np
import pytest

from jumppad_env import gamepad
from jumppad_env.island import load_island
from jumppad_env.rules import CHARACTERS, RULES
from jumppad_env.world import PHYSICS_STATE, STATE, World
from jumppad_env.world.state import FARTHEST, PAD

ISLAND = load_island()


def test_a_jump_is_as_high_as_the_rules_say(at_rest, press, garden, run):
    world = World(1)
    world.place(0, "rider", garden + [0, 0, at_rest])
    run(world, press(buttons=("A",)))
    # Between control steps: the closed form of a throw through the last state.
    vz = world.velocity[0, 2] - ISLAND.gravity * ISLAND.timestep / 2
    top = world.position[0, 2] + vz**2 / (2 * ISLAND.gravity)
    assert top - garden[2] - at_rest == pytest.approx(RULES.jump_height, abs=0.005)


def test_jumping_needs_the_ground(at_rest, press, garden, run):
    world = World(1)
    world.place(0, "rider", garden + [0, 0, at_rest])
    run(world, press(buttons=("A",)), 3)
    held = world.velocity[0, 2]
    world.place(0, "rider", garden + [0, 0, at_rest])
    run(world, press(buttons=("A",)))
    run(world, press(), 2)
    assert world.velocity[0, 2] == held
    assert world.grounded[0] == 0


@pytest.mark.parametrize("character", CHARACTERS)
@pytest.mark.parametrize("mounted", [True, False])
def test_speed_follows_the_first_order_response(character, mounted, press, at_rest, run):
    traits = CHARACTERS[character]
    top = traits.board_speed if mounted else traits.foot_speed
    world = World(1)
    world.place(0, character, np.array([0, 13.0, 1 + at_rest]))
    world.mounted[0] = mounted and traits.has_board
    model = ISLAND.model
    gain = -model.actuator("drive_y").biasprm[2] / model.body_mass[model.body("character").id :].sum()
    for step in range(1, 12):
        run(world, press(left=(0, 1)))
        seconds = step * RULES.control_step
        implicit = top * (1 - (1 + ISLAND.timestep * gain) ** -(5 * step))
        assert world.velocity[0, 1] == pytest.approx(implicit, abs=2e-3)
        assert world.velocity[0, 1] == pytest.approx(top * (1 - np.exp(-seconds / 0.2)), abs=0.02 * top)
    assert world.velocity[0, 1] == pytest.approx(top, rel=0.01)


def test_the_rider_reaches_95_percent_of_9_meters_per_second_after_0_6_s(press, garden, run):
    world = World(1)
    world.place(0, "rider", garden)
    run(world, press(left=(0, 1)), 6)
    assert world.velocity[0, 1] == pytest.approx(0.95 * 9.0, abs=0.15)


def test_movement_is_relative_to_the_camera(press, run):
    yaws = np.radians(np.arange(-180, 180, 30))
    for stick, offset in (((0, 1), 0), ((-1, 0), 90), ((0, -1), 180), ((1, 0), -90), ((0.6, 0.6), -45)):
        world = World(len(yaws))
        for row, yaw in enumerate(yaws):
            world.place(row, "rider", np.zeros(3), heading=yaw)
        run(world, press(left=stick), 3)
        way = yaws + np.radians(offset)
        speed = np.hypot(*world.velocity[:, :2].T)
        moved = world.velocity[:, :2] / speed[:, None]
        assert np.allclose(moved, np.stack([-np.sin(way), np.cos(way)], axis=1), atol=1e-9)
        # The body turns to where it moves.
        run(world, press(left=stick), 3)
        facing = (world.qpos[:, 3] - way + np.pi) % (2 * np.pi) - np.pi
        assert np.abs(facing).max() < 0.1


def test_a_diagonal_is_not_faster(press, garden):
    world = World(2)
    world.place(0, "rider", garden)
    world.place(1, "rider", garden)
    world.step(np.stack([press(left=(0, 1)), press(left=(1, 1))]))
    speed = np.hypot(*world.velocity[:, :2].T)
    assert speed[0] == pytest.approx(speed[1], rel=1e-3)


def test_half_a_stick_is_part_of_the_speed(press, run):
    world = World(1)
    world.place(0, "rider", np.array([0, 13.0, 1.0]))
    run(world, press(left=(0, 0.4)), 15)
    assert world.velocity[0, 1] == pytest.approx(0.4 * 9.0, rel=0.01)


def test_the_right_stick_turns_and_tilts_the_view(press, garden, run):
    world = World(1)
    world.place(0, "rider", garden)
    run(world, press(right=(1, 0)))
    assert world.camera_yaw[0] == pytest.approx(-RULES.camera_turn_rate * RULES.control_step)  # right is clockwise
    assert world.position[0, 0] == 0
    run(world, press(right=(-1, 0)))
    assert world.camera_yaw[0] == pytest.approx(0, abs=1e-12)
    run(world, press(right=(-0.4, 0)))
    assert world.camera_yaw[0] == pytest.approx(0.16 * RULES.camera_turn_rate * RULES.control_step)
    for direction, limit in zip((-1, 1), RULES.camera_tilt_range, strict=True):
        run(world, press(right=(0, direction)), 20)
        assert world.camera_tilt[0] == limit


def test_a_dodge_is_three_meters_and_once_a_second(press, at_rest, garden, run):
    world = World(1)
    world.place(0, "rider", garden + [0, 0, at_rest])
    run(world, press(buttons=("B",)), 2)  # held down
    assert world.position[0, 1] - garden[1] == pytest.approx(RULES.dodge_distance, abs=0.01)
    starts = []
    for step in range(2, 25):
        before = world.dodge_wait[0]
        run(world, press(buttons=("B",)))
        if world.dodge_wait[0] > before:
            starts.append(step)
    assert starts == [10, 20]


def test_a_dodge_goes_where_the_stick_points(press, garden, run):
    world = World(1)
    world.place(0, "rider", garden)
    run(world, press(left=(1, 0), buttons=("B",)))
    assert world.position[0, 0] == pytest.approx(1.5, abs=0.05)
    assert abs(world.position[0, 1] - garden[1]) < 1e-3


def test_an_attack_slows_to_a_third(press, run):
    world = World(1)
    world.place(0, "rider", np.array([0, 13.0, 1.0]))
    run(world, press(left=(0, 1)), 6)
    run(world, press(left=(0, 1), buttons=("X",)))
    speeds = [world.velocity[0, 1]]
    for _ in range(12):
        run(world, press(left=(0, 1)))
        speeds.append(world.velocity[0, 1])
    assert speeds[4] == pytest.approx(9 * (1 / 3 + 2 / 3 * np.exp(-0.5 / 0.2)), rel=0.05)  # after 0.5 s
    assert np.argmin(speeds) == 4 and speeds[-1] > 8.5


def test_the_board_toggles_once_however_long_the_button_is_held(press, garden, run):
    world = World(1)
    world.place(0, "rider", garden)
    run(world, press(buttons=("Y",)), 4)
    assert world.mounted[0] == 0
    run(world, press())
    run(world, press(buttons=("Y",)), 4)
    assert world.mounted[0] == 1


def test_a_character_without_a_board_cannot_mount(press, garden, run):
    world = World(1)
    world.place(0, "walker", garden)
    run(world, press(buttons=("Y",)))
    assert world.mounted[0] == 0


@pytest.mark.parametrize("button", gamepad.BUTTONS[4:])
def test_the_other_buttons_do_nothing(button, press):
    world = World(2)
    for row in range(2):
        world.place(row, "rider", np.zeros(3))
    for _ in range(5):
        world.step(np.stack([press(left=(0.4, 1)), press(left=(0.4, 1), buttons=(button,))]))
    assert np.array_equal(*world.states())


def test_mirrored_actions_give_mirrored_tracks(press):
    # Plaza, stairs and neck are symmetric, and so are the spawn points.
    generator = np.random.default_rng(3)
    world = World(2)
    world.place(0, "rider", ISLAND.spawns[0])
    world.place(1, "rider", ISLAND.spawns[1])
    mirror = np.array([-1, 1, 1])
    assert np.array_equal(world.position[0], world.position[1] * mirror)
    for step in range(35):
        action = press(left=(generator.uniform(-0.4, 0.4), 1), right=(generator.uniform(-0.4, 0.4), 0))
        action[[gamepad.A, gamepad.B, gamepad.X, gamepad.Y]] = generator.random(4) < 0.1
        other = action.copy()
        other[[gamepad.LEFT_X, gamepad.RIGHT_X]] = 10 - action[[gamepad.LEFT_X, gamepad.RIGHT_X]]
        world.step(np.stack([action, other]))
        assert np.allclose(world.position[0], world.position[1] * mirror, atol=1e-9, rtol=0), step
        assert np.isclose(world.qpos[0, 3], -world.qpos[1, 3], atol=1e-9)
    assert world.position[0, 1] > 13, "has climbed the stairs"


def test_characters_at_different_places_do_not_disturb_each_other():
    # The same character at the same place, alone and among others.
    alone, among = World(1), World(5, threads=2)
    alone.place(0, "mystic", ISLAND.spawns[2])
    for row in range(5):
        among.place(row, "mystic", ISLAND.spawns[2])
    generator = np.random.default_rng(0)
    for _ in range(20):
        actions = np.stack([gamepad.NEUTRAL] * 5)
        actions[:, :4] = generator.integers(11, size=(5, 4))
        actions[:, 4:8] = generator.random((5, 4)) < 0.2
        among.step(actions)
        alone.step(actions[3:4])
        assert np.array_equal(alone.get_state(0), among.get_state(3))
        assert np.array_equal(among.states()[3], among.get_state(3))


def test_states_restore_exactly():
    world = World(1)
    world.place(0, "rider", ISLAND.spawns[0])
    generator = np.random.default_rng(1)
    actions = np.stack([gamepad.NEUTRAL] * 30)
    actions[:, :4] = generator.integers(11, size=(30, 4))
    actions[:, 4:8] = generator.random((30, 4)) < 0.3
    states = []
    for action in actions:
        states.append(world.get_state(0))
        world.step(action[None])
    other = World(3)
    for start in (0, 7, 15, 29):
        other.set_state(2, states[start])
        for step in range(start, len(actions)):
            assert np.array_equal(other.get_state(2), states[step])
            other.step(actions[step][None].repeat(3, axis=0))
        assert np.array_equal(other.get_state(2), world.get_state(0))


@pytest.mark.parametrize("state", [np.zeros(3), np.full(len(STATE), np.nan), "state", None])
def test_invalid_states_are_rejected(state):
    with pytest.raises(ValueError, match=f"{len(STATE)} finite numbers"):
        World(1).set_state(0, state)


def test_a_state_with_an_unknown_pad_is_rejected(garden):
    world = World(1)
    world.place(0, "rider", garden)
    for pad in (3, -2, 0.5):
        state = world.get_state(0)
        state[PAD] = pad
        with pytest.raises(ValueError, match="pad"):
            world.set_state(0, state)


@pytest.mark.parametrize("column", PHYSICS_STATE)
@pytest.mark.parametrize("sign", [-1, 1])
def test_states_beyond_the_limit_are_rejected_and_states_within_it_continue(garden, press, run, column, sign):
    # MuJoCo would reset itself to the origin and write a log file.
    world = World(1)
    world.place(0, "rider", garden)
    state = world.get_state(0)
    state[STATE.index(column)] = sign * FARTHEST
    world.set_state(0, state)
    run(world, press(), 100)
    states = world.get_state(0)
    assert np.isfinite(states).all() and (column not in "xyz" or abs(states[STATE.index(column)]) > FARTHEST / 2)
    state[STATE.index(column)] *= 1.001
    with pytest.raises(ValueError, match=f"'{column}': .*, expected at most 1e.06"):
        world.set_state(0, state)


def test_actions_for_another_number_of_characters_are_rejected():
    world = World(2)
    for shape in ((1, 16), (3, 16), (2, 15)):
        with pytest.raises(AssertionError, match="actions for 2 characters"):
            world.step(np.zeros(shape, np.uint8))
