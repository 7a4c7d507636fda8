"""Keyboard, mouse and gamepad, on SDL's dummy driver."""

import math

import numpy as np
import pytest

from jumppad_env import gamepad
from jumppad_env.game.controls import (
    BUTTON_KEYS,
    COMMAND_KEYS,
    LONGEST_LOOK,
    LOOK_PER_PIXEL,
    STICK_KEYS,
    Controls,
    both,
    gamepad_action,
    keyboard_action,
    mouse_action,
    scancode,
    stick_axes,
)
from jumppad_env.world import World


def keys(*names: str) -> np.ndarray:
    return keyboard_action(lambda name: name in names)


def pressed(action: np.ndarray) -> set[str]:
    return {gamepad.BUTTONS[i] for i in np.flatnonzero(action[len(gamepad.AXES) :])}


def test_no_key_is_the_neutral_action():
    assert np.array_equal(keys(), gamepad.NEUTRAL)


@pytest.mark.parametrize(
    ("name", "index", "value"),
    [
        ("w", gamepad.LEFT_Y, 10),
        ("s", gamepad.LEFT_Y, 0),
        ("a", gamepad.LEFT_X, 0),
        ("d", gamepad.LEFT_X, 10),
        ("left", gamepad.RIGHT_X, 2),
        ("right", gamepad.RIGHT_X, 8),
        ("space", gamepad.A, 1),
        ("left shift", gamepad.B, 1),
        ("right shift", gamepad.B, 1),
        ("f", gamepad.X, 1),
        ("e", gamepad.Y, 1),
    ],
)
def test_each_key_does_one_thing(name, index, value):
    action = keys(name)
    assert action[index] == value
    action[index] = gamepad.NEUTRAL[index]
    assert np.array_equal(action, gamepad.NEUTRAL)


def test_up_and_down_tilt_the_view():
    assert keys("up")[gamepad.RIGHT_Y] > gamepad.CENTER > keys("down")[gamepad.RIGHT_Y]


def test_opposite_keys_cancel_and_every_combination_is_an_action():
    assert np.array_equal(keys("w", "s", "left", "right"), gamepad.NEUTRAL)
    gamepad.validate(keys(*STICK_KEYS, *BUTTON_KEYS), (gamepad.FACTORS,))


def test_no_key_has_two_meanings_and_pygame_knows_all_keys(pygame):
    names = [*STICK_KEYS, *BUTTON_KEYS, *COMMAND_KEYS]
    assert len(set(names)) == len(names)
    assert [pygame.key.name(pygame.key.key_code(name)) for name in names] == names


def test_keyboard_and_gamepad_work_together():
    pad = gamepad_action(np.array([-0.5, 0.2, 1.0, 0.0]), {"A", "DPAD_UP"})
    action = both(keys("w", "f"), pad)
    assert action[:4].tolist() == [2, 10, 10, 5]
    assert pressed(action) == {"A", "X", "DPAD_UP"}


@pytest.mark.parametrize(
    ("raw", "axes"),
    [
        ((32767, 0, 0, 0), (1, 0, 0, 0)),
        ((0, -32768, 0, 0), (0, 1, 0, 0)),
        ((0, 0, -32768, 32767), (0, 0, -1, -1)),
        ((4000, -4000, 3000, 100), (0, 0, 0, 0)),
        ((16384, 8192, 0, -16384), (0.5, -0.25, 0, 0.5)),
    ],
)
def test_sticks_point_right_and_up_and_rest_in_the_middle(raw, axes):
    assert stick_axes(np.array(raw, dtype=np.float64)) == pytest.approx(axes, abs=1e-4)


@pytest.mark.parametrize("degrees", [0.3, 2.0, -9.0, 40.0, -50.0])
def test_the_view_turns_by_the_mouses_angle(degrees):
    world = World(1)
    world.place(0, "rider", world.islands(0)[0].spawns[0])
    yaw, tilt = world.camera_yaw[0], world.camera_tilt[0]
    look = np.radians([degrees, degrees / 5])
    for _ in range(12):
        action, look = mouse_action(look)
        world.step(action[None])
    assert math.degrees(yaw - world.camera_yaw[0]) == pytest.approx(degrees, abs=0.35)  # right is clockwise
    assert math.degrees(world.camera_tilt[0] - tilt) == pytest.approx(degrees / 5, abs=0.61)


def test_small_motions_of_the_mouse_add_up():
    look, turned = np.zeros(2), 0
    for _ in range(100):
        action, look = mouse_action(look + (0.002, 0.0))
        turned += abs(int(action[gamepad.RIGHT_X]) - gamepad.CENTER)
    assert turned > 10 and np.abs(look).max() < 0.03


@pytest.fixture
def controls(pygame):
    controls = Controls()
    controls.read()
    yield controls
    controls.release()


