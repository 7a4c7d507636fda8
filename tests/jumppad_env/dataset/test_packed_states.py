"""Packed states: the same bits again, half of the room, and a clear refusal of what is no play."""

import gymnasium
import numpy as np
import pytest

from jumppad_env import gamepad
from jumppad_env.dataset.packed_states import LARGEST, PACKED, REAL, pack, timers, unpack
from jumppad_env.island import load_island
from jumppad_env.rules import CHARACTERS, PADS
from jumppad_env.streams import stream
from jumppad_env.world import STATE


def unpacked(packed: np.ndarray, states: np.ndarray) -> np.ndarray:
    return unpack(packed, np.arange(len(packed)), states[:, STATE.index("look")])


def played(character: str, steps: int, seed: int) -> np.ndarray:
    """States (T, len(STATE)) of somebody who presses everything and then runs onto a pad."""
    env = gymnasium.make("JumppadState-v0", character=character, terminate_on_pad=False, max_episode_steps=steps)
    env.reset(seed=seed)
    generator, states = stream(seed, "test"), []
    for step in range(steps):
        states.append(env.unwrapped.get_state())  # pyright: ignore[reportAttributeAccessIssue]
        action = env.action_space.sample()
        action[:4] = generator.integers(gamepad.BUCKETS, size=4)
        action[4:8] = generator.random(4) < 0.3
        if step > steps // 3:
            action[:4] = (5, 10, 5, 5)
            action[gamepad.A] = 1
        env.step(action)
    env.close()
    return np.array(states)


@pytest.fixture(scope="module")
def plays() -> list[np.ndarray]:
    return [played(character, 300, seed) for seed, character in enumerate([*CHARACTERS, "rider", "rider"])]


def test_every_state_of_wild_play_comes_back_bit_for_bit(plays):
    for states in plays:
        packed = pack(states)
        assert packed.shape == (len(states), len(PACKED)) and packed.dtype == np.float64
        assert unpacked(packed, states).tobytes() == states.tobytes()


def test_the_play_above_has_seen_every_value_of_every_timer_and_switch(plays):
    """So that the chains of `timers` are those of `jumppad_env.world.world.settle`."""
    states = np.concatenate([*plays, *map(on_pad, range(len(PADS)))])
    for name in ("grounded", "mounted", "mount_held"):
        assert set(states[:, STATE.index(name)]) == {0.0, 1.0}
    for name, values in timers().items():
        # An attack or dodge has begun to run down when it is first seen.
        expected = values if name == "flight_left" else values[:-1]
        assert tuple(np.unique(states[:, STATE.index(name)])) == expected, name
    assert {-1.0, 0.0, 1.0, 2.0} == set(states[:, STATE.index("pad")])


def on_pad(pad: int) -> np.ndarray:
    env = gymnasium.make("JumppadState-v0", terminate_on_pad=False)
    position = load_island().pads[pad]
    env.reset(seed=pad, options={"position": position + [0, 0, 0.5]})
    states = []
    for _ in range(60):
        states.append(env.unwrapped.get_state())  # pyright: ignore[reportAttributeAccessIssue]
        env.step(gamepad.NEUTRAL)
    env.close()
    states = np.array(states)
    assert unpacked(pack(states), states).tobytes() == states.tobytes()
    return states


def test_packed_states_take_half_of_the_room(plays):
    assert pack(plays[0]).nbytes == plays[0].nbytes * 11 // len(STATE)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("attack_left", 0.25),
        ("attack_left", 0.1),  # what is left of 0.5 after four steps is not quite that
        ("flight_left", 2.3),
        ("grounded", 2.0),
        ("grounded", 0.5),
        ("mounted", -0.0),
        ("pad", 3.0),
        ("pad", -2.0),
        ("since_pad", 1e6),
        ("since_pad", 0.5),
        ("stride", 0.1),
        ("stride", -1.0),
        ("stride", 1e9),
        ("steps", 7.0),
        ("look", 1.0),
        ("x", np.nan),
        ("vz", np.inf),
    ],
)
def test_a_state_that_does_not_fit_is_refused_by_name(plays, column, value):
    states = plays[0].copy()
    states[3, STATE.index(column)] = value
    with pytest.raises(ValueError, match=rf"^state 3 has {column} "):
        pack(states)


def test_shapes_that_do_not_fit_are_refused(plays):
    for states in (plays[0][:, :-1], plays[0].astype(np.float32), plays[0][:0], plays[0][0]):
        with pytest.raises(ValueError, match="float64"):
            pack(states)


def test_the_real_columns_are_stored_as_they_are(plays):
    packed = pack(plays[0])
    for column, name in enumerate(REAL):
        assert np.array_equal(packed[:, column], plays[0][:, STATE.index(name)])


@pytest.mark.parametrize("digits", [-1.0, 0.5, np.nan, np.inf, float(LARGEST), 1e300])
def test_damaged_digits_are_refused(plays, digits):
    packed = pack(plays[0])
    packed[5, -1] = digits
    with pytest.raises(ValueError, match="packed states"):
        unpacked(packed, plays[0])