@pytest.fixture
def post(pygame, controls):
    """Posts an event by name and returns the commands that are read."""

    def post(name: str, **attributes) -> set[str]:
        if "key" in attributes and "scancode" not in attributes:  # as on a US keyboard
            known = pygame.key.name(attributes["key"]) in (*STICK_KEYS, *BUTTON_KEYS, *COMMAND_KEYS)
            attributes["scancode"] = scancode(pygame, pygame.key.name(attributes["key"])) if known else 64
        pygame.event.post(pygame.event.Event(getattr(pygame, name), **attributes))
        return controls.read()

    return post


def test_a_short_tap_is_kept_until_the_next_action(pygame, controls, post):
    assert post("KEYDOWN", key=pygame.K_SPACE) == {"play"}
    assert post("KEYUP", key=pygame.K_SPACE) == set()
    assert pressed(controls.action()) == {"A"}
    assert np.array_equal(controls.action(), gamepad.NEUTRAL), "and counts once"


@pytest.mark.parametrize(("key", "command"), [*COMMAND_KEYS.items(), ("w", "play"), ("f", "play")])
def test_each_key_gives_its_command(pygame, post, key, command):
    assert post("KEYDOWN", key=pygame.key.key_code(key)) == {command}


@pytest.mark.parametrize(
    ("place", "printed", "does"),
    [
        ("w", "z", "w"),  # AZERTY
        ("a", "q", "a"),
        ("w", ",", "w"),  # Dvorak
        ("d", "e", "d"),
        ("f", "t", "f"),  # Colemak
        ("w", "\u0446", "w"),  # Cyrillic
        ("d", "\u0432", "d"),
    ],
)
def test_keys_of_the_game_go_by_their_place_on_every_keyboard(pygame, controls, post, place, printed, does):
    assert post("KEYDOWN", key=ord(printed), scancode=scancode(pygame, place)) == {"play"}
    assert np.array_equal(controls.action(), keys(does))


def test_commands_go_by_their_letter_and_by_their_place_where_that_is_none(pygame, post):
    assert post("KEYDOWN", key=pygame.K_p, scancode=pygame.KSCAN_R) == {"pause"}, "Dvorak"
    assert post("KEYDOWN", key=ord("\u0437"), scancode=pygame.KSCAN_P) == {"pause"}, "Cyrillic"
    assert post("KEYDOWN", key=pygame.K_w, scancode=pygame.KSCAN_Z) == set(), "the letter W elsewhere"


def test_other_keys_do_nothing(pygame, controls, post):
    assert post("KEYDOWN", key=pygame.K_F7) == set()
    assert np.array_equal(controls.action(), gamepad.NEUTRAL)


def test_closing_the_window_quits_and_losing_it_waits(post):
    assert post("QUIT") == {"quit"}
    assert post("WINDOWFOCUSLOST") == {"wait"}


def test_the_mouse_turns_the_view_after_a_click(pygame, controls, post):
    moved = {"pos": (9, 9), "rel": (60, 30), "buttons": (0, 0, 0)}
    post("MOUSEMOTION", **moved)
    assert np.array_equal(controls.action(), gamepad.NEUTRAL)
    assert post("MOUSEBUTTONDOWN", button=1, pos=(9, 9)) == {"play"}
    assert controls.captured and not pygame.mouse.get_visible()
    assert np.array_equal(controls.action(), gamepad.NEUTRAL), "the first click does nothing else"
    post("MOUSEMOTION", **moved)
    action = controls.action()
    assert action[gamepad.RIGHT_X] > gamepad.CENTER > action[gamepad.RIGHT_Y], "to the right and down"
    assert post("MOUSEBUTTONDOWN", button=3, pos=(9, 9)) == set()
    post("MOUSEBUTTONDOWN", button=1, pos=(9, 9))
    assert pressed(controls.action()) == {"X"}


def test_escape_releases_the_mouse_before_it_quits(pygame, controls, post):
    post("MOUSEBUTTONDOWN", button=1, pos=(9, 9))
    assert post("KEYDOWN", key=pygame.K_ESCAPE) == {"wait"}
    assert not controls.captured and pygame.mouse.get_visible()
    assert post("KEYDOWN", key=pygame.K_ESCAPE) == {"quit"}


def test_a_flick_of_the_mouse_is_over_soon(controls, post):
    post("MOUSEBUTTONDOWN", button=1, pos=(9, 9))
    post("MOUSEMOTION", pos=(9, 9), rel=(5000, -5000), buttons=(0, 0, 0))
    assert LOOK_PER_PIXEL * 5000 > 10 * LONGEST_LOOK[0]
    turning = [controls.action()[gamepad.RIGHT_X] for _ in range(5)]
    assert turning == [10, 10, 10, 5, 5]


def test_taps_before_a_pause_are_discarded(pygame, controls, post):
    post("MOUSEBUTTONDOWN", button=1, pos=(9, 9))
    post("MOUSEMOTION", pos=(9, 9), rel=(60, 30), buttons=(0, 0, 0))
    post("KEYDOWN", key=pygame.K_SPACE)
    post("CONTROLLERBUTTONDOWN", button=pygame.CONTROLLER_BUTTON_X)
    controls.release()
    assert np.array_equal(controls.action(), gamepad.NEUTRAL)
